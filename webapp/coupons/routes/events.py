"""Pages with several offers under one title: as the public sees them (/e/), and where staff make them."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from webapp.brands import queries as brands
from webapp.coupons import promises, public_page, queries
from webapp.coupons.models import Offer, OfferEvent
from webapp.kernel import browser, edge, links, qr
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.i18n import pick_locale

bp = edge.blueprint("offer_events", __name__)
PLACE = "place_"

_REFUSALS = {
    "title": _l("Give it a title of 1 to 120 characters."),
    "text": _l("At most %(most)s characters."),
    "offers": _l("Give at least one offer a place, and at most %(most)s."),
}


class EventForm(edge.Form):
    """A title, a text, and a place on the page for each offer (fields place_<offer id>, blank: it is not on it)."""

    title = StringField(_l("Title"), [Length(max=public_page.TITLE)])
    text = TextAreaField(
        _l("Text"), [Length(max=public_page.TEXT)], description=_l("Stands above the offers.")
    )

    def places(self) -> list[Any]:
        """The fields of the offers."""
        return [field for name, field in self._fields.items() if name.startswith(PLACE)]

    def offers(self) -> list[int]:
        """The offers that have a place, in the page's order."""
        placed = [
            (field.data, at, int(field.name.removeprefix(PLACE)))
            for at, field in enumerate(self.places())
            if field.data is not None
        ]
        return [offer_id for _place, _at, offer_id in sorted(placed)]

    def refuse(self, why: Refused) -> None:
        """Beside its field; what is wrong with the offers, beside the first of them."""
        field = self._fields.get(str(why.facts.get("field", "")))
        target = field if field is not None else next(iter(self.places()), self.title)
        target.errors = [str(_REFUSALS[why.code]) % dict(why.facts)]


def _form(offers: list[Offer], **values: Any) -> EventForm:
    fields = {
        f"{PLACE}{offer.id}": IntegerField(
            offer.name, [Optional(), NumberRange(1, 999, message=_l("A number from 1 to 999, or blank."))]
        )
        for offer in offers
    }
    form: EventForm = type("PlacedEventForm", (EventForm,), fields)(data=values or None)
    return form


# -- the public -------------------------------------------------------------------------------------------------------


@bp.get("/e/<token>", permission=PUBLIC)
def public(token: str) -> Response:
    """The offers in their order, each as it stands now."""
    browser.door()
    with edge.database().read() as scope:
        found = public_page.event_by_token(scope.session, token)
        if found is None:
            raise NotFound("event")
        g.brand = brands.load(scope.session, found.brand_id)
    with edge.read() as scope:
        rows = [
            (one, queries.describe(scope, one.offer, one.terms, pick_locale()))
            for one in public_page.on_page(scope, found)
        ]
    return edge.unlisted(
        "pages/coupons/event.html",
        event=found,
        rows=[(one, lines or [], promises.stage_in_words(one.offer, one.stage)) for one, lines in rows],
        stages=promises.STAGES,
        taking=public_page.TAKING,
    )


# -- staff ------------------------------------------------------------------------------------------------------------


@bp.get("/offers/events", permission="coupons.edit")
def index() -> Response:
    """The newest first."""
    with edge.read() as scope:
        found = public_page.events(scope)
    return edge.page("pages/coupons/event_list.html", found=found)


@bp.get("/offers/events/new", permission="coupons.edit")
def new() -> Response:
    """An empty form."""
    with edge.read() as scope:
        offers = public_page.choosable(scope)
    return _form_page(_form(offers), None)


@bp.post("/offers/events/new", permission="coupons.edit")
def add() -> Response:
    """Make it once."""
    with edge.read() as scope:
        offers = public_page.choosable(scope)
    form = _form(offers)
    if not form.validate():
        return _form_page(form, None, 422)
    made = edge.add_once(
        "offer_event.new",
        lambda scope: public_page.save_event(
            scope, None, form.title.data or "", form.text.data or "", form.offers()
        ),
    )
    if isinstance(made, Refused):
        form.refuse(made)
        return _form_page(form, None, 422)
    flash(_("The page is there: copy its address, or print the code."), "good")
    return edge.redirect("offer_events.show", event_id=made)


@bp.get("/offers/events/<int:event_id>", permission="coupons.edit")
def show(event_id: int) -> Response:
    """Its address with the QR code, and what stands on it."""
    with edge.read() as scope:
        found = public_page.event(scope, event_id)
        on_page = {one.offer.id: one for one in public_page.on_page(scope, found)}
        named = {offer.id: offer for offer, _terms in queries.offers(scope) if offer.id in found.offers}
    address = links.absolute(None, public_page.event_path(found.token))
    return edge.page(
        "pages/coupons/event_staff.html",
        event=found,
        offers=[named[id_] for id_ in found.offers if id_ in named],
        on_page=on_page,
        stages=promises.STAGES,
        address=address,
        drawn=qr.svg(address),
        unchecked=links.unchecked(),
    )


@bp.get("/offers/events/<int:event_id>/edit", permission="coupons.edit")
def edit(event_id: int) -> Response:
    """The form with what it says now."""
    with edge.read() as scope:
        found = public_page.event(scope, event_id)
        offers = public_page.choosable(scope, found.offers)
    places = {f"{PLACE}{id_}": at for at, id_ in enumerate(found.offers, 1)}
    return _form_page(_form(offers, title=found.title, text=found.text, **places), found)


@bp.post("/offers/events/<int:event_id>/edit", permission="coupons.edit")
def change(event_id: int) -> Response:
    """Its address stays the same."""
    with edge.read() as scope:
        found = public_page.event(scope, event_id)
        offers = public_page.choosable(scope, found.offers)
    form = _form(offers)
    if not form.validate():
        return _form_page(form, found, 422)
    answer = edge.write(
        lambda scope: public_page.save_event(
            scope, event_id, form.title.data or "", form.text.data or "", form.offers()
        )
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _form_page(form, found, 422)
    flash(_("Saved."), "good")
    return edge.redirect("offer_events.show", event_id=event_id)


@bp.post("/offers/events/<int:event_id>/down", permission="coupons.edit")
def take_down(event_id: int) -> Response:
    """Nobody sees it until it is put up again."""
    edge.write(lambda scope: public_page.show_event(scope, event_id, False))
    flash(_("Taken down. Its offers and their pages stay as they are."), "good")
    return edge.redirect("offer_events.show", event_id=event_id)


@bp.post("/offers/events/<int:event_id>/up", permission="coupons.edit")
def put_up(event_id: int) -> Response:
    """Under the address that it had."""
    edge.write(lambda scope: public_page.show_event(scope, event_id, True))
    flash(_("Everybody with the address sees it again."), "good")
    return edge.redirect("offer_events.show", event_id=event_id)


def _form_page(form: EventForm, event: OfferEvent | None, status: int = 200) -> Response:
    return edge.page("pages/coupons/event_form.html", status=status, form=form, event=event)
