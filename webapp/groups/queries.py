"""Reading groups, who is in them, and what those bought. Every figure has its rows (`rows`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from webapp.groups.models import Group, GroupPicture, GroupStay, GroupType
from webapp.kernel.clock import local_day
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import within
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order

WINDOW = 30  # days, today included
STAY = timedelta(days=7)
SHOW = ("now", "joined", "left", "bought", "stayed", "gone")
PAGE = 50


def fence(scope: Scope) -> ColumnElement[bool]:
    """The groups that the actor sees: of their stores, and those that they own."""
    if scope.actor.stores is None:
        return within(scope, Group.store_id)
    return or_(within(scope, Group.store_id), Group.owner_id == scope.actor.id)


def get(scope: Scope, group_id: int, *, hold: bool = False) -> Group:
    """By id, within the actor's reach. Raises NotFound."""
    query = select(Group).where(Group.brand_id == scope.brand.id, Group.id == group_id, fence(scope))
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = scope.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"group {group_id}")
    return found


def groups(
    scope: Scope, *, text: str = "", closed: bool = False, after: str | None = None, limit: int = PAGE
) -> list[Group]:
    """By name, from the one after `after`; one more than `limit` where there is another page."""
    query = select(Group).where(Group.brand_id == scope.brand.id, fence(scope))
    query = query.where(Group.closed_at.is_not(None) if closed else Group.closed_at.is_(None))
    if text.strip():
        escaped = text.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(func.lower(Group.name).like(f"%{escaped}%", escape="\\"))
    if after is not None:
        query = query.where(Group.name > after)
    return list(scope.session.scalars(query.order_by(Group.name).limit(limit + 1)))


def ending(scope: Scope, days: int) -> Sequence[Group]:
    """Open groups whose QR code lets people in for at most so many days more, the soonest first; 20 at most."""
    return scope.session.scalars(
        select(Group)
        .where(
            Group.brand_id == scope.brand.id,
            fence(scope),
            Group.closed_at.is_(None),
            Group.until_on <= scope.today + timedelta(days=days),
        )
        .order_by(Group.until_on, Group.name)
        .limit(20)
    ).all()


def named(scope: Scope, ids: Iterable[int]) -> dict[int, Group]:
    """id -> group, of those that exist (closed ones too), whatever the actor's reach."""
    rows = scope.session.scalars(
        select(Group).where(Group.brand_id == scope.brand.id, Group.id.in_(sorted(ids)))
    )
    return {one.id: one for one in rows}


def types(scope: Scope) -> Sequence[GroupType]:
    """The brand's own list in its order; empty while it has the defaults."""
    return scope.session.scalars(
        select(GroupType)
        .where(GroupType.brand_id == scope.brand.id)
        .order_by(GroupType.position, GroupType.id)
    ).all()


def types_in_use(scope: Scope) -> dict[int, int]:
    """type's id -> how many groups are of it."""
    rows = scope.session.execute(
        select(Group.group_type_id, func.count())
        .where(Group.brand_id == scope.brand.id, Group.group_type_id.is_not(None))
        .group_by(Group.group_type_id)
    )
    return {id_: count for id_, count in rows if id_ is not None}


def picture(scope: Scope, group_id: int) -> GroupPicture | None:
    """The QR code's picture."""
    return scope.session.get(GroupPicture, (scope.brand.id, group_id))


def has_picture(scope: Scope, group_id: int) -> bool:
    """Without reading it."""
    found = scope.session.scalar(
        select(GroupPicture.group_id).where(
            GroupPicture.brand_id == scope.brand.id, GroupPicture.group_id == group_id
        )
    )
    return found is not None


def of_member(scope: Scope, member_id: int) -> list[tuple[Group, GroupStay]]:
    """The groups in which a member is or was, the newest stay first."""
    rows = scope.session.execute(
        select(Group, GroupStay)
        .join(GroupStay, and_(GroupStay.brand_id == Group.brand_id, GroupStay.group_id == Group.id))
        .where(Group.brand_id == scope.brand.id, GroupStay.member_id == member_id)
        .order_by(GroupStay.joined_at.desc(), GroupStay.id.desc())
        .limit(20)
    )
    return [(group, stay) for group, stay in rows]


