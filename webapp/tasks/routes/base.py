"""What the pages of this room share."""

from __future__ import annotations

from typing import Any

from flask import Response

from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.staff import queries as staff
from webapp.tasks import queries, words

bp = edge.blueprint("tasks", __name__)


def page(template: str, **context: Any) -> Response:
    """A page of this room."""
    return edge.page(
        f"pages/tasks/{template}",
        states=words.STATES,
        stopped_called=words.STOPPED,
        moves_called=words.MOVES,
        source_of=words.source,
        overdue=queries.overdue,
        **context,
    )


def names(scope: Scope) -> dict[int, str]:
    """account id -> name, of those who work here."""
    return {person.id: person.name or person.email for person, _role in staff.of_brand(scope)}


def said(refused: Refused) -> str:
    """A refusal, with the name of who was first."""
    with edge.read() as scope:
        known = names(scope)
    return words.refusal(refused, known.get(refused.facts.get("staff_id") or 0, ""))
