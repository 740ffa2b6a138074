"""What a campaign brought: figures counted from rows, now, and the rows behind each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select

from webapp.campaigns.models import Campaign
from webapp.coupons import queries as coupons
from webapp.coupons.figures import CouponFigures, coupon_figures
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.outbox import queries as outbox
from webapp.outbox import sources
from webapp.outbox.models import Delivery, Dispatch, Receipt
from webapp.outbox.queries import ON_THE_WAY
from webapp.outbox.sources import Called

PAGE = 50
# Which deliveries a figure opens to; the keys stand in addresses.
TASK_ENDS = ("done", "unreached", "declined")  # receipts of a channel whose messages people carry
SHOW = (
    *("promised", "waiting", "sent", "failed", "unknown", "left_out", "cancelled", "opened", "unsubscribed"),
    *TASK_ENDS,
)


@dataclass(frozen=True, slots=True)
class Results:
    """One campaign. audience = promised + left out at laying; promised = sent + failed + unknown + waiting + cancelled.

    left_out, failed: by reason. opened, unsubscribed: messages with at least one such receipt. tasks: what came of those
    that people carried, by TASK_ENDS; the rest of `sent` is still with them. coupons: what their
    coupons did. counter_minor: baskets that the counter recorded whose order has not come from the till yet.
    """

    audience: int = 0
    promised: int = 0
    waiting: int = 0
    sent: int = 0
    unknown: int = 0
    cancelled: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    unsubscribed: int = 0
    tasks: dict[str, int] = field(default_factory=dict)
    coupons: CouponFigures = field(default_factory=CouponFigures)
    counter: int = 0
    counter_minor: int = 0

    @property
    def settled(self) -> int:
        """Promises of which nothing more is to be done."""
        return self.promised - self.waiting


def results(scope: Scope, campaign_id: int) -> Results:
    """Everything, counted now."""
    counts: dict[str, int] = {}
    failed: dict[str, int] = {}
    left_out: dict[str, int] = {}
    for state, reason, _arm, count in outbox.tallies(scope, campaign_id):
        counts[state] = counts.get(state, 0) + count
        if state in ("failed", "left_out"):
            by_reason = failed if state == "failed" else left_out
            by_reason[reason or ""] = by_reason.get(reason or "", 0) + count
    everyone = sum(counts.values())
    receipts = outbox.receipts_of(scope, campaign_id)
    counter, counter_minor = waiting_baskets(scope, campaign_id)
    return Results(
        audience=everyone,
        promised=everyone - counts.get("left_out", 0),
        waiting=sum(counts.get(state, 0) for state in ON_THE_WAY),
        sent=counts.get("sent", 0),
        unknown=counts.get("unknown", 0),
        cancelled=counts.get("cancelled", 0),
        failed=failed,
        left_out=left_out,
        opened=receipts.get("opened", 0),
        unsubscribed=receipts.get("unsubscribed", 0),
        tasks={end: receipts[end] for end in (*TASK_ENDS, "cancelled") if receipts.get(end)},
        coupons=coupon_figures(scope, campaign_id),
        counter=counter,
        counter_minor=counter_minor,
    )


def waiting_baskets(scope: Scope, campaign_id: int) -> tuple[int, int]:
    """Baskets of a campaign's redemptions whose order has not come yet: how many, and what the counter recorded. Coupons that
    were used together are one basket."""
    basket = func.coalesce(Redemption.basket_id, Redemption.id)
    baskets = (
        select(basket.label("id"), func.max(Redemption.basket_minor).label("minor"))
        .join(Coupon, and_(Coupon.brand_id == Redemption.brand_id, Coupon.id == Redemption.coupon_id))
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.campaign_id == campaign_id,
            coupons.standing(),
            Redemption.order_id.is_(None),
        )
        .group_by(basket)
        .subquery()
    )
    count, total = scope.session.execute(
        select(func.count(), func.coalesce(func.sum(baskets.c.minor), 0)).select_from(baskets)
    ).one()
    return count, int(total)


# ------------------------------------------------------------------------------------------------------------ the list


@dataclass(frozen=True, slots=True)
class Brief:
    """A campaign in the list."""

    campaign: Campaign
    promised: int
    sent: int
    unknown: int
    redeemed: int


def briefs(scope: Scope, campaigns: Sequence[Campaign]) -> list[Brief]:
    """The main figures of some campaigns, in two looks."""
    ids = [one.id for one in campaigns]
    counts: dict[int, dict[str, int]] = {id_: {} for id_ in ids}
    rows = scope.session.execute(
        select(Delivery.campaign_id, Delivery.state, func.count())
        .where(Delivery.brand_id == scope.brand.id, Delivery.campaign_id.in_(ids))
        .group_by(Delivery.campaign_id, Delivery.state)
    )
    for id_, state, count in rows:
        counts[id_][state] = count
    redeemed: dict[Any, int] = dict(
        scope.session.execute(
            select(Coupon.campaign_id, func.count())
            .where(Coupon.brand_id == scope.brand.id, Coupon.campaign_id.in_(ids), Coupon.state == "redeemed")
            .group_by(Coupon.campaign_id)
        ).all()
    )
    return [
        Brief(
            one,
            sum(n for state, n in counts[one.id].items() if state != "left_out"),
            counts[one.id].get("sent", 0),
            counts[one.id].get("unknown", 0),
            redeemed.get(one.id, 0),
        )
        for one in campaigns
    ]


# -------------------------------------------------------------------------------------------- the rows behind a figure


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery with its recipient. at: when the newest call ended; detail: the service's words about it."""

    delivery: Delivery
    name: str
    number: str
    at: datetime | None
    detail: str | None


