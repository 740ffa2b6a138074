"""An offer's public page (/get/): what it is, and the button to take it. No sign-in, no JavaScript, nothing about anybody.
And where staff make it, or take it down.

A known browser takes at once; whoever is unknown leaves a phone or an address, and hears the same whether it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length

from webapp.brands import queries as brands
from webapp.coupons import promises, public_page, queries, wallet
from webapp.coupons.models import Coupon, Offer
from webapp.coupons.routes import knowing
from webapp.coupons.routes.knowing import Known
from webapp.kernel import browser, edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.limits import left, limit
from webapp.kernel.scope import Actor, BrandRef
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.words import consent_label
from webapp.touchpoints import claiming
from webapp.touchpoints.claiming import Claimed
from webapp.touchpoints.forms import JoinForm, consents, join_form
from webapp.touchpoints.joining import Joining

bp = edge.blueprint("claim", __name__)

FROM_ADDRESS = (60, 600)  # unknown people from one address in so many seconds: a shop's wifi is one address
FROM_OFFER = (3000, 60)  # unknown people on one offer: a launch, not a flood
BY_MEMBER = (30, 60)  # one known member, however impatient
GUESSES = (30, 300)  # codes that the offer has not, from one address


@dataclass(frozen=True, slots=True)
class _Asks:
    ask: str = "both"
    ask_name: bool = False
    ask_birthday: bool = False


@bp.get("/get/<token>", permission=PUBLIC)
def show(token: str) -> Response:
    """As it stands now; who is known has one button, others a short form (?new=1: it is somebody else)."""
    browser.door()
    offer, brand = _found(token)
    if (page := public_page.elsewhere(offer)) is not None and _on(offer):
        return edge.go(page)
    known = _known(brand)
    return _page(offer, _form(offer, known), known)


@bp.post("/get/<token>", permission=PUBLIC)
def take(token: str) -> Response:
    """Take one, once however often it is tapped. What an unknown person hears does not depend on what they typed."""
    offer, brand = _found(token)
    if (page := public_page.elsewhere(offer)) is not None and _on(offer):
        return edge.go(page)
    known = _known(brand)
    if known is not None:
        if not limit("claim.member", f"{brand.id}:{known.member_id}", *BY_MEMBER):
            return _page(offer, _form(offer, known), known, told=_too_many(), status=429)
    else:
        browser.door("claim", FROM_ADDRESS)
        if not limit("claim.offer", f"{brand.id}:{offer.id}", *FROM_OFFER):
            return _page(offer, _form(offer, known), known, told=_too_many(), status=429)
    form = _form(offer, known)
    if form.website.data:
        return edge.redirect("claim.show", token=token)
    if not form.validate():
        return _page(offer, form, known, status=422)
    who = (request.remote_addr or "", *GUESSES)
    code = str(form["code"].data or "").strip() if "code" in form else ""
    if code and not left("claim.code", *who):
        return _page(offer, form, known, told=_too_many(), status=429)
    answer = _take(offer, brand, form, known, code)
    if isinstance(answer, Refused):
        edge.spend_once()
        if answer.code.startswith("code_") and "code" in form:
            if answer.code != "code_needed":
                limit("claim.code", *who)
            form["code"].errors = [promises.not_given(answer, offer, offer.per_person)]
            return _page(offer, form, known, status=422)
        if answer.facts.get("field"):
            form.refuse(answer)
            return _page(offer, form, known, status=422)
        return _page(offer, form, known, told=promises.not_given(answer, offer, offer.per_person), status=409)
    response = edge.redirect("coupon_page.show", token=answer.token)
    if isinstance(answer, Claimed):
        browser.keep_member(response, brand, answer.member_id)
    return response


def _take(
    offer: Offer, brand: BrandRef, form: JoinForm, known: Known | None, code: str
) -> Coupon | Claimed | Refused:
    key = edge.once_key()
    with edge.read() as scope:
        before = claiming.answered(scope, offer.id, key)
        terms = queries.terms(scope, offer.id, offer.terms_version) if known is None else None
        stage = public_page.stage(scope, offer, terms) if terms is not None else "open"
    if before is not None:
        return before
    if known is not None:
        return edge.database().write(
            lambda scope: claiming.claim_known(scope, offer.id, known.member_id, key, code, sure=known.sure),
            brand=brand,
            actor=Actor("member", known.member_id),
        )
    if stage not in public_page.TAKING:  # a crowd that comes too late costs a look
        return Refused({"soon": "too_early", "resting": "parked", "today_gone": "per_day"}.get(stage, stage))
    typed = Joining(
        phone=str(form.phone.data or "").strip(),
        email=str(form.email.data or "").strip(),
        consents=consents(form),
    )
    return edge.write(lambda scope: claiming.claim_unknown(scope, offer.id, typed, key, code))


def _too_many() -> str:
    return str(_("Too many tries. Please wait a minute and try again."))


def _found(token: str) -> tuple[Offer, BrandRef]:
    """The offer; from here on the request is its brand's."""
    with edge.database().read() as scope:
        offer = public_page.by_token(scope.session, token)
        if offer is None:
            raise NotFound("offer")
        g.brand = brands.load(scope.session, offer.brand_id)
    return offer, g.brand


