"""The five stages at their edges, each sentence in words, and the contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from webapp.plugin_api import Amount, MemberFacts
from webapp.plugin_runtime.context import clean
from webapp.plugin_runtime.runtime import registry
from webapp.plugin_testing.lifecycle import LifecyclePolicyContract, told

DEFAULTS = {
    "introduction_days": 30,
    "churn_days": 180,
    "window_days": 90,
    "basket_drop_percent": 60,
    "maturity_orders": 5,
}
SHORT = {
    "introduction_days": 3,
    "churn_days": 12,
    "window_days": 5,
    "basket_drop_percent": 60,
    "maturity_orders": 2,
}
POLICY = registry().policies["five_stage"][1]
D = date(2024, 6, 30).toordinal()


def decide(joined: int, orders: Sequence[int | tuple[int, int]] = (), **settings: int) -> str:
    """Stage and reason as of D; days count back from D (1: yesterday), amounts are 100 unless told."""
    rules = DEFAULTS | settings
    told_orders = [(D - one, 100) if isinstance(one, int) else (D - one[0], one[1]) for one in orders]
    facts = told(D - joined, told_orders, D, POLICY.lookback_days(rules))
    decision = POLICY.decide(facts, rules, D)
    return f"{decision.stage}/{decision.reason}"


class TestContract(LifecyclePolicyContract):
    policy = POLICY
    settings = (
        DEFAULTS,
        SHORT,
        SHORT | {"introduction_days": 0, "maturity_orders": 1},
        SHORT | {"churn_days": 2, "basket_drop_percent": 0},
        SHORT | {"introduction_days": 20, "basket_drop_percent": 100},
    )


def test_it_is_loaded_and_on_for_every_brand() -> None:
    loaded = registry().plugins["lifecycle_five_stage"]
    assert loaded.error is None and loaded.manifest is not None and loaded.manifest.starts_enabled
    assert {setting.key: setting.default for setting in loaded.settings} == DEFAULTS


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("introduction_days", "-1"),
        ("churn_days", "0"),
        ("window_days", "0"),
        ("basket_drop_percent", "101"),
        ("maturity_orders", "0"),
        ("maturity_orders", "2.5"),
        ("churn_days", ""),
    ],
)
def test_settings_that_mean_nothing_are_refused(key: str, text: str) -> None:
    setting = next(s for s in registry().plugins["lifecycle_five_stage"].settings if s.key == key)
    with pytest.raises(ValueError):
        clean(setting, text)


@pytest.mark.parametrize(
    ("joined", "orders", "expected"),
    [
        (0, [], "introduction/joined_today"),
        (0, [5, 9], "introduction/joined_today"),  # what came before the joining day waits for tomorrow
        (1, [], "introduction/no_order_yet"),
        (180, [], "introduction/no_order_yet"),
        (181, [], "churn/never_bought"),
        (400, [30], "introduction/first_order"),
        (400, [31], "growth/orders"),
        (400, [30, 400], "growth/orders"),  # the second order ever, however old the first
        (400, [0], "churn/never_bought"),  # today's order is seen tomorrow
        (400, [-3], "churn/never_bought"),
        (1, [30], "introduction/first_order"),  # before the joining day counts
        (400, [90, 300], "growth/orders"),
        (400, [91, 300], "dormancy/no_order"),
        (400, [180, 300], "dormancy/no_order"),
        (400, [181, 300], "churn/no_order"),
        (400, [181], "churn/no_order"),
        (400, [1, 2, 3, 4, 90], "maturity/orders"),
        (400, [1, 2, 3, 4, 91], "growth/orders"),
        (400, [7, 7, 7, 7, 7], "maturity/orders"),
    ],
)
def test_edges_of_the_windows(joined: int, orders: list[int], expected: str) -> None:
    assert decide(joined, orders) == expected


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([(10, 40), (100, 100)], "dormancy/basket_drop"),  # exactly 60 % less counts
        ([(10, 41), (100, 100)], "growth/orders"),
        ([(10, 0), (20, 80), (100, 100)], "dormancy/basket_drop"),  # averages: 40 of 100
        ([(10, 1), (20, 80), (100, 100)], "growth/orders"),
        ([(10, 40), (91, 100)], "dormancy/basket_drop"),
        ([(10, 40), (180, 100)], "dormancy/basket_drop"),
        ([(10, 40), (181, 100)], "growth/orders"),
        ([(90, 40), (91, 100)], "dormancy/basket_drop"),
        ([(10, 0), (100, 0)], "growth/orders"),  # nothing before: nothing to fall from
        ([(10, -50), (100, -10)], "growth/orders"),
        ([(10, -50), (100, 10)], "dormancy/basket_drop"),
        ([(10, -50), (100, 10), (110, -10)], "growth/orders"),  # the sum before is not positive
        ([(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (100, 100)], "dormancy/basket_drop"),  # before maturity
        ([(1, 333), (2, 333), (3, 334), (100, 833)], "dormancy/basket_drop" if 1000 * 100 <= 833 * 3 * 40 else "growth/orders"),
    ],
)  # fmt: skip
def test_edges_of_the_basket_rule(orders: list[tuple[int, int]], expected: str) -> None:
    assert decide(400, orders) == expected


def test_amounts_are_compared_exactly() -> None:
    """Where floating point would not tell the two apart."""
    before = [(100, 10**15)] * 3
    assert decide(400, [(10, 4 * 10**14), *before]) == "dormancy/basket_drop"
    assert decide(400, [(10, 4 * 10**14 + 1), *before]) == "growth/orders"


@pytest.mark.parametrize(
    ("settings", "orders", "expected"),
    [
        ({"introduction_days": 0}, [1], "growth/orders"),
        ({"introduction_days": 0, "maturity_orders": 1}, [1], "maturity/orders"),
        ({"introduction_days": 200}, [181], "introduction/first_order"),  # the first rule that matches
        ({"churn_days": 30}, [31, 60], "churn/no_order"),  # churn before dormancy, though within the window
        ({"basket_drop_percent": 0}, [(1, 100), (100, 100)], "dormancy/basket_drop"),
        ({"basket_drop_percent": 0}, [(1, 101), (100, 100)], "growth/orders"),
        ({"basket_drop_percent": 100}, [(1, 1), (100, 100)], "growth/orders"),
        ({"basket_drop_percent": 100}, [(1, 0), (100, 100)], "dormancy/basket_drop"),
        ({"window_days": 200}, [(150, 40), (300, 100)], "dormancy/basket_drop"),
    ],
)
def test_other_settings(settings: dict[str, int], orders: list[Any], expected: str) -> None:
    assert decide(400, orders, **settings) == expected


def test_every_reason_says_its_figures() -> None:
    def figures(joined: int, orders: Sequence[tuple[int, int]]) -> tuple[str, dict[str, Any]]:
        facts = told(D - joined, [(D - back, paid) for back, paid in orders], D, 180)
        decision = POLICY.decide(facts, DEFAULTS, D, explain=True)
        return decision.reason, dict(decision.figures or {})

    day = date.fromordinal
    assert figures(0, []) == ("joined_today", {})
    assert figures(9, []) == ("no_order_yet", {"joined": day(D - 9), "limit": 180})
    assert figures(200, []) == ("never_bought", {"joined": day(D - 200), "limit": 180})
    assert figures(9, [(4, 100)]) == ("first_order", {"last": day(D - 4), "ago": 4, "limit": 90})
    assert figures(9, [(99, 1), (120, 1)]) == ("no_order", {"last": day(D - 99), "ago": 99, "limit": 90})
    assert figures(9, [(199, 1), (220, 1)]) == ("no_order", {"last": day(D - 199), "ago": 199, "limit": 180})
    assert figures(9, [(5, 1), (50, 2), (140, 99)]) == (
        "basket_drop",
        {"recent": Amount(2), "before": Amount(99), "window": 90, "percent": 60},  # 1.5 is shown as 2
    )
    assert figures(9, [(5, 100), (50, 100)]) == ("orders", {"orders": 2, "window": 90, "maturity": 5})


def test_facts_are_not_asked_for_more_than_is_there() -> None:
    """Somebody whose orders all lie before what is looked back at."""
    facts = MemberFacts(D - 900, (), (), earlier=3, last_earlier=D - 500)
    assert POLICY.decide(facts, DEFAULTS, D, explain=True).reason == "no_order"
    assert not [turn for turn in POLICY.turning_days(facts, DEFAULTS, D) if turn > D]
