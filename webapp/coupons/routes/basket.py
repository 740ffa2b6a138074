"""The counter for several coupons at once, or for goods by lines: what each saves, why one is not used, then use them once.

What is asked is a POST, since thirty lines have no room in an address; it changes nothing. The button that uses the coupons
sends the same fields again with what was shown (`seen`): if that is no longer the answer, nothing is used.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.catalogue import queries as catalogue
from webapp.coupons import redemptions, returning, says, together, undoing
from webapp.coupons.quoting import Bill
from webapp.coupons.routes import counter
from webapp.coupons.routes.basket_form import BasketForm
from webapp.kernel import edge, money
from webapp.kernel.errors import Forbidden, NotFound, Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.limits import left, limit
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope

bp = edge.blueprint("basket", __name__)
SUGGESTED = 200  # words of the till that a field offers


@bp.get("/counter/basket", permission="counter.redeem")
def index() -> Response:
    """The empty form; with a code, its first coupon."""
    form = _form(None)
    if code := request.args.get("code", ""):
        form.codes[0].data = code
    return _page(form)


@bp.post("/counter/basket", permission="counter.redeem")
def look() -> Response:
    """What the coupons save on the basket, each line, and why one is not used."""
    form = _form(request.form)
    if form.more_wanted():
        return _page(form)
    if not form.validate():
        return _page(form, 422)
    if not left(*_guesses()):
        return _rattled(form)
    return _page(form, bill=_bill(form))


@bp.post("/counter/basket/redeem", permission="counter.redeem")
def use() -> Response:
    """Use all that was shown, or none."""
    key = edge.once_key()
    form = _form(request.form)
    if not form.validate():
        return _page(form, 422)
    if not left(*_guesses()):
        return _rattled(form)
    store_id = _store_id(form)
    answer = edge.write(
        lambda scope: together.redeem_together(
            scope,
            form.typed_codes(),
            form.bought(),
            store_id,
            key=key,
            seen=request.form.get("seen", ""),
            till_number=form.till.data or "",
        )
    )
    if isinstance(answer, Refused):
        edge.spend_once()
        return _page(form, 409, bill=_bill(form), refused=says.refused(answer))
    response = edge.redirect("basket.done", basket_id=answer[0].basket_id)
    if form.store and store_id:
        counter.keep_store(response, store_id)
    return response


@bp.get("/counter/basket/<int:basket_id>", permission="counter.redeem")
def done(basket_id: int) -> Response:
    """What was used together, what is to pay; each is undone by itself."""
    with edge.read() as scope:
        rows = redemptions.of_basket(scope, basket_id)
        came_back = returning.history(scope, basket_id)
        shown = next((row for row in rows if not row.redemption.reversed_at), rows[0] if rows else None)
        late = undoing.too_late(scope, shown.redemption) if shown else None
    if not rows:
        raise NotFound(f"basket {basket_id}")
    if not reaches(scope, rows[0].redemption.store_id):
        raise Forbidden("a basket of another store")
    saved = sum(row.redemption.saving_minor for row in rows if not row.redemption.reversed_at)
    return edge.page(
        "pages/counter/basket_done.html",
        rows=rows,
        shown=shown,
        saved=saved,
        lines=_lines_saved(rows),
        returns=came_back,
        late=late is not None,
    )


# --------------------------------------------------------------------------------------------------------------- helpers


def _form(typed: Any) -> BasketForm:
    with edge.read() as scope:
        stores = [(one.id, one.name) for one in brands.stores_in_reach(scope) if one.open]
    form = BasketForm(formdata=typed)
    form.here = stores
    form.choose_from(stores)
    if form.store and not (typed or {}).get("store"):
        likely = (request.cookies.get(counter.STORE_COOKIE, ""), str(g.get("store_id")))
        form.store.data = next((id_ for one in likely for id_, _name in stores if str(id_) == one), None)
    return form


def _store_id(form: BasketForm) -> int | None:
    if form.store:
        return form.store.data or None
    return form.here[0][0] if form.here else None


def _guesses() -> tuple[str, str, int, int]:
    """The same count as for one coupon."""
    return "counter-code", str(edge.actor().id), counter.GUESSES, 300


def _rattled(form: BasketForm) -> Response:
    form.codes[0].errors = [_("Too many tries. Please wait five minutes and try again.")]
    return _page(form, 429)


def _bill(form: BasketForm) -> Bill:
    with edge.read() as scope:
        bill = together.quote_together(scope, form.typed_codes(), form.bought(), _store_id(form))
    for one in bill.unused:
        if one.why.code == "unknown":
            limit(*_guesses())
    return bill


def _words(scope: Scope) -> dict[str, list[tuple[str, str]]]:
    """What the fields of a line offer."""
    return {
        "products": catalogue.products(scope, limit=SUGGESTED),
        "categories": catalogue.categories(scope, limit=SUGGESTED),
    }


def _lines_saved(rows: Any) -> list[dict[str, Any]]:
    """What each line of the basket was saved by those that stand."""
    standing = [
        row.redemption.lines for row in rows if row.redemption.lines and not row.redemption.reversed_at
    ]
    return [
        one[0] | {"saving_minor": sum(part["saving_minor"] for part in one)}
        for one in zip(*standing, strict=False)
    ]


def _page(form: BasketForm, status: int = 200, bill: Bill | None = None, refused: str = "") -> Response:
    brand = edge.brand()
    assert brand is not None  # the guard has seen to it
    suggested: dict[str, Any] = {}
    if form.lines:
        with edge.read() as scope:
            suggested = _words(scope)
    return edge.page(
        "pages/counter/basket.html",
        status=status,
        form=form,
        bill=bill,
        seen=together.seen(bill) if bill else "",
        unused=[(one.wish, says.refused(one.why)) for one in bill.unused] if bill else [],
        refused=refused,
        here=dict(form.here).get(_store_id(form) or 0),
        symbol=money.symbol(brand.currency, pick_locale()),
        suggested=suggested,
    )
