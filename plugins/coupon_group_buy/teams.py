"""Opening a team, joining it, leaving it, and what becomes of it when its time is up.

Every unit changes the team's row first: whoever comes second waits, and sees what the first has done. A place is a coupon that
is kept until the team's end; with the last place all of them are granted, and whoever takes that place has theirs at once.
What goes wrong on the way is an answer whose unit is not kept (a page, no redirect), so that nothing is cleaned up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webapp.plugin_api import OfferView, PluginContext, Refusal, Row

from . import telling
from .models import PLACE, TEAM

OPEN, COMPLETE, FAILED = "open", "complete", "failed"
WORK = "settle"
SPARE = timedelta(
    days=7
)  # a team that may succeed at its end is decided by work, which waits while the shop's machine is off
MARGIN = timedelta(hours=1)  # before a coupon's last moment: such a team ends by then
T, P = TEAM.c, PLACE.c


@dataclass(frozen=True, slots=True)
class No:
    """Why not: full, late, in_already, not_in, again, or the core's code of a coupon that was not given."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


# --------------------------------------------------------------------------------------------------------------- looking


def by_word(ctx: PluginContext, word: str) -> Row | None:
    """The team of a public page."""
    found = ctx.tables.rows(TEAM, T.word == word, limit=1)
    return found[0] if found else None


def places(ctx: PluginContext, team_id: int) -> list[Row]:
    """Who is in, the leader first."""
    return ctx.tables.rows(PLACE, P.team_id == team_id, order=(P.turn,))


def place_of(ctx: PluginContext, team_id: int, member: str) -> Row | None:
    """A member's place."""
    found = ctx.tables.rows(PLACE, P.team_id == team_id, P.member_id == _id(member), limit=1)
    return found[0] if found else None


def of_member(ctx: PluginContext, offer_id: int, member: str) -> list[Row]:
    """The teams of an offer in which a member has a place, the newest first."""
    mine = ctx.tables.rows(
        PLACE, P.member_id == _id(member), P.offer_id == offer_id, order=(P.joined_at.desc(),), limit=50
    )
    ids = [place["team_id"] for place in mine]
    return ctx.tables.rows(TEAM, T.id.in_(ids), order=(T.opened_at.desc(),)) if ids else []


def shown(team: Row, now: datetime) -> str:
    """What a team is at a moment: its work may be a second late, and nobody is told otherwise meanwhile."""
    if team["state"] != OPEN or team["ends_at"] > now:
        return str(team["state"])
    return COMPLETE if team["enough"] is not None and team["members"] >= team["enough"] else FAILED


# -------------------------------------------------------------------------------------------------------------- changing


def open_team(ctx: PluginContext, offer: OfferView, member: str) -> Row | No:
    """A new team with its first member."""
    enough = offer.terms.get("enough")
    ends = ctx.now + timedelta(minutes=offer.terms["minutes"])
    if offer.claim_until is not None:
        ends = min(ends, offer.claim_until)
    if ends <= ctx.now:
        return No("too_late")
    taken = ctx.coupons.take(offer.id, member, _key(ctx), until=_kept(ends, enough))
    if isinstance(taken, Refusal):
        return No(taken.code, taken.facts)
    if taken.held_until is not None:  # its last day may be nearer
        ends = min(ends, taken.held_until - (MARGIN if enough is not None else timedelta()))
    if ends <= ctx.now:
        return No("too_late")
    word = ctx.new_word()
    team_id = ctx.tables.add(
        TEAM,
        offer_id=offer.id,
        word=word,
        size=offer.terms["size"],
        enough=enough,
        members=1,
        joined=1,
        state=OPEN,
        opened_at=ctx.now,
        ends_at=ends,
    )
    if team_id is None:
        return No("again")
    _sit(ctx, team_id, offer.id, member, taken.id, 1)
    ctx.later(WORK, {"team": team_id}, key=f"team:{team_id}", at=ends)
    return _team(ctx, team_id)


