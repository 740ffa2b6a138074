"""Settings, Stores: the list, several new ones at once, and one of them."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.brands import queries, service
from webapp.brands.models import Store
from webapp.kernel import edge
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.settings.forms import STORE_WORDS, StoreForm, StoresForm

bp = edge.blueprint("stores", __name__)
MOST = 200  # in one form


@bp.get("/settings/stores", permission="brand.edit")
def index() -> Response:
    """Every store, and a box for more."""
    return _page(StoresForm(formdata=None))


@bp.post("/settings/stores", permission="brand.edit")
def add() -> Response:
    """One store a line: all of them, or none and what is wrong."""
    form = StoresForm()
    names = [line.strip() for line in str(form.names.data or "").splitlines() if line.strip()]
    if not names:
        form.names.errors = [_("Write the name of a store.")]
    elif len(names) > MOST:
        form.names.errors = [_("At most %(most)s stores at once.", most=MOST)]
    if form.names.errors:
        return _page(form, 422)
    wrong: list[str] = []

    def work(scope: Scope) -> int:
        wrong.clear()
        made = 0
        known = {store.code for store in queries.stores(scope)}
        for line in names:
            name, _sep, code = (part.strip() for part in line.partition("="))
            if (code or name[:60]) in known:
                continue  # the same form twice; a line written twice
            answer = service.add_store(scope, name=name, code=code)
            if isinstance(answer, Refused):
                wrong.append(f"{line[:40]}: {STORE_WORDS[answer.code][1]}")
            else:
                known.add(answer.code)
                made += 1
        if wrong:
            raise _Wrong
        return made

    try:
        made = edge.write(work)
    except _Wrong:
        form.names.errors = wrong
        return _page(form, 422)
    flash(ngettext("%(num)s store added.", "%(num)s stores added.", made), "good")
    return edge.redirect("stores.index")


class _Wrong(Exception):
    """A line that cannot stand: none of them is kept."""


@bp.get("/settings/stores/<int:store_id>", permission="brand.edit")
def edit(store_id: int) -> Response:
    """One store."""
    store = _store(store_id)
    values: dict[str, Any] = {
        "name": store.name,
        "code": store.code,
        "address": store.address,
        "is_open": store.open,
    }
    return _one(store, StoreForm(formdata=None, data=values))


@bp.post("/settings/stores/<int:store_id>", permission="brand.edit")
def save(store_id: int) -> Response:
    """Rename, move, close, open again."""
    store, form = _store(store_id), StoreForm()
    if not form.validate():
        return _one(store, form, 422)
    answer = edge.write(
        lambda scope: service.change_store(
            scope,
            store_id,
            name=str(form.name.data),
            code=str(form.code.data or ""),
            address=str(form.address.data or ""),
            is_open=bool(form.is_open.data),
        )
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _one(store, form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("stores.index")


def _store(store_id: int) -> Store:
    with edge.read() as scope:
        store = scope.session.get(Store, (scope.brand.id, store_id))
    if store is None:
        raise NotFound(f"store {store_id}")
    return store


def _page(form: StoresForm, status: int = 200) -> Response:
    with edge.read() as scope:
        stores = queries.stores(scope)
    return edge.page("pages/settings/stores.html", status=status, form=form, stores=stores)


def _one(store: Store, form: StoreForm, status: int = 200) -> Response:
    return edge.page("pages/settings/store.html", status=status, form=form, store=store)
