"""Reading deliveries: counts by state and reason, the rows behind a figure, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, func, select

from webapp.kernel.scope import Scope
from webapp.outbox.models import Attempt, Delivery, Dispatch, Receipt

ON_THE_WAY = ("queued", "leased", "in_flight")


class Tally(NamedTuple):
    """How many deliveries of a campaign stand in a state, for a reason, in an arm (1 sent to, 0 held out)"""

    state: str
    reason: str | None
    arm: int
    number: int


class Trouble(NamedTuple):
    """What the channel's service said when it took nothing."""

    at: datetime | None
    reason: str | None
    detail: str | None


def left(scope: Scope, campaign_id: int) -> bool:
    """Is any delivery of the campaign still to be sent, or on its way?"""
    return any(
        scope.session.scalar(
            select(
                exists().where(
                    Delivery.brand_id == scope.brand.id,
                    Delivery.campaign_id == campaign_id,
                    Delivery.state == state,
                )
            )
        )
        for state in ON_THE_WAY
    )


def tallies(scope: Scope, campaign_id: int) -> list[Tally]:
    """Every (state, reason, arm) of a campaign with its number; together they are all its deliveries."""
    rows = scope.session.execute(
        select(Delivery.state, Delivery.reason, Delivery.arm, func.count())
        .where(Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id)
        .group_by(Delivery.state, Delivery.reason, Delivery.arm)
        .order_by(Delivery.state, Delivery.reason, Delivery.arm)
    )
    return [Tally(*row) for row in rows]


def deliveries(
    scope: Scope,
    campaign_id: int,
    *,
    state: str | None = None,
    reason: str | None = None,
    kind: str | None = None,
    after: int = 0,
    limit: int = 50,
) -> Sequence[Delivery]:
    """The rows behind a figure, by id, from the one after `after`. kind: only those with such a receipt (opened)."""
    wanted = select(Delivery).where(
        Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id, Delivery.id > after
    )
    if state is not None:
        wanted = wanted.where(Delivery.state == state)
    if reason is not None:
        wanted = wanted.where(Delivery.reason == reason)
    if kind is not None:
        wanted = wanted.where(
            exists().where(
                Receipt.brand_id == Delivery.brand_id,
                Receipt.delivery_id == Delivery.id,
                Receipt.kind == kind,
            )
        )
    return scope.session.scalars(wanted.order_by(Delivery.id).limit(limit)).all()


def receipts_of(scope: Scope, campaign_id: int) -> dict[str, int]:
    """Receipt's kind -> deliveries of the campaign that have one (each counted once)."""
    rows = scope.session.execute(
        select(Receipt.kind, func.count(Receipt.delivery_id.distinct()))
        .join(Delivery, (Delivery.brand_id == Receipt.brand_id) & (Delivery.id == Receipt.delivery_id))
        .where(Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id)
        .group_by(Receipt.kind)
    )
    return {row.kind: row[1] for row in rows}


def to_person(scope: Scope, person_id: int, limit: int) -> Sequence[Delivery]:
    """What a person was sent, newest first; those left out are not among them."""
    return scope.session.scalars(
        select(Delivery)
        .where(
            Delivery.brand_id == scope.brand.id,
            Delivery.person_id == person_id,
            Delivery.state.in_(("sent", "failed", "unknown", *ON_THE_WAY)),
        )
        .order_by(Delivery.id.desc())
        .limit(limit)
    ).all()


def history(scope: Scope, delivery_id: int) -> tuple[Sequence[Dispatch], Sequence[Receipt]]:
    """The calls and the receipts of one delivery, oldest first."""
    calls = scope.session.scalars(
        select(Dispatch)
        .where(Dispatch.brand_id == scope.brand.id, Dispatch.delivery_id == delivery_id)
        .order_by(Dispatch.id)
    ).all()
    receipts = scope.session.scalars(
        select(Receipt)
        .where(Receipt.brand_id == scope.brand.id, Receipt.delivery_id == delivery_id)
        .order_by(Receipt.at, Receipt.id)
    ).all()
    return calls, receipts


def trouble(scope: Scope, campaign_id: int) -> Trouble | None:
    """Why a campaign stands still: the service took nothing at the last try. None once it has taken one since."""
    calls = (
        select(Attempt.ended_at, Attempt.reason, Dispatch.detail)
        .join(Dispatch, (Dispatch.brand_id == Attempt.brand_id) & (Dispatch.id == Attempt.dispatch_id))
        .join(Delivery, (Delivery.brand_id == Dispatch.brand_id) & (Delivery.id == Dispatch.delivery_id))
        .where(Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id)
    )
    row = scope.session.execute(
        calls.where(Delivery.state == "queued", Delivery.reason.is_not(None), Attempt.outcome == "halted")
        .order_by(Attempt.ended_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    since = calls.where(Attempt.outcome == "sent", Attempt.ended_at > row.ended_at).limit(1)
    return None if scope.session.execute(since).first() else Trouble(*row)