def join(ctx: PluginContext, team: Row, member: str) -> Row | No:
    """One more, if there is a place left and time; with the last one everybody's coupon is good."""
    if place_of(ctx, team["id"], member) is not None:
        return No("in_already")
    offer = ctx.coupons.offer_by_id(team["offer_id"])
    if offer is None or offer.word is None:
        return No("over")
    changed = ctx.tables.change(
        TEAM,
        T.id == team["id"],
        T.state == OPEN,
        T.members < T.size,
        T.ends_at > ctx.now,
        members=T.members + 1,
        joined=T.joined + 1,
    )
    if changed != 1:
        return No("full" if _team(ctx, team["id"])["state"] == COMPLETE else "late")
    if place_of(ctx, team["id"], member) is not None:  # another tap was first while this one waited
        return No("in_already")
    team = _team(ctx, team["id"])
    others = [place["coupon_id"] for place in _sitting(ctx, team)] if team["members"] == team["size"] else []
    full = len(others) + 1 == team["size"]
    granted = ctx.coupons.grant(others) if full else []
    if isinstance(granted, Refusal):
        return No("again")
    until = None if full else _kept(team["ends_at"], team["enough"])
    taken = ctx.coupons.take(team["offer_id"], member, _key(ctx), until=until)
    if isinstance(taken, Refusal):
        return No(taken.code, taken.facts)
    if taken.held_until is not None and taken.held_until < team["ends_at"]:
        return No("over")  # the offer ends sooner than when the team was opened
    _sit(ctx, team["id"], team["offer_id"], member, taken.id, team["joined"])
    if full:
        ctx.tables.change(TEAM, T.id == team["id"], state=COMPLETE, ended_at=ctx.now)
        telling.complete(ctx, team, places(ctx, team["id"]), [*granted, taken])
    return _team(ctx, team["id"])


def leave(ctx: PluginContext, team: Row, member: str) -> Row | No:
    """One less: the place, the stock and their allowance are free again; if it was the leader, the next in line leads. A team
    that everybody has left has failed."""
    changed = ctx.tables.change(
        TEAM,
        T.id == team["id"],
        T.state == OPEN,
        T.members > 0,
        T.ends_at > ctx.now,
        members=T.members - 1,
    )
    if changed != 1:
        return No("late")
    place = place_of(ctx, team["id"], member)
    if place is None:
        return No("not_in")
    ctx.tables.remove(PLACE, P.id == place["id"])
    ctx.coupons.let_go([place["coupon_id"]])
    ctx.tables.change(TEAM, T.id == team["id"], T.members == 0, state=FAILED, ended_at=ctx.now)
    return _team(ctx, team["id"])


def settle(ctx: PluginContext, team_id: int) -> None:
    """Its time is up: it succeeds if it has enough, else all coupons go back. Done again it changes nothing."""
    mine = ctx.tables.change(TEAM, T.id == team_id, T.state == OPEN, T.ends_at <= ctx.now, ended_at=T.ends_at)
    if mine != 1:
        return
    team = _team(ctx, team_id)
    coupons = _enough(ctx, team)
    if coupons:
        granted = ctx.coupons.grant(coupons)
        if isinstance(granted, Refusal):
            raise RuntimeError(f"a coupon of team {team_id} has just moved ({granted.code})")
        telling.complete(ctx, team, places(ctx, team_id), granted)
    else:
        people = places(ctx, team_id)
        ctx.coupons.let_go([place["coupon_id"] for place in people])
        telling.failed(ctx, team, people)
    ctx.tables.change(TEAM, T.id == team_id, state=COMPLETE if coupons else FAILED)


def _enough(ctx: PluginContext, team: Row) -> list[int]:
    """The coupons of a team that succeeds at its end, none of one that does not."""
    if team["enough"] is None or team["members"] < team["enough"]:
        return []
    coupons = [place["coupon_id"] for place in _sitting(ctx, team)]
    return coupons if len(coupons) >= team["enough"] else []


def _sitting(ctx: PluginContext, team: Row) -> list[Row]:
    """Who is in with a coupon that is still kept. One that staff took away, or whose time is over, leaves its place."""
    found: list[Row] = []
    gone: list[Row] = []
    for place in places(ctx, team["id"]):
        coupon = ctx.coupons.state(place["coupon_id"])
        (found if coupon is not None and coupon.state == "held" else gone).append(place)
    if gone:
        ctx.tables.remove(PLACE, P.id.in_([place["id"] for place in gone]))
        ctx.tables.change(TEAM, T.id == team["id"], members=T.members - len(gone))
    return found


def _sit(ctx: PluginContext, team_id: int, offer_id: int, member: str, coupon_id: int, turn: int) -> None:
    made = ctx.tables.add(
        PLACE,
        team_id=team_id,
        offer_id=offer_id,
        member_id=_id(member),
        coupon_id=coupon_id,
        turn=turn,
        joined_at=ctx.now,
    )
    if made is None:
        raise RuntimeError(f"{member} has a place in team {team_id} already")


def _team(ctx: PluginContext, team_id: int) -> Row:
    return ctx.tables.rows(TEAM, T.id == team_id, limit=1)[0]


def _kept(ends: datetime, enough: int | None) -> datetime:
    """Until when a place's coupon is kept: to the team's end, when the core gives it back by itself; a team that may succeed
    then is decided by its work, and that has to find the coupons there."""
    return ends if enough is None else ends + SPARE


def _key(ctx: PluginContext) -> str:
    """Each try is one of its own: the core sees to it that a form does its work once."""
    return ctx.new_word()[:40]


def _id(member: str) -> int:
    return int(member.partition(":")[2])
