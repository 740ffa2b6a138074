"""The page where a team is opened, a team's own page, and the list for the shop's people. All of them tell the time by the
server's clock and work without scripts."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

from webapp.plugin_api import NotFound, OfferView, Page, PageRequest, PluginContext, Redirect, Row

from . import teams
from .models import TEAM
from .teams import COMPLETE, FAILED, OPEN, No, T

COUNTED = 48 * 3600  # seconds; what is further away says its day alone
TAKING = ("open", "few")
STATES = (OPEN, COMPLETE, FAILED)
SHOWN = 100  # teams on one of the staff's pages
OFFERS = 30  # offers there


def seconds_to(moment: datetime, now: datetime) -> int:
    """Until then, rounded up; 0 where it has passed."""
    return max(0, ceil((moment - now).total_seconds()))


def clock(seconds: int) -> str:
    """HH:MM:SS, as the script in the page goes on to write it."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


# ------------------------------------------------------------------------------------------------------ opening a team


def offer(ctx: PluginContext, request: PageRequest) -> Page | Redirect | NotFound:
    """What a team saves, the teams one is in, and the button that opens one."""
    found = ctx.coupons.offer(request.word)
    if found is None:
        return NotFound()
    values = _of_offer(ctx, request, found)
    if not request.posted:
        return Page("coupon_group_buy/offer.html", values)
    if not request.member:
        return Redirect(request.joining)
    made = teams.open_team(ctx, found, request.member)
    if isinstance(made, No):
        return Page("coupon_group_buy/offer.html", values | {"no": made}, status=409)
    return Redirect(team_address(made), "Your team is open. Share its link: it counts from now.")


def _of_offer(ctx: PluginContext, request: PageRequest, found: OfferView) -> dict[str, Any]:
    mine = teams.of_member(ctx, found.id, request.member) if request.member else []
    return {
        "offer": found,
        "terms": found.terms,
        "taking": found.stage in TAKING,
        "mine": [_told(one, request.moment) for one in mine],
        "no": None,
    }


def team_address(team: Row) -> str:
    """The path of a team's page."""
    return f"/x/coupon_group_buy/{team['word']}/team"


# ---------------------------------------------------------------------------------------------------------- a team's page


def team(ctx: PluginContext, request: PageRequest) -> Page | Redirect | NotFound:
    """How far it is, who is in, and the one thing to do: join, share or leave."""
    found = teams.by_word(ctx, request.word)
    if found is None:
        return NotFound()
    # What goes wrong is not kept, and what is said of it must not show what is not kept: the page is read before.
    values = _of_team(ctx, request, found)
    if not request.posted:
        return Page("coupon_group_buy/team.html", values)
    if not request.member:
        return Redirect(request.joining)
    leaving = request.form.get("do") == "leave"
    answer = (teams.leave if leaving else teams.join)(ctx, found, request.member)
    if isinstance(answer, No):
        return Page("coupon_group_buy/team.html", values | {"no": answer}, status=409)
    if leaving:
        return Redirect(request.address("team"), "You have left the team. Your place is free again.")
    if answer["state"] == COMPLETE:
        return Redirect(request.address("team"), "The team is full: everybody's coupon is good now.")
    return Redirect(request.address("team"), "You are in. Share the link, so that it is full in time.")


def _of_team(ctx: PluginContext, request: PageRequest, found: Row) -> dict[str, Any]:
    state = teams.shown(found, request.moment)
    people = teams.places(ctx, found["id"])
    words = [f"member:{place['member_id']}" for place in people]
    names = ctx.names(words)
    mine = next((place for place, word in zip(people, words, strict=True) if word == request.member), None)
    coupon = ctx.coupons.state(mine["coupon_id"]) if mine is not None else None
    offer = ctx.coupons.offer_by_id(found["offer_id"])
    left = seconds_to(found["ends_at"], request.moment)
    return {
        "team": found,
        "offer": offer,
        "terms": offer.terms if offer is not None else None,
        "state": state,
        "people": [
            {"name": names.get(word, ""), "you": word == request.member, "leads": at == 0}
            for at, word in enumerate(words)
        ],
        "missing": found["size"] - found["members"],
        "inside": mine is not None,
        "known": bool(request.member),
        "coupon": coupon,
        "seconds": left if state == OPEN and left <= COUNTED else None,
        "clock": clock(left) if state == OPEN and left <= COUNTED else "",
        "taking": state == OPEN and offer is not None and offer.word is not None and offer.stage in TAKING,
        "share": request.origin + team_address(found),
        "no": None,
    }


def _told(found: Row, now: datetime) -> dict[str, Any]:
    return {"team": found, "state": teams.shown(found, now), "page": team_address(found)}


# ------------------------------------------------------------------------------------------------------- the shop's people


def all_teams(ctx: PluginContext, request: PageRequest) -> Page | NotFound:
    """Every offer with how many of its teams are where; of one of them (?offer=) the teams."""
    asked = request.args.get("offer", "")
    if not asked:
        rows = [
            {
                "offer": one,
                "counts": {
                    state: ctx.tables.count(TEAM, T.offer_id == one.id, T.state == state) for state in STATES
                },
            }
            for one in ctx.coupons.offers()[:OFFERS]
        ]
        return Page("coupon_group_buy/staff.html", {"rows": rows})
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        return NotFound()
    offer = ctx.coupons.offer_by_id(int(asked))
    if offer is None:
        return NotFound()
    found = ctx.tables.rows(
        TEAM, T.offer_id == offer.id, order=(T.opened_at.desc(), T.id.desc()), limit=SHOWN + 1
    )
    return Page(
        "coupon_group_buy/staff_offer.html",
        {
            "offer": offer,
            "rows": [_told(one, request.moment) for one in found[:SHOWN]],
            "more": len(found) > SHOWN,
            "most": SHOWN,
        },
    )
