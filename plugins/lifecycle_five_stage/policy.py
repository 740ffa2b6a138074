"""Five stages from days and amounts. The first rule that matches decides.

As of day D only orders and joins of days before D are seen, and a window of W days is D-W .. D-1. All days are ordinals.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from webapp.plugin_api import Amount, Decision, LifecyclePolicy, MemberFacts

Settings = Mapping[str, Any]

JOINED_TODAY = Decision("introduction", "joined_today")
NO_ORDER_YET = Decision("introduction", "no_order_yet")
FIRST_ORDER = Decision("introduction", "first_order")
NEVER_BOUGHT = Decision("churn", "never_bought")
GONE = Decision("churn", "no_order")
ASLEEP = Decision("dormancy", "no_order")
BASKET_DROP = Decision("dormancy", "basket_drop")
MATURE = Decision("maturity", "orders")
GROWING = Decision("growth", "orders")


def _(message: str) -> str:
    """Marks a text for the plugin's catalogue; it is translated where it is shown."""
    return message


def dropped(recent: int, orders: int, before: int, orders_before: int, percent: int) -> bool:
    """Is the average basket now at most (100 - percent) % of the one before? Sums in minor units; exact; equality counts."""
    return recent * orders_before * 100 <= before * orders * (100 - percent)


# Turning days: on which days after `day` can the answer differ, if nothing more happens? One function a cause. Each is
# needed: taking any one away leaves members in a stage that is no longer theirs.
Turn = Callable[[MemberFacts, Settings, int], Iterable[int]]


def order_is_seen(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """An order of day d is seen from d+1 on."""
    return [d + 1 for d in facts.days[bisect_left(facts.days, day) :]]


def order_leaves_window(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """On d+W+1 an order of day d leaves the window, and enters the window before it."""
    window: int = settings["window_days"]
    return [d + window + 1 for d in facts.days[bisect_left(facts.days, day - window) :]]


def order_leaves_window_before(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """On d+2W+1 it leaves that one, too."""
    windows: int = 2 * settings["window_days"]
    return [d + windows + 1 for d in facts.days[bisect_left(facts.days, day - windows) :]]


def last_order_is_too_old(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """On L+churn+1 the last order is too old: L is an order that no other follows until then."""
    churn: int = settings["churn_days"]
    days = facts.days[bisect_left(facts.days, day - churn) :]
    turns = [d + churn + 1 for d, after in pairwise(days) if after > d + churn]
    return [*turns, days[-1] + churn + 1] if days else turns


def only_order_is_too_old(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """On L+introduction+1 the only order ends the introduction."""
    return [facts.days[0] + settings["introduction_days"] + 1] if facts.days and not facts.earlier else []


def joining_is_seen(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """A member who joins on day j is looked at by the rules from j+1 on."""
    return [facts.joined + 1]


def joining_is_too_old(facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
    """On j+churn+1 somebody without orders has been given long enough."""
    return [] if facts.earlier else [facts.joined + settings["churn_days"] + 1]


class FiveStage(LifecyclePolicy):
    """introduction, growth, maturity, dormancy, churn."""

    key = "five_stage"
    label = _("Five stages")
    reasons = {
        "joined_today": _("Joined today."),
        "no_order_yet": _("Joined on %(joined)s and has not bought yet."),
        "first_order": _("Bought for the first time on %(last)s."),
        "never_bought": _("Joined on %(joined)s and has never bought; the limit is %(limit)s days."),
        "no_order": _("Last bought on %(last)s, %(ago)s days ago; the limit is %(limit)s days."),
        "basket_drop": _(
            "Spent %(recent)s an order in the last %(window)s days and %(before)s an order in the %(window)s days "
            "before: %(percent)s %% or more below."
        ),
        "orders": _("Orders in the last %(window)s days: %(orders)s. Maturity begins at %(maturity)s."),
    }
    turns: tuple[Turn, ...] = (
        order_is_seen,
        order_leaves_window,
        order_leaves_window_before,
        last_order_is_too_old,
        only_order_is_too_old,
        joining_is_seen,
        joining_is_too_old,
    )

    def lookback_days(self, settings: Settings) -> int:
        """The longest of the rules' spans."""
        return max(settings["introduction_days"], settings["churn_days"], 2 * settings["window_days"])

    def decide(self, facts: MemberFacts, settings: Settings, day: int, *, explain: bool = False) -> Decision:
        """The first rule that matches. Counts and sums are integers; nothing is rounded before it is compared."""
        if explain:
            return self._explained(self.decide(facts, settings, day), facts, settings, day)
        if facts.joined >= day:
            return JOINED_TODAY
        days, paid, churn = facts.days, facts.paid, settings["churn_days"]
        seen = bisect_left(days, day)
        ever = facts.earlier + seen
        last = days[seen - 1] if seen else facts.last_earlier
        if not ever or last is None:
            return NO_ORDER_YET if facts.joined >= day - churn else NEVER_BOUGHT
        if ever == 1 and last >= day - settings["introduction_days"]:
            return FIRST_ORDER
        if last < day - churn:
            return GONE
        window: int = settings["window_days"]
        recent = bisect_left(days, day - window, 0, seen)
        orders = seen - recent
        if not orders:
            return ASLEEP
        before = bisect_left(days, day - 2 * window, 0, recent)
        if before < recent:
            total_before = sum(paid[before:recent])
            if total_before > 0 and dropped(
                sum(paid[recent:seen]), orders, total_before, recent - before, settings["basket_drop_percent"]
            ):
                return BASKET_DROP
        return MATURE if orders >= settings["maturity_orders"] else GROWING

    def _explained(self, decision: Decision, facts: MemberFacts, settings: Settings, day: int) -> Decision:
        """The same decision with the figures of its reason's sentence."""
        days, paid, window = facts.days, facts.paid, settings["window_days"]
        seen, recent, before = (bisect_left(days, day - back) for back in (0, window, 2 * window))
        last = days[seen - 1] if seen else facts.last_earlier
        figures: dict[str, int | date | Amount] = {}
        if decision.reason in ("no_order_yet", "never_bought"):
            figures = {"joined": date.fromordinal(facts.joined), "limit": settings["churn_days"]}
        elif decision.reason == "basket_drop":
            figures = {
                "recent": _average(paid[recent:seen]),
                "before": _average(paid[before:recent]),
                "window": window,
                "percent": settings["basket_drop_percent"],
            }
        elif decision.reason == "orders":
            figures = {"orders": seen - recent, "window": window, "maturity": settings["maturity_orders"]}
        elif last is not None:
            limit = settings["churn_days"] if decision.stage == "churn" else window
            figures = {"last": date.fromordinal(last), "ago": day - last, "limit": limit}
        return Decision(decision.stage, decision.reason, figures)

    def turning_days(self, facts: MemberFacts, settings: Settings, day: int) -> Iterable[int]:
        """All causes together. Days that have passed may be among them."""
        return [turn for turns in self.turns for turn in turns(facts, settings, day)]


def _average(amounts: Iterable[int]) -> Amount:
    """Half up, away from zero, for showing only."""
    counted = list(amounts)
    total, n = sum(counted), len(counted)
    return Amount((1 if total >= 0 else -1) * ((2 * abs(total) + n) // (2 * n)))
