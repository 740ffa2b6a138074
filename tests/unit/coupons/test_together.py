"""Several coupons on one basket, with real rows: quoted, used in one unit or not at all, once; one receipt, one coupon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together as at_once
from webapp.catalogue.models import Product
from webapp.coupons import auditing, service, together
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.coupons.quoting import Bill
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_api import Basket, BasketLine

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
HUNDRED = Basket(100_00)
JOINS = Conditions(joins=True)


@pytest.fixture
def clerk(db: Database) -> Actor:
    return seed.actor(db, "clerk")


def given(
    db: Database, brand: BrandRef, save: int, said: Conditions = JOINS, spend: int = 50_00, **more: Any
) -> Coupon:
    """A coupon of an offer of its own: so much off from 50.00 on."""

    def unit(scope: Scope) -> Coupon:
        terms = {"mode": "steps", "steps": [{"spend": spend, "save": save}]}
        offer = make.make_offer(scope, terms, name=f"Save {save}", conditions=said, **more)
        coupon = service.give(scope, offer.id, make.make_member(scope).id, f"key-{offer.id}")
        assert isinstance(coupon, Coupon), coupon
        return coupon

    return db.write(unit, brand=brand, now=NOON)


def quote(db: Database, brand: BrandRef, *coupons: Coupon | str, basket: Basket = HUNDRED) -> Bill:
    typed = [one if isinstance(one, str) else one.code for one in coupons]
    return db.write(
        lambda s: together.quote_together(s, typed, basket, None), brand=brand, now=NOON
    )  # writing, for its moment


def use(
    db: Database,
    brand: BrandRef,
    clerk: Actor,
    *coupons: Coupon,
    key: str = "key-0001",
    basket: Basket = HUNDRED,
    seen: str | None = None,
    till: str = "",
    store_id: int | None = None,
    now: datetime = NOON,
) -> list[Redemption] | Refused:
    typed = [one.code for one in coupons]
    shown = together.seen(quote(db, brand, *coupons, basket=basket)) if seen is None else seen
    return db.write(
        lambda s: together.redeem_together(s, typed, basket, store_id, key=key, seen=shown, till_number=till),
        brand=brand,
        actor=clerk,
        now=now,
    )


def used(answer: list[Redemption] | Refused) -> list[Redemption]:
    assert isinstance(answer, list), answer
    return answer


def count(db: Database, brand: BrandRef) -> int:
    with db.read(brand=brand) as scope:
        return scope.session.scalar(select(func.count()).select_from(Redemption)) or 0


def sound(db: Database, brand: BrandRef) -> None:
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def test_each_typed_code_has_its_answer(db: Database, brand: BrandRef, clerk: Actor) -> None:
    good, alone, spent = (
        given(db, brand, 30_00),
        given(db, brand, 20_00, Conditions()),
        given(db, brand, 5_00),
    )
    used(use(db, brand, clerk, spent))
    bill = quote(db, brand, f" {good.code.lower()}", good, alone, spent, "AAAAAAAAA", "KKKKKKKKK")
    assert [(one.wish.key, one.saving_minor) for one in bill.applied] == [(good.code, 30_00)]
    said = {one.wish.key: one.why.code for one in bill.unused}
    assert said.pop(alone.code) == "stands_alone" and said.pop(spent.code) == "used"
    assert set(said.values()) <= {"mistyped", "unknown"} and set(said) == {"AAAAAAAAA", "KKKKKKKKK"}


def test_many_coupons_ask_no_more_of_the_database_than_one(db: Database, brand: BrandRef, app: Any) -> None:
    coupons, asked = [given(db, brand, 10_00 + n) for n in range(4)], []

    @event.listens_for(db.engine, "before_cursor_execute")
    def _asked(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    for some in (coupons[:1], coupons):
        asked.clear()
        assert quote(db, brand, *some).applied
        assert len([one for one in asked if one.startswith("SELECT")]) == 2, (
            asked
        )  # coupons, and who took them


def test_used_together_in_one_unit_and_once(db: Database, brand: BrandRef, clerk: Actor, app: Any) -> None:
    lines = (BasketLine(60_00, 1, "shoe", "shoes"), BasketLine(40_00, 2, "hat"))
    basket = Basket(100_00, lines)
    first = given(db, brand, 10_00, place=1)
    shoes = given(db, brand, 9_00, Conditions(joins=True, categories=("shoes",)), spend=50_00)
    made = used(use(db, brand, clerk, first, shoes, basket=basket, till="T1"))
    assert [(one.coupon_id, one.saving_minor, one.basket_minor) for one in made] == [
        (shoes.id, 9_00, 100_00),
        (first.id, 10_00, 100_00),
    ]
    assert {one.basket_id for one in made} == {made[0].id}
    assert [[line["saving_minor"] for line in one.lines or []] for one in made] == [[9_00, 0], [5_60, 4_40]]
    again = used(use(db, brand, clerk, first, shoes, basket=basket, till="T1", seen="anything"))
    assert [one.id for one in again] == [one.id for one in made] and count(db, brand) == 2
    undone = db.write(lambda s: service.reverse(s, made[0].id), brand=brand, actor=clerk, now=NOON)
    assert isinstance(undone, Redemption)
    with db.read(brand=brand) as scope:
        assert scope.session.get_one(Redemption, (brand.id, made[1].id)).open_coupon_id == first.id
    sound(db, brand)


def test_none_is_used_where_the_answer_is_no_longer_what_was_shown(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    first, second = given(db, brand, 10_00), given(db, brand, 9_00)
    shown = together.seen(quote(db, brand, first, second))
    assert use(db, brand, clerk, first, second, seen="") == Refused("quote_changed")
    used(use(db, brand, clerk, second, key="key-0002"))
    stale = use(db, brand, clerk, first, second, key="key-0003", seen=shown)
    assert stale == Refused("quote_changed") and count(db, brand) == 1
    assert use(db, brand, clerk, first, second, key="key-0003", seen=shown) == stale, "the answer is kept"
    assert use(db, brand, clerk, second, key="key-0004") == Refused("none_applies")
    sound(db, brand)


def test_what_an_offer_may_save_in_all_bounds_the_bill(db: Database, brand: BrandRef, clerk: Actor) -> None:
    poor, rich = given(db, brand, 10_00, budget_minor=15_00), given(db, brand, 6_00)

    def another(scope: Scope) -> Coupon:
        offer = scope.session.get_one(Offer, (brand.id, poor.offer_id))
        coupon = service.give(scope, offer.id, make.make_member(scope).id, "key-b")
        assert isinstance(coupon, Coupon)
        return coupon

    twin = db.write(another, brand=brand, now=NOON)
    bill = quote(db, brand, poor, twin, rich)
    assert {one.wish.key for one in bill.applied} == {poor.code, rich.code}
    assert bill.of(twin.code) == Refused("budget_spent", {"left_minor": 15_00})
    used(use(db, brand, clerk, poor, twin, rich))
    assert {one.wish.key: one.why.code for one in quote(db, brand, twin).unused} == {
        twin.code: "budget_spent"
    }
    sound(db, brand)


def test_a_receipt_takes_one_coupon_unless_all_join(db: Database, brand: BrandRef, clerk: Actor) -> None:
    def single(coupon: Coupon, key: str, till: str = "T1", **more: Any) -> Redemption | Refused:
        return db.write(
            lambda s: service.redeem(
                s, typed=coupon.code, basket_minor=100_00, key=key, till_number=till, **more
            ),
            brand=brand,
            actor=clerk,
            now=NOON,
        )

    store = db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand)
    alone, other = given(db, brand, 10_00, Conditions()), given(db, brand, 9_00, Conditions())
    joiner, second = given(db, brand, 8_00), given(db, brand, 7_00)
    made = single(alone, "key-0001")
    assert isinstance(made, Redemption)
    refused = single(other, "key-0002")
    assert isinstance(refused, Refused) and refused.code == "till_has_coupon"
    assert refused.facts["id"] == made.id and refused.facts["offer"] == "Save 1000"
    assert isinstance(use(db, brand, clerk, joiner, till="T1", key="key-0003"), Refused), (
        "beside one that stands alone"
    )
    # another store, another number: another receipt
    assert isinstance(single(other, "key-0004", store_id=store), Redemption)
    db.write(lambda s: service.reverse(s, made.id), brand=brand, actor=clerk, now=NOON)
    used(use(db, brand, clerk, joiner, till="T1", key="key-0005"))
    used(use(db, brand, clerk, second, till="T1", key="key-0006"))
    assert isinstance(single(alone, "key-0007"), Refused), "one that stands alone beside two that join"
    assert isinstance(single(alone, "key-0008", till="T2"), Redemption)
    sound(db, brand)


def test_the_same_number_on_another_day_is_another_receipt(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    first, second = given(db, brand, 10_00, Conditions()), given(db, brand, 9_00, Conditions())
    used(use(db, brand, clerk, first, till="T1"))
    tomorrow = NOON + timedelta(days=1)
    used(use(db, brand, clerk, second, till="T1", key="key-0002", now=tomorrow))


def test_two_clerks_at_the_same_moment(db: Database, brand: BrandRef, db_url: str, clerk: Actor) -> None:
    """One receipt and four coupons that stand alone, and two baskets that share a coupon: one of each is used."""
    alone = [given(db, brand, 10_00 + n, Conditions()) for n in range(4)]
    shared, rest = given(db, brand, 20_00), [given(db, brand, 10_00 + n) for n in range(4)]
    shown = [together.seen(quote(db, brand, shared, one)) for one in rest]

    def work(mine: Database, n: int) -> tuple[str, str]:
        single = mine.write(
            lambda s: service.redeem(
                s, typed=alone[n].code, basket_minor=100_00, key=f"single-{n}", till_number="T9"
            ),
            brand=brand,
            actor=clerk,
            now=NOON,
        )
        some = mine.write(
            lambda s: together.redeem_together(
                s, [rest[n].code, shared.code], HUNDRED, None, key=f"several-{n}", seen=shown[n]
            ),
            brand=brand,
            actor=clerk,
            now=NOON,
        )
        return (
            single.code if isinstance(single, Refused) else "used",
            some.code if isinstance(some, Refused) else "used",
        )

    answers = at_once(db_url, 4, work)
    assert sorted(one for one, _ in answers) == ["till_has_coupon"] * 3 + ["used"]
    assert sorted(one for _, one in answers) == ["quote_changed"] * 3 + ["used"]
    assert count(db, brand) == 3
    sound(db, brand)


def test_the_catalogue_says_the_category_of_a_product(db: Database, brand: BrandRef) -> None:
    shoes = given(db, brand, 9_00, Conditions(categories=("shoes",)))

    def known(scope: Scope) -> None:
        scope.session.add(
            Product(brand_id=brand.id, id=scope.new_id(), code="shoe", category="shoes", created_at=scope.now)
        )

    basket = Basket(100_00, (BasketLine(60_00, product="shoe"), BasketLine(40_00, product="hat")))
    assert quote(db, brand, shoes, basket=basket).unused[0].why == Refused("goods")
    db.write(known, brand=brand)
    assert quote(db, brand, shoes, basket=basket).lines == (9_00, 0)
