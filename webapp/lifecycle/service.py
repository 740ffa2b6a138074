"""The engine: who is due is looked at by the brand's policy, and what is decided is written down.

A stage can change because a fact changed (`member.dirty_on`, written by whoever changed it) or because time passed
(`member_stage.recheck_on`, written here). So a run looks at few, may be stopped anywhere, may leave out days, and ends with
what looking at everybody would have given. Everybody is looked at when the policy or its settings are others than before.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.lifecycle import facts, queries
from webapp.lifecycle.facts import Known
from webapp.lifecycle.models import LifecycleRun
from webapp.lifecycle.queries import Standing, Verdict
from webapp.plugin_api import STAGES, Decision, LifecyclePolicy, MemberFacts
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.calls import Bound

RUN = "lifecycle.run"  # the name of the steps, and of the job
SMALLEST_CHUNK, FIRST_CHUNK, LARGEST_CHUNK = 25, 200, 2000  # members
UNIT = (
    0.100  # seconds that a unit's work should take; the commit comes on top, and a busy machine doubles both
)
NO_POLICY = "no_policy"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did. error: a refusal's code (no_policy, plugin_failed); then nothing was decided after it.

    finished: False when the time given was over first; the rest is found by the next run.
    """

    day: date
    looked_at: int
    changed: int
    finished: bool
    error: str | None = None
    error_facts: Mapping[str, Any] | None = None


# --- deciding -------------------------------------------------------------------------------------------------------


