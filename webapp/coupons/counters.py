"""The counters that keep what an offer promises: a person's share, a day's, a code's, the stock.

Each is one conditional statement whose answer is checked, the same on both databases, so that it holds however many units
run at once. Whoever touches several touches them in the order of this file: the hottest row, the offer's, last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm.util import identity_key

from webapp.coupons.models import Offer, OfferAllowance, OfferCode, OfferDay
from webapp.kernel.scope import Scope


def upsert(scope: Scope, model: Any) -> Any:
    """An INSERT of the unit's database that knows ON CONFLICT DO UPDATE."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = scope.dialect
    build: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return build[dialect](model)


# --------------------------------------------------------------------------------------------------------------- persons


def count_persons(scope: Scope, offer_id: int, per_person: int, person_ids: Sequence[int]) -> Sequence[int]:
    """Count one more for each of these different persons; returns those who were within the limit."""
    statement = upsert(scope, OfferAllowance).on_conflict_do_update(
        index_elements=["brand_id", "offer_id", "person_id"],
        set_={"used": OfferAllowance.used + 1},
        where=OfferAllowance.used < per_person,
    )
    rows = [
        {"brand_id": scope.brand.id, "offer_id": offer_id, "person_id": person_id, "used": 1}
        for person_id in sorted(person_ids)
    ]
    counted: Sequence[int] = scope.session.scalars(statement.returning(OfferAllowance.person_id), rows).all()
    return counted


def persons_back(scope: Scope, offer_id: int, person_ids: Iterable[int]) -> None:
    """One less for each, as often as they are named."""
    for person_id in sorted(person_ids):
        scope.session.execute(
            update(OfferAllowance)
            .where(
                OfferAllowance.brand_id == scope.brand.id,
                OfferAllowance.offer_id == offer_id,
                OfferAllowance.person_id == person_id,
            )
            .values(used=OfferAllowance.used - 1)
            .execution_options(synchronize_session=False)
        )


# ------------------------------------------------------------------------------------------------------------------ days


def left_on(scope: Scope, offer_id: int, per_day: int, day: date) -> int:
    """How many a day has left, read without a lock."""
    used = scope.session.scalar(select(OfferDay.used).where(*_day(scope, offer_id, day)))
    return max(0, per_day - (used or 0))


def count_day(scope: Scope, offer_id: int, per_day: int, day: date, n: int) -> int:
    """Count n more on a day, or as many as it has left; returns how many."""
    n = min(n, per_day)
    if n <= 0:
        return 0
    statement = (
        upsert(scope, OfferDay)
        .values(brand_id=scope.brand.id, offer_id=offer_id, day=day, used=n)
        .on_conflict_do_update(
            index_elements=["brand_id", "offer_id", "day"],
            set_={"used": OfferDay.used + n},
            where=OfferDay.used + n <= per_day,
        )
        .returning(OfferDay.used)
    )
    if scope.session.scalars(statement).one_or_none() is not None:
        return n
    used = scope.session.scalars(
        select(OfferDay.used).where(*_day(scope, offer_id, day)).with_for_update()
    ).one()
    left = max(0, min(n, per_day - used))
    if left:
        days_back(scope, offer_id, {day: -left})
    return left


def days_back(scope: Scope, offer_id: int, days: Mapping[date, int]) -> None:
    """So many less on each day."""
    for day, n in sorted(days.items()):
        scope.session.execute(
            update(OfferDay)
            .where(*_day(scope, offer_id, day))
            .values(used=OfferDay.used - n)
            .execution_options(synchronize_session=False)
        )


def _day(scope: Scope, offer_id: int, day: date) -> tuple[Any, ...]:
    return (OfferDay.brand_id == scope.brand.id, OfferDay.offer_id == offer_id, OfferDay.day == day)


# ----------------------------------------------------------------------------------------------------------------- codes


def count_code(scope: Scope, code_id: int) -> bool:
    """One more by this code, if it is good for one more."""
    done = scope.session.execute(
        update(OfferCode)
        .where(
            OfferCode.brand_id == scope.brand.id,
            OfferCode.id == code_id,
            or_(OfferCode.most.is_(None), OfferCode.used + 1 <= OfferCode.most),
        )
        .values(used=OfferCode.used + 1)
        .execution_options(synchronize_session=False)
    )
    return _changed(done)


def codes_back(scope: Scope, code_ids: Iterable[int]) -> None:
    """They are good for one more again, as often as they are named."""
    for code_id, n in sorted(Counter(code_ids).items()):
        scope.session.execute(
            update(OfferCode)
            .where(OfferCode.brand_id == scope.brand.id, OfferCode.id == code_id)
            .values(used=OfferCode.used - n)
            .execution_options(synchronize_session=False)
        )


# ----------------------------------------------------------------------------------------------------------------- stock


def count_stock(scope: Scope, offer_id: int, n: int) -> bool:
    """n more out, if the offer is open and has so many left."""
    done = scope.session.execute(
        update(Offer)
        .where(
            Offer.brand_id == scope.brand.id,
            Offer.id == offer_id,
            Offer.state == "open",
            or_(Offer.stock.is_(None), Offer.issued + n <= Offer.stock),
        )
        .values(issued=Offer.issued + n)
        .execution_options(synchronize_session=False)
    )
    forget(scope, offer_id)
    return _changed(done)


def stock_back(scope: Scope, offer_id: int, n: int) -> None:
    """n less out."""
    scope.session.execute(
        update(Offer)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id)
        .values(issued=Offer.issued - n)
        .execution_options(synchronize_session=False)
    )
    forget(scope, offer_id)


def forget(scope: Scope, offer_id: int) -> None:
    """Whoever holds the offer in this unit reads its row again."""
    if scope.opened is None:
        return
    held = scope.opened.identity_map.get(identity_key(Offer, (scope.brand.id, offer_id)))
    if held is not None:
        scope.opened.expire(held)


def _changed(done: Any) -> bool:
    return bool(done.rowcount == 1)  # an UPDATE's result is a CursorResult
