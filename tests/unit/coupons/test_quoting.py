"""A quote: what the rules say by example, and the same answer as a slow reference whatever the coupons and the basket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_cash.coupon import Cash
from plugins.coupon_percent.coupon import PercentageOff
from plugins.coupon_spend_and_save.coupon import SpendAndSave
from tests.unit.coupons import quote_reference as reference
from webapp.coupons.conditions import Conditions
from webapp.coupons.quoting import Applied, Bill, Wish, reckon
from webapp.kernel.errors import Refused
from webapp.plugin_api import Basket, BasketLine, CouponType, NotApplicable, Problem, Quote
from webapp.plugin_api.coupon_type import Money, Words

JOINS = Conditions(joins=True)


class Fake(CouponType):
    """Answers by a function of its terms: `how`, and an amount."""

    key = "fake"
    label = "Fake"

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        return []

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        return []

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Any:
        how, amount, total = terms["how"], terms["amount"], basket.total_minor
        if how == "small":  # only small baskets: what others saved may let it in
            return Quote(min(amount, total)) if total <= terms["most"] else NotApplicable("too_much")
        if how == "gift":
            return Quote(0, gift="a towel")
        if how == "both":
            return Quote(min(amount, total), gift="a cup")
        if how == "last":  # of the last line only
            if not basket.lines or not basket.lines[-1].amount_minor:
                return NotApplicable("nothing")
            saved = min(amount, basket.lines[-1].amount_minor)
            return Quote(saved, (0,) * (len(basket.lines) - 1) + (saved,))
        return (
            {
                "never": NotApplicable("never"),
                "too much": Quote(total + 1),
                "nothing": Quote(0),
                "negative": Quote(-1),
                "true": Quote(True),
                "no sum": Quote(1, (0,) * len(basket.lines)),
                "too many lines": Quote(1, (1, *(0,) * len(basket.lines))),
                "a word": "one",
                "none": None,
                "raises": total,
            }[how]
            if how != "raises"
            else 1 // 0
        )


class Needy(Fake):
    key = "needy"
    needs = "lines"


class Either(Fake):
    key = "either"
    needs = "either"


class Free(Fake):
    key = "free"
    needs = "nothing"


FAKE, NEEDY, EITHER, FREE = Fake(), Needy(), Either(), Free()
CASH, PERCENT, SPEND = Cash(), PercentageOff(), SpendAndSave()
BREACHES = ("too much", "nothing", "negative", "true", "no sum", "too many lines", "a word", "none", "raises")


def cash(key: str, amount: int, conditions: Conditions = Conditions(), **more: Any) -> Wish:  # noqa: B008  # frozen
    least = more.pop("least", None)
    number = ord(key)
    return Wish(
        key,
        f"Offer {key}",
        CASH,
        "coupon_cash",
        {"amount": amount, "least": least},
        conditions,
        **({"offer_id": number, "id": number} | more),
    )


def fake(key: str, how: str, amount: int = 10, kind: CouponType = FAKE, **more: Any) -> Wish:
    conditions = more.pop("conditions", Conditions())
    number = ord(key)
    return Wish(
        key,
        f"Offer {key}",
        kind,
        "probe",
        {"how": how, "amount": amount},
        conditions,
        offer_id=number,
        id=number,
        **more,
    )


def said(bill: Bill) -> tuple[dict[str, int], dict[str, str]]:
    """(key -> saving) of what is used, (key -> code) of what is not."""
    return (
        {one.wish.key: one.saving_minor for one in bill.applied},
        {one.wish.key: one.why.code for one in bill.unused},
    )


def why(bill: Bill, key: str) -> Refused:
    answer = bill.of(key)
    assert isinstance(answer, Refused)
    return answer


# -------------------------------------------------------------------------------------------------------- by example


def test_one_coupon_on_a_total() -> None:
    bill = reckon(Basket(150_00), [cash("a", 20_00)])
    assert said(bill) == ({"a": 20_00}, {}) and bill.to_pay_minor == 130_00 and bill.lines == ()
    assert reckon(Basket(5_00), [cash("a", 20_00)]).to_pay_minor == 0, "no rest"
    short = reckon(Basket(5_00), [cash("a", 20_00, least=8_00)])
    assert why(short, "a") == Refused(
        "not_applicable", {"type": "cash", "reason": "below_minimum", "needs_minor": 3_00}
    )
    assert said(reckon(Basket(0), [cash("a", 20_00)])) == ({}, {"a": "basket"})
    assert reckon(Basket(5_00), []).to_pay_minor == 5_00


def test_what_is_known_already_is_the_reason_and_stops_nothing_else() -> None:
    used = Refused("used", {"id": 7})
    bill = reckon(Basket(100_00), [cash("a", 20_00, why=used), cash("b", 5_00)])
    assert said(bill) == ({"b": 5_00}, {"a": "used"}) and why(bill, "a") is used
    assert said(reckon(Basket(100_00), [Wish("a", "Gone", None)])) == ({}, {"a": "parked"})


def test_one_stands_alone_or_three_join_whatever_saves_most() -> None:
    joined = [cash(key, 10_00, JOINS) for key in "abcd"]
    bill = reckon(Basket(100_00), [*joined, cash("x", 25_00)])
    assert said(bill) == ({"a": 10_00, "b": 10_00, "c": 10_00}, {"d": "too_many", "x": "stands_alone"})
    assert why(bill, "x").facts == {"itself": True, "beside": ["Offer a", "Offer b", "Offer c"]}
    bill = reckon(Basket(100_00), [*joined[:2], cash("x", 25_00)])
    assert said(bill) == ({"x": 25_00}, {"a": "stands_alone", "b": "stands_alone"})
    assert why(bill, "a").facts == {"itself": False, "beside": ["Offer x"]}
    # a tie: fewer coupons; between two that stand alone: the earlier place, then the smaller id
    assert said(reckon(Basket(100_00), [*joined[:2], cash("x", 20_00)]))[0] == {"x": 20_00}
    alone = [cash("x", 20_00, place=2), cash("y", 20_00, place=1), cash("z", 20_00, place=1)]
    assert said(reckon(Basket(100_00), alone))[0] == {"y": 20_00}


def test_those_that_join_are_reckoned_by_place_each_on_what_is_left() -> None:
    half = Wish("p", "Half", PERCENT, "coupon_percent", {"basis_points": 5000}, JOINS, 1, 1, 1)
    first = cash("c", 20_00, JOINS, place=0)
    assert said(reckon(Basket(100_00), [half, first]))[0] == {"c": 20_00, "p": 40_00}
    later = cash("c", 20_00, JOINS, place=2)
    bill = reckon(Basket(100_00), [later, half])
    assert [(one.wish.key, one.before_minor, one.saving_minor) for one in bill.applied] == [
        ("p", 100_00, 50_00),
        ("c", 50_00, 20_00),
    ]
    # one that can no longer be used on what is left makes no set with the first
    late = cash("d", 15_00, JOINS, place=3, least=60_00)
    assert said(reckon(Basket(100_00), [half, late])) == ({"p": 50_00}, {"d": "better_without"})


def test_lines_are_saved_in_proportion_and_only_those_that_it_is_good_for() -> None:
    lines = (
        BasketLine(1_00, category="shoes"),
        BasketLine(1_00, category="hats"),
        BasketLine(1_00, category="shoes"),
        BasketLine(1_00, category="shoes"),
    )
    shoes = Conditions(categories=("shoes",), joins=True)
    bill = reckon(Basket(4_00, lines), [cash("a", 1_00, shoes), cash("b", 1_00, JOINS)])
    assert bill.applied[0].lines == (34, 0, 33, 33)
    assert bill.applied[1].lines == (
        22,
        34,
        22,
        22,
    )  # of 66, 100, 67, 67: the rests of .33 and .33 come after .0
    assert bill.lines == (56, 34, 55, 55) and sum(bill.lines) == bill.saving_minor == 2_00
    hats_only = tuple(line for line in lines if line.category == "hats")
    assert said(reckon(Basket(1_00, hats_only), [cash("a", 1_00, shoes)])) == ({}, {"a": "goods"})
    assert reckon(Basket(4_00), [cash("a", 1_00, shoes)]).saving_minor == 1_00, (
        "a total is taken for that part"
    )
    dear = Conditions(categories=("shoes",), least_minor=5_00)
    assert why(reckon(Basket(4_00, lines), [cash("a", 1_00, dear)]), "a") == Refused(
        "least", {"needs_minor": 2_00, "goods": True}
    )


def test_gifts_are_kept_beside_what_saves_and_need_no_basket() -> None:
    bill = reckon(Basket(100_00), [fake("g", "gift", conditions=JOINS), cash("a", 5_00, JOINS)])
    assert said(bill)[0] == {"g": 0, "a": 5_00}
    assert [one.gift for one in bill.applied] == ["", "a towel"]
    assert said(reckon(Basket(0), [fake("g", "gift", kind=FREE)]))[0] == {"g": 0}
    assert said(reckon(Basket(100_00), [fake("g", "gift"), cash("a", 1)]))[0] == {"a": 1}, (
        "a gift saves nothing"
    )


def test_a_type_that_needs_lines_says_so() -> None:
    short = why(reckon(Basket(100), [fake("l", "last", kind=NEEDY)]), "l")
    assert (short.code, short.facts["reason"]) == ("not_applicable", "needs_lines")
    lines = (BasketLine(60), BasketLine(40))
    assert reckon(Basket(100, lines), [fake("l", "last", 50, kind=NEEDY)]).lines == (0, 40)


@pytest.mark.parametrize("how", BREACHES)
def test_a_type_that_breaks_its_contract_gives_nothing_away(how: str) -> None:
    basket = Basket(100, (BasketLine(60), BasketLine(40)))
    bill = reckon(basket, [fake("f", how, kind=EITHER, conditions=JOINS), cash("a", 5, JOINS)])
    assert said(bill) == ({"a": 5}, {"f": "plugin_failed"})


def test_a_basket_that_does_not_sum_is_a_fault() -> None:
    for wrong in (Basket(-1), Basket(100, (BasketLine(60),)), Basket(0, (BasketLine(-1), BasketLine(1)))):
        with pytest.raises(ValueError):
            reckon(wrong, [])
    with pytest.raises(ValueError, match="twice"):
        reckon(Basket(1), [cash("a", 1), cash("a", 2)])


# ------------------------------------------------------------------------------------------------- by the reference

WORDS = st.sampled_from(["", "shoes", "hats", "bags"])
AMOUNTS = st.one_of(st.integers(0, 12), st.integers(0, 50_000))
LINES = st.builds(BasketLine, AMOUNTS, st.integers(1, 5), WORDS, WORDS)
SOME = st.lists(WORDS, max_size=2, unique=True).map(tuple)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    lines = tuple(draw(st.lists(LINES, max_size=6)))
    return Basket(sum(line.amount_minor for line in lines) if lines else draw(AMOUNTS), lines)


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    spend, save = draw(st.integers(1, 500)), draw(st.integers(1, 500))
    return {
        "mode": draw(st.sampled_from(["steps", "every"])),
        "steps": [{"spend": max(spend, save), "save": save}],
    }


KINDS = st.one_of(
    st.tuples(
        st.sampled_from([FAKE, NEEDY, EITHER, FREE]),
        st.fixed_dictionaries(
            {
                "how": st.sampled_from(
                    ["small", "small", "gift", "both", "last", "last", "never", *BREACHES]
                ),
                "amount": st.integers(1, 300),
                "most": AMOUNTS,
            }
        ),
    ),
    st.tuples(
        st.just(CASH),
        st.fixed_dictionaries({"amount": st.integers(1, 30_000), "least": st.none() | st.integers(1, 400)}),
    ),
    st.tuples(
        st.just(PERCENT),
        st.fixed_dictionaries(
            {
                "basis_points": st.integers(1, 10_000),
                "most": st.none() | st.integers(1, 400),
                "least": st.none() | st.integers(1, 400),
            }
        ),
    ),
    st.tuples(st.just(SPEND), steps()),
)
CONDITIONS = st.builds(
    Conditions,
    products=SOME,
    products_out=SOME,
    categories=SOME,
    categories_out=st.just(()) | SOME,
    least_minor=st.just(0) | st.integers(0, 400),
    joins=st.sampled_from([True, True, False]),
)


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    found = []
    for at in range(draw(st.integers(0, 7))):
        kind, terms = draw(KINDS)
        found.append(
            Wish(
                f"k{at}",
                f"Offer {at}",
                kind,
                "probe",
                terms,
                draw(st.just(JOINS) | CONDITIONS),
                place=draw(st.integers(0, 2)),
                offer_id=draw(st.integers(1, 3)),
                id=100 - at,
                why=draw(st.sampled_from([None, None, None, Refused("used")])),
            )
        )
    return found


@given(baskets(), wishes(), st.randoms(use_true_random=False))
def test_the_same_as_the_reference_and_the_same_in_any_order(
    basket: Basket, some: list[Wish], chance: Any
) -> None:
    bill = reckon(basket, some)
    wanted = reference.best(basket, some)
    assert [(one.wish.key, one.saving_minor, list(one.lines), bool(one.gift)) for one in bill.applied] == [
        (one.key, one.saving, one.lines, one.gift) for one in wanted
    ]
    _sums(bill)
    _reasons(bill, some)
    mixed = list(some)
    chance.shuffle(mixed)
    assert reckon(basket, mixed) == bill


def _sums(bill: Bill) -> None:
    assert bill.saving_minor + bill.to_pay_minor == bill.basket.total_minor and bill.to_pay_minor >= 0
    left = bill.basket.total_minor
    for one in bill.applied:
        assert one.before_minor == left
        left -= one.saving_minor
        assert not bill.basket.lines or sum(one.lines) == one.saving_minor
    for saved, line in zip(bill.lines, bill.basket.lines, strict=True):
        assert 0 <= saved <= line.amount_minor


def _reasons(bill: Bill, some: list[Wish]) -> None:
    """Each wish is used or has a reason, and the reason is true."""
    assert len(bill.applied) + len(bill.unused) == len(some)
    assert len(bill.applied) <= 1 or all(one.wish.conditions.joins for one in bill.applied)
    for wish in some:
        answer = bill.of(wish.key)
        if isinstance(answer, Applied):
            continue
        usable = wish.why is None and reference.combination(bill.basket, [wish]) is not None
        assert (answer.code in ("stands_alone", "too_many", "better_without")) == usable
        if wish.why is not None:
            assert answer is wish.why
        elif answer.code == "too_many":
            assert len(bill.applied) == 3 and wish.conditions.joins
        elif answer.code == "stands_alone":
            alone = len(bill.applied) == 1 and not bill.applied[0].wish.conditions.joins
            assert alone or not wish.conditions.joins
            assert answer.facts["itself"] == (not wish.conditions.joins)
        elif answer.code == "better_without":
            assert wish.conditions.joins and all(one.wish.conditions.joins for one in bill.applied)
