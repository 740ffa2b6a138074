"""Codes for the staff: the list, new, changed, shown with its QR; guides' limits."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.coupons import queries as coupons
from webapp.groups import queries as groups
from webapp.kernel import edge, links, qr
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.touchpoints import figures, guides, queries, service
from webapp.touchpoints.forms import TouchpointForm, duty_form, fill_choices, values_of
from webapp.touchpoints.models import Touchpoint

bp = edge.blueprint("touchpoints", __name__)
MOST_GROUPS = 200  # a list to choose from, not the list of groups


@bp.get("/touchpoints", permission="touchpoints.view")
def index() -> Response:
    """Those at work first, with what each brought."""
    with edge.read() as scope:
        found = queries.all_of(scope)
        brought = figures.sums(scope, "code", None)
        stores = {one.id: one.name for one in brands.stores(scope)}
    return edge.page("pages/touchpoints/index.html", found=found, brought=brought, stores=stores)


@bp.get("/touchpoints/new", permission="touchpoints.edit")
def new() -> Response:
    """An empty form."""
    form = _form(None, active=True, ask="phone", ask_name=True, serving="none")
    return _form_page(form, None)


@bp.post("/touchpoints/new", permission="touchpoints.edit")
def add() -> Response:
    """Make it once."""
    form = _form(None)
    if not form.validate():
        return _form_page(form, None, 422)
    made = edge.add_once("touchpoint.new", lambda scope: service.new(scope, form.details()))
    if isinstance(made, Refused):
        form.refuse(made)
        return _form_page(form, None, 422)
    flash(_("The code is ready: print it and hang it up."), "good")
    return edge.redirect("touchpoints.show", touchpoint_id=made)


@bp.get("/touchpoints/<int:touchpoint_id>", permission="touchpoints.view")
def show(touchpoint_id: int) -> Response:
    """Its QR, what it does, what it brought."""
    with edge.read() as scope:
        row = queries.get(scope, touchpoint_id)
        people = guides.names(scope, [row.brought_by_id, row.serves_id, row.standin_id])
        sums = figures.total(figures.sums(scope, "code", None, code=row.id))
        offer = coupons.offer(scope, row.offer_id) if row.offer_id else None
        matrix = matrices.get(scope, row.matrix_id) if row.matrix_id else None
        gives = bool(matrices.giving(scope, matrix.id)) if matrix else False
        store = next((one.name for one in brands.stores(scope) if one.id == row.store_id), None)
        group = groups.named(scope, [row.group_id]).get(row.group_id) if row.group_id else None
    address = links.absolute(None, queries.path(row.code))
    return edge.page(
        "pages/touchpoints/show.html",
        row=row,
        people=people,
        sums=sums,
        offer=offer,
        matrix=matrix,
        gives=gives,
        store=store,
        group=group,
        address=address,
        drawn=qr.svg(address, error="q", border=4),
        unchecked=links.unchecked(),
    )


@bp.get("/touchpoints/<int:touchpoint_id>/edit", permission="touchpoints.edit")
def edit(touchpoint_id: int) -> Response:
    """The form with what it does now."""
    with edge.read() as scope:
        row = queries.get(scope, touchpoint_id)
    return _form_page(_form(row, **values_of(row)), row)


@bp.post("/touchpoints/<int:touchpoint_id>/edit", permission="touchpoints.edit")
def change(touchpoint_id: int) -> Response:
    """From now on it does this; what is printed stays good."""
    with edge.read() as scope:
        row = queries.get(scope, touchpoint_id)
    form = _form(row)
    if not form.validate():
        return _form_page(form, row, 422)
    answer = edge.write(lambda scope: service.change(scope, touchpoint_id, form.details()))
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _form_page(form, row, 422)
    flash(_("Saved. The printed code does this from now on."), "good")
    return edge.redirect("touchpoints.show", touchpoint_id=touchpoint_id)


@bp.post("/touchpoints/default", permission="touchpoints.edit")
def default() -> Response:
    """The joining page of the brand or of a store, made if nobody has opened it yet."""
    store_id = request.form.get("store", type=int)
    with edge.read() as scope:
        store = next((one for one in brands.stores(scope) if one.id == store_id), None)
        if (store_id and store is None) or not reaches(scope, store_id or None):
            raise NotFound("store")
    touchpoint_id = edge.write(lambda scope: service.default(scope, store).id)
    return edge.redirect("touchpoints.show", touchpoint_id=touchpoint_id)


# -- guides ------------------------------------------------------------------------------------------------------------


@bp.get("/touchpoints/guides", permission="touchpoints.edit")
def duties() -> Response:
    """How many new members each takes a day over all codes, who is away, how many they were given today."""
    people = _on_duty()
    return edge.page("pages/touchpoints/guides.html", people=people, form=duty_form(people))


@bp.post("/touchpoints/guides", permission="touchpoints.edit")
def set_duties() -> Response:
    """Store all of them."""
    people = _on_duty()
    form = duty_form(people)
    if not form.validate():
        return edge.page("pages/touchpoints/guides.html", status=422, people=people, form=form)

    def unit(scope: Scope) -> None:
        for one in people:
            away = form[f"away_{one.staff_id}"].data
            guides.set_duty(scope, one.staff_id, form[f"limit_{one.staff_id}"].data, away)

    edge.write(unit)
    flash(_("Saved."), "good")
    return edge.redirect("touchpoints.duties")


def _on_duty() -> list[guides.Guide]:
    """Whose limits and absence the actor sets."""
    with edge.read() as scope:
        return guides.on_duty(scope)


# -- shared ------------------------------------------------------------------------------------------------------------


def _form(row: Touchpoint | None, **values: Any) -> TouchpointForm:
    with edge.read() as scope:
        stores = [(one.id, one.name) for one in brands.stores(scope) if reaches(scope, one.id)]
        if scope.actor.stores is None:
            stores.insert(0, (0, _("no store: the whole brand")))
        people = guides.pick(scope, [row.brought_by_id] if row else [])
        servers = guides.pick(scope, [row.serves_id, row.standin_id] if row else [], serve=True)
        offers = coupons.to_choose(scope, row.offer_id if row else None)
        tables = [(one.id, one.name) for one in matrices.matrices(scope)]
        open_groups = {one.id: one.name for one in groups.groups(scope, limit=MOST_GROUPS)}
        if row and row.group_id:
            open_groups |= {id_: one.name for id_, one in groups.named(scope, [row.group_id]).items()}
    return fill_choices(
        TouchpointForm(data=values or None),
        stores,
        people,
        servers,
        offers,
        list(open_groups.items()),
        tables,
    )


def _form_page(form: TouchpointForm, row: Touchpoint | None, status: int = 200) -> Response:
    return edge.page("pages/touchpoints/form.html", status=status, form=form, row=row)
