"""When, where and with what: the same as a week that is laid out minute by minute, and as baskets counted by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from webapp.coupons import conditions
from webapp.coupons.conditions import MINUTES, Conditions
from webapp.kernel.errors import Refused
from webapp.plugin_api import Basket, BasketLine

WEEK = 7 * MINUTES
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)  # local midnight, whatever the zone
WORDS = ("tea", "cup", "towel", "")

weekdays = st.lists(st.integers(0, 6), unique=True).map(tuple)
hours = st.none() | st.tuples(st.integers(0, MINUTES - 1), st.integers(0, MINUTES)).filter(
    lambda span: span[0] != span[1]
)
words = st.lists(st.sampled_from(WORDS[:3]), unique=True, max_size=2).map(tuple)
picky = st.builds(Conditions, products=words, products_out=words, categories=words, categories_out=words)
lines = st.lists(
    st.builds(
        BasketLine, st.integers(0, 500), st.integers(1, 3), st.sampled_from(WORDS), st.sampled_from(WORDS)
    ),
    max_size=5,
).map(tuple)


@given(
    st.builds(
        Conditions,
        weekdays=weekdays,
        hours=hours,
        stores=st.lists(st.integers(1, 9), unique=True).map(tuple),
        products=words,
        products_out=words,
        categories=words,
        categories_out=words,
        least_minor=st.integers(0, 10**9),
        joins=st.booleans(),
        undone=st.sampled_from(["usable", "returned"]),
    )
)
def test_what_is_stored_is_what_is_read(said: Conditions) -> None:
    stored = conditions.dump(said)
    assert conditions.load(json.loads(json.dumps(stored))) == said
    assert conditions.load(stored | {"a word of later": [1]}) == said
    assert conditions.dump(Conditions()) == {}


def opening(said: Conditions) -> set[int]:
    """Every minute of a week in which it can be used: each day's span is laid out, into the next day where it goes on."""
    first, end = said.hours or (0, MINUTES)
    long = (end - first) if first < end else (end + MINUTES - first)
    return {
        (day * MINUTES + first + minute) % WEEK
        for day in (said.weekdays or range(7))
        for minute in range(long)
    }


@given(st.builds(Conditions, weekdays=weekdays, hours=hours), st.integers(0, WEEK - 1))
@example(
    Conditions(weekdays=(5,), hours=(22 * 60, 2 * 60)), 6 * MINUTES + 60
)  # Sunday 01:00 is Saturday's evening
@example(Conditions(weekdays=(6,), hours=(22 * 60, 2 * 60)), 6 * MINUTES + 60)
@example(Conditions(weekdays=(6,), hours=(22 * 60, 0)), 6 * MINUTES + 23 * 60)
@example(Conditions(weekdays=(0,)), 0)
def test_the_hour_and_the_weekday_are_those_of_a_week_laid_out(said: Conditions, minute: int) -> None:
    why = conditions.refuse(said, MONDAY + timedelta(minutes=minute), None)
    assert (why is None) == (minute in opening(said))
    if why is not None:
        outside = minute % MINUTES not in {one % MINUTES for one in opening(Conditions(hours=said.hours))}
        assert why.code == ("hours" if outside else "weekday")


def test_a_store_is_asked_for_only_where_there_are_some() -> None:
    noon = MONDAY + timedelta(hours=12)
    assert conditions.refuse(Conditions(), noon, None) is None
    here = Conditions(stores=(3, 4))
    assert conditions.refuse(here, noon, 4) is None
    for elsewhere in (None, 5):
        assert conditions.refuse(here, noon, elsewhere) == Refused("store", {"stores": [3, 4]})


@given(picky, lines)
def test_the_goods_that_count_are_those_counted_by_hand(
    said: Conditions, bought: tuple[BasketLine, ...]
) -> None:
    def counts(line: BasketLine) -> bool:
        named = bool(said.products) or bool(said.categories)
        wanted = not named or line.product in said.products or line.category in said.categories
        return wanted and line.product not in said.products_out and line.category not in said.categories_out

    assert [conditions.good_for(said, line) for line in bought] == [counts(line) for line in bought]
    assert said.picks or all(counts(line) for line in bought)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_too_little_says_how_much_more(least: int, total: int) -> None:
    why = conditions.too_little(Conditions(least_minor=least), Basket(total))
    assert why == (Refused("least", {"needs_minor": least - total}) if total < least else None)


def test_words_are_kept_once_in_the_order_typed() -> None:
    assert conditions.words([" tea ", "cup", "", "tea", "  "]) == ("tea", "cup")
