"""A group's link, as members open it: the offer, who is there (asked once a browser), and on to what it is about."""

from __future__ import annotations

from flask import Response, abort, g, request

from webapp.brands import queries as brands
from webapp.campaigns import groups, landing
from webapp.campaigns.landing import Place
from webapp.campaigns.models import GroupVisitor
from webapp.coupons import queries as coupons
from webapp.groups.service import web_address
from webapp.kernel import browser, edge
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound
from webapp.kernel.i18n import pick_locale
from webapp.kernel.limits import limit
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.secrets import brand_of

bp = edge.blueprint("group_link", __name__)
ANSWERS = (60, 600)  # answers of one address (a street's network may be one) in so many seconds


def _brand(token: str) -> BrandRef:
    """The brand that a link's word names; 404 for a word that names none."""
    browser.door()
    brand_id = brand_of(token) if len(token) <= 40 else None
    if brand_id is None:
        abort(404)
    try:
        with edge.database().read() as scope:
            g.brand = brands.load(scope.session, brand_id)
    except NotFound:
        abort(404)
    found: BrandRef = g.brand
    return found


def _place(scope: Scope, token: str) -> Place:
    place = landing.find(scope, token)
    if place is None or place.campaign.state == "draft":
        abort(404)
    return place


def keep(response: Response, brand: BrandRef, visitor: int) -> None:
    """This browser's number."""
    browser.keep(response, landing.cookie(brand.id), landing.seal(brand.id, visitor))


@bp.get("/g/<token>", permission=PUBLIC)
def show(token: str) -> Response:
    """What is offered. Programs that say so are answered and not counted; HEAD counts nothing."""
    brand = _brand(token)
    known_as = landing.unseal(brand.id, request.cookies.get(landing.cookie(brand.id), ""))
    visitor = known_as or landing.new_visitor()
    with edge.read() as scope:
        place = _place(scope, token)
        known = landing.visitor_of(scope, known_as)
    counts = request.method == "GET" and not browser.is_robot() and place.live
    if counts:
        edge.write(lambda scope: landing.visit(scope, place, visitor))
        if known is not None and known.known and place.campaign.offer_id is not None:
            coupon = edge.write(lambda scope: landing.coupon_of(scope, place, known))
            if coupon is not None:
                return edge.go(coupon)
    response = _page(place, token, known)
    if counts and known is not None and place.campaign.offer_id is None and "done" not in request.args:
        url = _url(place)
        response = edge.go(url) if url else response
    if counts:
        keep(response, brand, visitor)
    return response


def _checked(url: str) -> str:
    return url if web_address(url) else ""


def _url(place: Place) -> str:
    """Where the link leads on to; blank where the campaign names nothing."""
    with edge.read() as scope:
        return _checked(groups.post_of(scope, place.campaign, place.link, place.group).url)


def _page(place: Place, token: str, known: GroupVisitor | None) -> Response:
    with edge.read() as scope:
        offer = lines = terms = None
        if place.campaign.offer_id is not None:
            offer = coupons.offer(scope, place.campaign.offer_id)
            terms = coupons.terms(scope, offer.id, offer.terms_version)
            lines = coupons.describe(scope, offer, terms, pick_locale())
        post = groups.post_of(scope, place.campaign, place.link, place.group)
        join = landing.joining(scope, place.group.id)
    return edge.unlisted(
        "pages/campaigns/landing.html",
        place=place,
        token=token,
        asked=known is not None,
        offer=offer if place.live and lines else None,
        lines=lines,
        terms=terms,
        text=post.text.replace(post.link, "").strip(),
        picture=post.picture,
        url=_checked(post.url),
        join=join,
    )


@bp.post("/g/<token>", permission=PUBLIC)
def answer(token: str) -> Response:
    """Whoever says who they are, or goes on without: the same answer for every number and address."""
    brand = _brand(token)
    with edge.read() as scope:
        place = _place(scope, token)
    if not limit("group-answer", request.remote_addr or "", *ANSWERS):
        abort(429)
    typed = "" if request.form.get("without") else request.form.get("who", "")[:200]
    visitor = (
        landing.unseal(brand.id, request.cookies.get(landing.cookie(brand.id), "")) or landing.new_visitor()
    )
    if place.live:
        edge.write(lambda scope: landing.answer(scope, place, visitor, typed))
    # Never straight to another house: browsers stop a form's answer there (the policy's form-action).
    response = edge.redirect("group_link.show", token=token, done=1)
    keep(response, brand, visitor)
    return response


@bp.get("/g/<token>/picture", permission=PUBLIC)
def picture(token: str) -> Response:
    """The campaign's picture."""
    _brand(token)
    with edge.read() as scope:
        place = _place(scope, token)
        found = groups.picture(scope, place.campaign.id)
    if found is None:
        abort(404)
    return edge.picture(found.data, found.mimetype)
