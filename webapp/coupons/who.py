"""Who may have an offer's coupons: a rule over members, looked at when a coupon is given, for a whole chunk at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from webapp.groups import fields as groups  # noqa: F401  registers the group as a field of rules
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.lifecycle import fields  # noqa: F401  registers the stage as a field of rules
from webapp.members.models import Member
from webapp.segments import compile as segments
from webapp.segments import rules

BATCH = 500


def fitting(scope: Scope, who: dict[str, Any] | None, person_ids: Collection[int]) -> set[int] | Refused:
    """Those of the persons whom the rule means today. Refused who_unknown: the rule cannot be read, or asks about something
    that is switched off; then nobody gets one until it is mended."""
    if who is None:
        return set(person_ids)
    found: set[int] = set()
    try:
        conditions = segments.conditions(scope, rules.load(who), scope.today)
    except rules.BadRule:
        return Refused("who_unknown")
    ids = sorted(set(person_ids))
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        found |= set(scope.session.scalars(select(Member.id).where(*conditions, Member.id.in_(some))))
    return found
