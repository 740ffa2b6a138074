"""Counting stages as of any past day, under any settings. Changes nothing; facts are those known today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.lifecycle import facts
from webapp.lifecycle.facts import Known
from webapp.lifecycle.service import NO_POLICY, decided
from webapp.plugin_api import STAGES, Decision, LifecyclePolicy, Setting
from webapp.plugin_runtime import calls, context
from webapp.plugin_runtime.calls import Bound
from webapp.plugin_runtime.runtime import registry

BATCH = 1000


@dataclass(slots=True)
class Counts:
    """stages: every stage, also those with nobody. reasons: by (stage, reason code), those that occur."""

    stages: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    members: int = 0


def count(
    scope: Scope,
    as_of: date,
    overrides: Mapping[str, Any] | None = None,
    each: Callable[[str, Decision], None] | None = None,
) -> Counts | Refused:
    """How many members of those who had joined before `as_of` stood in each stage on that local day.

    Only orders of days before it are seen. overrides: settings that count in place of the brand's (`checked`). each: called
    with every member's number and decision, by member id. Memory stays the same however many members there are.
    Refused: no_policy, plugin_failed. Raises UserError for a day that has not come yet.
    """
    if as_of > scope.today:
        raise UserError(
            f"{as_of} has not come yet in {scope.brand.timezone}: give a day up to today, {scope.today}"
        )
    bound = calls.policy(scope)
    if bound is None:
        return Refused(NO_POLICY)
    policy, settings, day = bound.impl, bound.ctx.settings | dict(overrides or {}), as_of.toordinal()
    lookback = calls.decide(bound.plugin, lambda: policy.lookback_days(settings))
    if isinstance(lookback, Refused):
        return lookback
    counts = Counts()
    rows = facts.facts(scope, facts.days_before(as_of, lookback), joined_before=as_of)
    while batch := list(islice(rows, BATCH)):
        decisions = _decisions(bound, settings, day, batch)
        if isinstance(decisions, Refused):
            return decisions
        for known, decision in zip(batch, decisions, strict=True):
            counts.stages[decision.stage] += 1
            counts.reasons[decision.stage, decision.reason] += 1
            counts.members += 1
            if each is not None:
                each(known.number, decision)
    return counts


def _decisions(
    bound: Bound[LifecyclePolicy], settings: Mapping[str, Any], day: int, batch: Sequence[Known]
) -> list[Decision] | Refused:
    return calls.decide(
        bound.plugin, lambda: [decided(bound.impl, known.facts, settings, day) for known in batch]
    )


def checked(scope: Scope, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Typed settings of the brand's policy from (name, text). Raises UserError naming the setting and what it may be."""
    bound = calls.policy(scope)
    declared = (
        {setting.key: setting for setting in registry().plugins[bound.plugin].settings} if bound else {}
    )
    values: dict[str, Any] = {}
    for key, text in given:
        setting = declared.get(key)
        if setting is None:
            known = ", ".join(sorted(declared)) or "none, since no policy is switched on"
            raise UserError(f"there is no setting {key!r} of the life cycle; known: {known}")
        try:
            value = context.clean(setting, text)
        except ValueError as why:
            raise UserError(f"{key}={text!r} cannot be used: give {_allowed(setting)}") from why
        values[key] = setting.default if value is None else value
    return values


def _allowed(setting: Setting) -> str:
    if setting.kind == "int":
        if setting.minimum is not None and setting.maximum is not None:
            return f"a whole number from {setting.minimum} to {setting.maximum}"
        return "a whole number" + (f" of at least {setting.minimum}" if setting.minimum is not None else "")
    if setting.kind == "choice":
        return "one of " + ", ".join(value for value, _ in setting.choices)
    return f"a {setting.kind}"
