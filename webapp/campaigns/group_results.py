"""What a campaign brought in each of its groups. Every figure has its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, select

from webapp.campaigns import groups
from webapp.campaigns.models import Campaign, CampaignGroup, GroupVisit
from webapp.coupons.models import Coupon
from webapp.groups.models import Group
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.outbox.models import Delivery, Receipt

AFTER = 7  # days from the first visit on in which an order counts, the day of the visit the first of them
PAGE = 50


@dataclass(frozen=True, slots=True)
class GroupResult:
    """One group. posted: True, False (its owner said it cannot be), None: the task waits. visits: browsers that opened the
    link, each once a day; identified: members among them by their own word; unidentified: visits of nobody we know.
    claims: coupons of the campaign that the identified have, those taken back not among them. orders, paid_minor: orders of
    the identified in the AFTER days that begin with the day of their first visit."""

    link: CampaignGroup
    group: Group
    posted: bool | None
    left_out: str | None
    visits: int
    unidentified: int
    identified: int
    claims: int
    orders: int
    paid_minor: int


def results(scope: Scope, campaign_id: int) -> list[GroupResult]:
    """By the group's name, counted now. A member who came by two groups counts in each."""
    said = _said(scope, campaign_id)
    found = []
    for link, group in groups.chosen(scope, campaign_id):
        found.append(_one(scope, link, group, *said.get(group.id, (None, None))))
    return found


def of_group(scope: Scope, group_id: int, limit: int = 20) -> list[tuple[Campaign, GroupResult]]:
    """The newest campaigns posted in a group."""
    rows = scope.session.execute(
        select(Campaign, CampaignGroup, Group)
        .join(
            CampaignGroup,
            and_(CampaignGroup.brand_id == Campaign.brand_id, CampaignGroup.campaign_id == Campaign.id),
        )
        .join(Group, and_(Group.brand_id == CampaignGroup.brand_id, Group.id == CampaignGroup.group_id))
        .where(
            CampaignGroup.brand_id == scope.brand.id,
            CampaignGroup.group_id == group_id,
            Campaign.state.in_(("laying", "sending", "paused", "done")),
        )
        .order_by(Campaign.id.desc())
        .limit(limit)
    ).all()
    return [
        (campaign, _one(scope, link, group, *_said(scope, campaign.id).get(group_id, (None, None))))
        for campaign, link, group in rows
    ]


def _said(scope: Scope, campaign_id: int) -> dict[int, tuple[bool | None, str | None]]:
    """group -> (posted, why left out)."""
    done = (
        select(func.max(Receipt.kind))
        .where(
            Receipt.brand_id == Delivery.brand_id,
            Receipt.delivery_id == Delivery.id,
            Receipt.kind.in_(("done", "unreached", "declined", "cancelled")),
        )
        .scalar_subquery()
    )
    rows = scope.session.execute(
        select(Delivery.recipient_id, Delivery.state, Delivery.reason, done).where(
            Delivery.brand_id == scope.brand.id,
            Delivery.campaign_id == campaign_id,
            Delivery.recipient_kind == groups.GROUP,
        )
    )
    return {
        group_id: (
            None if kind is None else kind == "done",
            reason if state in ("left_out", "failed", "cancelled") else None,
        )
        for group_id, state, reason, kind in rows
    }


def _one(
    scope: Scope, link: CampaignGroup, group: Group, posted: bool | None, left_out: str | None
) -> GroupResult:
    visits, unidentified = scope.session.execute(
        select(func.count(), func.count() - func.count(GroupVisit.member_id)).where(*_of(scope, link))
    ).one()
    rows = people(scope, link).subquery()
    identified, claims, orders, paid = scope.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(rows.c.claims), 0),
            func.coalesce(func.sum(rows.c.orders), 0),
            func.coalesce(func.sum(rows.c.paid), 0),
        )
    ).one()
    return GroupResult(
        link, group, posted, left_out, visits, unidentified, identified, int(claims), int(orders), int(paid)
    )


def _of(scope: Scope, link: CampaignGroup) -> tuple[ColumnElement[bool], ...]:
    return GroupVisit.brand_id == scope.brand.id, GroupVisit.campaign_group_id == link.id


def people(scope: Scope, link: CampaignGroup) -> Select[Any]:
    """person_id, first_on, claims, orders, paid: of the persons whom visits of a link name."""
    first = (
        select(GroupVisit.person_id, func.min(GroupVisit.visited_on).label("first_on"))
        .where(*_of(scope, link), GroupVisit.person_id.is_not(None))
        .group_by(GroupVisit.person_id)
        .subquery()
    )
    claims = (
        select(func.count())
        .select_from(Coupon)
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.campaign_id == link.campaign_id,
            Coupon.person_id == first.c.person_id,
            Coupon.state != "void",
        )
        .scalar_subquery()
    )
    bought = and_(
        Order.brand_id == scope.brand.id,
        Order.person_id == first.c.person_id,
        Order.ordered_on >= first.c.first_on,
        Order.ordered_on < _days_after(scope, first.c.first_on, AFTER),
    )
    return (
        select(
            first.c.person_id,
            first.c.first_on,
            claims.label("claims"),
            func.count(Order.id).label("orders"),
            func.coalesce(func.sum(Order.paid_minor), 0).label("paid"),
        )
        .select_from(first)
        .outerjoin(Order, bought)
        .group_by(first.c.person_id, first.c.first_on)
    )


def _days_after(scope: Scope, day: Any, days: int) -> Any:
    """A day so many days later, as the database counts."""
    if scope.dialect == "sqlite":
        return func.date(day, f"+{days} days")
    return day + days


class PersonRow(NamedTuple):
    """Somebody who came by a group's link."""

    member: Member
    first_on: date
    claims: int
    orders: int
    paid_minor: int


def rows(scope: Scope, link: CampaignGroup, *, after: int = 0, limit: int = PAGE) -> list[PersonRow]:
    """The identified by id; one more than `limit` where there is another page."""
    found = people(scope, link).subquery()
    answers = scope.session.execute(
        select(Member, found.c.first_on, found.c.claims, found.c.orders, found.c.paid)
        .join(found, found.c.person_id == Member.id)
        .where(Member.brand_id == scope.brand.id, Member.id > after)
        .order_by(Member.id)
        .limit(limit + 1)
    )
    return [PersonRow(member, first, int(n), int(m), int(paid)) for member, first, n, m, paid in answers]


def unidentified_by_day(scope: Scope, link: CampaignGroup) -> list[tuple[date, int]]:
    """Visits of nobody we know, by day, the newest first; at most 60 days."""
    counted = scope.session.execute(
        select(GroupVisit.visited_on, func.count())
        .where(*_of(scope, link), GroupVisit.member_id.is_(None))
        .group_by(GroupVisit.visited_on)
        .order_by(GroupVisit.visited_on.desc())
        .limit(60)
    )
    return [(day, count) for day, count in counted]
