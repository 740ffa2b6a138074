"""The post as its owner gets it, what it brought in one group, and the group's own page."""

from __future__ import annotations

from flask import Response, abort, request

from webapp.campaigns import group_results, groups, queries
from webapp.campaigns.models import CampaignGroup
from webapp.campaigns.routes.base import bp, page
from webapp.groups import sections
from webapp.groups.models import Group
from webapp.kernel import edge
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.members import queries as members


def _pair(scope: Scope, campaign_id: int, group_id: int) -> tuple[CampaignGroup, Group]:
    """The link of a group; 404 where it is none of the campaign's, or not within reach."""
    found = next((one for one in groups.chosen(scope, campaign_id) if one[1].id == group_id), None)
    if found is None:
        abort(404)
    if not reaches(scope, found[1].store_id) and found[1].owner_id != scope.actor.id:
        abort(404)
    return found


@bp.get("/campaigns/<int:campaign_id>/post/<int:group_id>", permission="tasks.do")
def post(campaign_id: int, group_id: int) -> Response:
    """Text to copy, picture to keep, link: what the owner posts in the chat."""
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        link, group = _pair(scope, campaign_id, group_id)
        if campaign.state in ("draft", "cancelled"):
            abort(404)
        made = groups.post_of(scope, campaign, link, group)
    return page("to_post.html", campaign=campaign, group=group, post=made)


@bp.get("/campaigns/<int:campaign_id>/groups/<int:group_id>", permission="campaigns.view")
def in_group(campaign_id: int, group_id: int) -> Response:
    """The rows behind a group's figures."""
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        link, group = _pair(scope, campaign_id, group_id)
        rows = group_results.rows(scope, link, after=request.args.get("after", 0, type=int))
        shown = rows[: group_results.PAGE]
        phones, _emails = members.phones_and_emails(scope, [row.member.id for row in shown])
        result = next(one for one in group_results.results(scope, campaign_id) if one.group.id == group_id)
        days = group_results.unidentified_by_day(scope, link)
        mine = {row.member.id for row in shown if reaches(scope, row.member.store_id)}
    return page(
        "in_group.html",
        campaign=campaign,
        group=group,
        result=result,
        rows=shown,
        days=days,
        phones=phones,
        mine=mine,
        order_days=group_results.AFTER,
        following=shown[-1].member.id if len(rows) > group_results.PAGE else None,
    )


@sections.section("campaigns.view")
def of_group(scope: Scope, group: Group) -> sections.Section | None:
    """What was posted in a group, and what it brought."""
    found = group_results.of_group(scope, group.id)
    return sections.Section("fragments/campaigns/_of_group.html", {"found": found}) if found else None
