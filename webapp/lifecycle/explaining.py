"""Why a member is where they are: the policy's reason with figures counted now, and when it is looked at again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from webapp.kernel import money
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.lifecycle import facts, queries
from webapp.lifecycle.service import NO_POLICY, decided, first_turn
from webapp.plugin_api import Amount, Decision
from webapp.plugin_runtime import calls, words


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a member stands today and why.

    sentence: the reason in the reader's language, with figures counted now. since: the day on which the stage was decided,
    None while it was not yet. turns_on: the next day on which stage or reason is another if nothing more happens, None if
    there is none; turns_to: the stage then. settled: the stored stage is this one (else the engine is about to write it).
    """

    stage: str
    reason: str
    sentence: str
    since: date | None
    turns_on: date | None
    turns_to: str | None
    settled: bool


def explain(scope: Scope, member_id: int, locale: str) -> Explanation | Refused:
    """Decide anew for one member, in words. Refused: no_policy, plugin_failed. Raises NotFound."""
    bound = calls.policy(scope)
    if bound is None:
        return Refused(NO_POLICY)
    policy, settings, today = bound.impl, bound.ctx.settings, scope.today.toordinal()
    lookback = calls.decide(bound.plugin, lambda: policy.lookback_days(settings))
    if isinstance(lookback, Refused):
        return lookback
    known = next(facts.facts(scope, facts.days_before(scope.today, lookback), member_ids=[member_id]), None)
    if known is None:
        raise NotFound(f"member {member_id}")
    member = known.facts

    def ask() -> tuple[Decision, tuple[int, Decision] | None, str]:
        now = decided(policy, member, settings, today, explain=True)
        message = policy.reasons[now.reason]
        filled = shown(now.figures or {}, scope.brand.currency, locale)
        sentence = words.words(bound.plugin, locale)(message, **filled)
        return now, first_turn(policy, member, settings, today, now), sentence

    answer = calls.decide(bound.plugin, ask)
    if isinstance(answer, Refused):
        return answer
    now, turn, sentence = answer
    stored = queries.standing(scope, member_id)
    same = stored is not None and stored.stage == now.stage
    return Explanation(
        now.stage,
        now.reason,
        sentence,
        stored.since if stored is not None and same else None,
        date.fromordinal(turn[0]) if turn else None,
        turn[1].stage if turn else None,
        stored is not None and same and stored.reason == now.reason,
    )


def shown(figures: Mapping[str, Any], currency: str, locale: str) -> dict[str, str]:
    """Figures as a person of that locale reads them."""
    texts: dict[str, str] = {}
    for name, value in figures.items():
        if isinstance(value, Amount):
            texts[name] = money.show(value.minor, currency, locale)
        elif isinstance(value, date):
            texts[name] = format_date(value, format="medium", locale=locale)
        else:
            texts[name] = format_decimal(value, locale=locale)
    return texts