# -- figures -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """A group, counted now. joined, left: stays that began, that ended in the last WINDOW days. bought: persons who are in it
    now and have an order of the last WINDOW days (today included) that is not older than their stay.
    orders, paid_minor: those orders. due: stays that began WINDOW + 7 to 7 days ago; stayed: those of them that lasted
    seven days."""

    now: int
    joined: int
    left: int
    bought: int
    orders: int
    paid_minor: int
    due: int
    stayed: int


def figures(scope: Scope, group_id: int) -> Figures:
    """Counted from rows."""
    counts = dict.fromkeys(SHOW, 0)
    for show in counts:
        if show != "bought":
            counts[show] = (
                scope.session.scalar(
                    select(func.count())
                    .select_from(GroupStay)
                    .where(*_of(scope, group_id), _shown(scope, show))
                )
                or 0
            )
    bought = _bought(scope, group_id).subquery()
    people, orders, paid = scope.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(bought.c.orders), 0),
            func.coalesce(func.sum(bought.c.paid), 0),
        )
    ).one()
    return Figures(
        counts["now"],
        counts["joined"],
        counts["left"],
        people,
        int(orders),
        int(paid),
        counts["stayed"] + counts["gone"],
        counts["stayed"],
    )


def _of(scope: Scope, group_id: int) -> tuple[ColumnElement[bool], ...]:
    return GroupStay.brand_id == scope.brand.id, GroupStay.group_id == group_id


def _since(scope: Scope) -> datetime:
    return scope.now - timedelta(days=WINDOW)


def _shown(scope: Scope, show: str) -> ColumnElement[bool]:
    """The stays behind a figure of SHOW (but bought)."""
    if show == "joined":
        return GroupStay.joined_at >= _since(scope)
    if show == "left":
        return GroupStay.left_at >= _since(scope)
    if show in ("stayed", "gone"):
        due = GroupStay.joined_at.between(_since(scope) - STAY, scope.now - STAY)
        early = _left_early(scope)
        return and_(due, early if show == "gone" else ~early)
    return GroupStay.current.is_(True)


def _left_early(scope: Scope) -> ColumnElement[bool]:
    """Did the stay last less than seven days? In seconds, which both databases can count."""
    sqlite = scope.dialect == "sqlite"
    lasted: ColumnElement[Any] = (
        (func.julianday(GroupStay.left_at) - func.julianday(GroupStay.joined_at)) * 86400
        if sqlite
        else func.extract("epoch", GroupStay.left_at - GroupStay.joined_at)
    )
    return and_(GroupStay.left_at.is_not(None), func.round(lasted) < STAY.total_seconds())


def _bought(scope: Scope, group_id: int) -> Select[Any]:
    """person_id, orders, paid: of those who are in the group now. A person with two members in it counts once."""
    stays = (
        select(GroupStay.person_id, func.min(GroupStay.joined_at).label("joined_at"))
        .where(*_of(scope, group_id), GroupStay.current.is_(True))
        .group_by(GroupStay.person_id)
        .subquery()
    )
    return (
        select(
            stays.c.person_id,
            func.count(Order.id).label("orders"),
            func.sum(Order.paid_minor).label("paid"),
            func.max(Order.ordered_on).label("last_on"),
        )
        .join(Order, and_(Order.brand_id == scope.brand.id, Order.person_id == stays.c.person_id))
        .where(
            Order.ordered_on > scope.today - timedelta(days=WINDOW),
            Order.ordered_at >= stays.c.joined_at,
        )
        .group_by(stays.c.person_id)
    )


class Row(NamedTuple):
    """Somebody of a group. stay: None for who bought; orders, paid_minor, last_on: only there."""

    member: Member
    stay: GroupStay | None
    orders: int = 0
    paid_minor: int = 0
    last_on: date | None = None


def rows(scope: Scope, group_id: int, show: str, *, after: int = 0, limit: int = PAGE) -> list[Row]:
    """The rows behind a figure; one more than `limit` where there is another page (by the stay's id, who bought: the
    member's)."""
    if show == "bought":
        bought = _bought(scope, group_id).subquery()
        found = scope.session.execute(
            select(Member, bought.c.orders, bought.c.paid, bought.c.last_on)
            .join(bought, bought.c.person_id == Member.id)
            .where(Member.brand_id == scope.brand.id, Member.id > after)
            .order_by(Member.id)
            .limit(limit + 1)
        )
        return [Row(member, None, orders, int(paid), last) for member, orders, paid, last in found]
    stays = scope.session.execute(
        select(Member, GroupStay)
        .join(GroupStay, and_(GroupStay.brand_id == Member.brand_id, GroupStay.member_id == Member.id))
        .where(*_of(scope, group_id), _shown(scope, show), GroupStay.id > after)
        .order_by(GroupStay.id)
        .limit(limit + 1)
    )
    return [Row(member, stay) for member, stay in stays]


def days_left(scope: Scope, group: Group) -> int | None:
    """Days until the QR code's last day: 0 today, negative once it is over, None where no day is set."""
    return None if group.until_on is None else (group.until_on - scope.today).days


def day(scope: Scope, moment: datetime) -> date:
    """The brand-local day of a moment."""
    return local_day(moment, scope.brand.timezone)
