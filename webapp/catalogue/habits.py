"""Which category each member buys most: a stored row a member, since counting it takes all lines of all their orders.

Only those are counted anew whose facts have changed since (`member.facts_seq`); all of them after a product's category was
changed (`look_again`). A unit counts a few members, so that it is short; a bout goes through all of them once, in the night and
after orders came in.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, delete, exists, func, or_, select, true, update

from webapp.catalogue.models import CatalogueState, HabitState, MemberHabit, Product
from webapp.kernel import bulk, halt
from webapp.kernel.db import Database
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next, StepRun, run_steps
from webapp.members import queries as members_queries
from webapp.members.models import Member
from webapp.orders.models import Order, OrderLine

STEPS = "habits"  # the name of the steps
KEY = "members"
MEMBERS = 25  # counted in a unit; a few hundred lines each in a busy shop
LOOK = 5000  # members that a unit looks at for them
SLICE = 0.5  # seconds; so that a worker that is asked to end does
HOUR = 3  # of the brand's day, from which on the nightly bout is due
PAUSE = timedelta(hours=1)  # between bouts while orders come in


def gathered_at(scope: Scope) -> datetime | None:
    """When the last bout came to its end; None: none has."""
    return scope.session.scalar(select(HabitState.gathered_at).where(HabitState.brand_id == scope.brand.id))


def due(scope: Scope, brand: BrandRef) -> bool:
    """Never gathered though there are orders, or not in this night, or orders came in since and the last is an hour old."""
    state = scope.session.get(HabitState, brand.id)
    if state is None:
        return bool(scope.session.scalar(select(exists().where(Order.brand_id == brand.id))))
    zone = ZoneInfo(brand.timezone)
    local = scope.now.astimezone(zone)
    if local.hour >= HOUR and _night(state.gathered_at.astimezone(zone)) < local.date():
        return True
    through = scope.session.scalar(
        select(CatalogueState.orders_through).where(CatalogueState.brand_id == brand.id)
    )
    return (through or 0) > state.orders_through and scope.now - state.gathered_at >= PAUSE


def _night(local: datetime) -> date:
    """The day whose nightly bout has been made."""
    return local.date() if local.hour >= HOUR else local.date() - timedelta(days=1)


def look_again(scope: Scope) -> None:
    """A product belongs to another category: the next bout counts everybody. A mark below zero says so, another one each
    time, so that a bout which has begun before does not take it away."""
    marked = case((HabitState.orders_through > 0, -1), else_=HabitState.orders_through - 1)
    scope.session.execute(
        update(HabitState)
        .where(HabitState.brand_id == scope.brand.id)
        .values(orders_through=marked)
        .execution_options(synchronize_session=False)
    )


def gather(db: Database, brand: BrandRef, *, seconds: float) -> bool:
    """Count whom facts have changed, for about so long. True when nothing is left."""
    db.write(_forget, brand=brand)
    for _ in range(max(1, int(seconds / SLICE))):
        if isinstance(run_steps(db, brand, STEPS, KEY, step, seconds=SLICE), Done):
            return True
        if halt.asked():
            break
    return False


def _forget(scope: Scope) -> None:
    """The bout before this one is done with."""
    scope.session.execute(
        delete(StepRun)
        .where(StepRun.brand_id == scope.brand.id, StepRun.name == STEPS, StepRun.done_at.is_not(None))
        .execution_options(synchronize_session=False)
    )


def step(scope: Scope, cursor: Any, members: int = MEMBERS) -> Next | Done:
    """One unit. Cursor: members with ids up to `after` are done; `through`: the newest order when the bout began; `mark`: the
    state's `orders_through` then."""
    if cursor is None:
        newest = select(func.max(Order.id)).where(Order.brand_id == scope.brand.id)
        mark = select(HabitState.orders_through).where(HabitState.brand_id == scope.brand.id)
        cursor = {
            "after": 0,
            "through": scope.session.scalar(newest) or 0,
            "mark": scope.session.scalar(mark) or 0,
        }
    until = members_queries.nth_after(scope, cursor["after"], LOOK)
    changed = _changed(scope, cursor["after"], until, members, everybody=cursor.get("mark", 0) < 0)
    if changed:
        _store(scope, changed)
    if len(changed) == members:
        return Next(cursor | {"after": max(changed)})
    if until is not None:
        return Next(cursor | {"after": until})
    _say(scope, cursor["through"], cursor.get("mark", 0))
    return Done()


