"""Recording orders, in bulk, and giving waiting ones to their members.

Whatever changes an order marks its person in the same unit (members.queries.touch_many).

Events: `orders.recorded` (source, first_id, last_id, order_ids): once a batch; all orders with ids first_id to last_id are
new (both 0 when none is), order_ids are those that changed. Read them with orders.queries.till_numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members.bulk import join_earlier, move_joining_days
from webapp.members.identities import PHONE
from webapp.members.models import Member, MemberIdentity
from webapp.members.queries import batches, touch_many, touch_selected
from webapp.orders import queries
from webapp.orders.models import Order, OrderLine
from webapp.orders.waiting import join_waiting

ORDER_COLUMNS = (
    *("brand_id", "id", "source", "number", "member_id", "person_id", "phone", "store_id", "ordered_at"),
    *("ordered_on", "gross_minor", "discount_minor", "paid_minor", "digest", "lines_digest"),
)
LINE_COLUMNS = ("brand_id", "order_id", "position", "product", "category", "quantity", "amount_minor")


class OrderIn(NamedTuple):
    """An order as a till tells of it. None (or a blank member): not said, so what is stored stays.

    ordered_at: UTC as "2026-02-28 09:05:00.000000", ordered_on: its day in the brand's zone, ISO (both as text: they go
    through as they are, a hundred thousand at a time); money in minor units; digest: 63 bits of what was said here;
    lines_digest: of its lines, 0 for none. A new order must have ordered_at, ordered_on and paid.
    """

    number: str
    member: str
    phone: str | None
    store_id: int | None
    ordered_at: str | None
    ordered_on: str | None
    gross: int | None
    discount: int | None
    paid: int | None
    digest: int
    lines_digest: int | None


Lines = Callable[[Scope, Sequence[tuple[int, str]]], int]
"""Writes the lines of orders, given as (id, number), where none are stored; returns how many."""


@dataclass(slots=True)
class Recorded:
    """What `record` did, in orders; lines: how many were written. before: order -> what was stored of those that were
    changed, as orders.undo takes it back."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    lines: int = 0
    before: dict[int, dict[str, Any]] = field(default_factory=dict)


class _Owner(NamedTuple):
    id: int
    person_id: int
    joined_on: date
    joined_given: bool


_Owned = tuple[OrderIn, _Owner | None]
_NEVER = date.max.isoformat()


@dataclass(slots=True)
class _Touched:
    """Which facts a batch changes: days as ISO text, which sorts as days do.

    days: person -> the earliest. joins: member whose joining day was only assumed -> an earlier one. moved: members one of
    whose orders has come, gone or got another day, so that an assumed joining day may be any other. later: may a batch
    beside this one move such a day to a later one? Then what was read of it before says nothing.
    """

    later: bool
    days: dict[int, str] = field(default_factory=dict)
    joins: dict[int, str] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)

    def by(self, person_id: int | None, day: str) -> None:
        if person_id is not None:
            known = self.days.get(person_id)
            if known is None or day < known:
                self.days[person_id] = day

    def owner(self, owner: _Owner | None, day: str) -> None:
        if owner is not None:
            self.by(owner.person_id, day)
            known = _NEVER if self.later else owner.joined_on.isoformat()
            if not owner.joined_given and day < self.joins.get(owner.id, known):
                self.joins[owner.id] = day


def digest63(said: bytes) -> int:
    """A hash of 63 bits, never 0, the same everywhere and always."""
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 1 or 1


def record(
    scope: Scope,
    source: str,
    orders: Sequence[OrderIn],
    lines: Lines | None = None,
    *,
    first_id: int | None = None,
    none_stored: bool = False,
    turn: Callable[[], Any] | None = None,
) -> Recorded:
    """Write a batch (numbers differ among themselves) in this unit; what is stored already and equal is left alone.

    first_id: of ids taken for this batch, one an order, in its order. none_stored: the caller knows that none of them is
    (and if somebody stores one meanwhile, the unique key raises). turn: called before anything is written to members, whom
    another batch may have, too (kernel.abreast).
    """
    done, touched = Recorded(), _Touched(later=turn is not None and not none_stored)
    ids = scope.new_ids(len(orders)) if first_id is None else range(first_id, first_id + len(orders))
    stored = {} if none_stored else _stored(scope, source, [order.number for order in orders])
    owners = _owners(scope, orders)
    new: list[tuple[int, OrderIn, _Owner | None]] = []
    changed: list[_Owned] = []
    for id_, order in zip(ids, orders, strict=True):
        owner = owners.of(order)
        known = stored.get(order.number)
        if known is None:
            new.append((id_, order, owner))
        elif (
            known.digest == order.digest
            and (not order.lines_digest or known.lines_digest == order.lines_digest)
            and (owner is None or known.member_id is not None)
        ):
            done.unchanged += 1
        else:
            changed.append((order, owner))
    _insert(scope, source, new, touched, done, lines)
    updated = _update(scope, source, changed, touched, done, lines)
    if turn is not None:
        turn()
    _apply(scope, touched)
    if turn is not None and (alone := [order for _, order, owner in new if owner is None and order.phone]):
        # It may have been a while: whoever has this phone by now did not see an order that waits for them.
        join_waiting(scope, [owner.id for owner in _owners(scope, alone).by_phone.values()])
    if new or updated:
        first, last = (new[0][0], new[-1][0]) if new else (0, 0)
        scope.emit("orders.recorded", source=source, first_id=first, last_id=last, order_ids=updated)
    return done


