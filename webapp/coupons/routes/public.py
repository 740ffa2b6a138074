"""The member's own page: what the coupon is, until when, where, and the code. No sign-in, no personal data.

Mail scanners and chat apps open links to look at them, so opening takes nothing: the member takes the coupon by a button.
"""

from __future__ import annotations

from flask import Response, flash, g, url_for
from markupsafe import Markup

from webapp.brands import queries as brands
from webapp.coupons import conditions, holds, promises, queries, redemptions, says, service
from webapp.coupons.models import Coupon
from webapp.kernel import browser, edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Actor
from webapp.touchpoints import claiming

bp = edge.blueprint("coupon_page", __name__)
SHOWN_STORES = 30


@bp.get("/c/<token>", permission=PUBLIC)
def show(token: str) -> Response:
    """Everything about the coupon as it stands today."""
    browser.door()
    coupon = _found(token)
    with edge.read() as scope:
        offer = queries.offer(scope, coupon.offer_id)
        terms = queries.terms(scope, offer.id, coupon.terms_version)
        lines = queries.describe(scope, offer, terms, pick_locale())
        state = queries.shown_state(coupon, scope.now, scope.today)
        used = redemptions.standing_of(scope, coupon.id) if state == "redeemed" else None
        said = conditions.load(terms.conditions)
        words = promises.of_terms(scope, terms)
        stores = [
            one for one in brands.stores(scope) if one.open and (not said.stores or one.id in said.stores)
        ]
        early = coupon.valid_from > scope.today
        waits = state == "held" and holds.key_of(scope, coupon).startswith(holds.WAITS)
        private = not claiming.from_public_page(scope, coupon)
    at_till = state == "held" and coupon.claimed_at is not None  # for a purchase, not for its member
    taken = state in ("claimed", "reversed", "held") and lines is not None and not at_till and not waits
    return edge.unlisted(
        "pages/coupons/public.html",
        coupon=coupon,
        offer=offer,
        terms=terms,
        lines=lines,
        state=state,
        used=used,
        stores=stores if len(stores) <= SHOWN_STORES else [],
        words=words,
        early=early,
        at_till=at_till,
        waits=waits,
        private=private,
        qr=_qr(coupon) if taken else None,
    )


@bp.post("/c/<token>", permission=PUBLIC)
def take(token: str) -> Response:
    """The member takes it: its code is shown and its days begin. Taken twice it is the same coupon."""
    browser.door()
    coupon = _found(token)
    answer = edge.database().write(
        lambda scope: service.claim(scope, coupon.id),
        brand=edge.brand(),
        actor=Actor("member", coupon.member_id),
    )
    if isinstance(answer, Refused):
        flash(says.refused(answer), "warn")
    return edge.redirect("coupon_page.show", token=token)


def _found(token: str) -> Coupon:
    """The coupon; from here on the request is its brand's."""
    with edge.database().read() as scope:
        coupon = queries.by_token(scope.session, token)
        if coupon is None:
            raise NotFound("coupon")
        g.brand = brands.load(scope.session, coupon.brand_id)
    return coupon


def _qr(coupon: Coupon) -> Markup:
    """The counter's address with the code: a clerk's phone that scans it has the code typed."""
    address = links.absolute(None, url_for("counter.index", code=coupon.code))
    return qr.svg(address)
