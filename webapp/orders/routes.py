"""What a member bought: a section of the profile, and a page with all of it."""

from __future__ import annotations

from datetime import date

from flask import Flask, Response, request

from webapp.kernel import edge
from webapp.kernel.scope import Scope
from webapp.members import panels, queries
from webapp.members.models import Member
from webapp.orders import history

bp = edge.blueprint("orders", __name__)


@panels.panel(20, "members.view")
def purchases(scope: Scope, member: Member) -> panels.Panel:
    """Figures and the last five orders."""
    found = history.of_person(scope, member.person_id, limit=5)
    return panels.Panel(
        "fragments/orders/_purchases.html",
        {
            "summary": history.summary(scope, member.person_id),
            "found": found,
            "whole": scope.actor.stores is None,
        },
    )


@bp.get("/members/<int:member_id>/orders", permission="members.view")
def of_member(member_id: int) -> Response:
    """All orders with their lines, newest first."""
    after = _after(request.args.get("after", ""))
    with edge.read() as scope:
        member = queries.in_reach(scope, member_id)
        found = history.of_person(scope, member.person_id, after=after)
        lines = history.lines_of(scope, [order.id for order, _store in found.orders])
    following = f"{found.next[0].isoformat()}_{found.next[1]}" if found.next else None
    return edge.page(
        "pages/orders/of_member.html", member=member, found=found, lines=lines, following=following
    )


def _after(text: str) -> tuple[date, int] | None:
    day, _, id_ = text.partition("_")
    try:
        return date.fromisoformat(day), int(id_)
    except ValueError:
        return None


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