def rows(
    scope: Scope, campaign_id: int, show: str, *, reason: str | None = None, after: int = 0, limit: int = PAGE
) -> list[Row]:
    """Deliveries behind a figure (a key of SHOW), by id; one more than `limit` where there is another page."""
    wanted = select(Delivery, Member.name, Member.number).where(
        Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id, Delivery.id > after
    )
    wanted = wanted.outerjoin(
        Member,
        and_(
            Delivery.recipient_kind == "member",
            Member.brand_id == Delivery.brand_id,
            Member.id == Delivery.recipient_id,
        ),
    )
    if show == "promised":
        wanted = wanted.where(Delivery.state != "left_out")
    elif show == "waiting":
        wanted = wanted.where(Delivery.state.in_(ON_THE_WAY))
    elif show in ("opened", "unsubscribed", *TASK_ENDS):
        wanted = wanted.where(
            exists().where(
                Receipt.brand_id == Delivery.brand_id,
                Receipt.delivery_id == Delivery.id,
                Receipt.kind == show,
            )
        )
    else:
        wanted = wanted.where(Delivery.state == show)
    if reason is not None:
        wanted = wanted.where(Delivery.reason == reason)
    found = scope.session.execute(wanted.order_by(Delivery.id).limit(limit + 1)).all()
    calls = _last_calls(scope, [delivery.id for delivery, _name, _number in found])
    return [
        Row(delivery, name or "", number or "", *calls.get(delivery.id, (None, None)))
        for delivery, name, number in found
    ]


def _last_calls(scope: Scope, delivery_ids: Collection[int]) -> dict[int, tuple[datetime | None, str | None]]:
    calls = scope.session.execute(
        select(Dispatch.delivery_id, Dispatch.ended_at, Dispatch.detail)
        .where(Dispatch.brand_id == scope.brand.id, Dispatch.delivery_id.in_(delivery_ids))
        .order_by(Dispatch.id)
    )
    return {delivery_id: (ended_at, detail) for delivery_id, ended_at, detail in calls}


def messages_to(
    scope: Scope, person_id: int, limit: int = 10
) -> list[tuple[Delivery, Called, datetime | None]]:
    """What a person was sent, by campaigns and whoever else writes to members: (delivery, what it is called, when), newest
    first; those left out are not among them."""
    found = outbox.to_person(scope, person_id, limit)
    names = sources.called(scope, found)
    calls = _last_calls(scope, [delivery.id for delivery in found])
    return [
        (delivery, names[delivery.id], calls.get(delivery.id, (None, None))[0])
        for delivery in found
        if delivery.id in names
    ]