def inserted(scope: Scope, source: str, first_id: int, last_id: int) -> None:
    """Orders with these ids have been inserted in this unit by other means than `record`: do what goes with it."""
    these = (Order.brand_id == scope.brand.id, Order.id.between(first_id, last_id))
    owner = (Member.brand_id == Order.brand_id) & (Member.id == Order.member_id)
    latest = scope.session.scalar(select(func.max(Order.ordered_on)).where(*these))
    if latest is None:
        return
    earlier = scope.session.execute(
        select(Member.id, func.min(Order.ordered_on))
        .join(Order, owner)
        .where(*these, Member.joined_given.is_(False), Order.ordered_on < Member.joined_on)
        .group_by(Member.id)
    )
    join_earlier(scope, {row[0]: row[1] for row in earlier})
    if latest < scope.today:  # the engine sees all of them today
        touch_selected(scope, select(Order.person_id).where(*these), latest)
    else:
        days = scope.session.execute(
            select(Order.person_id, func.min(Order.ordered_on))
            .where(*these, Order.person_id.is_not(None))
            .group_by(Order.person_id)
        )
        touch_many(scope, {person_id: day for person_id, day in days if person_id is not None})
    scope.emit("orders.recorded", source=source, first_id=first_id, last_id=last_id, order_ids=[])


# --- what is known --------------------------------------------------------------------------------------------------


