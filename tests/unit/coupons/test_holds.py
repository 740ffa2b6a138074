"""Coupons kept aside: for how long, for whom, and what they go back to; no sweep can be late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import auditing, holds, jobs, queries, service, steps
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, Redemption
from webapp.coupons.service import Quoted
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Ring, Scope

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon in Shanghai
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def clerk(db: Database) -> Actor:
    return seed.actor(db, "clerk")


@pytest.fixture
def coupon(db: Database, brand: BrandRef) -> Coupon:
    """Taken: spend 100.00, save 20.00; valid for three days."""
    return given(db, brand)


def given(db: Database, brand: BrandRef, *, kept: int = 0, **offer: Any) -> Coupon:
    """Taken by its member; or only kept for them, for so many minutes, as take.py leaves it."""

    def unit(scope: Scope) -> Coupon:
        made = make.make_offer(scope, valid_days=3, stock=1, **offer)
        coupon = service.give(scope, made.id, make.make_member(scope).id, "a-key")
        assert isinstance(coupon, Coupon), coupon
        if kept:
            steps.move(scope, coupon, ("issued",), "held", held_until=scope.now + kept * MINUTE)
        else:
            service.claim(scope, coupon.id)
        return coupon

    return db.write(unit, brand=brand, now=NOON)


def hold(
    db: Database, brand: BrandRef, coupon: Coupon, until: datetime, now: datetime = NOON, **more: Any
) -> Any:
    return db.write(lambda s: holds.hold(s, coupon.id, until, **more), brand=brand, now=now)


def use(db: Database, brand: BrandRef, coupon: Coupon, clerk: Actor, now: datetime, **more: Any) -> Any:
    asked = {"typed": coupon.code, "basket_minor": 150_00, "key": f"{now}"} | more
    return db.write(lambda s: service.redeem(s, **asked), brand=brand, actor=clerk, now=now)


def state(db: Database, brand: BrandRef, coupon: Coupon, now: datetime) -> str:
    """As lists and counts show it, which must agree."""
    with db.read(brand=brand, now=now) as scope:
        shown = queries.coupon_row(scope, coupon.id).state
        assert queries.coupons_by_state(scope) == {shown: 1}
        usable = [row.coupon.id for row in queries.coupons(scope, show="usable").rows]
        assert (coupon.id in usable) == (shown in queries.USABLE)
        return shown


def counts(db: Database, brand: BrandRef, coupon: Coupon) -> tuple[int, int]:
    """Given by the offer, had by the person; and nothing else is wrong."""
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}
    with db.read(brand=brand) as scope:
        offer = scope.session.get_one(Offer, (brand.id, coupon.offer_id))
        had = scope.session.get_one(OfferAllowance, (brand.id, coupon.offer_id, coupon.person_id))
        return offer.issued, had.used


def way(db: Database, brand: BrandRef, coupon: Coupon) -> list[str]:
    with db.read(brand=brand) as scope:
        found = (
            select(CouponChange.state).where(CouponChange.coupon_id == coupon.id).order_by(CouponChange.id)
        )
        return list(scope.session.scalars(found))


def test_it_is_kept_until_then_and_used_meanwhile(
    db: Database, brand: BrandRef, clerk: Actor, coupon: Coupon
) -> None:
    held = hold(db, brand, coupon, NOON + HOUR)
    assert (held.state, held.held_until) == ("held", NOON + HOUR)
    assert state(db, brand, coupon, NOON + 59 * MINUTE) == "held"
    used = use(db, brand, coupon, clerk, NOON + 59 * MINUTE)
    assert isinstance(used, Redemption)
    assert way(db, brand, coupon) == ["issued", "claimed", "held", "claimed", "redeemed"]
    assert hold(db, brand, coupon, NOON + 2 * HOUR) == Refused("used")
    db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON + HOUR)
    hold(db, brand, coupon, NOON + 3 * HOUR, NOON + 2 * HOUR)
    db.write(lambda s: holds.end(s), brand=brand, now=NOON + 3 * HOUR)
    assert way(db, brand, coupon)[5:] == ["reversed", "held", "reversed"]
    assert counts(db, brand, coupon) == (1, 1)


def test_when_it_is_over_it_is_what_it_was_and_no_sweep_is_waited_for(
    db: Database, brand: BrandRef, clerk: Actor, coupon: Coupon
) -> None:
    hold(db, brand, coupon, NOON + HOUR, key="basket-1")
    with db.read(brand=brand, now=NOON) as scope:
        kept = {"until": (NOON + HOUR).isoformat()}
        assert service.quote(scope, coupon.code, 150_00) == Refused("held", kept)
        assert isinstance(service.quote(scope, coupon.code, 150_00, hold="basket-1"), Quoted)
    assert use(db, brand, coupon, clerk, NOON).code == "held"
    assert hold(db, brand, coupon, NOON + 2 * HOUR, key="basket-2").code == "held"
    assert state(db, brand, coupon, NOON + HOUR) == "claimed"
    assert isinstance(use(db, brand, coupon, clerk, NOON + HOUR), Redemption)
    assert way(db, brand, coupon) == ["issued", "claimed", "held", "claimed", "redeemed"]
    assert counts(db, brand, coupon) == (1, 1)


def test_held_again_it_is_held_for_longer_and_released_at_once(
    db: Database, brand: BrandRef, clerk: Actor, coupon: Coupon
) -> None:
    for n, until in enumerate((NOON + HOUR, NOON + HOUR, NOON + 3 * HOUR)):  # asked twice, it is one hold
        assert hold(db, brand, coupon, until, NOON + n * MINUTE, key="mine").held_until == until
    assert way(db, brand, coupon) == ["issued", "claimed", "held", "held"]
    assert isinstance(use(db, brand, coupon, clerk, NOON + 2 * HOUR, hold="mine"), Redemption)
    for _ in range(2):
        back = db.write(lambda s: holds.release(s, coupon.id), brand=brand, now=NOON + 2 * HOUR)
        assert back.state == "redeemed"  # what is not held stays as it is
    assert counts(db, brand, coupon) == (1, 1)


def test_nobody_holds_it_for_long_or_beyond_its_days(db: Database, brand: BrandRef, coupon: Coupon) -> None:
    for until in (NOON, NOON - MINUTE, NOON + DAY + MINUTE):
        assert hold(db, brand, coupon, until) == Refused("until", {"hours": 24})
    last = NOON + 2 * DAY + 10 * HOUR  # ten in the evening of its last day
    midnight = NOON + 2 * DAY + 12 * HOUR
    assert hold(db, brand, coupon, last + 5 * HOUR, last).held_until == midnight
    assert state(db, brand, coupon, midnight) == "expired"
    assert hold(db, brand, coupon, midnight + HOUR, midnight) == Refused("expired", {"until": "2026-05-12"})
    db.write(lambda s: service.void(s, coupon.id), brand=brand, now=midnight)
    assert hold(db, brand, coupon, midnight + HOUR, midnight) == Refused("void")
    assert counts(db, brand, coupon) == (0, 0)


def test_one_that_was_only_kept_returns_to_the_stock(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand, kept=15)
    over = NOON + 15 * MINUTE
    assert state(db, brand, coupon, over - MINUTE) == "held"
    assert counts(db, brand, coupon) == (1, 1)
    assert state(db, brand, coupon, over) == "void"
    with db.read(brand=brand, now=over) as scope:
        assert service.quote(scope, coupon.code, 150_00) == Refused("void")
    with clock.fixed(over - MINUTE):
        assert jobs.holds_over(db) == []
    with clock.fixed(over):
        assert jobs.holds_over(db) == [Ring("coupons.holds", {"brand_id": brand.id})]
        for _ in range(2):
            jobs.end_holds(db, brand.id)
        assert jobs.holds_over(db) == []
    assert way(db, brand, coupon) == ["issued", "held", "void"]
    assert counts(db, brand, coupon) == (0, 0)
    assert use(db, brand, coupon, clerk, over) == Refused("void")


def test_one_that_is_kept_is_used_in_time_or_given_up(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand, kept=15)
    assert isinstance(use(db, brand, coupon, clerk, NOON + 14 * MINUTE), Redemption)
    assert way(db, brand, coupon) == ["issued", "held", "claimed", "redeemed"]
    assert counts(db, brand, coupon) == (1, 1)
    late = given(db, brand, kept=15)
    assert use(db, brand, late, clerk, NOON + 15 * MINUTE) == Refused("void")
    assert counts(db, brand, late) == (0, 0)  # whoever comes first settles it
    gone = given(db, brand, kept=15)
    assert db.write(lambda s: holds.release(s, gone.id), brand=brand, now=NOON).state == "void"
    assert counts(db, brand, gone) == (0, 0)


def test_holds_of_one_offer_end_alone_and_by_batches(db: Database, brand: BrandRef) -> None:
    one, two = given(db, brand, kept=1), given(db, brand, kept=1)
    after = NOON + MINUTE
    assert db.write(lambda s: holds.end(s, one.offer_id), brand=brand, now=after) == 1
    assert way(db, brand, two) == ["issued", "held"]
    assert db.write(lambda s: holds.end(s, limit=1), brand=brand, now=after) == 1
    assert db.write(lambda s: holds.end(s), brand=brand, now=after) == 0
    assert counts(db, brand, two) == (0, 0)
