"""Whatever happens, and whichever days the engine leaves out: its stages are those of the definition.

And the test bites: with any one of the turning days taken out of the policy, it fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.lifecycle.shop import Act, new_shop
from webapp.kernel.db import Database
from webapp.plugin_runtime.runtime import registry

pytestmark = OTHER_IN_DRILL

rules = st.fixed_dictionaries(
    {
        "introduction_days": st.integers(0, 4),
        "churn_days": st.integers(1, 14),
        "window_days": st.integers(1, 6),
        "basket_drop_percent": st.sampled_from([0, 40, 50, 60, 100]),
        "maturity_orders": st.integers(1, 4),
    }
)
# Few amounts, so that averages meet their limits exactly; negative and nothing among them.
amounts = st.sampled_from([-50, 0, 1, 20, 40, 50, 100, 250])
who, back, ahead = st.integers(0, 3), st.integers(0, 20), st.integers(-20, 9)
acts = st.one_of(
    st.tuples(st.just("join"), back),
    st.tuples(st.just("buy"), who, ahead, amounts),
    st.tuples(st.just("buy"), who, ahead, amounts),
    st.tuples(st.just("move"), st.integers(0, 30), ahead, amounts),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.just("rejoin"), who, back),
    st.tuples(st.just("set"), rules),
    st.tuples(st.just("advance"), st.integers(1, 8)),
    st.tuples(st.just("advance"), st.just(1)),
    st.tuples(st.just("run")),
    st.tuples(st.just("run")),
)
histories = st.lists(acts, min_size=5, max_size=30).map(
    lambda more: [("join", 5), ("buy", 0, -1, 100), ("run",), *more]
)


# For each cause that makes a day a turning day, a history in which nothing else makes the engine look. The property is
# tried on them first, so that it fails for sure, not by luck, when one of the days is taken out.
BITES: dict[str, tuple[dict[str, int], list[Act]]] = {
    "order_is_seen": (
        {"introduction_days": 0, "window_days": 10, "maturity_orders": 2},
        [("join", 9), ("buy", 0, -1), ("buy", 0, 4), ("run",), ("advance", 5), ("run",)],
    ),
    "order_leaves_window": (
        {"introduction_days": 0, "window_days": 3},
        [("join", 9), ("buy", 0, -1), ("run",), ("advance", 3), ("run",)],
    ),
    "order_leaves_window_before": (
        {"introduction_days": 0, "window_days": 5},
        [("join", 9), ("buy", 0, -8, 100), ("buy", 0, -1, 10), ("run",), ("advance", 3), ("run",)],
    ),
    "last_order_is_too_old": (
        {"introduction_days": 0, "window_days": 3, "churn_days": 8},
        [("join", 9), ("buy", 0, -1), ("run",), ("advance", 3), ("run",), ("advance", 5), ("run",)],
    ),
    "only_order_is_too_old": (
        {"introduction_days": 2, "window_days": 5},
        [("join", 9), ("buy", 0, -1), ("run",), ("advance", 2), ("run",)],
    ),
    "joining_is_seen": (
        {},
        [("join", 0), ("run",), ("advance", 1), ("run",)],
    ),
    "joining_is_too_old": (
        {"churn_days": 8},
        [("join", 0), ("run",), ("advance", 1), ("run",), ("advance", 8), ("run",)],
    ),
}


def _with_every_bite(test: Any) -> Any:
    for rules, history in BITES.values():
        test = example(rules=rules, history=history)(test)
    return test


@_with_every_bite
@settings(
    max_examples=min(settings.default.max_examples // 4, 120),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rules=rules, history=histories)
def test_the_engine_ends_with_what_a_full_evaluation_gives(
    db: Database, rules: dict[str, int], history: list[Act]
) -> None:
    new_shop(db, **rules).live([*history, ("run",), ("advance", 1), ("run",)])


def policy_class() -> type[Any]:
    return type(registry().policies["five_stage"][1])


def test_there_is_a_history_for_every_turning_day() -> None:
    assert [turn.__name__ for turn in policy_class().turns] == list(BITES)


@pytest.mark.parametrize("cause", BITES)
def test_without_one_of_the_turning_days_it_fails(
    cause: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, history = BITES[cause]
    new_shop(db, **rules).live(history)
    turns: tuple[Callable[..., Any], ...] = policy_class().turns
    monkeypatch.setattr(policy_class(), "turns", tuple(turn for turn in turns if turn.__name__ != cause))
    with pytest.raises(AssertionError, match="day "):
        new_shop(db, **rules).live(history)
