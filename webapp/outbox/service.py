"""Promising deliveries, holding and returning them, and what people and receipts say about them later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, exists, select, update

from webapp.kernel.bulk import among
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.outbox import sources
from webapp.outbox.models import Attempt, Delivery, Dispatch, Receipt
from webapp.outbox.sources import Leased

_delivery: Any = Delivery.__table__  # Core: the ORM's bulk insert does not tell how many rows were new
ARRIVED = frozenset(
    {"opened", "unsubscribed", "confirmed", "done", "unreached", "declined"}
)  # receipts that only a message that arrived can cause


@dataclass(frozen=True, slots=True)
class Promise:
    """A delivery to be laid. state: queued, or left_out with the reason. arm 0: held out. due_at: not before (None: now)."""

    recipient_id: int
    person_id: int | None = None
    recipient_kind: str = "member"
    occurrence: int = 0
    state: str = "queued"
    reason: str | None = None
    arm: int = 1
    due_at: datetime | None = None


def lay(scope: Scope, campaign_id: int, rows: Sequence[Promise]) -> int:
    """Insert deliveries, at most some 500 a unit; one that was laid before is left as it is. Returns how many are new."""
    if not rows:
        return 0
    values = [
        {
            "brand_id": scope.brand.id,
            "id": id_,
            "campaign_id": campaign_id,
            **asdict(row),
            "due_at": (row.due_at or scope.now) if row.state == "queued" else None,
            "tries": 0,
        }
        for id_, row in zip(scope.new_ids(len(rows)), rows, strict=True)
    ]
    laid = _changed(scope.session.execute(insert_or_ignore(scope, _delivery), values))
    scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=campaign_id)
    return laid


# -- in a worker's hand ------------------------------------------------------------------------------------------------


def lease(scope: Scope, campaign_id: int, token: int, until: datetime, limit: int) -> list[Leased]:
    """Take due rows into the hand of `token`, oldest first. What another worker takes at the same time is not ours."""
    due = scope.session.scalars(
        select(Delivery.id)
        .where(*_of(scope, campaign_id), Delivery.state == "queued", Delivery.due_at <= scope.now)
        .order_by(Delivery.due_at)  # as the index has them: nothing is sorted, however many are due
        .limit(limit)
        .with_for_update(
            skip_locked=True
        )  # spares waiting; that a row is taken once is kept by the state below
    ).all()
    taken = scope.session.execute(
        update(Delivery)
        .where(Delivery.brand_id == scope.brand.id, among(Delivery.id, due), Delivery.state == "queued")
        .values(state="leased", lease=token, lease_until=until)
        .returning(
            Delivery.id,
            Delivery.recipient_kind,
            Delivery.recipient_id,
            Delivery.person_id,
            Delivery.occurrence,
            Delivery.tries,
        ),
        execution_options={"synchronize_session": False},
    )
    return sorted(Leased(*row) for row in taken)


def renew(scope: Scope, campaign_id: int, token: int, until: datetime) -> set[int]:
    """Hold what is in the hand for longer. Returns the ids that are still there."""
    kept = scope.session.scalars(
        update(Delivery)
        .where(*_of(scope, campaign_id), Delivery.state == "leased", Delivery.lease == token)
        .values(lease_until=until)
        .returning(Delivery.id),
        execution_options={"synchronize_session": False},
    )
    return set(kept)


def put_back(scope: Scope, campaign_id: int, token: int) -> int:
    """Return what is in the hand to the queue. Returns how many."""
    return _update(
        scope,
        update(Delivery)
        .where(*_of(scope, campaign_id), Delivery.state == "leased", Delivery.lease == token)
        .values(state="queued", lease=None, lease_until=None),
    )


def recover(scope: Scope, campaign_id: int) -> tuple[int, int]:
    """Rows of workers that are gone: in flight becomes `unknown` (it may have arrived), leased goes back to the queue.

    Returns (unknown, queued).
    """
    gone = (*_of(scope, campaign_id), Delivery.lease_until < scope.now)
    lost = list(
        scope.session.scalars(
            update(Delivery)
            .where(*gone, Delivery.state == "in_flight")
            .values(state="unknown", reason="worker_lost", lease=None, lease_until=None)
            .returning(Delivery.id),
            execution_options={"synchronize_session": False},
        )
    )
    if lost:
        calls = (
            Dispatch.brand_id == scope.brand.id,
            Dispatch.delivery_id.in_(lost),
            Dispatch.state == "in_flight",
        )
        _update(
            scope,
            update(Attempt)
            .where(
                Attempt.brand_id == scope.brand.id, Attempt.id.in_(select(Dispatch.attempt_id).where(*calls))
            )
            .values(outcome="unknown", reason="worker_lost", ended_at=scope.now),
        )
        _update(scope, update(Dispatch).where(*calls).values(state="unknown", ended_at=scope.now))
    back = _update(
        scope,
        update(Delivery)
        .where(*gone, Delivery.state == "leased")
        .values(state="queued", lease=None, lease_until=None),
    )
    return len(lost), back


def cancel_some(scope: Scope, campaign_id: int, limit: int = 1000) -> int:
    """Cancel queued rows of a cancelled campaign, a chunk a unit. Returns how many; 0 when none is left."""
    some = scope.session.scalars(
        select(Delivery.id).where(*_of(scope, campaign_id), Delivery.state == "queued").limit(limit)
    ).all()
    return _update(
        scope,
        update(Delivery)
        .where(Delivery.brand_id == scope.brand.id, among(Delivery.id, some), Delivery.state == "queued")
        .values(state="cancelled", due_at=None),
    )


# -- what is heard later -----------------------------------------------------------------------------------------------


def receipt(
    scope: Scope, delivery_id: int, kind: str, *, once: bool = False, detail: str | None = None
) -> bool:
    """Append what came back about a delivery. False if it counts only once and has been counted.

    One that only a message that arrived can cause makes an `unknown` delivery sent.
    """
    new = _changed(
        scope.session.execute(
            insert_or_ignore(scope, Receipt).values(
                brand_id=scope.brand.id,
                id=scope.new_id(),
                delivery_id=delivery_id,
                kind=kind,
                once=kind if once else None,
                at=scope.now,
                detail=detail[:200] if detail else None,
            )
        )
    )
    if new and kind in ARRIVED:
        _settle_unknown(scope, delivery_id, {"state": "sent", "reason": None})
    return bool(new)


def take_back(scope: Scope, delivery_id: int, kind: str) -> None:
    """What came back about a delivery, and counts once, was said in error: it has not been said."""
    scope.session.execute(
        delete(Receipt)
        .where(Receipt.brand_id == scope.brand.id, Receipt.delivery_id == delivery_id, Receipt.once == kind)
        .execution_options(synchronize_session=False)
    )


def late(
    scope: Scope, campaign_id: int, delivery_id: int, dispatch_id: int, row: dict[str, Any], word: str
) -> None:
    """A worker that slept through its lease says after all what became of a call. It decides only where nobody has yet:
    the delivery is `unknown` by this very call, and has not been called again. row: its columns as turn.py names them.
    """
    receipt(scope, delivery_id, "late", detail=word)
    if row["to"] == "queued":  # it certainly did not arrive: to be sent, if the campaign goes on for it
        owner = sources.of(scope, campaign_id)
        if owner is None or not owner[0].reopen(scope, campaign_id):
            return
    newer = exists().where(
        Dispatch.brand_id == scope.brand.id, Dispatch.delivery_id == delivery_id, Dispatch.id > dispatch_id
    )
    this = exists().where(
        Dispatch.brand_id == scope.brand.id, Dispatch.id == dispatch_id, Dispatch.state == "unknown"
    )
    _update(
        scope,
        update(Delivery)
        .where(
            Delivery.brand_id == scope.brand.id,
            Delivery.id == delivery_id,
            Delivery.state == "unknown",
            this,
            ~newer,
        )
        .values(state=row["to"], reason=row["why"], tries=row["n"], due_at=row["due"]),
    )


def resolve_unknown(scope: Scope, delivery_id: int, *, arrived: bool) -> Refused | None:
    """A person says whether an `unknown` message arrived; if not, it is sent again, as a new call with a new key.

    Refused: not_unknown (somebody was first), campaign_over (it cannot be sent any more). Raises NotFound.
    """
    found = scope.session.execute(
        select(Delivery.campaign_id, Delivery.state).where(
            Delivery.brand_id == scope.brand.id, Delivery.id == delivery_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"delivery {delivery_id}")
    if found.state != "unknown":
        return Refused("not_unknown", {"state": found.state})
    if not arrived:
        owner = sources.of(scope, found.campaign_id)
        if owner is None or not owner[0].reopen(scope, found.campaign_id):
            return Refused("campaign_over")
    end = (
        {"state": "sent", "reason": None}
        if arrived
        else {"state": "queued", "reason": None, "due_at": scope.now}
    )
    if not _settle_unknown(scope, delivery_id, end):
        return Refused("not_unknown")
    receipt(scope, delivery_id, "resolved", detail="arrived" if arrived else "not_arrived")
    scope.audit("delivery.resolved", "delivery", delivery_id, arrived=arrived)
    if not arrived:
        scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=found.campaign_id)
    return None


def _settle_unknown(scope: Scope, delivery_id: int, values: dict[str, Any]) -> bool:
    """An unknown delivery and its newest call get their end. False if it was not unknown any more."""
    here = (Delivery.brand_id == scope.brand.id, Delivery.id == delivery_id)
    if not _update(scope, update(Delivery).where(*here, Delivery.state == "unknown").values(**values)):
        return False
    _update(
        scope,
        update(Dispatch)
        .where(
            Dispatch.brand_id == scope.brand.id,
            Dispatch.delivery_id == delivery_id,
            Dispatch.state == "unknown",
        )
        .values(state="sent" if values["state"] == "sent" else "failed"),
    )
    return True


def _of(scope: Scope, campaign_id: int) -> tuple[Any, Any]:
    return Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id


def _update(scope: Scope, statement: Any) -> int:
    return _changed(scope.session.execute(statement, execution_options={"synchronize_session": False}))


def _changed(result: Any) -> int:
    """The row count that the database reports."""
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
