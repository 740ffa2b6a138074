"""The counter, on a phone in one hand: scan or type the code, type the basket, see what it saves, use it, undo.

Looking is a GET (it changes nothing, so Back and reload are free); using is one POST with a key of its own, so a double tap,
or a retry after an answer that was lost, uses the coupon once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.brands import queries as brands
from webapp.coupons import (
    at_counter,
    holds,
    known,
    queries,
    redeem,
    redemptions,
    returning,
    says,
    service,
    undoing,
)
from webapp.coupons.forms import CounterForm, FindForm
from webapp.coupons.models import Redemption
from webapp.kernel import edge, money, security, shell
from webapp.kernel.errors import Forbidden, Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.limits import left, limit
from webapp.kernel.reach import reaches
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.security import secure
from webapp.members import panels

bp = edge.blueprint("counter", __name__)
STORE_COOKIE = "rg_store"
_MONTH = 30 * 24 * 3600
GUESSES = 30  # unknown codes in five minutes
DAY_ROWS = 200

Stores = Sequence[tuple[int, str]]


@bp.get("/counter", permission="counter.redeem")
def index() -> Response:
    """The form; with a code what it is; with a basket what it saves, or why not. A gift needs no basket."""
    with edge.read() as scope:
        stores = _stores(scope)
        form = _form(stores, request.args)
        context: dict[str, Any] = {
            "today": redemptions.of_day(scope, scope.today, store_id=_store_id(form, stores))
        }
        status = 200
        if "code" not in request.args:
            return _page(form, stores, **context)
        if not left(*_guesses()):
            return _rattled(form, stores, **context)
        asks = _ask_for(scope, form)
        if not _complete(form, asks):  # scanned: the basket, or the store, is still to come
            found = service.look(scope, form.code.data or "", store_id=_store_id(form, stores))
            context |= {"answer": found} if isinstance(found, Refused) else {"found": found}
        elif form.validate():
            context["answer"] = service.quote(
                scope, form.code.data or "", form.bought_minor(), store_id=_store_id(form, stores)
            )
        else:
            status = 422
        _note_guess(context.get("answer"))
        return _page(form, stores, status, asks=asks, **_explained(scope, context))


@bp.post("/counter/find", permission="counter.redeem")
def find() -> Response:
    """Any member of the brand, by whole number or phone (or a coupon's code): what the counter needs to know, no more.

    A POST, because a phone number has no business in an address.
    """
    form = FindForm()
    if not form.validate():
        return _find_page(form, 422)
    if not left(*_guesses()):
        form.who.errors = [_("Too many tries. Please wait five minutes and try again.")]
        return _find_page(form, 429)
    typed = str(form.who.data).strip()
    with edge.read() as scope:
        found = at_counter.find(scope, typed, pick_locale(), _likely_store(scope))
        if found is None and redeem.read(typed) and queries.by_code(scope, redeem.read(typed) or ""):
            return edge.redirect("counter.index", code=redeem.read(typed))
        if found is None:
            limit(*_guesses())
            form.who.errors = [
                _("Nobody has this number, phone or code. It must be typed whole."),
                _("Who left a phone on a public page is not found by it yet: take the code of their coupon."),
            ]
            return _find_page(form, 404)
        badges = [
            (one.label, badge)
            for one in panels.BADGES
            if (badge := one.of(scope, [found.member_id]).get(found.member_id))
        ]
        reach = edge.can("members.view") and reaches(scope, found.store_id)
    return edge.page(
        "pages/counter/find.html", form=form, found=found, badges=badges, reach=reach, refused=says.refused
    )


@bp.get("/counter/find", permission="counter.redeem")
def ask() -> Response:
    """Who is it?"""
    return _find_page(FindForm(formdata=None))


def _find_page(form: FindForm, status: int = 200) -> Response:
    return edge.page("pages/counter/find.html", status=status, form=form, found=None)


@bp.post("/counter/redeem", permission="counter.redeem")
def use() -> Response:
    """Use the coupon; a refusal is shown where it can be mended."""
    key = edge.once_key()
    with edge.read() as scope:
        stores = _stores(scope)
        form = _form(stores, request.form)
        asks = _ask_for(scope, form)
    if not form.validate():
        return _page(form, stores, 422, asks=asks, today=[])
    if not left(*_guesses()):
        return _rattled(form, stores, today=[])
    store_id = _store_id(form, stores)

    def unit(scope: Scope) -> Redemption | Refused:
        return service.redeem(
            scope,
            typed=form.code.data or "",
            basket_minor=form.bought_minor(),
            key=key,
            store_id=store_id,
            till_number=form.till.data or "",
        )

    answer = edge.write(unit)
    if isinstance(answer, Refused):
        _note_guess(answer)
        edge.spend_once()
        with edge.read() as scope:
            return _page(form, stores, 409, asks=asks, **_explained(scope, {"answer": answer, "today": []}))
    response = edge.redirect("counter.done", redemption_id=answer.id)
    if len(stores) > 1 and store_id:
        keep_store(response, store_id)
    return response


@bp.post("/counter/let-go", permission="counter.reverse")
def let_go() -> Response:
    """A coupon that is kept for another purchase is the member's again, who stands here with it."""
    code = redeem.read(request.form.get("code", "")) or ""
    with edge.read() as scope:
        coupon = queries.by_code(scope, code) if code and left(*_guesses()) else None
    if coupon is None:
        limit(*_guesses())
        return edge.redirect("counter.index")
    answer = edge.write(lambda scope: holds.let_go(scope, coupon.id))
    if isinstance(answer, Refused):
        flash(says.refused(answer), "warn")
    else:
        flash(_("It is kept for no other purchase any more."), "good")
    return edge.redirect("counter.index", code=code)


def keep_store(response: Response, store_id: int) -> None:
    """Where this phone was used last is where it is likely to be used next."""
    response.set_cookie(
        STORE_COOKIE, str(store_id), max_age=_MONTH, httponly=True, samesite="Lax", secure=secure()
    )


@bp.get("/counter/<int:redemption_id>", permission="counter.redeem")
def done(redemption_id: int) -> Response:
    """What was saved, what is to pay, and the way back."""
    with edge.read() as scope:
        row = redemptions.get(scope, redemption_id)
        late = undoing.too_late(scope, row.redemption)
        basket_id = row.redemption.basket_id
        together = len(redemptions.of_basket(scope, basket_id)) if basket_id else 1
        came_back = returning.history(scope, basket_id or redemption_id)
    if not reaches(scope, row.redemption.store_id):
        raise Forbidden("a redemption of another store")
    return edge.page(
        "pages/counter/done.html",
        row=row,
        late=says.refused(late) if late else "",
        together=together,
        returns=came_back,
    )


@bp.get("/counter/day", permission="counter.redeem")
def day() -> Response:
    """A day's redemptions with their sums: a clerk's own; of everybody, by clerk, for who oversees the counter."""
    with edge.read() as scope:
        shown = _day(request.args.get("day", ""), scope.today)
        count, saved = redemptions.day_total(scope, shown)
        context: dict[str, Any] = {
            "rows": redemptions.of_day(scope, shown, limit=DAY_ROWS),
            "clerks": redemptions.by_clerk(scope, shown) if redemptions.whose(scope) is None else [],
            "today": scope.today,
            "before": shown - timedelta(days=1),
            "after": shown + timedelta(days=1),
        }
    return edge.page(
        "pages/counter/day.html", shown=shown, count=count, saved=saved, most=DAY_ROWS, **context
    )


@bp.post("/counter/<int:redemption_id>/undo", permission="counter.reverse")
def undo(redemption_id: int) -> Response:
    """The coupon is usable again, or back in the stock, as its terms say; once, however often it is tapped."""
    answer = edge.write(lambda scope: service.reverse(scope, redemption_id))
    if isinstance(answer, Refused):
        flash(says.refused(answer), "warn")
        return edge.redirect("counter.done", redemption_id=redemption_id)
    with edge.read() as scope:
        back = redemptions.get(scope, redemption_id).coupon.state == "void"
    if back:
        flash(_("Undone. The coupon is back in the stock."), "good")
    else:
        flash(_("Undone. The coupon can be used again."), "good")
    return edge.redirect("counter.done", redemption_id=redemption_id)


@shell.card(20, "counter.redeem")
def today_card(scope: Scope) -> shell.Card:
    """What the counter did today."""
    count, saved = redemptions.day_total(scope, scope.today)
    return shell.Card(
        _l("Counter"),
        (
            shell.Figure(str(count), _l("coupons used today"), "/counter"),
            shell.Figure(says.show_money(saved), _l("saved for members")),
        ),
        action=(_l("Redeem a coupon"), "/counter"),
    )


def _stores(scope: Scope) -> Stores:
    """Where this clerk may be: the open ones of their stores."""
    return [(one.id, one.name) for one in brands.stores_in_reach(scope) if one.open]


def _form(stores: Stores, typed: Any) -> CounterForm:
    form = CounterForm(formdata=typed)
    form.choose_from(stores)
    if form.store and not typed.get("store"):
        form.store.data = _likely(stores)
    if form.code.data and (code := redeem.read(form.code.data)):
        form.code.data = code
    return form


def _ask_for(scope: Scope, form: CounterForm) -> at_counter.Asks:
    """What this coupon needs beside its code; a field that it does not need is not there."""
    asks = at_counter.asks(scope, redeem.read(form.code.data or ""))
    if not asks.basket and form.basket:
        del form.basket
    return asks


def _complete(form: CounterForm, asks: at_counter.Asks) -> bool:
    """All that the coupon needs was sent."""
    if asks.basket:
        return "basket" in request.args
    return not form.store or bool(form.store.data)


def _likely(stores: Stores) -> int | None:
    """Where the clerk used a coupon last, or signed in: one of the list, since a store may have closed since."""
    likely = (request.cookies.get(STORE_COOKIE, ""), str(g.get("store_id")))
    return next((id_ for one in likely for id_, _name in stores if str(id_) == one), None)


def _likely_store(scope: Scope) -> int | None:
    stores = _stores(scope)
    return stores[0][0] if len(stores) == 1 else _likely(stores)


def _store_id(form: CounterForm, stores: Stores) -> int | None:
    if form.store:
        return form.store.data or None
    return stores[0][0] if stores else None


def _day(typed: str, today: date) -> date:
    try:
        return min(date.fromisoformat(typed), today)
    except ValueError:
        return today


def _guesses() -> tuple[str, str, int, int]:
    """Codes that nobody has are counted for each clerk: a list of them is no way to somebody's coupon."""
    return "counter-code", str(edge.actor().id), GUESSES, 300


def _note_guess(answer: object) -> None:
    if isinstance(answer, Refused) and answer.code == "unknown":
        limit(*_guesses())


def _rattled(form: CounterForm, stores: Stores, **context: Any) -> Response:
    form.code.errors = [_("Too many tries. Please wait five minutes and try again.")]
    return _page(form, stores, 429, **context)


def _explained(scope: Scope, context: dict[str, Any]) -> dict[str, Any]:
    """The coupon's own words beside the answer, and the refusal's sentence."""
    answer = context.get("answer") or context.get("found")
    if isinstance(answer, Refused):
        context |= {"refused": says.refused(answer), "mistyped": answer.code in ("mistyped", "unknown")}
    code = redeem.read(request.values.get("code", "")) if answer else None
    one = known.by_code(scope, code) if code else None
    if one is not None:
        lines = queries.describe(scope, one.offer, one.terms, pick_locale(), staff=True)
        context |= {"offer": one.offer, "lines": lines}
    return context


def _page(form: CounterForm, stores: Stores, status: int = 200, **context: Any) -> Response:
    if context.get("mistyped"):
        form.code.errors = [context.pop("refused")]
        status = 422
    response = edge.page(
        "pages/counter/index.html",
        status=status,
        form=form,
        here=dict(stores).get(_store_id(form, stores) or 0),
        symbol=money.symbol(_brand().currency, pick_locale()),
        scan_now="scan" in request.args,
        **context,
    )
    response.headers["Permissions-Policy"] = security.CAMERA
    return response


def _brand() -> BrandRef:
    brand = edge.brand()
    assert brand is not None  # the guard has seen to it
    return brand
