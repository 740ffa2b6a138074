"""Stages in rules over members, and in the list of members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists

from webapp.kernel.scope import Scope
from webapp.lifecycle import queries
from webapp.lifecycle.models import MemberStage
from webapp.lifecycle.words import STAGES, stage_name
from webapp.members import panels
from webapp.members.models import Member
from webapp.segments.fields import Field, register
from webapp.segments.rules import Condition


def in_stage(stages: Sequence[str]) -> ColumnElement[bool]:
    """A condition on Member: the stored stage is one of these. Who was not looked at yet is in none."""
    return exists().where(
        MemberStage.brand_id == Member.brand_id,
        MemberStage.member_id == Member.id,
        MemberStage.stage.in_(stages),
    )


def _condition(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    return in_stage(one.values)


def _choices(scope: Scope) -> list[tuple[str, Any]]:
    return list(STAGES.items())


def _badges(scope: Scope, member_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    found = queries.standings(scope, member_ids)
    return {member_id: (one.stage, stage_name(one.stage)) for member_id, one in found.items()}


register(
    Field(
        "stage",
        _l("Stage of the life cycle"),
        "choice",
        _condition,
        choices=_choices,
        help=_l("As decided last; looked at again each night."),
    )
)
panels.add_filter(panels.Filter("stage", _l("Stage"), _choices, lambda scope, value: in_stage([value])))
panels.add_badge(panels.Badge(_l("Stage"), _badges))