def signature(policy: LifecyclePolicy, settings: Mapping[str, Any]) -> str:
    """Under what it is decided: another signature means that everybody is looked at again."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return f"{policy.key}/{policy.version}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def decided(
    policy: LifecyclePolicy,
    member: MemberFacts,
    settings: Mapping[str, Any],
    day: int,
    *,
    explain: bool = False,
) -> Decision:
    """The policy's decision; a stage that nobody knows is a fault of the policy's."""
    return _known(policy, policy.decide(member, settings, day, explain=explain))


def _known(policy: LifecyclePolicy, decision: Decision) -> Decision:
    if decision.stage not in STAGES:
        raise ValueError(f"{policy.key} decided {decision.stage!r}, which is no stage")
    return decision


def first_turn(
    policy: LifecyclePolicy, member: MemberFacts, settings: Mapping[str, Any], day: int, now: Decision
) -> tuple[int, Decision] | None:
    """The first day after `day` on which (stage, reason) is another if nothing more happens, and what it is then."""
    stage, reason, decide = now.stage, now.reason, policy.decide
    for turn in sorted(set(policy.turning_days(member, settings, day))):
        if turn > day:
            then = decide(member, settings, turn)
            if then is not now and (then.stage != stage or then.reason != reason):
                return turn, _known(policy, then)
    return None


def verdict(bound: Bound[LifecyclePolicy], known: Known, standing: Standing | None, day: date) -> Verdict:
    """What to write for one member as of `day`."""
    policy, settings, today = bound.impl, bound.ctx.settings, day.toordinal()
    now = decided(policy, known.facts, settings, today)
    turn = first_turn(policy, known.facts, settings, today, now)
    same_stage = standing is not None and standing.stage == now.stage
    return Verdict(
        known.member_id,
        now.stage,
        now.reason,
        standing.since if standing is not None and same_stage else day,
        date.fromordinal(turn[0]) if turn else None,
        turn[1].stage if turn else None,
        standing.stage if standing else None,
        not (standing is not None and same_stage and standing.reason == now.reason),
    )


def _look_at(
    scope: Scope, bound: Bound[LifecyclePolicy], policy: str, member_ids: Sequence[int]
) -> int | Refused:
    """Decide about these members and write it. Returns how many moved; a refusal has written nothing."""
    today = scope.today
    lookback = calls.decide(bound.plugin, lambda: bound.impl.lookback_days(bound.ctx.settings))
    if isinstance(lookback, Refused):
        return lookback
    stored = queries.standings(scope, member_ids)
    read = list(facts.facts(scope, facts.days_before(today, lookback), member_ids=member_ids))
    verdicts = calls.decide(
        bound.plugin, lambda: [verdict(bound, known, stored.get(known.member_id), today) for known in read]
    )
    if isinstance(verdicts, Refused):
        return verdicts
    fresh = [v for v in verdicts if not _stands(v, stored.get(v.member_id), policy)]
    queries.store(scope, fresh, [v.member_id for v in fresh if v.member_id in stored], policy)
    queries.clear(scope, read)
    changes = [[v.member_id, v.from_stage, v.stage] for v in fresh if v.from_stage != v.stage]
    if changes:
        scope.emit("lifecycle.changed", day=today.isoformat(), changes=changes)
    return sum(v.moved for v in fresh)


def _stands(v: Verdict, stored: Standing | None, policy: str) -> bool:
    """Is it what is stored already?"""
    return (
        stored is not None
        and not v.moved
        and (v.recheck_on, v.next_stage, policy) == (stored.recheck_on, stored.next_stage, stored.policy)
    )


# --- a run ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """How far a run is; kept between units. phase: all (everybody, by id), missing (who has no stage), due.

    day: ISO, the local day on which the run began. policy: under what it decides. size: members of the next unit.
    """

    day: str
    policy: str
    phase: Literal["all", "missing", "due"]
    after: int = 0
    size: int = FIRST_CHUNK
    looked_at: int = 0
    changed: int = 0


def run(
    db: Database,
    brand: BrandRef,
    *,
    actor: Actor = SYSTEM,
    seconds: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> RunResult:
    """Carry the brand's stages to its today. Another run of the same brand is joined, not doubled.

    seconds: after which it stops between two units. progress: called after each unit with how many were looked at.
    """
    until = math.inf if seconds is None else time.monotonic() + seconds
    with db.read(brand=brand, actor=actor) as scope:
        last = queries.last_run(scope)
        key = str(last.runs + 1 if last else 1)

    def tell(cursor: Any) -> None:
        if progress is not None:
            progress(cursor["looked_at"])

    while True:  # in short runs of steps, so that a worker that is asked to end does
        slice_ = max(0.0, min(0.5, until - time.monotonic()))
        outcome = run_steps(db, brand, RUN, key, step, actor=actor, seconds=slice_, progress=tell)
        if isinstance(outcome, Done):
            return RunResult(**(outcome.result | {"day": date.fromisoformat(outcome.result["day"])}))
        if halt.asked() or time.monotonic() >= until:
            place = Place(**outcome.cursor)
            return RunResult(date.fromisoformat(place.day), place.looked_at, place.changed, finished=False)


def step(scope: Scope, cursor: Any) -> Next | Done:
    """One unit: chunks of members for UNIT seconds or so."""
    started = time.perf_counter()
    row = queries.run_row(scope)
    bound = calls.policy(scope)
    place = Place(**cursor) if cursor else Place(scope.today.isoformat(), row.policy, "missing")
    if bound is None:
        return _stopped(scope, row, place, Refused(NO_POLICY))
    policy = signature(bound.impl, bound.ctx.settings)
    if place.policy != policy:
        place = Place(place.day, policy, "all", looked_at=place.looked_at, changed=place.changed)
        row.policy = ""  # until the end of this run, stages of two policies stand side by side
    while True:
        began = time.perf_counter()
        member_ids, after = _chunk(scope, place)
        if not member_ids and after is None and place.phase == "due":
            return _finished(scope, row, place)
        moved = _look_at(scope, bound, policy, member_ids) if member_ids else 0
        if isinstance(moved, Refused):
            return _stopped(scope, row, place, moved)
        took = time.perf_counter() - began
        place = replace(
            place,
            phase="due" if after is None else place.phase,
            after=after or 0,
            size=_next_size(len(member_ids), place.size, took),
            looked_at=place.looked_at + len(member_ids),
            changed=place.changed + moved,
        )
        if time.perf_counter() - started + took > UNIT:  # another such chunk would be too much
            return Next(asdict(place))


def _chunk(scope: Scope, place: Place) -> tuple[list[int], int | None]:
    """Whom to look at next, and the id to go on after (None: this phase ends with these)."""
    if place.phase == "missing":
        return queries.without_stage(scope, place.after, place.size)
    if place.phase == "all":
        found = queries.everybody(scope, place.after, place.size)
        return found, found[-1] if len(found) == place.size else None
    found = queries.due(scope, scope.today, place.size)
    return found, 0 if found else None  # who was looked at is not due any more


def _next_size(looked_at: int, size: int, took: float) -> int:
    """Half as many when it took too long, twice as many when twice as many would still do."""
    if took > UNIT:
        return max(size // 2, SMALLEST_CHUNK)
    return min(size * 2, LARGEST_CHUNK) if looked_at == size and took < UNIT / 2 else size


def _finished(scope: Scope, row: LifecycleRun, place: Place) -> Done:
    row.ran_on, row.policy = date.fromisoformat(place.day), place.policy
    row.looked_at, row.changed = place.looked_at, place.changed
    row.finished_at = row.tried_at = scope.now
    row.wanted, row.error, row.error_facts = False, None, None
    return _ended(scope, row, place, None)


def _stopped(scope: Scope, row: LifecycleRun, place: Place, why: Refused) -> Done:
    row.wanted, row.error, row.error_facts, row.tried_at = False, why.code, why.facts, scope.now
    return _ended(scope, row, place, why)


def _ended(scope: Scope, row: LifecycleRun, place: Place, why: Refused | None) -> Done:
    row.runs += 1  # the next run is another one
    queries.forget_runs(scope, RUN)
    return Done(
        {
            "day": place.day,
            "looked_at": place.looked_at,
            "changed": place.changed,
            "finished": why is None,
            "error": why.code if why else None,
            "error_facts": why.facts if why else None,
        }
    )


def want(scope: Scope) -> None:
    """Ask for a run: now if a worker hears it, else within seconds of one being there."""
    queries.run_row(scope).wanted = True
    scope.ring(RUN, brand_id=scope.brand.id)
