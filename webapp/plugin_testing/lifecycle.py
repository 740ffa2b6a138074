"""The contract of lifecycle_policy/1. In a plugin's tests:

    class TestMyPolicy(LifecyclePolicyContract):
        policy = MyPolicy()
        settings = ({"window_days": 3}, {"window_days": 30})  # typed, every declared setting among them

Give short windows: the suite walks day by day. What it holds a policy to is what the engine stands on: an answer that
depends on nothing but its arguments, that sees no day to come, that needs no more than it looks back, and that changes on
no day which the policy did not name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from webapp.plugin_api import STAGES, Amount, Decision, LifecyclePolicy, MemberFacts

DAY = 20_000  # an ordinal; every day of the suite lies around it
LARGEST = 10**12  # minor units
PLACE = re.compile(r"%\((\w+)\)s")
# The same inherited test runs in several classes: that is the point of a contract.
_contract = hypothesis_settings(
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow], deadline=None
)


def told(joined: int, orders: Sequence[tuple[int, int]], day: int, lookback: int) -> MemberFacts:
    """Facts as the engine hands them over for a decision as of `day`: (day, paid) one by one, older ones as a number."""
    ordered = sorted(orders, key=lambda order: order[0])
    late = [(on, paid) for on, paid in ordered if on >= day - lookback]
    early = [on for on, _ in ordered if on < day - lookback]
    return MemberFacts(
        joined,
        [on for on, _ in late],
        [paid for _, paid in late],
        len(early),
        early[-1] if early else None,
    )


class LifecyclePolicyContract:
    """Subclass as Test...; set policy and settings. reach: how many days around a member's orders are walked."""

    policy: LifecyclePolicy
    settings: Sequence[Mapping[str, Any]]
    reach: int = 60

    # -- what it says of itself ----------------------------------------------------------------------------------------

    def test_it_names_itself(self) -> None:
        assert self.policy.kind == "lifecycle_policy/1"
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,39}", self.policy.key), (
            "key: small letters, digits, underscores; at most 40"
        )
        assert self.policy.label.strip()
        assert self.policy.version >= 1

    def test_its_reasons_are_short_codes_with_sentences(self) -> None:
        assert self.policy.reasons
        for code, sentence in self.policy.reasons.items():
            assert re.fullmatch(r"[a-z][a-z0-9_]{1,19}", code), f"{code!r}: at most 20 small letters"
            assert sentence.strip(), code

    def test_it_looks_back_a_whole_number_of_days(self) -> None:
        assert self.settings, "give at least one set of settings"
        for settings in self.settings:
            lookback = self.policy.lookback_days(settings)
            assert type(lookback) is int, lookback
            assert lookback >= 0

    # -- what it decides -----------------------------------------------------------------------------------------------

    @_contract
    @given(data=st.data())
    def test_a_decision_is_sound_and_always_the_same(self, data: st.DataObject) -> None:
        settings, joined, orders = self._drawn(data)
        facts = told(joined, orders, DAY, self.policy.lookback_days(settings))
        before = deepcopy((facts, settings))
        decision = self.policy.decide(facts, settings, DAY)
        assert decision.stage in STAGES, f"{decision.stage!r} is no stage"
        assert decision.reason in self.policy.reasons, f"{decision.reason!r} is none of the policy's reasons"
        assert (facts, settings) == before, "a policy changes neither facts nor settings"
        assert _same(self.policy.decide(facts, settings, DAY), decision), "the same question, another answer"

    @_contract
    @given(data=st.data())
    def test_it_sees_only_the_days_before(self, data: st.DataObject) -> None:
        settings, joined, orders = self._drawn(data)
        lookback = self.policy.lookback_days(settings)
        seen = [(on, paid) for on, paid in orders if on < DAY]
        whole = self.policy.decide(told(joined, orders, DAY, lookback), settings, DAY)
        blind = self.policy.decide(told(joined, seen, DAY, lookback), settings, DAY)
        assert _same(whole, blind), "an order of the day itself, or of a later one, was seen"

    @_contract
    @given(data=st.data())
    def test_it_needs_no_more_than_it_looks_back(self, data: st.DataObject) -> None:
        settings, joined, orders = self._drawn(data)
        lookback = self.policy.lookback_days(settings)
        all_told = self.policy.decide(told(joined, orders, DAY, 10 * self.reach), settings, DAY)
        assert _same(self.policy.decide(told(joined, orders, DAY, lookback), settings, DAY), all_told), (
            "orders older than lookback_days decide: look back further"
        )

    @_contract
    @given(data=st.data())
    def test_it_changes_on_no_day_that_it_did_not_name(self, data: st.DataObject) -> None:
        settings, joined, orders = self._drawn(data)
        facts = told(joined, orders, DAY, self.policy.lookback_days(settings))
        named = set(self.policy.turning_days(facts, settings, DAY))
        last = self.policy.decide(facts, settings, DAY)
        for day in range(DAY + 1, DAY + 2 * self.reach + self.policy.lookback_days(settings) + 2):
            now = self.policy.decide(facts, settings, day)
            assert day in named or _same(now, last), (
                f"{last.stage}/{last.reason} becomes {now.stage}/{now.reason} {day - DAY} days later, "
                "and turning_days does not name that day"
            )
            last = now

    @_contract
    @given(data=st.data())
    def test_its_sentences_can_be_filled(self, data: st.DataObject) -> None:
        settings, joined, orders = self._drawn(data)
        facts = told(joined, orders, DAY, self.policy.lookback_days(settings))
        plain = self.policy.decide(facts, settings, DAY)
        explained = self.policy.decide(facts, settings, DAY, explain=True)
        assert _same(plain, explained), "explaining changes the decision"
        figures = explained.figures or {}
        places = set(PLACE.findall(self.policy.reasons[explained.reason]))
        assert places <= figures.keys(), (
            f"{explained.reason}: no figure for {', '.join(sorted(places - figures.keys()))}"
        )
        for name, value in figures.items():
            assert type(value) in (int, date, Amount), f"{name}: {value!r}"
        assert self.policy.reasons[explained.reason] % dict.fromkeys(figures, "x")

    # -- members that are made up --------------------------------------------------------------------------------------

    def _drawn(self, data: st.DataObject) -> tuple[Mapping[str, Any], int, list[tuple[int, int]]]:
        """Settings, a joining day, and orders around DAY: before, on and after it, several a day, below zero."""
        settings = data.draw(st.sampled_from(list(self.settings)), label="settings")
        near = st.integers(DAY - self.reach, DAY + self.reach // 4)
        amount = st.sampled_from([0, 1, 40, 50, 100, 250, -100]) | st.integers(-LARGEST, LARGEST)
        joined = data.draw(near, label="joined")
        return settings, joined, data.draw(st.lists(st.tuples(near, amount), max_size=10), label="orders")


def _same(one: Decision, other: Decision) -> bool:
    return (one.stage, one.reason) == (other.stage, other.reason)