def _changed(
    scope: Scope, after: int, until: int | None, limit: int, *, everybody: bool = False
) -> dict[int, int]:
    """member -> facts_seq, of the next ones (up to `until`) whose facts are other than those that were counted, or of
    everybody. Who never had any has no row."""
    theirs = and_(MemberHabit.brand_id == Member.brand_id, MemberHabit.member_id == Member.id)
    rows: Any = scope.session.execute(
        select(Member.id, Member.facts_seq)
        .outerjoin(MemberHabit, theirs)
        .where(
            Member.brand_id == scope.brand.id,
            Member.person_id == Member.id,
            Member.id > after,
            true() if until is None else Member.id <= until,
            or_(
                MemberHabit.member_id.is_not(None)
                if everybody
                else MemberHabit.facts_seq != Member.facts_seq,
                and_(MemberHabit.member_id.is_(None), Member.facts_seq > 0),
            ),
        )
        .order_by(Member.id)
        .limit(limit)
    ).all()
    return dict(rows)


def _store(scope: Scope, changed: dict[int, int]) -> None:
    scope.session.execute(
        delete(MemberHabit)
        .where(MemberHabit.brand_id == scope.brand.id, bulk.among(MemberHabit.member_id, list(changed)))
        .execution_options(synchronize_session=False)
    )
    most = _most_bought(scope, list(changed))
    rows = [(scope.brand.id, id_, most.get(id_, ""), seq) for id_, seq in sorted(changed.items())]
    bulk.insert(scope, MemberHabit, ("brand_id", "member_id", "category", "facts_seq"), rows)


def _most_bought(scope: Scope, person_ids: list[int]) -> dict[int, str]:
    """person -> the category on most lines, then the one with the greater amount, then the first by code. A line that names
    none has its product's in the catalogue; who bought nothing of any category is not in it."""
    own = func.coalesce(func.nullif(OrderLine.category, ""), Product.category, "")
    # Their orders first, and by themselves: without statistics SQLite would begin with every line of the brand.
    orders = (
        select(Order.brand_id, Order.id, Order.person_id)
        .where(Order.brand_id == scope.brand.id, bulk.among(Order.person_id, person_ids))
        .cte("theirs")
        .prefix_with("MATERIALIZED")
    )
    rows = scope.session.execute(
        select(orders.c.person_id, own, func.count(), func.sum(OrderLine.amount_minor))
        .select_from(orders)
        .join(OrderLine, and_(OrderLine.brand_id == orders.c.brand_id, OrderLine.order_id == orders.c.id))
        .outerjoin(
            Product,
            and_(
                OrderLine.category == "",
                Product.brand_id == OrderLine.brand_id,
                Product.code == OrderLine.product,
            ),
        )
        .group_by(orders.c.person_id, own)
    )
    best: dict[int, tuple[int, int, str]] = {}
    for person_id, category, lines, amount in rows:
        if not category:
            continue
        now, was = (lines, int(amount), category), best.get(person_id)
        if was is None or now[:2] > was[:2] or (now[:2] == was[:2] and category < was[2]):
            best[person_id] = now
    return {person_id: category for person_id, (_lines, _amount, category) in best.items()}


def _say(scope: Scope, through: int, mark: int) -> None:
    """The bout is done; what was marked meanwhile stays marked."""
    scope.session.execute(
        insert_or_ignore(scope, HabitState).values(
            brand_id=scope.brand.id, orders_through=0, gathered_at=scope.now
        )
    )
    kept = case((HabitState.orders_through == mark, through), else_=HabitState.orders_through)
    scope.session.execute(
        update(HabitState)
        .where(HabitState.brand_id == scope.brand.id)
        .values(orders_through=kept, gathered_at=scope.now)
        .execution_options(synchronize_session=False)
    )
