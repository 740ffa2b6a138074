"""A rule as SQL over `member`: persons only, of the scope's brand, as of a brand-local day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, Select, func, select

from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.segments import buying  # noqa: F401  registers what members buy as fields of rules
from webapp.segments.fields import FIELDS
from webapp.segments.rules import BadRule, Rule


def conditions(scope: Scope, rule: Rule, day: date) -> list[ColumnElement[bool]]:
    """What must hold of a Member row. Raises BadRule for a field that nobody knows (its room or plugin is gone)."""
    found: list[ColumnElement[bool]] = [Member.brand_id == scope.brand.id, Member.person_id == Member.id]
    for at, one in enumerate(rule.all):
        field = FIELDS.get(one.field)
        if field is None:
            raise BadRule("unknown_field", at)
        found.append(field.condition(scope, one, day))
    return found


def members(scope: Scope, rule: Rule, day: date | None = None) -> Select[int]:
    """The ids of the members whom a rule means, as of `day` (today)."""
    return select(Member.id).where(*conditions(scope, rule, day or scope.today))


def count(scope: Scope, rule: Rule, day: date | None = None) -> int:
    """How many they are."""
    query = select(func.count()).select_from(Member).where(*conditions(scope, rule, day or scope.today))
    return scope.session.scalar(query) or 0
