"""Orders that wait for the member of a phone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import func, select, update

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members.bulk import join_earlier
from webapp.members.identities import PHONE
from webapp.members.models import Member, MemberIdentity
from webapp.members.queries import batches, touch_many
from webapp.orders.models import Order


def join_waiting(scope: Scope, member_ids: Collection[int], waited: dict[int, str] | None = None) -> int:
    """Give orders that wait for the phones of these members to them. Returns how many joined; `waited` is told of which:
    order -> phone."""
    joined = 0
    touched: dict[int, date] = {}
    joins: dict[int, date] = {}
    for batch in batches(member_ids):
        holder = (MemberIdentity.holder, Member.id, Member.person_id, Member.joined_on, Member.joined_given)
        rows = scope.session.execute(
            select(*holder, func.min(Order.ordered_on))
            .join(
                Member, (Member.brand_id == MemberIdentity.brand_id) & (Member.id == MemberIdentity.member_id)
            )
            .join(Order, (Order.brand_id == MemberIdentity.brand_id) & (Order.phone == MemberIdentity.holder))
            .where(
                MemberIdentity.brand_id == scope.brand.id,
                MemberIdentity.kind == PHONE,
                bulk.among(MemberIdentity.member_id, batch),
                Order.member_id.is_(None),
            )
            .group_by(*holder)
        ).all()
        for phone, member_id, person_id, joined_on, joined_given, day in rows:
            waits = (Order.brand_id == scope.brand.id, Order.phone == phone, Order.member_id.is_(None))
            if waited is not None:
                waited |= dict.fromkeys(scope.session.scalars(select(Order.id).where(*waits)), str(phone))
            result: Any = scope.session.execute(
                update(Order)
                .where(*waits)
                .values(member_id=member_id, person_id=person_id, phone=None)
                .execution_options(synchronize_session=False)
            )
            joined += result.rowcount
            touched[person_id] = min(day, touched.get(person_id, day))
            if not joined_given and day < joined_on:
                joins[member_id] = day
    join_earlier(scope, joins)
    touch_many(scope, touched)
    return joined
