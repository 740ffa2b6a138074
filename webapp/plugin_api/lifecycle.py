"""Kind lifecycle_policy/1: which stage a member is in. Pure: facts and a day in, a decision with its reason out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Stage = Literal["introduction", "growth", "maturity", "dormancy", "churn"]
STAGES: tuple[Stage, ...] = ("introduction", "growth", "maturity", "dormancy", "churn")


class Purchase(NamedTuple):
    """One order: its brand-local day (as `date.toordinal()`, because millions are compared) and what was paid, minor units."""

    day: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What a policy sees of a member. joined: ordinal of the brand-local joining day.

    orders: by day, ascending, from the policy's lookback on, future-dated ones included (known, not yet visible).
    earlier: how many orders there are before those; last_earlier: the ordinal of the newest of them.
    A decision as of day D may use only orders with day < D, and the member only if joined < D.
    """

    joined: int
    orders: list[Purchase]
    earlier: int = 0
    last_earlier: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A stage and the code of its reason; `figures` are what the sentence of the reason is filled with."""

    stage: Stage
    reason: str
    figures: Mapping[str, Any] | None = None


class LifecyclePolicy(ABC):
    """Decides stages for a brand. `key` is stored in rows: it never changes.

    reasons: code -> English msgid of the plugin's catalogue with %(name)s places, filled from Decision.figures.
    """

    kind = "lifecycle_policy/1"
    key: str
    label: str
    reasons: Mapping[str, str]

    @abstractmethod
    def lookback_days(self, settings: Mapping[str, Any]) -> int:
        """How many days before the day of decision the policy must see order by order."""

    @abstractmethod
    def decide(
        self, facts: MemberFacts, settings: Mapping[str, Any], day: int, *, explain: bool = False
    ) -> Decision:
        """The stage on `day` (ordinal). With `explain`, figures are filled; without, it is as fast as it can be."""

    @abstractmethod
    def turning_days(self, facts: MemberFacts, settings: Mapping[str, Any], day: int) -> Iterable[int]:
        """Every day after `day` (ordinals, any order, repeats allowed) on which (stage, reason) could differ from the
        day before if nothing more happens. The engine walks them in order and stops at the first difference."""