def _stored(scope: Scope, source: str, numbers: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for batch in batches(numbers):
        for row in scope.session.execute(
            select(Order.number, Order.id, Order.digest, Order.lines_digest, Order.member_id).where(
                Order.brand_id == scope.brand.id, Order.source == source, bulk.among(Order.number, batch)
            )
        ):
            found[row.number] = row
    return found


@dataclass(slots=True)
class _Owners:
    by_number: dict[str, _Owner]
    by_phone: dict[str, _Owner]

    def of(self, order: OrderIn) -> _Owner | None:
        """The member who is named; else the one who holds the phone."""
        found = self.by_number.get(order.member) if order.member else None
        if found is None and order.phone:
            found = self.by_phone.get(order.phone)
        return found


def _owners(scope: Scope, orders: Iterable[OrderIn]) -> _Owners:
    columns = (Member.id, Member.person_id, Member.joined_on, Member.joined_given)
    by_number: dict[str, _Owner] = {}
    for batch in batches({order.member for order in orders if order.member}):
        row: Any
        for number, *row in scope.session.execute(
            select(Member.number, *columns).where(
                Member.brand_id == scope.brand.id, bulk.among(Member.number, batch)
            )
        ):
            by_number[number] = _Owner(*row)
    by_phone: dict[str, _Owner] = {}
    for batch in batches({order.phone for order in orders if order.phone and order.member not in by_number}):
        for phone, *row in scope.session.execute(
            select(MemberIdentity.holder, *columns)
            .join(
                Member, (Member.brand_id == MemberIdentity.brand_id) & (Member.id == MemberIdentity.member_id)
            )
            .where(
                MemberIdentity.brand_id == scope.brand.id,
                MemberIdentity.kind == PHONE,
                bulk.among(MemberIdentity.holder, batch),
            )
        ):
            by_phone[str(phone)] = _Owner(*row)
    return _Owners(by_number, by_phone)


# --- writing --------------------------------------------------------------------------------------------------------


def money(order: OrderIn) -> tuple[int, int, int]:
    """Gross, discount and paid of a new order; a blank gross or discount follows from the other two."""
    paid = order.paid or 0
    if order.gross is None:
        discount = order.discount or 0
        return paid + discount, discount, paid
    return order.gross, order.gross - paid if order.discount is None else order.discount, paid


def _insert(
    scope: Scope,
    source: str,
    new: Sequence[tuple[int, OrderIn, _Owner | None]],
    touched: _Touched,
    done: Recorded,
    lines: Lines | None,
) -> None:
    """Write new orders, with their ids, and their lines."""
    if not new:
        return
    brand_id = scope.brand.id
    zone = "" if bulk.is_sqlite(scope) else "+00"
    rows: list[tuple[Any, ...]] = []
    with_lines: list[tuple[int, str]] = []
    for id_, order, owner in new:
        number, _, phone, store_id, at, day, gross, discount, paid, digest, lines_digest = order
        if at is None or day is None or paid is None:
            raise ValueError("a new order needs its moment and what was paid")
        if gross is None:  # what is blank follows from the rest
            gross = paid + (discount or 0)
        if discount is None:
            discount = gross - paid
        member_id, person_id = (owner.id, owner.person_id) if owner else (None, None)
        rows.append(
            (
                *(brand_id, id_, source, number, member_id, person_id, None if owner else phone, store_id),
                *(at + zone, day, gross, discount, paid, digest, lines_digest or 0),
            )
        )
        if lines_digest:
            with_lines.append((id_, number))
        touched.owner(owner, day)
    bulk.insert_cells(scope, Order, ORDER_COLUMNS, rows)
    if lines is not None and with_lines:
        done.lines += lines(scope, with_lines)
    done.created = len(new)


def _update(
    scope: Scope,
    source: str,
    changed: Sequence[_Owned],
    touched: _Touched,
    done: Recorded,
    lines: Lines | None,
) -> list[int]:
    """Correct orders that differ from what is stored; returns their ids."""
    if not changed:
        return []
    by_number: dict[str, Any] = {}
    for batch in batches([order.number for order, _ in changed]):
        for row in scope.session.execute(
            select(
                *(Order.number, Order.id, Order.member_id, Order.person_id, Order.phone, Order.store_id),
                *(Order.ordered_at, Order.ordered_on, Order.gross_minor, Order.discount_minor),
                *(Order.paid_minor, Order.digest, Order.lines_digest),
            ).where(Order.brand_id == scope.brand.id, Order.source == source, bulk.among(Order.number, batch))
        ):
            by_number[row.number] = row
    values: list[dict[str, Any]] = []
    relined: list[tuple[int, str]] = []
    ids: list[int] = []
    for order, owner in changed:
        old = by_number[order.number]
        new = _merged(order, owner, old)
        other_lines = bool(order.lines_digest) and order.lines_digest != old.lines_digest
        if all(getattr(old, name) == value for name, value in new.items()) and not other_lines:
            done.unchanged += 1
            continue
        if other_lines:
            relined.append((old.id, order.number))
        done.before[old.id] = {name: _plain(getattr(old, name)) for name in (*new, "digest", "lines_digest")}
        new |= {
            "digest": order.digest,
            "lines_digest": order.lines_digest if other_lines else old.lines_digest,
        }
        done.before[old.id] |= {"now": [order.digest, new["lines_digest"], new["member_id"]]}
        values.append({"b_brand": scope.brand.id, "b_id": old.id, **new})
        ids.append(old.id)
        day = min(old.ordered_on, new["ordered_on"]).isoformat()
        touched.by(old.person_id, day)
        touched.by(new["person_id"], day)
        if (old.member_id, old.ordered_on) != (new["member_id"], new["ordered_on"]):
            touched.moved |= {id_ for id_ in (old.member_id, new["member_id"]) if id_ is not None}
    if values:
        scope.session.connection().execute(
            update(Order.__table__)  # type: ignore[arg-type]
            .where(Order.brand_id == bindparam("b_brand"), Order.id == bindparam("b_id"))
            .values({name: bindparam(name) for name in values[0] if not name.startswith("b_")}),
            values,
        )
    if lines is not None and relined:
        these = (
            OrderLine.brand_id == scope.brand.id,
            bulk.among(OrderLine.order_id, [id_ for id_, _ in relined]),
        )
        columns = (OrderLine.order_id, *(getattr(OrderLine, name) for name in LINE_COLUMNS[2:]))
        for order_id, *cells in scope.session.execute(select(*columns).where(*these)):
            done.before[order_id].setdefault("lines", []).append(cells)
        scope.session.execute(delete(OrderLine).where(*these).execution_options(synchronize_session=False))
        done.lines += lines(scope, relined)
    done.updated = len(ids)
    return ids


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _merged(order: OrderIn, owner: _Owner | None, old: Any) -> dict[str, Any]:
    """What shall be stored: what the till says, and where it says nothing, what is stored."""
    said = {
        "store_id": order.store_id,
        "ordered_at": datetime.fromisoformat(order.ordered_at + "+00:00") if order.ordered_at else None,
        "ordered_on": date.fromisoformat(order.ordered_on) if order.ordered_on else None,
        "gross_minor": order.gross,
        "discount_minor": order.discount,
        "paid_minor": order.paid,
    }
    new = {name: getattr(old, name) if value is None else value for name, value in said.items()}
    if owner is not None and owner.id != old.member_id:
        new |= {"member_id": owner.id, "person_id": owner.person_id, "phone": None}
    elif old.member_id is None and order.phone:  # still waits, perhaps for another
        new |= {"member_id": None, "person_id": None, "phone": order.phone}
    else:
        new |= {"member_id": old.member_id, "person_id": old.person_id, "phone": old.phone}
    return new


def _apply(scope: Scope, touched: _Touched) -> None:
    """Move assumed joining days, then mark who is to be looked at again."""
    day = date.fromisoformat
    join_earlier(scope, {member_id: day(text) for member_id, text in touched.joins.items()})
    if touched.moved:
        move_joining_days(scope, queries.assumed_joining_days(scope, touched.moved))
    touch_many(scope, {person_id: day(text) for person_id, text in touched.days.items()})
