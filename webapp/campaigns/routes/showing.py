"""The rows behind a campaign's figures."""

from __future__ import annotations

from flask import Response, request
from sqlalchemy import select

from webapp.campaigns import audience, queries, results
from webapp.campaigns.routes.base import bp, page
from webapp.coupons import queries as coupons
from webapp.kernel import edge
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.plugin_runtime import calls

COUPONS = ("issued", "claimed", "redeemed", "void")


@bp.get("/campaigns/<int:campaign_id>/messages", permission="campaigns.view")
def messages_of(campaign_id: int) -> Response:
    """Deliveries, by what became of them."""
    show = request.args.get("show", "promised")
    show = show if show in results.SHOW else "promised"
    why = request.args.get("reason")
    after = request.args.get("after", 0, type=int)
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        found = results.rows(scope, campaign_id, show, reason=why, after=after)
        shown = found[: results.PAGE]
        carrier = calls.channel(scope, campaign.channel)
        by_people = carrier is not None and carrier.impl.identity == audience.RECIPIENT
        addresses = _addresses(scope, campaign.channel, [row.delivery.recipient_id for row in shown])
    return page(
        "messages.html",
        campaign=campaign,
        rows=shown,
        show=show,
        why=why,
        addresses=addresses,
        by_people=by_people,
        reveal=edge.can("members.reveal"),
        following=shown[-1].delivery.id if len(found) > results.PAGE else None,
    )


@bp.get("/campaigns/<int:campaign_id>/coupons", permission="campaigns.view")
def coupons_of(campaign_id: int) -> Response:
    """Coupons of the campaign: given, claimed, redeemed with what was paid."""
    show = request.args.get("show", "issued")
    show = show if show in COUPONS else "issued"
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        found = coupons.coupons(
            scope, campaign_id=campaign_id, show=show, after=request.args.get("after", type=int)
        )
        names = _names(scope, [row.coupon.member_id for row in found.rows])
    return page("coupons.html", campaign=campaign, found=found, show=show, names=names)


def _addresses(scope: Scope, channel: str, member_ids: list[int]) -> dict[int, str]:
    bound = calls.channel(scope, channel)
    phones, emails = members.phones_and_emails(scope, member_ids)
    return phones if bound is not None and bound.impl.identity == "phone" else emails


def _names(scope: Scope, member_ids: list[int]) -> dict[int, str]:
    rows = scope.session.execute(
        select(Member.id, Member.name, Member.number).where(
            Member.brand_id == scope.brand.id, Member.id.in_(member_ids)
        )
    )
    return {id_: name or number for id_, name, number in rows}