def _on(offer: Offer) -> bool:
    """Its type is there and switched on for the brand."""
    with edge.read() as scope:
        return calls.coupon_type(scope, offer.type_key) is not None


def _known(brand: BrandRef) -> Known | None:
    return None if request.args.get("new") else knowing.member_of(brand)


def _form(offer: Offer, known: Known | None) -> JoinForm:
    """Whoever is known is asked nothing but the code."""
    channels: list[tuple[str, str, str]] = []
    if known is None:
        with edge.read() as scope:
            channels = [
                (one.impl.key, consent_label(one.plugin, one.impl), one.impl.identity)
                for one in calls.channels(scope)
            ]
    asked = {"code": StringField(_l("Your code"), [Length(max=40)])} if offer.by_code else {}
    return join_form(_Asks(), channels, **asked)


def _page(
    offer: Offer, form: JoinForm, known: Known | None, *, told: str = "", status: int = 200
) -> Response:
    with edge.read() as scope:
        offer = queries.offer(scope, offer.id)  # as it is now: a refusal may have been the news
        terms = queries.terms(scope, offer.id, offer.terms_version)
        stage = public_page.stage(scope, offer, terms)
        mine = wallet.of_offer(scope, known.member_id, offer.id) if known is not None else None
        context: dict[str, Any] = {
            "lines": queries.describe(scope, offer, terms, pick_locale()),
            "words": promises.of_terms(scope, terms),
            "state": queries.shown_state(mine, scope.now, scope.today) if mine is not None else None,
        }
    return edge.unlisted(
        "pages/coupons/claim.html",
        status=status,
        offer=offer,
        terms=terms,
        form=form,
        known=known is not None,
        mine=mine,
        stage=stage,
        stages=promises.STAGES,
        about=promises.stage_in_words(offer, stage),
        told=told,
        anew=bool(request.args.get("new")),
        **context,
    )


# -- what staff do ----------------------------------------------------------------------------------------------------


@bp.get("/offers/<int:offer_id>/page", permission="coupons.edit")
def of_offer(offer_id: int) -> Response:
    """Its address with the QR code, or the button that makes it."""
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id)
    address = links.absolute(None, public_page.path(offer.token)) if offer.token else None
    return edge.page(
        "pages/coupons/claim_staff.html",
        offer=offer,
        address=address,
        drawn=qr.svg(address) if address else None,
        unchecked=links.unchecked(),
    )


@bp.post("/offers/<int:offer_id>/page", permission="coupons.edit")
def publish(offer_id: int) -> Response:
    """Make the page; pressed twice it is the same one."""
    edge.write(lambda scope: public_page.publish(scope, offer_id))
    flash(_("The page is there: copy its address, or print the code."), "good")
    return edge.redirect("claim.of_offer", offer_id=offer_id)


@bp.post("/offers/<int:offer_id>/page/down", permission="coupons.edit")
def take_down(offer_id: int) -> Response:
    """Its address leads nowhere from now on."""
    edge.write(lambda scope: public_page.take_down(scope, offer_id))
    flash(_("Taken down. Coupons that people have taken stay good."), "good")
    return edge.redirect("claim.of_offer", offer_id=offer_id)
