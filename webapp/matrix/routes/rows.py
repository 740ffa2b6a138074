"""The rows of a matrix: each a page with an offer and conditions, moved and removed from the matrix's page."""

from __future__ import annotations

from flask import Response, flash, request
from flask_babel import gettext as _

from webapp.coupons import queries as coupons
from webapp.coupons import says
from webapp.kernel import edge
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.matrix import queries, service
from webapp.matrix.forms import RowForm, row_form
from webapp.matrix.models import MatrixRow, OfferMatrix
from webapp.segments.compile import count
from webapp.segments.forms import Builder
from webapp.segments.rules import BadRule, Rule

bp = edge.blueprint("matrix_rows", __name__)


def _offers(scope: Scope, row: MatrixRow | None) -> list[tuple[int, str]]:
    """(id, name with its state) of those that can be given, or could be once they are open."""
    return [
        (
            offer.id,
            offer.name if offer.state == "open" else f"{offer.name} ({says.OFFER_STATES[offer.state][0]})",
        )
        for offer, _terms in coupons.offers(scope)
        if (offer.state != "closed" and coupons.giveable(offer))
        or (row is not None and row.offer_id == offer.id)
    ]


def _row(scope: Scope, matrix_id: int, row_id: int) -> MatrixRow:
    for row in queries.rows(scope, matrix_id):
        if row.id == row_id:
            return row
    raise NotFound(f"row {row_id} of matrix {matrix_id}")


def _page(
    scope: Scope,
    matrix: OfferMatrix,
    row: MatrixRow | None,
    form: RowForm,
    builder: Builder,
    status: int = 200,
) -> Response:
    rule = builder.rule()
    if status == 200:
        builder.still_writing()
    return edge.page(
        "pages/matrices/row.html",
        status=status,
        matrix=matrix,
        row=row,
        form=form,
        builder=builder,
        fitting=count(scope, rule) if rule is not None and rule.all else None,
    )


@bp.get("/offers/matrices/<int:matrix_id>/rows/new", permission="coupons.edit")
def new(matrix_id: int) -> Response:
    """An offer, and conditions that must all hold."""
    with edge.read() as scope:
        matrix = queries.get(scope, matrix_id)
        return _page(scope, matrix, None, row_form(_offers(scope, None)), Builder(scope, []))


@bp.get("/offers/matrices/<int:matrix_id>/rows/<int:row_id>", permission="coupons.edit")
def edit(matrix_id: int, row_id: int) -> Response:
    """The same of a row."""
    with edge.read() as scope:
        matrix, row = queries.get(scope, matrix_id), _row(scope, matrix_id, row_id)
        try:
            rule = queries.rule(row)
        except BadRule:
            rule = Rule()
        form = row_form(_offers(scope, row), row.offer_id)
        return _page(scope, matrix, row, form, Builder.of_rule(scope, rule))


@bp.post("/offers/matrices/<int:matrix_id>/rows/new", permission="coupons.edit")
def add(matrix_id: int) -> Response:
    """Add or take away a condition, or add the row, once."""
    return _save(matrix_id, None)


@bp.post("/offers/matrices/<int:matrix_id>/rows/<int:row_id>", permission="coupons.edit")
def change(matrix_id: int, row_id: int) -> Response:
    """Add or take away a condition, or store the row."""
    return _save(matrix_id, row_id)


def _save(matrix_id: int, row_id: int | None) -> Response:
    with edge.read() as scope:
        matrix = queries.get(scope, matrix_id)
        row = None if row_id is None else _row(scope, matrix_id, row_id)
        form = row_form(_offers(scope, row))
        builder = Builder.of_form(scope, request.form)
        rule = builder.rule()
        changing = request.form.get("do") == "add" or "remove" in request.form
        if changing or rule is None or not form.validate():
            return _page(scope, matrix, row, form, builder, 200 if changing else 422)
    offer_id = int(form.offer.data)

    def work(scope: Scope) -> MatrixRow | Refused:
        if row_id is None:
            return service.add_row(scope, matrix_id, rule, offer_id)
        return service.change_row(scope, matrix_id, row_id, rule, offer_id)

    answer = edge.add_once(f"matrix.row:{matrix_id}", work)
    if isinstance(answer, Refused):
        form.refuse(answer)
        with edge.read() as scope:
            return _page(scope, matrix, row, form, Builder.of_form(scope, request.form), 422)
    flash(_("Saved."), "good")
    return edge.redirect("matrices.show", matrix_id=matrix_id)


@bp.post("/offers/matrices/<int:matrix_id>/rows/<int:row_id>/move", permission="coupons.edit")
def move(matrix_id: int, row_id: int) -> Response:
    """One place up or down, once a form."""
    key, up = edge.once_key(), request.form.get("to") == "up"

    def work(scope: Scope) -> bool:
        service.move_row(scope, matrix_id, row_id, up=up)
        return True

    edge.write(lambda scope: once(scope, key, f"matrix.move:{row_id}", lambda: work(scope)))
    return edge.redirect("matrices.show", matrix_id=matrix_id)


@bp.post("/offers/matrices/<int:matrix_id>/rows/<int:row_id>/remove", permission="coupons.edit")
def remove(matrix_id: int, row_id: int) -> Response:
    """Away with it."""
    edge.write(lambda scope: service.remove_row(scope, matrix_id, row_id))
    flash(_("Removed. Coupons that were given stay good."), "good")
    return edge.redirect("matrices.show", matrix_id=matrix_id)
