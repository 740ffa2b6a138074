"""What members get for their birthday."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from flask_babel import gettext as _

from webapp.coupons import queries as coupons
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.matrix import birthday, queries
from webapp.matrix.forms import BirthdayForm, as_choice, birthday_form

bp = edge.blueprint("birthday", __name__)
AHEAD = 30  # days of which the coming birthdays are counted


def _form(scope: Scope) -> BirthdayForm:
    row = birthday.present(scope)
    offers = coupons.to_choose(scope, row.offer_id if row is not None else None)
    tables = [(one.id, one.name) for one in queries.matrices(scope)]
    values: dict[str, Any] = {"present": "0", "days_before": 7}
    if row is not None:
        values = {"present": as_choice(row.offer_id, row.matrix_id), "days_before": row.days_before}
    return birthday_form(offers, tables, values)


def _page(scope: Scope, form: BirthdayForm, status: int = 200) -> Response:
    row = birthday.present(scope)
    on = row is not None and (row.offer_id is not None or row.matrix_id is not None)
    members, known, soon = birthday.known(scope, AHEAD)
    return edge.page(
        "pages/matrices/birthday.html",
        status=status,
        form=form,
        on=on,
        once_only=birthday.once_only(scope, row) if row is not None else [],
        lifetime=birthday.LIFETIME,
        last=birthday.last(scope),
        members=members,
        known=known,
        soon=soon,
        ahead=AHEAD,
    )


@bp.get("/offers/birthday", permission="coupons.edit")
def show() -> Response:
    """An offer, a matrix or nothing, and how many days before."""
    with edge.read() as scope:
        return _page(scope, _form(scope))


@bp.post("/offers/birthday", permission="coupons.edit")
def save() -> Response:
    """From the next night on."""
    with edge.read() as scope:
        form = _form(scope)
        if not form.validate():
            return _page(scope, form, 422)
    offer_id, matrix_id = form.present.chosen
    answer = edge.write(
        lambda scope: birthday.set_present(scope, offer_id, matrix_id, form.days_before.data or 0)
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        with edge.read() as scope:
            return _page(scope, form, 422)
    flash(_("Saved. It counts from the next night on."), "good")
    return edge.redirect("birthday.show")


@bp.post("/offers/birthday/every-year", permission="coupons.edit")
def every_year() -> Response:
    """The offers that give one coupon a person in all give one a year."""
    if edge.write(birthday.every_year):
        flash(_("Done: they get a present every year."), "good")
    return edge.redirect("birthday.show")
