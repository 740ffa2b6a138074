"""A coupon's way from the message to the counter and back: every refusal with its reason, every transition a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import queries, redemptions, service
from webapp.coupons.models import Coupon, CouponChange, Redemption
from webapp.coupons.service import Quoted
from webapp.kernel.db import Database
from webapp.kernel.errors import Forbidden, NotFound, Refused, UserError
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_runtime import context

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon in Shanghai
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def clerk(db: Database) -> Actor:
    return seed.actor(db, "clerk")


def given(db: Database, brand: BrandRef, now: datetime = NOON, **more: Any) -> Coupon:
    """A coupon: spend 100.00, save 20.00; valid 30 days from the claim."""

    def unit(scope: Scope) -> Coupon:
        offer = make.make_offer(scope, **more)
        coupon = service.give(scope, offer.id, make.make_member(scope).id, "a-key")
        assert isinstance(coupon, Coupon), coupon
        return coupon

    return db.write(unit, brand=brand, now=now)


def states(db: Database, brand: BrandRef, coupon: Coupon) -> list[tuple[str | None, str]]:
    with db.read(brand=brand) as scope:
        rows = scope.session.scalars(
            select(CouponChange).where(CouponChange.coupon_id == coupon.id).order_by(CouponChange.id)
        ).all()
        found = scope.session.get_one(Coupon, (brand.id, coupon.id))
        assert found.state == rows[-1].state
    return [(row.from_state, row.state) for row in rows]


def redeem(
    scope: Scope, coupon: Coupon, key: str = "key-0001", basket: int = 150_00, **more: Any
) -> Redemption | Refused:
    return service.redeem(scope, typed=coupon.code, basket_minor=basket, key=key, **more)


def test_the_whole_way_and_back_again(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand)
    db.write(lambda s: service.claim(s, coupon.id), brand=brand, now=NOON)
    used = db.write(lambda s: redeem(s, coupon), brand=brand, actor=clerk, now=NOON)
    assert isinstance(used, Redemption)
    assert (used.saving_minor, used.staff_id, used.redeemed_on) == (20_00, clerk.id, date(2026, 5, 10))
    for _ in range(2):  # undone twice is undone once
        undone = db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON)
        assert isinstance(undone, Redemption)
        assert (undone.reversed_by, undone.open_coupon_id) == (clerk.id, None)
    again = db.write(lambda s: redeem(s, coupon, "key-0002"), brand=brand, actor=clerk, now=NOON)
    assert isinstance(again, Redemption)
    assert again.id != used.id
    # undoing the first one anew does not touch the second
    db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON)
    assert states(db, brand, coupon) == [
        (None, "issued"),
        ("issued", "claimed"),
        ("claimed", "redeemed"),
        ("redeemed", "reversed"),
        ("reversed", "redeemed"),
    ]


def test_a_coupon_that_was_not_claimed_is_claimed_by_being_used(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    coupon = given(db, brand)
    db.write(lambda s: redeem(s, coupon), brand=brand, actor=clerk, now=NOON)
    assert states(db, brand, coupon) == [(None, "issued"), ("issued", "claimed"), ("claimed", "redeemed")]


def test_the_days_begin_with_the_claim_and_end_with_the_offers(db: Database, brand: BrandRef) -> None:
    cases: list[tuple[dict[str, Any], date]] = [
        ({"valid_days": 1}, date(2026, 5, 12)),
        ({"valid_days": 30}, date(2026, 6, 10)),
        ({"valid_days": 30, "valid_until": date(2026, 5, 20)}, date(2026, 5, 20)),
        ({"valid_days": 3, "valid_from": date(2026, 5, 15)}, date(2026, 5, 17)),
        ({"valid_days": None, "valid_until": date(2026, 7, 1)}, date(2026, 7, 1)),
    ]
    for more, last in cases:
        coupon = given(db, brand, **more)
        if "valid_from" in more:
            refused = db.write(lambda s, c=coupon: service.claim(s, c.id), brand=brand, now=NOON + 2 * DAY)
            assert isinstance(refused, Coupon), "a coupon may be taken before it can be used"
            assert refused.valid_until == last
            continue
        taken = [
            db.write(lambda s, c=coupon: service.claim(s, c.id), brand=brand, now=NOON + 2 * DAY + n * HOUR)
            for n in (0, 3)
        ]
        assert [one.valid_until for one in taken if isinstance(one, Coupon)] == [last, last]


def test_each_refusal_says_why(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand, valid_days=None, valid_from=date(2026, 5, 10), valid_until=date(2026, 5, 20))

    def quote(now: datetime = NOON, basket: int = 150_00, code: str = coupon.code) -> Any:
        return db.write(lambda s: service.quote(s, code, basket), brand=brand, actor=clerk, now=now)

    wrong_letter = coupon.code[:-1] + ("B" if coupon.code[-1] != "B" else "C")
    assert quote(code=wrong_letter) == Refused("mistyped")
    assert quote(code="") == Refused("mistyped")
    assert quote(code="BBBBBBBBX").code in ("unknown", "mistyped")
    assert quote(now=NOON - DAY) == Refused("not_yet", {"from": "2026-05-10"})
    assert quote(now=NOON + 11 * DAY) == Refused("expired", {"until": "2026-05-20"})
    assert quote(now=datetime(2026, 5, 20, 15, 59, tzinfo=UTC)).saving_minor == 20_00  # 23:59 of the last day
    assert quote(now=datetime(2026, 5, 20, 16, 0, tzinfo=UTC)).code == "expired"
    assert quote(basket=99_99) == Refused(
        "not_applicable", {"type": "spend_and_save", "reason": "below_minimum", "needs_minor": 1}
    )
    assert quote(basket=0) == Refused("basket")
    # however it is written, and from the address in the QR code
    shop = f"https://shop.example/counter?code={coupon.code}"
    for typed in (coupon.code.lower(), f" {coupon.code[:3]}-{coupon.code[3:6]} {coupon.code[6:]} ", shop):
        assert isinstance(quote(code=typed), Quoted)
    db.write(lambda s: context.switch(s, "coupon_spend_and_save", on=False), brand=brand)
    assert quote() == Refused("parked", {"type": "spend_and_save"})
    db.write(lambda s: context.switch(s, "coupon_spend_and_save", on=True), brand=brand)
    db.write(lambda s: service.void(s, coupon.id, "printed twice"), brand=brand)
    assert quote() == Refused("void")
    assert states(db, brand, coupon)[-1] == ("issued", "void")


def test_the_second_clerk_is_told_when_and_where(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand)
    store_id = db.write(lambda s: make.make_store(s, "nanjing-road").id, brand=brand)
    first = db.write(lambda s: redeem(s, coupon, store_id=store_id), brand=brand, actor=clerk, now=NOON)
    assert isinstance(first, Redemption)
    second = db.write(lambda s: redeem(s, coupon, "key-0002"), brand=brand, actor=clerk, now=NOON + DAY)
    assert second == Refused("used", {"id": first.id, "at": NOON.isoformat(), "store": "nanjing-road"})
    assert db.write(lambda s: service.quote(s, coupon.code, 1), brand=brand) == second
    assert db.write(lambda s: service.void(s, coupon.id), brand=brand) == second


def test_the_same_key_gives_the_same_answer(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand)
    low = [
        db.write(lambda s: redeem(s, coupon, "low-key-1", 50_00), brand=brand, actor=clerk, now=NOON)
        for _ in "ab"
    ]
    assert (
        low[0]
        == low[1]
        == Refused(
            "not_applicable", {"type": "spend_and_save", "reason": "below_minimum", "needs_minor": 50_00}
        )
    )
    used = [
        db.write(lambda s: redeem(s, coupon), brand=brand, actor=clerk, now=NOON + n * DAY) for n in range(3)
    ]
    assert len({one.id for one in used if isinstance(one, Redemption)}) == 1
    with db.read(brand=brand) as scope:
        assert len(scope.session.scalars(select(Redemption)).all()) == 1
    other = given(db, brand)
    with pytest.raises(UserError):  # a key of another coupon's form
        db.write(lambda s: redeem(s, other), brand=brand, actor=clerk, now=NOON)


def test_undoing_after_the_last_day_gives_back_what_is_over(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    coupon = given(db, brand, valid_days=1)
    used = db.write(lambda s: redeem(s, coupon), brand=brand, actor=clerk, now=NOON)
    assert isinstance(used, Redemption)
    late = db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON + DAY)
    assert late == Refused(
        "undo_late", {"on": "2026-05-10"}
    )  # a clerk undoes the day's, a manager the others
    manager = seed.actor(db, "manager")
    db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=manager, now=NOON + DAY)
    with db.read(brand=brand, now=NOON + DAY) as scope:
        assert queries.coupon_row(scope, coupon.id).state == "expired"
        assert queries.coupons_by_state(scope) == {"expired": 1}
    refused = db.write(lambda s: redeem(s, coupon, "key-0002"), brand=brand, actor=clerk, now=NOON + DAY)
    assert refused == Refused("expired", {"until": "2026-05-10"})


def test_a_clerk_of_one_store_undoes_only_there(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand)
    here, there = (
        db.write(lambda s, c=c: make.make_store(s, c).id, brand=brand) for c in ("nanjing-road", "xujiahui")
    )
    used = db.write(lambda s: redeem(s, coupon, store_id=here), brand=brand, actor=clerk, now=NOON)
    assert isinstance(used, Redemption)
    with pytest.raises(Forbidden):
        elsewhere = replace(clerk, stores=frozenset({there}))
        db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=elsewhere, now=NOON)
    at_home = replace(clerk, stores=frozenset({here}))
    undone = db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=at_home, now=NOON)
    assert isinstance(undone, Redemption) and undone.reversed_at


def test_another_brands_coupon_is_not_there(db: Database, brand: BrandRef, clerk: Actor) -> None:
    coupon = given(db, brand)
    used = db.write(lambda s: redeem(s, coupon), brand=brand, actor=clerk, now=NOON)
    assert isinstance(used, Redemption)
    other = db.write(lambda scope: make.make_brand(scope))
    assert db.write(lambda s: service.quote(s, coupon.code, 150_00), brand=other) == Refused("unknown")
    assert db.write(lambda s: redeem(s, coupon, "key-0009"), brand=other) == Refused("unknown")
    for work in (
        lambda s: service.reverse(s, used.id),
        lambda s: service.claim(s, coupon.id),
        lambda s: service.void(s, coupon.id),
        lambda s: redemptions.get(s, used.id),
        lambda s: queries.coupon_row(s, coupon.id),
    ):
        with pytest.raises(NotFound):
            db.write(work, brand=other)
