"""Orders that waited for a phone join when a member comes to hold it."""

from __future__ import annotations

from typing import Any

from webapp.kernel.events import on
from webapp.kernel.scope import Scope
from webapp.orders import waiting


@on("member.phone_held", "orders.join_waiting")
def join_waiting(scope: Scope, payload: dict[str, Any]) -> None:
    """Harmless when it happens twice: what has joined no longer waits."""
    waiting.join_waiting(scope, payload["member_ids"])
