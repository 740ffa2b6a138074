"""A member's wallet by their private link (/w/): no sign-in, the word in the link is what entitles. And where staff find it
for a member who stands before them."""

from __future__ import annotations

from flask import Response, abort, g, request

from webapp.coupons import says, wallet
from webapp.coupons.routes import knowing
from webapp.kernel import browser, edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound
from webapp.kernel.i18n import pick_locale
from webapp.members import pages
from webapp.members import queries as members

bp = edge.blueprint("wallet", __name__)


@bp.get("/w/<token>", permission=PUBLIC)
def show(token: str) -> Response:
    """What can be used, what ends first on top; below, what was used or is over (?after=: the older ones)."""
    browser.door()
    ids = pages.read(token)
    if ids is None:
        abort(404)
    try:
        g.brand = edge.database().brand(ids[0])
        with edge.read() as scope:
            member = members.get(scope, ids[1])
            g.locale = member.locale or ""
            kept = wallet.of_member(scope, member, pick_locale(), after=request.args.get("after", type=int))
    except NotFound:
        abort(404)
    response = edge.unlisted(
        "pages/coupons/wallet.html",
        member=member,
        kept=kept,
        older="after" in request.args,
        token=token,
        states=says.COUPON_STATES,
    )
    knowing.remember(response, g.brand, member.id)
    return response


@bp.get("/members/<int:member_id>/wallet", permission="members.edit")
def of_member(member_id: int) -> Response:
    """The link and its QR code, to give to the member and to nobody else."""
    with edge.read() as scope:
        member = members.in_reach(scope, member_id)
        address = wallet.url(scope.brand.id, member.id)
    return edge.page(
        "pages/coupons/wallet_staff.html",
        member=member,
        address=address,
        drawn=qr.svg(address),
        unchecked=links.unchecked(),
    )
