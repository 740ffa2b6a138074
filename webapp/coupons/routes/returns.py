"""Part of what was bought with a coupon came back: what stays is typed, what is to be paid back is seen, then it is written
down once.

Looking is a GET: it changes nothing. The button that writes it down sends the same fields again with what was shown (`seen`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FieldList

from webapp.coupons import queries, returning, says
from webapp.coupons.models import Coupon
from webapp.coupons.returning import Answer, Came, Whole
from webapp.coupons.returns import Line
from webapp.kernel import edge, money
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MoneyField, WholeField
from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Scope

bp = edge.blueprint("returns", __name__)


class ReturnForm(Form):
    """What stays in all, or how many pieces of each line came back."""

    left: Any = MoneyField(
        _l("What the goods that stay cost"),
        minimum=0,
        description=_l("Before the coupons. 0: all of it came back."),
    )
    back = FieldList(WholeField(_l("Pieces that came back"), minimum=0))

    def of(self, lines: Sequence[Line]) -> None:
        """Ask for what this basket knows."""
        if not lines:
            del self.back
            return
        del self.left
        while len(self.back) < len(lines):
            self.back.append_entry()
        while len(self.back) > len(lines):
            self.back.pop_entry()

    def came(self) -> Came:
        """What was typed."""
        if self.back:
            return Came(pieces=tuple(entry.data or 0 for entry in self.back))
        return Came(left_minor=self.left.data)

    def refuse(self, why: Refused) -> bool:
        """Put the sentence beside its field; False where there is none for it."""
        if why.code not in ("nothing_back", "left_more"):
            return False
        field = self.back[0] if self.back else self.left
        field.errors = [says.refused(why)]
        return True

    def check(self, lines: Sequence[Line]) -> bool:
        """Sound in itself."""
        good = self.validate()
        for entry, line in zip(self.back or (), lines, strict=False):
            if not entry.errors and (entry.data or 0) > line["quantity"]:
                entry.errors = [_("At most %(number)s.", number=line["quantity"])]
                good = False
        return bool(good)

    def mistakes(self) -> list[tuple[str, str, str]]:
        """(id, label, sentence) of what is wrong."""
        fields = list(self.back) if self.back else [self.left]
        return [(one.id, str(one.label.text), str(one.errors[0])) for one in fields if one.errors]


@bp.get("/counter/<int:redemption_id>/return", permission="counter.reverse")
def show(redemption_id: int) -> Response:
    """The form; with what stays, what is to be paid back."""
    with edge.read() as scope:
        whole = returning.basket(scope, redemption_id)
        if isinstance(whole, Refused):
            return _not_now(redemption_id, whole)
        asked = any(name == "left" or name.startswith("back-") for name in request.args)
        form = _form(whole, request.args if asked else None)
        if not asked:
            return _page(scope, redemption_id, whole, form)
        if not form.check(whole.lines):
            return _page(scope, redemption_id, whole, form, 422)
        answer = returning.look(scope, redemption_id, form.came())
        if isinstance(answer, Refused):
            if form.refuse(answer):
                return _page(scope, redemption_id, whole, form, 422)
            return _page(scope, redemption_id, whole, form, 409, refused=says.refused(answer))
        return _page(scope, redemption_id, whole, form, answer=answer)


@bp.post("/counter/<int:redemption_id>/return", permission="counter.reverse")
def save(redemption_id: int) -> Response:
    """Write it down, once, however often it is tapped."""
    key = edge.once_key()
    came = _sent()
    answer = edge.write(
        lambda scope: returning.take_back(
            scope, redemption_id, came, key=key, seen=request.form.get("seen", "")
        )
    )
    if isinstance(answer, Refused):
        edge.spend_once()
        if answer.code in ("undone", "undo_late"):
            return _not_now(redemption_id, answer)
        with edge.read() as scope:
            whole = returning.basket(scope, redemption_id)
            if isinstance(whole, Refused):
                return _not_now(redemption_id, whole)
            form = _form(whole, request.form)
            now = returning.look(scope, redemption_id, form.came()) if form.check(whole.lines) else None
            shown = now if isinstance(now, Answer) else None
            return _page(scope, redemption_id, whole, form, 409, refused=says.refused(answer), answer=shown)
    if answer:
        flash(_("Written down. Pay back %(amount)s.", amount=says.show_money(answer)), "good")
    else:
        flash(_("Written down. Nothing is paid back."), "good")
    return edge.redirect("counter.done", redemption_id=redemption_id)


def _form(whole: Whole, typed: Any) -> ReturnForm:
    form = ReturnForm(formdata=typed)
    form.of(whole.lines)
    return form


def _sent() -> Came:
    """As the button sends it: whole numbers that this page wrote itself; anything else is no answer to what was shown."""
    pieces = [request.form[f"back-{n}"] for n in range(len(request.form)) if f"back-{n}" in request.form]
    if pieces:
        return Came(pieces=tuple(int(one) if re.fullmatch("[0-9]{1,9}", one) else 0 for one in pieces))
    brand = edge.brand()
    assert brand is not None  # the guard has seen to it
    try:
        return Came(left_minor=money.parse(request.form.get("left", ""), brand.currency))
    except money.BadMoney:
        return Came()


def _not_now(redemption_id: int, why: Refused) -> Response:
    flash(says.refused(why), "warn")
    return edge.redirect("counter.done", redemption_id=redemption_id)


def _page(
    scope: Scope,
    redemption_id: int,
    whole: Whole,
    form: ReturnForm,
    status: int = 200,
    *,
    refused: str = "",
    answer: Answer | None = None,
) -> Response:
    codes = {
        one.id: scope.session.get_one(Coupon, (scope.brand.id, one.coupon_id)).code for one in whole.standing
    }
    back: dict[int, bool] = {}
    if answer is not None:  # whether a coupon that is taken back is its member's again, or its offer's
        for one in whole.standing:
            coupon = scope.session.get_one(Coupon, (scope.brand.id, one.coupon_id))
            said = queries.terms(scope, coupon.offer_id, coupon.terms_version).conditions
            back[one.id] = said.get("undone") == "returned"
    return edge.page(
        "pages/counter/return.html",
        status=status,
        redemption_id=redemption_id,
        whole=whole,
        form=form,
        refused=refused,
        answer=answer,
        codes=codes,
        gifts={one.id: one.gift for one in whole.standing},
        to_stock=back,
        symbol=money.symbol(scope.brand.currency, pick_locale()),
        left_typed=money.plain(answer.done.left.total_minor, scope.brand.currency) if answer else "",
    )
