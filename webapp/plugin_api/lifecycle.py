"""Kind lifecycle_policy/1: which stage a member is in. Pure: facts and a day in, a decision with its reason out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

Stage = Literal["introduction", "growth", "maturity", "dormancy", "churn"]
STAGES: tuple[Stage, ...] = ("introduction", "growth", "maturity", "dormancy", "churn")


@dataclass(slots=True)
class MemberFacts:
    """What a policy sees of a member. Read-only by agreement; plain lists, because millions of orders are looked at.

    joined: the brand-local joining day. days: the brand-local day of each order, ascending, from the policy's lookback on,
    future-dated ones included (known, not yet visible); paid: what was paid for each, minor units, in the same order; it
    may be zero or negative. earlier: how many orders there are before those; last_earlier: the day of the newest of them.
    All days are `date.toordinal()`. A decision as of day D may use only orders with day < D, and the member only if
    joined < D.
    """

    joined: int
    days: Sequence[int] = ()
    paid: Sequence[int] = ()
    earlier: int = 0
    last_earlier: int | None = None


class Amount(NamedTuple):
    """Money among a decision's figures: minor units of the brand's currency."""

    minor: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A stage and the code of its reason (at most 20 characters); `figures` fill the reason's sentence.

    figures: name -> int (shown as a number), datetime.date (shown as a day), Amount (shown as money).
    """

    stage: Stage
    reason: str
    figures: Mapping[str, int | date | Amount] | None = None


class LifecyclePolicy(ABC):
    """Decides stages for a brand. `key` is stored in rows: it never changes (at most 40 characters). Stateless.

    reasons: code -> English msgid of the plugin's catalogue with %(name)s places, filled from Decision.figures.
    version: raise it when the same facts and settings would be decided otherwise: everybody is then looked at again.
    settings, wherever they are handed in, are those that the plugin declares: typed, defaults filled in.
    """

    kind = "lifecycle_policy/1"
    version: int = 1
    key: str
    label: str
    reasons: Mapping[str, str]

    @abstractmethod
    def lookback_days(self, settings: Mapping[str, Any]) -> int:
        """How many days before the day of decision the policy must see order by order. At least 0."""

    @abstractmethod
    def decide(
        self, facts: MemberFacts, settings: Mapping[str, Any], day: int, *, explain: bool = False
    ) -> Decision:
        """The stage on `day` (ordinal). With `explain`, figures are filled; without, it is as fast as it can be.

        The same answer for the same arguments, whatever orders of later days are among the facts. Never raises.
        """

    @abstractmethod
    def turning_days(self, facts: MemberFacts, settings: Mapping[str, Any], day: int) -> Iterable[int]:
        """Every day after `day` (ordinals, any order, repeats allowed) on which (stage, reason) could differ from the
        day before if nothing more happens. The engine walks them in order and stops at the first difference."""
