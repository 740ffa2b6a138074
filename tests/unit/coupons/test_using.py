"""Where, when and with what a coupon is used, what an offer may save in all, and what comes back when it is undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together
from webapp.coupons import at_counter, auditing, queries, redemptions, service
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Offer, OfferAllowance, Redemption
from webapp.coupons.service import Quoted
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_api import BasketLine

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon of a Sunday in Shanghai
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def clerk(db: Database) -> Actor:
    return seed.actor(db, "clerk")


def given(db: Database, brand: BrandRef, count: int = 1, **offer: Any) -> list[Coupon]:
    """Coupons of one offer: spend 100.00, save 20.00."""

    def unit(scope: Scope) -> list[Coupon]:
        made = make.make_offer(scope, **offer)
        members = [make.make_member(scope) for _ in range(count)]
        found = [service.give(scope, made.id, one.id, f"key-{one.id}") for one in members]
        assert all(isinstance(one, Coupon) for one in found)
        return found  # type: ignore[return-value]

    return db.write(unit, brand=brand, now=NOON)


def use(
    db: Database, brand: BrandRef, coupon: Coupon, actor: Actor, now: datetime = NOON, **more: Any
) -> Any:
    asked = {"typed": coupon.code, "basket_minor": 150_00, "key": f"use-{coupon.id}"} | more
    return db.write(lambda s: service.redeem(s, **asked), brand=brand, actor=actor, now=now)


def sound(db: Database, brand: BrandRef) -> None:
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def saved(db: Database, brand: BrandRef, coupon: Coupon) -> tuple[int, int, int]:
    """What its offer has saved and given, and what its person has had."""
    with db.read(brand=brand) as scope:
        offer = scope.session.get_one(Offer, (brand.id, coupon.offer_id))
        had = scope.session.get_one(OfferAllowance, (brand.id, coupon.offer_id, coupon.person_id))
        return offer.saved_minor, offer.issued, had.used


# -------------------------------------------------------------------------------------------------- where, when, with what


def test_it_is_used_on_its_days_and_at_its_hours(db: Database, brand: BrandRef, clerk: Actor) -> None:
    evening = Conditions(weekdays=(5,), hours=(18 * 60, 2 * 60))  # Saturdays from six to two in the night
    (coupon,) = given(db, brand, conditions=evening)
    assert use(db, brand, coupon, clerk).code == "hours"
    assert use(db, brand, coupon, clerk, NOON + 8 * HOUR, key="sunday") == Refused(
        "weekday", {"weekdays": [5]}
    )
    late = NOON + 6 * DAY + 13 * HOUR  # one o'clock of the next Sunday
    with db.read(brand=brand, now=late) as scope:
        assert isinstance(service.quote(scope, coupon.code, 150_00), Quoted)
    assert isinstance(use(db, brand, coupon, clerk, late, key="saturday"), Redemption)


def test_the_store_is_asked_for_where_it_matters(db: Database, brand: BrandRef, clerk: Actor) -> None:
    here, there = (
        db.write(lambda s, c=c: make.make_store(s, c).id, brand=brand) for c in ("xujiahui", "hongqiao")
    )
    (anywhere,) = given(db, brand)
    (coupon,) = given(db, brand, conditions=Conditions(stores=(here,)))
    with db.read(brand=brand, now=NOON) as scope:
        assert isinstance(service.look(scope, anywhere.code), Coupon)
        assert service.look(scope, coupon.code) == Refused("which_store", {"names": ["xujiahui"]})
        assert service.quote(scope, coupon.code, 150_00, store_id=there) == Refused(
            "store", {"names": ["xujiahui"]}
        )
        assert isinstance(service.quote(scope, coupon.code, 150_00, store_id=here), Quoted)
    assert use(db, brand, coupon, clerk, store_id=there).code == "store"
    assert isinstance(use(db, brand, coupon, clerk, store_id=here, key="here"), Redemption)
    sound(db, brand)


def test_only_its_goods_count_and_there_must_be_enough_of_them(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    tea = Conditions(categories=("tea",), products_out=("gift card",), least_minor=120_00)
    (coupon,) = given(db, brand, conditions=tea)
    bought = [
        BasketLine(110_00, 2, "green", "tea"),
        BasketLine(90_00, 1, "cup", "cups"),
        BasketLine(50_00, 1, "gift card", "tea"),
    ]

    def quote(lines: list[BasketLine]) -> Any:
        with db.read(brand=brand, now=NOON) as scope:
            return service.quote(scope, coupon.code, sum(one.amount_minor for one in lines), lines=lines)

    assert quote(bought[1:]) == Refused("goods")
    assert quote(bought) == Refused("least", {"needs_minor": 10_00, "goods": True})
    enough = [*bought, BasketLine(10_00, 1, "black", "tea")]
    found = quote(enough)
    assert (found.saving_minor, sum(found.lines), found.lines[1:3]) == (20_00, 20_00, (0, 0))
    used = use(db, brand, coupon, clerk, basket_minor=260_00, lines=enough)
    assert used.lines is not None and [one["saving_minor"] for one in used.lines] == list(found.lines)
    assert used.lines[0] == {
        "product": "green", "category": "tea", "quantity": 2, "amount_minor": 110_00, "saving_minor": found.lines[0]
    }  # fmt: skip
    with db.read(brand=brand) as scope:  # where only a total is typed, the clerk is told for which goods
        asks = at_counter.asks(scope, coupon.code)
        assert (asks.basket, asks.goods, asks.goods_out) == (True, ("tea",), ("gift card",))
    sound(db, brand)


def test_a_gift_is_handed_over_without_a_basket(db: Database, brand: BrandRef, clerk: Actor) -> None:
    def unit(scope: Scope) -> Coupon:
        from webapp.coupons import offers

        made = offers.new_offer(
            scope,
            "gift",
            offers.OfferDetails(name="A cup", terms={"gift": "a cup"}, valid_days=9, budget_minor=1),
        )
        assert isinstance(made, Offer), made
        offers.open_offer(scope, made.id)
        coupon = service.give(scope, made.id, make.make_member(scope).id, "a-key")
        assert isinstance(coupon, Coupon)
        return coupon

    coupon = db.write(unit, brand=brand, now=NOON)
    with db.read(brand=brand) as scope:
        assert not at_counter.asks(scope, coupon.code).basket
    used = use(db, brand, coupon, clerk, basket_minor=0)
    assert (used.gift, used.saving_minor, used.basket_minor, used.basket_id) == ("a cup", 0, 0, used.id)
    sound(db, brand)


# ----------------------------------------------------------------------------------------------- what it may save in all


def test_what_an_offer_may_save_in_all_is_kept(db: Database, brand: BrandRef, clerk: Actor) -> None:
    first, second = given(db, brand, 2, budget_minor=35_00)
    used = use(db, brand, first, clerk)
    refused = Refused("budget_spent", {"left_minor": 15_00})
    with db.read(brand=brand, now=NOON) as scope:
        assert service.quote(scope, second.code, 150_00) == refused
    assert use(db, brand, second, clerk) == refused
    with db.read(brand=brand) as scope:  # the refusal leaves no row but its answer
        assert len(scope.session.scalars(select(Redemption)).all()) == 1
        assert queries.coupon_row(scope, second.id).state == "issued"
    assert saved(db, brand, first)[0] == 20_00
    for _ in range(2):
        db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON)
    assert saved(db, brand, first)[0] == 0
    assert use(db, brand, second, clerk) == refused  # the same form, the same answer
    assert isinstance(use(db, brand, second, clerk, key="again"), Redemption)
    sound(db, brand)


def test_it_is_counted_without_a_budget_too(db: Database, brand: BrandRef, clerk: Actor) -> None:
    for coupon in (them := given(db, brand, 2)):
        use(db, brand, coupon, clerk)
    assert saved(db, brand, them[0])[0] == 40_00
    sound(db, brand)


def test_many_clerks_at_once_never_save_beyond_the_budget(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    them = given(db, brand, 12, budget_minor=100_00)

    def work(db: Database, n: int) -> list[str]:
        answers = [use(db, brand, coupon, clerk) for coupon in them[n::3]]
        return ["used" if isinstance(one, Redemption) else one.code for one in answers]

    said = sorted(word for words in together(db.url, 3, work) for word in words)
    assert said == ["budget_spent"] * 7 + ["used"] * 5
    assert saved(db, brand, them[0])[0] == 100_00
    sound(db, brand)


# ---------------------------------------------------------------------------------------------------------------- undone


def test_undone_it_returns_to_the_stock_where_the_terms_say_so(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    (coupon,) = given(db, brand, stock=1, conditions=Conditions(undone="returned"))
    used = use(db, brand, coupon, clerk)
    assert saved(db, brand, coupon) == (20_00, 1, 1)
    for _ in range(2):
        db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON)
    assert saved(db, brand, coupon) == (0, 0, 0)
    assert use(db, brand, coupon, clerk, key="again") == Refused("void")
    sound(db, brand)


def test_an_earlier_day_is_undone_by_who_oversees_the_counter(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    (coupon,) = given(db, brand)
    used = use(db, brand, coupon, clerk)
    midnight = datetime(2026, 5, 10, 16, tzinfo=UTC)  # in Shanghai
    for now, done in ((midnight, False), (midnight - timedelta(minutes=1), True)):
        answer = db.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=now)
        assert (answer == Refused("undo_late", {"on": "2026-05-10"})) != done
    again = use(db, brand, coupon, clerk, key="again")
    for role in ("manager", "operator", "owner"):
        other = seed.actor(db, role)
        answer = db.write(
            lambda s: service.reverse(s, again.id), brand=brand, actor=other, now=NOON + 3 * DAY
        )
        assert isinstance(answer, Redemption)


def test_a_clerk_sees_their_own_day_and_a_manager_everybodys(
    db: Database, brand: BrandRef, clerk: Actor
) -> None:
    here, there = (
        db.write(lambda s, c=c: make.make_store(s, c).id, brand=brand) for c in ("xujiahui", "hongqiao")
    )
    manager = seed.actor(db, "manager")
    one, two, three = given(db, brand, 3)
    undone = use(db, brand, one, clerk, store_id=here)
    db.write(lambda s: service.reverse(s, undone.id), brand=brand, actor=clerk, now=NOON)
    use(db, brand, two, clerk, store_id=here)
    use(db, brand, three, manager, store_id=there)
    today = undone.redeemed_on

    def seen(actor: Actor) -> tuple[int, tuple[int, int], list[tuple[str, int, int, int]]]:
        with db.read(brand=brand, actor=actor, now=NOON) as scope:
            clerks = [(c.clerk, c.used, c.saved_minor, c.undone) for c in redemptions.by_clerk(scope, today)]
            return len(redemptions.of_day(scope, today)), redemptions.day_total(scope, today), sorted(clerks)

    assert seen(clerk) == (2, (1, 20_00), [(clerk.name, 1, 20_00, 1)])
    everybody = sorted([(clerk.name, 1, 20_00, 1), (manager.name, 1, 20_00, 0)])
    assert seen(manager) == (3, (2, 40_00), everybody)
    assert seen(replace(manager, stores=frozenset({there}))) == (1, (1, 20_00), [(manager.name, 1, 20_00, 0)])
