"""Whom to look at, and stages: reading and writing them in bulk. Facts are read in facts.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from webapp.brands.models import Brand
from webapp.kernel import bulk
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.kernel.steps import StepRun
from webapp.lifecycle.facts import Known, among
from webapp.lifecycle.models import LifecycleRun, MemberStage, StageChange
from webapp.members.models import Member

SLICE = 20_000  # ids that one look for members without a stage goes through


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's stage as stored."""

    stage: str
    reason: str
    since: date
    recheck_on: date | None
    next_stage: str | None
    policy: str


class Verdict(NamedTuple):
    """What the engine writes for a member. from_stage: None for the first time; moved: stage or reason is another."""

    member_id: int
    stage: str
    reason: str
    since: date
    recheck_on: date | None
    next_stage: str | None
    from_stage: str | None
    moved: bool


# --- whom to look at ------------------------------------------------------------------------------------------------


def _persons(scope: Scope) -> Select[int]:
    return select(Member.id).where(Member.brand_id == scope.brand.id, Member.person_id == Member.id)


def _stage_of_member() -> Any:
    return and_(MemberStage.brand_id == Member.brand_id, MemberStage.member_id == Member.id)


def everybody(scope: Scope, after: int, limit: int) -> list[int]:
    """The next ids in order."""
    return list(
        scope.session.scalars(_persons(scope).where(Member.id > after).order_by(Member.id).limit(limit))
    )


def without_stage(scope: Scope, after: int, limit: int) -> tuple[list[int], int | None]:
    """Some who have no stage, and the id to go on after (None: that was the end). Goes through one slice of ids a call."""
    ids = select(Member.id).where(Member.brand_id == scope.brand.id, Member.id > after).order_by(Member.id)
    end = scope.session.scalar(ids.offset(SLICE - 1).limit(1))
    missing = _persons(scope).where(Member.id > after, ~exists().where(_stage_of_member()))
    if end is not None:
        missing = missing.where(Member.id <= end)
    found = list(scope.session.scalars(missing.order_by(Member.id).limit(limit)))
    return found, found[-1] if len(found) == limit else end


def due(scope: Scope, day: date, limit: int) -> list[int]:
    """Some whose facts have changed or whose stage turns, up to and including `day`; nobody is left once none are given."""
    dirty = _persons(scope).where(Member.dirty_on <= day).order_by(Member.dirty_on, Member.id).limit(limit)
    found = list(scope.session.scalars(dirty))
    if len(found) < limit:
        turning = (
            _persons(scope)
            .join(MemberStage, _stage_of_member())
            .where(MemberStage.brand_id == scope.brand.id, MemberStage.recheck_on <= day)
            .order_by(MemberStage.recheck_on, MemberStage.member_id)
            .limit(limit)
        )
        found.extend(set(scope.session.scalars(turning)).difference(found))
    return sorted(found[:limit])


def standings(scope: Scope, member_ids: Collection[int]) -> dict[int, Standing]:
    """member -> stage as stored, for those who have one."""
    rows = scope.session.execute(
        select(
            MemberStage.member_id,
            MemberStage.stage,
            MemberStage.reason,
            MemberStage.since,
            MemberStage.recheck_on,
            MemberStage.next_stage,
            MemberStage.policy,
        ).where(MemberStage.brand_id == scope.brand.id, among(scope, MemberStage.member_id, member_ids))
    )
    return {row.member_id: Standing(*row[1:]) for row in rows}


# --- writing --------------------------------------------------------------------------------------------------------

STAGE = ("brand_id", "member_id", "stage", "reason", "since", "recheck_on", "next_stage", "policy")
CHANGE = ("brand_id", "id", "member_id", "decided_on", "from_stage", "stage", "reason", "at")


def store(scope: Scope, verdicts: Sequence[Verdict], replaced: Collection[int], policy: str) -> None:
    """Write stages, and history for what moved. replaced: those of them who have a stage already.

    The engine is the only writer of stages, one unit a brand at a time, so rows may be taken out and put in anew.
    """
    brand_id = scope.brand.id
    if replaced:
        scope.session.execute(
            delete(MemberStage).where(
                MemberStage.brand_id == brand_id, among(scope, MemberStage.member_id, replaced)
            )
        )
    bulk.insert(
        scope,
        MemberStage,
        STAGE,
        [
            (brand_id, v.member_id, v.stage, v.reason, v.since, v.recheck_on, v.next_stage, policy)
            for v in verdicts
        ],
    )
    moved = [v for v in verdicts if v.moved]
    bulk.insert(
        scope,
        StageChange,
        CHANGE,
        [
            (brand_id, id_, v.member_id, scope.today, v.from_stage, v.stage, v.reason, scope.now)
            for id_, v in zip(scope.new_ids(len(moved)), moved, strict=True)
        ],
    )


