"""The stage as a field of segment rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists

from webapp.kernel.scope import Scope
from webapp.lifecycle.models import MemberStage
from webapp.members.models import Member
from webapp.segments import fields
from webapp.segments.rules import Condition

STAGE_LABELS: dict[str, Any] = {
    "introduction": _l("introduction"),
    "growth": _l("growth"),
    "maturity": _l("maturity"),
    "dormancy": _l("dormancy"),
    "churn": _l("churn"),
}


def _choices(scope: Scope) -> Sequence[tuple[str, Any]]:
    return list(STAGE_LABELS.items())


def _condition(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    """The stage as stored: what was decided last."""
    return exists().where(
        MemberStage.brand_id == Member.brand_id,
        MemberStage.member_id == Member.id,
        MemberStage.stage.in_(one.values),
    )


STAGE = fields.Field("stage", _l("Life-cycle stage"), "choice", _condition, choices=_choices)
fields.register(STAGE)
