"""The list, one campaign, the card on Today, and the messages on a member's profile."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext as _ngettext

from webapp.campaigns import audience, content, group_results, groups, queries, results, source, wording
from webapp.campaigns.models import Campaign
from webapp.campaigns.routes.base import bp, carried, channel_label, page
from webapp.kernel import edge, filters, shell
from webapp.kernel.scope import Scope
from webapp.members import panels
from webapp.members.models import Member
from webapp.outbox import queries as outbox
from webapp.plugin_runtime import calls
from webapp.segments.rules import BadRule, load
from webapp.segments.words import describe


def _(message: str, **facts: Any) -> str:
    """gettext, typed."""
    return str(gettext(message, **facts))


def ngettext(one: str, many: str, num: int) -> str:
    """ngettext, typed."""
    return str(_ngettext(one, many, num))


EARLY = 20  # messages after which the pace says something


@bp.get("/campaigns", permission="campaigns.view")
def index() -> Response:
    """Newest first, with state and main figures."""
    after = request.args.get("after", type=int)
    with edge.read() as scope:
        found = queries.campaigns(scope, after=after)
        briefs = results.briefs(scope, found[: queries.PAGE])
    following = found[queries.PAGE - 1].id if len(found) > queries.PAGE else None
    return page("index.html", briefs=briefs, following=following)


@bp.get("/campaigns/<int:campaign_id>", permission="campaigns.view")
def show(campaign_id: int) -> Response:
    """A draft: its steps. Later: how far it is and what it brought."""
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        said = queries.version(scope, campaign)
        offer = carried(scope, campaign)
        shared = {
            "campaign": campaign,
            "channel": channel_label(scope, campaign.channel),
            "offer": offer,
            "audience": described(scope, campaign, said.audience),
        }
        if campaign.state == "draft":
            bound = calls.channel(scope, campaign.channel)
            wrong = {}
            if bound is not None:
                fields = source.fields_of(campaign, bound.impl)
                wrong = content.check(fields, said.content, has_offer=campaign.gives, kind=campaign.kind)
            return page(
                "draft.html", written=bool(said.content), unfinished=bool(wrong) or bound is None, **shared
            )
        figures = results.results(scope, campaign_id)
        trouble = outbox.trouble(scope, campaign_id) if campaign.state == "sending" else None
        left = _time_left(scope, campaign, figures)
        carrier = calls.channel(scope, campaign.channel)
        by_people = carrier is not None and carrier.impl.identity == audience.RECIPIENT
        in_groups = group_results.results(scope, campaign_id) if campaign.kind == queries.GROUPS else []
    return page(
        "show.html",
        block="progress",
        found=figures,
        trouble=trouble,
        left=left,
        by_people=by_people,
        in_groups=in_groups,
        order_days=group_results.AFTER,
        live=campaign.state in ("laying", "sending")
        or (campaign.state == "cancelled" and not campaign.finished_at),
        failed_words=wording.reason,
        **shared,
    )


def described(scope: Scope, campaign: Campaign, audience: dict[str, object]) -> list[str]:
    """To whom, in words."""
    if campaign.kind == queries.GROUPS:
        return [group.name for _link, group in groups.chosen(scope, campaign.id)] or [_("no group yet")]
    try:
        return describe(scope, load(audience))
    except BadRule:
        return [_("This audience cannot be read any more.")]


def _time_left(scope: Scope, campaign: Campaign, figures: results.Results) -> str | None:
    """At the pace since it began; nothing while that says little."""
    settled = figures.settled
    if campaign.state != "sending" or campaign.started_at is None or settled < EARLY or not figures.waiting:
        return None
    seconds = (scope.now - campaign.started_at).total_seconds() * figures.waiting / settled
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("less than a minute left")
    if minutes < 120:
        return ngettext("about a minute left", "about %(num)s minutes left", minutes)
    return ngettext("about an hour left", "about %(num)s hours left", round(minutes / 60))


@shell.card(30, "campaigns.view")
def today_card(scope: Scope) -> shell.Card:
    """What is under way, what wants an answer, and what the last one brought."""
    going = queries.in_state(scope, "laying", "sending", "paused")
    newest = queries.campaigns(scope, limit=5)
    sent = [one for one in newest if one.state not in ("draft", "cancelled")]
    write = (_l("Write a campaign"), "/campaigns/new") if edge.can("campaigns.edit") else None
    if not newest:
        return shell.Card(
            _l("Campaigns"),
            text=_l("Nothing was sent yet. The first one could go to those who have gone quiet."),
            action=write,
        )
    figures = [shell.Figure(filters.number(len(going)), _l("under way"), "/campaigns")]
    text = ""
    if sent:
        last = sent[0]
        found = results.results(scope, last.id)
        figures += [
            shell.Figure(filters.number(found.sent), _l("sent"), f"/campaigns/{last.id}"),
            shell.Figure(
                filters.number(found.coupons.redeemed),
                _l("redeemed"),
                f"/campaigns/{last.id}/coupons?show=redeemed",
            ),
        ]
        text = _("The last one: %(name)s.", name=last.name)
    unknown = sum(brief.unknown for brief in results.briefs(scope, newest))
    if unknown:
        first = next(brief for brief in results.briefs(scope, newest) if brief.unknown)
        text = ngettext(
            "Of one message nobody knows whether it arrived.",
            "Of %(num)s messages nobody knows whether they arrived.",
            unknown,
        )
        write = (_l("Look at them"), f"/campaigns/{first.campaign.id}/messages?show=unknown")
    return shell.Card(_l("Campaigns"), tuple(figures), text=text, action=write)


@panels.panel(40, "campaigns.view")
def messages(scope: Scope, member: Member) -> panels.Panel | None:
    """What this member was sent."""
    found = results.messages_to(scope, member.person_id)
    if not found:
        return None
    return panels.Panel(
        "fragments/campaigns/_messages.html", {"found": found, "deliveries": wording.DELIVERY}
    )
