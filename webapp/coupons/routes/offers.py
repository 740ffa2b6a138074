"""Offers: the list, the form made from a coupon type's terms, opening and closing, what they brought."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.coupons import figures, offers, promises, queries, says, service
from webapp.coupons.models import Offer
from webapp.coupons.offer_form import OfferForm, offer_form
from webapp.kernel import edge, money
from webapp.kernel.errors import Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.plugin_api import CouponType
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.runtime import registry
from webapp.plugin_runtime.words import words
from webapp.reminders import queries as reminders
from webapp.segments.compile import count
from webapp.segments.forms import Builder
from webapp.segments.words import describe

bp = edge.blueprint("offers", __name__)


@bp.get("/offers", permission="coupons.view")
def index() -> Response:
    """Newest first, with what each brought."""
    with edge.read() as scope:
        found = queries.offers(scope)
        brought = figures.offer_figures(scope, [offer.id for offer, _terms in found])
        rows = [
            (offer, queries.describe(scope, offer, terms, pick_locale()), brought[offer.id])
            for offer, terms in found
        ]
    return edge.page("pages/offers/index.html", rows=rows, states=says.OFFER_STATES)


@bp.get("/offers/new", permission="coupons.edit")
def new() -> Response:
    """The form of a coupon type; where there are several, which one first."""
    with edge.read() as scope:
        types = calls.coupon_types(scope)
    chosen = request.args.get("type", types[0].impl.key if len(types) == 1 else "")
    if not chosen:
        return edge.page("pages/offers/types.html", choices=[_choice(one) for one in types])
    return _form_page(_form(chosen), chosen)


@bp.post("/offers/new", permission="coupons.edit")
def add() -> Response:
    """Add it once, as a draft."""
    type_key = request.args.get("type", "") or request.form.get("type", "")
    form = _form(type_key)
    if form.add_row_wanted():
        return _form_page(form, type_key)
    if not form.validate():
        return _form_page(form, type_key, status=422)
    key = edge.form_key()
    made: list[Any] = []

    def unit(scope: Scope) -> Any:
        def work() -> Any:
            answer = service.new_offer(scope, type_key, form.details())
            if isinstance(answer, Offer):
                return {"id": answer.id}
            made[:] = answer
            return None

        return once(scope, key, "offer.new", work)

    answer = edge.write(unit)
    if answer is None:
        edge.spend_once()
        form.refuse(made)
        return _form_page(form, type_key, status=422)
    flash(_("Saved as a draft. Look it over, then open it."), "good")
    return edge.redirect("offers.show", offer_id=answer["id"])


@bp.get("/offers/<int:offer_id>", permission="coupons.view")
def show(offer_id: int) -> Response:
    """What it promises, how far it is, what it brought."""
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id)
        terms = queries.terms(scope, offer_id, offer.terms_version)
        context: dict[str, Any] = {
            "offer": offer,
            "terms": terms,
            "lines": queries.describe(scope, offer, terms, pick_locale(), staff=True),
            "type": queries.type_label(scope, offer.type_key, pick_locale()),
            "brought": figures.offer_figures(scope, [offer_id])[offer_id],
            "who": describe(scope, offers.who(offer)),
            "said": promises.of_terms(scope, terms),
            "told": reminders.told(scope, offer_id),
        }
    return edge.page("pages/offers/show.html", states=says.OFFER_STATES, **context)


@bp.get("/offers/<int:offer_id>/edit", permission="coupons.edit")
def edit(offer_id: int) -> Response:
    """The form with what it says now."""
    offer, form = _edit_form(offer_id)
    return _form_page(form, offer.type_key, offer)


@bp.post("/offers/<int:offer_id>/edit", permission="coupons.edit")
def change(offer_id: int) -> Response:
    """Store it; coupons that are out keep their terms."""
    offer, form = _edit_form(offer_id)
    if form.add_row_wanted():
        return _form_page(form, offer.type_key, offer)
    if not form.validate():
        return _form_page(form, offer.type_key, offer, 422)
    answer = edge.write(lambda scope: service.change_offer(scope, offer_id, form.details()))
    if isinstance(answer, list):
        form.refuse(answer)
        return _form_page(form, offer.type_key, offer, 422)
    flash(_("Saved."), "good")
    return edge.redirect("offers.show", offer_id=offer_id)


@bp.get("/offers/<int:offer_id>/who", permission="coupons.edit")
def edit_who(offer_id: int) -> Response:
    """Which members may have a coupon of it: conditions that must all hold."""
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id)
        return _who_page(scope, offer, Builder.of_rule(scope, offers.who(offer)))


@bp.post("/offers/<int:offer_id>/who", permission="coupons.edit")
def save_who(offer_id: int) -> Response:
    """Add or take away a condition, or store them all."""
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id)
        builder = Builder.of_form(scope, request.form)
        rule = builder.rule()
        changing = request.form.get("do") == "add" or "remove" in request.form
        if changing or rule is None:
            return _who_page(scope, offer, builder, 200 if changing else 422)
    edge.write(lambda scope: service.set_who(scope, offer_id, rule))
    flash(_("Saved."), "good")
    return edge.redirect("offers.show", offer_id=offer_id)


def _who_page(scope: Scope, offer: Offer, builder: Builder, status: int = 200) -> Response:
    rule = builder.rule()
    if status == 200:
        builder.still_writing()
    return edge.page(
        "pages/offers/who.html",
        status=status,
        offer=offer,
        builder=builder,
        fitting=None if rule is None else count(scope, rule),
    )


@bp.post("/offers/<int:offer_id>/open", permission="coupons.edit")
def open_(offer_id: int) -> Response:
    """Coupons can be given from now on."""
    answer = edge.write(lambda scope: service.open_offer(scope, offer_id))
    if isinstance(answer, Refused):
        flash(says.refused(answer), "warn")
    else:
        flash(_("Open: coupons can be given now."), "good")
    return edge.redirect("offers.show", offer_id=offer_id)


@bp.post("/offers/<int:offer_id>/close", permission="coupons.edit")
def close(offer_id: int) -> Response:
    """No new coupons."""
    edge.write(lambda scope: service.close_offer(scope, offer_id))
    flash(_("Closed. Coupons that are out stay good."), "good")
    return edge.redirect("offers.show", offer_id=offer_id)


@bp.post("/offers/<int:offer_id>/remove", permission="coupons.edit")
def remove(offer_id: int) -> Response:
    """Away with a draft that nothing else names."""
    refused = edge.write(lambda scope: service.remove_draft(scope, offer_id))
    if refused is not None:
        flash(says.refused(refused), "warn")
        return edge.redirect("offers.show", offer_id=offer_id)
    flash(_("Removed."), "good")
    return edge.redirect("offers.index")


def _choice(one: calls.Bound[CouponType]) -> dict[str, str]:
    """A coupon type in the list of them, with what its plugin says of itself."""
    say, manifest = words(one.plugin), registry().plugins[one.plugin].manifest
    return {
        "href": url_for("offers.new", type=one.impl.key),
        "icon": "offers",
        "label": say(one.impl.label),
        "hint": say(manifest.description) if manifest else "",
    }


def _form(type_key: str, offer: Offer | None = None) -> OfferForm:
    with edge.read() as scope:
        bound = calls.coupon_type(scope, type_key)
        terms = queries.terms(scope, offer.id, offer.terms_version) if offer else None
        stores = [(store.id, store.name) for store in brands.stores(scope)]
    if bound is None:
        if offer is None:
            abort(404)
        abort(422, description=says.refused(Refused("parked")))
    return offer_form(bound.impl.fields, bound.plugin, words(bound.plugin), offer, terms, stores)


def _edit_form(offer_id: int) -> tuple[Offer, OfferForm]:
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id)
    return offer, _form(offer.type_key, offer)


def _form_page(form: OfferForm, type_key: str, offer: Offer | None = None, status: int = 200) -> Response:
    with edge.read() as scope:
        label = queries.type_label(scope, type_key, pick_locale())
    return edge.page(
        "pages/offers/form.html",
        status=status,
        form=form,
        type=label,
        type_key=type_key,
        offer=offer,
        symbol=_symbol(),
    )


def _symbol() -> str:
    brand = edge.brand()
    return money.symbol(brand.currency, pick_locale()) if brand else ""
