"""A part comes back: what stays is reckoned anew, what is paid back never exceeds what was paid, however often it comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from threading import BrokenBarrierError
from typing import Any

import pytest
from hypothesis import given as tried
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together as at_once
from webapp.coupons import auditing, returning, returns, service, together, undo_limit
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.coupons.models_counter import BasketReturn
from webapp.coupons.quoting import Wish, reckon
from webapp.coupons.returning import Answer, Came
from webapp.coupons.returns import Return, Used
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_api import Basket, BasketLine
from webapp.plugin_runtime.runtime import registry

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
JOINS = Conditions(joins=True)


# ------------------------------------------------------------------------------------------------------------------ pure


def wish(n: int, type_key: str, terms: dict[str, Any], **said: Any) -> Wish:
    plugin, kind = registry().coupon_types[type_key]
    return Wish(f"c{n}", f"Offer {n}", kind, plugin, terms, replace(JOINS, **said), place=n, offer_id=n, id=n)


def step(spend: int, save: int) -> dict[str, Any]:
    return {"mode": "steps", "steps": [{"spend": spend, "save": save}]}


def first_use(basket: Basket, wishes: Sequence[Wish]) -> tuple[list[Used], int]:
    bill = reckon(basket, wishes)
    return [Used(one.wish, one.saving_minor, one.saving_minor) for one in bill.applied], bill.to_pay_minor


def one_after_another(used: list[Used], paid: int, lefts: Sequence[Basket]) -> tuple[list[Used], int, Return]:
    """What stands in the end, what was paid back in all, and the last answer."""
    got, last = 0, None
    for left in lefts:
        answer = returns.reckon(left, paid, used)
        assert isinstance(answer, Return)
        last = answer
        assert 0 <= last.back_minor <= paid and not (last.back_minor and last.short_minor)
        assert 0 <= last.saving_minor <= left.total_minor
        used = [
            replace(one.used, saving_minor=one.saving_minor) for one in last.coupons if one.fate != "back"
        ]
        paid, got = paid - last.back_minor, got + last.back_minor
    assert last is not None
    return used, got, last


AMOUNT = st.integers(1, 300_00)


@st.composite
def some_wishes(draw: st.DrawFn) -> list[Wish]:
    made = []
    for n in range(1, draw(st.integers(1, 3)) + 1):
        kind = draw(st.sampled_from(("step", "cash", "percent")))
        least = draw(st.sampled_from((0, 30_00, 120_00)))
        if kind == "step":
            spend = draw(st.integers(2, 200_00))
            made.append(wish(n, "spend_and_save", step(spend, draw(st.integers(1, spend)))))
        elif kind == "cash":
            made.append(wish(n, "cash", {"amount": draw(AMOUNT)}, least_minor=least))
        else:
            made.append(wish(n, "percent", {"basis_points": draw(st.integers(1, 100_00))}, least_minor=least))
    return made


@tried(some_wishes(), st.lists(AMOUNT, min_size=2, max_size=5))
def test_many_returns_are_one_return_of_their_sum(wishes: list[Wish], amounts: list[int]) -> None:
    """The savings are; and what is paid back is, but for what an earlier one rightly paid back more."""
    tops = sorted(amounts, reverse=True)
    whole, lefts = Basket(tops[0]), [Basket(one) for one in tops[1:]]
    used, paid = first_use(whole, wishes)
    _many, got_many, last = one_after_another(used, paid, lefts)
    _once, got_once, only = one_after_another(used, paid, lefts[-1:])
    assert got_many <= paid
    alive = [{end.used.wish.key for end in way.coupons if end.fate == "used"} for way in (last, only)]
    if alive[0] == alive[1]:  # none was given back on the way that could be used on what stays
        assert last.saving_minor == only.saving_minor
        assert got_many >= got_once
        if not last.short_minor:
            assert got_many == got_once
    # all of it: everything is paid back, in one or in many
    for way in ([*lefts, Basket(0)], [Basket(0)]):
        left, got, end = one_after_another(used, paid, way)
        assert (left, got, end.saving_minor, end.short_minor) == ([], paid, 0, 0)


def test_below_the_least_spend_the_saving_is_taken_back_and_nobody_is_asked_for_more() -> None:
    used, paid = first_use(Basket(120_00), [wish(1, "spend_and_save", step(100_00, 20_00))])
    assert paid == 100_00
    taken = returns.reckon(Basket(90_00), paid, used)
    assert isinstance(taken, Return)
    assert (taken.back_minor, taken.short_minor, taken.coupons[0].fate) == (10_00, 0, "back")
    kept = returns.reckon(Basket(110_00), paid, used)
    assert isinstance(kept, Return) and (kept.back_minor, kept.saving_minor) == (10_00, 20_00)
    # 100.00 stays: 80.00 to pay; then 90.00, which costs 90.00
    standing, got, last = one_after_another(used, paid, [Basket(100_00), Basket(90_00)])
    assert (got, last.back_minor, last.short_minor) == (20_00, 0, 10_00)
    assert last.coupons[0].fate == "kept" and standing[0].saving_minor == 0
    standing, got, last = one_after_another(used, paid, [Basket(100_00), Basket(90_00), Basket(50_00)])
    assert (got, last.back_minor, last.coupons[0].fate) == (50_00, 30_00, "back"), (
        "as 120.00 -> 50.00 at once"
    )


def test_a_return_makes_nothing_cheaper_than_it_was() -> None:
    """A type may save more on less (the cheapest one free, once the cheap one is gone): never more than at first."""
    used = [Used(wish(1, "cash", {"amount": 50_00}), 10_00, 10_00)]
    after = returns.reckon(Basket(100_00), 100_00, used)
    assert isinstance(after, Return) and (after.saving_minor, after.back_minor) == (10_00, 10_00)


def test_pieces_cost_the_same_in_however_many_times_they_come() -> None:
    line = {"product": "tea", "category": "", "quantity": 3, "amount_minor": 10_00, "saving_minor": 0}
    twice = returns.stays(returns.stays([line], [1]), [1])
    assert twice == returns.stays([line], [2]) and twice[0]["amount_minor"] == 3_33
    for wrong in ([4], [-1]):
        with pytest.raises(ValueError, match="pieces"):
            returns.stays([line], wrong)


# ------------------------------------------------------------------------------------------------------------- with rows


@pytest.fixture
def clerk(db: Database) -> Actor:
    return seed.actor(db, "clerk")


def given(db: Database, brand: BrandRef, said: Conditions = JOINS, save: int = 20_00, **more: Any) -> Coupon:
    def unit(scope: Scope) -> Coupon:
        offer = make.make_offer(scope, step(100_00, save), conditions=said, **more)
        coupon = service.give(scope, offer.id, make.make_member(scope).id, f"key-{offer.id}")
        assert isinstance(coupon, Coupon)
        return coupon

    return db.write(unit, brand=brand, now=NOON)


def used_on(
    db: Database, brand: BrandRef, clerk: Actor, basket: Basket, *coupons: Coupon
) -> list[Redemption]:
    codes = [one.code for one in coupons]

    def unit(scope: Scope) -> list[Redemption]:
        seen = together.seen(together.quote_together(scope, codes, basket, None))
        made = together.redeem_together(scope, codes, basket, None, key=f"key-{codes[0]}", seen=seen)
        assert isinstance(made, list), made
        return made

    return db.write(unit, brand=brand, actor=clerk, now=NOON)


def back(
    db: Database, brand: BrandRef, clerk: Actor, used: Redemption, came: Came, key: str = "return-1"
) -> int | Refused:
    with db.read(brand=brand, actor=clerk, now=NOON) as scope:
        seen = returning.look(scope, used.id, came)
    word = seen.seen if isinstance(seen, Answer) else ""
    return db.write(
        lambda s: returning.take_back(s, used.id, came, key=key, seen=word),
        brand=brand,
        actor=clerk,
        now=NOON,
    )


def sound(db: Database, brand: BrandRef) -> None:
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def test_a_part_comes_back_twice_and_then_the_rest(
    db: Database, brand: BrandRef, clerk: Actor, app: Any
) -> None:
    coupon = given(db, brand, budget_minor=20_00)
    (used,) = used_on(db, brand, clerk, Basket(150_00), coupon)

    def now() -> tuple[Any, ...]:
        with db.read(brand=brand) as scope:
            row = scope.session.get_one(Redemption, (brand.id, used.id))
            offer = scope.session.get_one(Offer, (brand.id, coupon.offer_id))
            state = scope.session.get_one(Coupon, (brand.id, coupon.id)).state
            return row.basket_minor, row.saving_minor, row.bought_minor, offer.saved_minor, state

    first = Came(110_00)
    assert back(db, brand, clerk, used, first) == 40_00
    assert back(db, brand, clerk, used, first) == 40_00, "the same key, the same answer"
    assert now() == (110_00, 20_00, 150_00, 20_00, "redeemed")
    for came in (Came(105_00), first):  # shown before; of the second, nothing is left to come back

        def stale(scope: Scope, came: Came = came) -> int | Refused:
            return returning.take_back(scope, used.id, came, key=f"stale-{came.left_minor}", seen="x")

        assert db.write(stale, brand=brand, actor=clerk, now=NOON) == Refused("quote_changed")
    assert back(db, brand, clerk, used, Came(110_00), "same") == Refused("nothing_back")
    assert back(db, brand, clerk, used, Came(111_00), "more") == Refused("left_more", {"most_minor": 110_00})
    sound(db, brand)
    # 99.00 stays and costs 99.00; 90.00 were paid and not given back
    assert back(db, brand, clerk, used, Came(99_00), "return-2") == 0
    assert now() == (99_00, 0, 150_00, 0, "redeemed"), "the budget has it back; the member kept a part of it"
    sound(db, brand)
    assert back(db, brand, clerk, used, Came(0), "return-3") == 90_00
    assert now()[3:] == (0, "reversed"), "as if it were undone"
    assert back(db, brand, clerk, used, Came(0), "return-4") == Refused("undone")
    with db.read(brand=brand) as scope:
        rows = scope.session.scalars(select(BasketReturn).order_by(BasketReturn.n)).all()
        assert [(one.n, one.left_minor, one.back_minor, one.short_minor) for one in rows] == [
            (1, 110_00, 40_00, 0),
            (2, 99_00, 0, 9_00),
            (3, 0, 90_00, 0),
        ]
    sound(db, brand)


@OTHER_IN_DRILL
def test_lines_and_several_coupons_are_reckoned_together(
    db: Database, brand: BrandRef, clerk: Actor, app: Any
) -> None:
    basket = Basket(200_00, (BasketLine(120_00, 2, "shoe", "shoes"), BasketLine(80_00, 1, "hat")))
    all_goods = given(db, brand, save=10_00, place=1)
    shoes = given(db, brand, Conditions(joins=True, categories=("shoes",), undone="returned"), place=2)
    made = used_on(db, brand, clerk, basket, all_goods, shoes)
    assert sum(one.saving_minor for one in made) == 30_00
    # one of two shoes: 60.00 of shoes are too little for theirs; 140.00 is enough for the other
    assert back(db, brand, clerk, made[1], Came(pieces=(1, 0))) == 170_00 - 130_00
    with db.read(brand=brand) as scope:
        rows = {
            one.coupon_id: one for one in scope.session.scalars(select(Redemption).order_by(Redemption.id))
        }
        assert (rows[all_goods.id].saving_minor, rows[all_goods.id].basket_minor) == (10_00, 140_00)
        lines = rows[all_goods.id].lines or []
        assert [(one["quantity"], one["amount_minor"], one["bought"]) for one in lines] == [
            (1, 60_00, 2),
            (1, 80_00, 1),
        ]
        assert sum(one["saving_minor"] for one in lines) == 10_00
        assert rows[shoes.id].reversed_at is not None
        assert scope.session.get_one(Coupon, (brand.id, shoes.id)).state == "void", "back to its offer"
        assert scope.session.get_one(Offer, (brand.id, shoes.offer_id)).issued == 0
    sound(db, brand)
    assert back(db, brand, clerk, made[0], Came(pieces=(2, 0)), "many") == Refused("pieces")
    standing = rows[all_goods.id]
    assert back(db, brand, clerk, standing, Came(pieces=(1, 1)), "all") == 130_00
    sound(db, brand)


@OTHER_IN_DRILL
def test_within_the_limit_of_undoing_and_never_for_a_type_that_is_off(
    db: Database, brand: BrandRef, clerk: Actor, app: Any
) -> None:
    from webapp.plugin_runtime import context

    coupon = given(db, brand)
    (used,) = used_on(db, brand, clerk, Basket(150_00), coupon)
    db.write(lambda s: undo_limit.keep(s, undo_limit.Limit("never")), brand=brand)
    assert back(db, brand, clerk, used, Came(110_00)) == Refused(
        "undo_late", {"on": "2026-05-10", "never": True}
    )
    manager = seed.actor(db, "manager")
    db.write(lambda s: context.switch(s, "coupon_spend_and_save", on=False), brand=brand)
    parked = back(db, brand, manager, used, Came(90_00), "other")
    assert isinstance(parked, Refused) and parked.code == "parked"
    with db.read() as scope:
        assert scope.session.scalar(select(func.count()).select_from(BasketReturn)) == 0


def test_four_clerks_at_once_pay_back_once(
    db: Database, db_url: str, brand: BrandRef, clerk: Actor, app: Any
) -> None:
    """Two write the same return down, two undo: one of them does, whoever is first."""
    coupon = given(db, brand)
    (used,) = used_on(db, brand, clerk, Basket(150_00), coupon)
    came = Came(110_00)
    with db.read(brand=brand, actor=clerk, now=NOON) as scope:
        seen = returning.look(scope, used.id, came)
    assert isinstance(seen, Answer)

    def work(mine: Database, n: int) -> str:
        if n > 1:
            mine.write(lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON)
            return "undone"
        answer = mine.write(
            lambda s: returning.take_back(s, used.id, came, key=f"return-{n}", seen=seen.seen),
            brand=brand,
            actor=clerk,
            now=NOON,
        )
        return answer.code if isinstance(answer, Refused) else "paid"

    answers = at_once(db_url, 4, work)
    with db.read() as scope:
        times = scope.session.scalar(select(func.count()).select_from(BasketReturn))
    assert answers.count("paid") == times and times in (0, 1)
    assert set(answers) <= {"paid", "undone", "quote_changed"}
    with db.read(brand=brand) as scope:
        assert scope.session.get_one(Offer, (brand.id, coupon.offer_id)).saved_minor == 0
    sound(db, brand)


@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_till_and_a_return_touch_offers_in_the_same_order(
    db: Database, db_url: str, brand: BrandRef, clerk: Actor, app: Any
) -> None:
    """One uses coupons of two offers while another takes such a basket back: each has touched its first offer before it goes
    on, unless it waits for the other there, and no unit is begun anew. (SQLite has one writer.)"""
    basket, gate = Basket(250_00), get_context("fork").Barrier(2)

    def unit(scope: Scope) -> list[list[Coupon]]:
        more = {"mode": "steps", "steps": [step(100_00, 10_00)["steps"][0], step(200_00, 30_00)["steps"][0]]}
        stays = make.make_offer(scope, more, conditions=JOINS)
        goes = make.make_offer(
            scope, step(200_00, 20_00), conditions=replace(JOINS, undone="returned"), place=1
        )
        pairs = [
            [
                service.give(scope, one.id, make.make_member(scope).id, f"{n}-{one.id}")
                for one in (stays, goes)
            ]
            for n in range(2)
        ]
        return [[one for one in pair if isinstance(one, Coupon)] for pair in pairs]

    first, second = db.write(unit, brand=brand, now=NOON)
    used = used_on(db, brand, clerk, basket, *first)

    def work(mine: Database, n: int) -> int:
        @event.listens_for(mine.engine, "after_cursor_execute")
        def _met(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE offer SET"):
                with suppress(BrokenBarrierError):
                    gate.wait(1)

        if n:
            used_on(mine, brand, clerk, basket, *second)
        else:
            assert back(mine, brand, clerk, used[0], Came(150_00)) == 60_00
        return mine.meter.retries

    assert at_once(db_url, 2, work) == [0, 0]
    sound(db, brand)
