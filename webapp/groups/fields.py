"""Chat groups in rules over members."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, select

from webapp.groups.models import Group, GroupStay
from webapp.groups.queries import fence
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.segments.fields import Field, register
from webapp.segments.rules import MOST_VALUES, Condition


def _condition(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    """In one of the groups now, whoever of the person's members it was who went in."""
    return exists().where(
        GroupStay.brand_id == Member.brand_id,
        GroupStay.person_id == Member.id,
        GroupStay.current.is_(True),
        GroupStay.group_id.in_([int(value) for value in one.values if value.isdecimal()]),
    )


def _choices(scope: Scope) -> list[tuple[str, Any]]:
    rows = scope.session.execute(
        select(Group.id, Group.name)
        .where(Group.brand_id == scope.brand.id, Group.closed_at.is_(None), fence(scope))
        .order_by(Group.name)
        .limit(MOST_VALUES)
    )
    return [(str(id_), name) for id_, name in rows]


register(Field("group", _l("In the chat group"), "choice", _condition, choices=_choices))
