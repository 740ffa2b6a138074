"""A test message: to the one who writes it, through the channel, outside every campaign's counts."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.kernel.db import Database
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_api import Address, Channel, Message, Outcome
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.calls import Bound
from webapp.staff.models import Staff


def own_address(scope: Scope, identity: str) -> Address | None:
    """Where the acting member of staff can be reached by a channel of this identity kind; None where it is not known."""
    if identity not in ("email", "recipient") or scope.actor.kind != "staff":
        return None
    staff = scope.session.get(Staff, scope.actor.id)
    if staff is None:
        return None
    return Address(staff.email if identity == "email" else f"staff:{staff.id}", staff.name)


def send(
    db: Database,
    brand: BrandRef,
    actor: Actor,
    campaign_id: int,
    bound: Bound[Channel],
    to: Address,
    filled: Mapping[str, str],
    key: str,
) -> Outcome | None:
    """Speak to the world between two units: what is about to happen is committed first, what came of it after.

    None: this form was posted before; it is not sent twice.
    """

    def begin(scope: Scope) -> tuple[str, bool]:
        fresh: list[int] = []

        def first() -> str:
            fresh.append(scope.new_id())
            scope.audit("campaign.test", "campaign", campaign_id, attempt=str(fresh[0]))
            return str(fresh[0])

        attempt = once(scope, key, "campaign.test", first)
        return str(attempt), bool(fresh)

    attempt, fresh = db.write(begin, brand=brand, actor=actor)
    if not fresh:
        return None
    with calls.speaking(bound) as say:
        outcome = say(Message(attempt, to, dict(filled)))

    def end(scope: Scope) -> None:
        scope.audit(
            "campaign.tested",
            "campaign",
            campaign_id,
            attempt=attempt,
            outcome=outcome.state,
            reason=outcome.reason,
        )

    db.write(end, brand=brand, actor=actor)
    return outcome