def clear(scope: Scope, read: Sequence[Known]) -> None:
    """These have been looked at: not dirty any more, unless a fact was written since it was read."""
    dirty = [known for known in read if known.dirty]
    if not dirty:
        return
    mine = update(Member).where(Member.brand_id == scope.brand.id).values(dirty_on=None)
    if bulk.is_sqlite(scope):
        scope.session.connection().execute(
            mine.where(Member.id == bindparam("of"), Member.facts_seq == bindparam("seq")),
            [{"of": known.member_id, "seq": known.seq} for known in dirty],
        )
        return
    pairs = (
        func.unnest(
            literal([known.member_id for known in dirty], ARRAY(BigInteger)),
            literal([known.seq for known in dirty], ARRAY(Integer)),
        )
        .table_valued("of", "seq")
        .render_derived()
    )
    scope.session.execute(
        mine.where(Member.id == pairs.c.of, Member.facts_seq == pairs.c.seq),
        execution_options={"synchronize_session": False},
    )


# --- runs -----------------------------------------------------------------------------------------------------------


def run_row(scope: Scope) -> LifecycleRun:
    """The brand's row, made if need be, and held to the unit's end: one deciding unit a brand at a time."""
    mine = (
        select(LifecycleRun)
        .where(LifecycleRun.brand_id == scope.brand.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    run = scope.session.scalars(mine).one_or_none()
    if run is None:
        scope.session.execute(
            insert_or_ignore(scope, LifecycleRun).values(
                brand_id=scope.brand.id,
                runs=0,
                wanted=False,
                policy="",
                looked_at=0,
                changed=0,
                error_facts=None,
            )
        )
        run = scope.session.scalars(mine).one()
    return run


def forget_runs(scope: Scope, name: str) -> None:
    """Steps that are done need no place any more."""
    scope.session.execute(
        delete(StepRun)
        .where(StepRun.brand_id == scope.brand.id, StepRun.name == name, StepRun.done_at.is_not(None))
        .execution_options(synchronize_session=False)
    )


def last_run(scope: Scope) -> LifecycleRun | None:
    """For pages. None: nothing was ever decided."""
    return scope.session.get(LifecycleRun, scope.brand.id)


class BrandDue(NamedTuple):
    """What a sweep needs to know of a brand. dirty_on: the earliest day on which somebody's facts have changed."""

    brand_id: int
    timezone: str
    ran_on: date | None
    wanted: bool
    error: str | None
    tried_at: datetime | None
    dirty_on: date | None


def brands_due(session: Session) -> list[BrandDue]:
    """Every brand with how far it is; one index look a brand."""
    dirty = (
        select(Member.dirty_on)
        .where(Member.brand_id == Brand.id, Member.dirty_on.is_not(None), Member.person_id == Member.id)
        .order_by(Member.dirty_on)
        .limit(1)
        .correlate(Brand)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Brand.id,
            Brand.timezone,
            LifecycleRun.ran_on,
            func.coalesce(LifecycleRun.wanted, False),
            LifecycleRun.error,
            LifecycleRun.tried_at,
            dirty,
        ).outerjoin(LifecycleRun, LifecycleRun.brand_id == Brand.id)
    )
    return [BrandDue(*row) for row in rows]


# --- for pages ------------------------------------------------------------------------------------------------------


def standing(scope: Scope, member_id: int) -> Standing | None:
    """One member's stage as stored."""
    return standings(scope, [member_id]).get(member_id)


def stage_counts(scope: Scope) -> dict[tuple[str, str], int]:
    """(stage, reason) -> how many members stand there, as stored. Who has no row yet is not among them."""
    rows = scope.session.execute(
        select(MemberStage.stage, MemberStage.reason, func.count())
        .where(MemberStage.brand_id == scope.brand.id)
        .group_by(MemberStage.stage, MemberStage.reason)
    )
    return {(stage, reason): count for stage, reason, count in rows}


def turning_by(scope: Scope, day: date) -> dict[tuple[str, str], int]:
    """(stage, next stage) -> how many turn from one into the other up to and including `day`, if nothing more happens."""
    rows = scope.session.execute(
        select(MemberStage.stage, MemberStage.next_stage, func.count())
        .where(
            MemberStage.brand_id == scope.brand.id,
            MemberStage.recheck_on <= day,
            MemberStage.next_stage != MemberStage.stage,
        )
        .group_by(MemberStage.stage, MemberStage.next_stage)
    )
    return {(stage, after or stage): count for stage, after, count in rows}


def history(scope: Scope, member_id: int, limit: int) -> Sequence[StageChange]:
    """What was decided for a member, newest first."""
    return scope.session.scalars(
        select(StageChange)
        .where(StageChange.brand_id == scope.brand.id, StageChange.member_id == member_id)
        .order_by(StageChange.decided_on.desc(), StageChange.id.desc())
        .limit(limit)
    ).all()
