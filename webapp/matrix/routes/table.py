"""The list of matrices, one with what it would give now, its name, and removing it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.campaigns import queries as campaigns
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.matrix import queries, service, words
from webapp.matrix.forms import NameForm
from webapp.segments.compile import conditions
from webapp.segments.rules import BadRule, Rule

bp = edge.blueprint("matrices", __name__)

# kind of a place that uses a matrix -> its page, the page's argument, who may see it
PLACES = {
    "campaign": ("campaigns.show", "campaign_id", "campaigns.view"),
    "touchpoint": ("touchpoints.show", "touchpoint_id", "touchpoints.view"),
    "birthday": ("birthday.show", "", "coupons.edit"),
}


@bp.get("/offers/matrices", permission="coupons.view")
def index() -> Response:
    """Newest first."""
    with edge.read() as scope:
        found = queries.matrices(scope)
        sizes = queries.sizes(scope)
    return edge.page("pages/matrices/index.html", found=found, sizes=sizes)


@bp.get("/offers/matrices/new", permission="coupons.edit")
def new() -> Response:
    """Its name; the rows come after."""
    return edge.page("pages/matrices/name.html", form=NameForm(), matrix=None)


@bp.post("/offers/matrices/new", permission="coupons.edit")
def add() -> Response:
    """Make it once."""
    form = NameForm()
    if not form.validate():
        return edge.page("pages/matrices/name.html", status=422, form=form, matrix=None)
    made = edge.add_once("matrix.new", lambda scope: service.new(scope, form.name.data or ""))
    if isinstance(made, Refused):
        form.refuse(made)
        return edge.page("pages/matrices/name.html", status=422, form=form, matrix=None)
    return edge.redirect("matrices.show", matrix_id=made)


@bp.get("/offers/matrices/<int:matrix_id>", permission="coupons.view")
def show(matrix_id: int) -> Response:
    """Its rows in their order, and to how many members each would give its coupon now: of all, or of a draft's audience."""
    asked = request.args.get("campaign", type=int)
    with edge.read() as scope:
        matrix = queries.get(scope, matrix_id)
        lines = queries.lines(scope, matrix_id)
        drafts = _drafts(scope)
        among = drafts.get(asked or 0)
        seen = queries.preview(scope, matrix_id, among[1] if among else None)
        names = {one.offer.id: one.offer.name for one in lines}
        context: dict[str, Any] = {
            "rows": [(one, words.whom(scope, one.row), words.passed_over(one)) for one in lines],
            "gets": [(names[id_], n) for id_, n in seen.by_offer(lines).items() if n],
            "seen": seen,
            "drafts": [(id_, name) for id_, (name, _rule) in drafts.items()],
            "asked": asked if among else None,
            "uses": [
                (_place(one), one.name or _("Birthday presents")) for one in queries.uses(scope, matrix_id)
            ],
        }
    return edge.page("pages/matrices/show.html", matrix=matrix, most=service.MOST_ROWS, **context)


def _drafts(scope: Scope) -> dict[int, tuple[str, Rule]]:
    """id -> name and audience of the campaigns that are being written, for whoever may see them."""
    if not edge.can("campaigns.view"):
        return {}
    found = {}
    for one in campaigns.in_state(scope, "draft"):
        if one.kind == "members":
            with suppress(BadRule):
                rule = campaigns.rule(campaigns.version(scope, one))
                conditions(scope, rule, scope.today)
                found[one.id] = (one.name, rule)
    return found


def _place(use: queries.Use) -> str | None:
    """The address of the page of a place, for whoever may see it."""
    endpoint, name, permission = PLACES[use.kind]
    if not edge.can(permission):
        return None
    values: dict[str, Any] = {name: use.id} if name else {}
    return url_for(endpoint, **values)


@bp.get("/offers/matrices/<int:matrix_id>/name", permission="coupons.edit")
def edit(matrix_id: int) -> Response:
    """Its name."""
    with edge.read() as scope:
        matrix = queries.get(scope, matrix_id)
    return edge.page("pages/matrices/name.html", form=NameForm(data={"name": matrix.name}), matrix=matrix)


@bp.post("/offers/matrices/<int:matrix_id>/name", permission="coupons.edit")
def rename(matrix_id: int) -> Response:
    """Store it."""
    form = NameForm()
    with edge.read() as scope:
        matrix = queries.get(scope, matrix_id)
    if form.validate():
        answer = edge.write(lambda scope: service.rename(scope, matrix_id, form.name.data or ""))
        if not isinstance(answer, Refused):
            flash(_("Saved."), "good")
            return edge.redirect("matrices.show", matrix_id=matrix_id)
        form.refuse(answer)
    return edge.page("pages/matrices/name.html", status=422, form=form, matrix=matrix)


@bp.post("/offers/matrices/<int:matrix_id>/remove", permission="coupons.edit")
def remove(matrix_id: int) -> Response:
    """Away with it, unless it is used somewhere."""
    refused = edge.write(lambda scope: service.remove(scope, matrix_id))
    if refused is not None:
        flash(words.refusal(refused), "warn")
        return edge.redirect("matrices.show", matrix_id=matrix_id)
    flash(_("Removed. Coupons that were given stay good."), "good")
    return edge.redirect("matrices.index")
