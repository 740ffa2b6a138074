"""What codes brought, by code, place, store and guide; every figure opens to its rows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response, abort, request
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.kernel import edge
from webapp.kernel.scope import Scope
from webapp.touchpoints import figures, guides, queries

bp = edge.blueprint("touchpoint_figures", __name__)
PERIODS = (7, 30, 90, 0)  # days, today included; 0: all


@bp.get("/touchpoints/figures", permission="touchpoints.view")
def show() -> Response:
    """A table by what one asks for."""
    by, days = _by(), _days()
    with edge.read() as scope:
        found = figures.sums(scope, by, _since(scope, days))
        label = _labels(scope, by, list(found))
    order = sorted(found, key=lambda key: (-found[key].joins, -(found[key].scans or 0), label[key]))
    return edge.page(
        "pages/touchpoints/figures.html",
        by=by,
        days=days,
        periods=PERIODS,
        groups=[(key, label[key], found[key]) for key in order],
        total=figures.total(found),
    )


@bp.get("/touchpoints/rows", permission="touchpoints.view")
def rows() -> Response:
    """The rows behind one figure."""
    by, days, what = _by(), _days(), request.args.get("what", "joins")
    text, page = request.args.get("key"), max(request.args.get("page", 0, type=int), 0)
    if what not in figures.WHAT or page > 10_000:
        abort(404)
    key: Any = text if by == "place" else request.args.get("key", type=int)
    with edge.read() as scope:
        found = figures.rows(
            scope, what, by, key or (None if by != "place" else ""), _since(scope, days),
            page=page, everything=text is None,
        )  # fmt: skip
        codes = {one.id: one.name for one in queries.all_of(scope)}
        people = guides.names(scope, [one.serves_id for one in found])
        named = None if text is None else _labels(scope, by, [key or (None if by != "place" else "")])
    return edge.page(
        "pages/touchpoints/rows.html",
        what=what,
        by=by,
        days=days,
        key=text,
        page=page,
        found=found[: figures.PAGE],
        more=len(found) > figures.PAGE,
        codes=codes,
        people=people,
        group=next(iter(named.values())) if named else None,
    )


def _by() -> str:
    by = request.args.get("by", "code")
    if by not in figures.BY:
        abort(404)
    return by


def _days() -> int:
    days = request.args.get("days", 30, type=int)
    return days if days in PERIODS else 30


def _since(scope: Scope, days: int) -> date | None:
    return scope.today - timedelta(days=days - 1) if days else None


def _labels(scope: Scope, by: str, keys: list[Any]) -> dict[Any, str]:
    """What a group is called."""
    known: dict[Any, str] = {}
    if by == "code":
        known = {one.id: one.name for one in queries.all_of(scope)}
    elif by == "store":
        known = {one.id: one.name for one in brands.stores(scope)}
    elif by == "guide":
        known = dict(guides.names(scope, keys))
    none = {"place": _("no place said"), "store": _("no store"), "guide": _("nobody")}.get(by, "")
    return {key: known.get(key) or (str(key) if by == "place" and key else none) for key in keys}
