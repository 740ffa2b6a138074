"""Who of the staff looks after a member, and who brought them in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, delete, select, update

from webapp.kernel.bulk import among
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries
from webapp.members.models import MemberGuide
from webapp.staff.models import Staff, StaffRole

SERVES, BROUGHT_BY = "serves", "brought_by"
KINDS = (SERVES, BROUGHT_BY)


def guide_of(scope: Scope, member_ids: Collection[int], kind: str = SERVES) -> dict[int, int]:
    """member id -> the account that looks after them (or brought them in), for those who have one."""
    found: dict[int, int] = {}
    for batch in queries.batches(member_ids):
        rows = scope.session.execute(
            select(MemberGuide.member_id, MemberGuide.staff_id).where(
                MemberGuide.brand_id == scope.brand.id,
                MemberGuide.kind == kind,
                among(MemberGuide.member_id, batch),
            )
        )
        found.update((member_id, staff_id) for member_id, staff_id in rows)
    return found


def members_of(scope: Scope, staff_id: int, kind: str = SERVES) -> Select[Any]:
    """The ids of the members whom this account looks after (or brought in), for conditions."""
    return select(MemberGuide.member_id).where(
        MemberGuide.brand_id == scope.brand.id, MemberGuide.staff_id == staff_id, MemberGuide.kind == kind
    )


def assign(scope: Scope, member_id: int, staff_id: int | None, kind: str = SERVES) -> bool | Refused:
    """Give a member to this account; None: to nobody. True when it changes something, and then it is in the audit trail.

    Raises NotFound for a member who is not there. Refused: staff_unknown for one who does not work for this brand.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind: {kind!r}")
    queries.get(scope, member_id)
    if staff_id is not None and not _works_here(scope, staff_id):
        return Refused("staff_unknown", {"field": kind})
    key = (
        MemberGuide.brand_id == scope.brand.id,
        MemberGuide.member_id == member_id,
        MemberGuide.kind == kind,
    )
    before = scope.session.scalar(select(MemberGuide.staff_id).where(*key))
    if before == staff_id:
        return False
    if staff_id is None:
        scope.session.execute(delete(MemberGuide).where(*key))
    else:
        first: Any = scope.session.execute(
            insert_or_ignore(scope, MemberGuide).values(
                brand_id=scope.brand.id, member_id=member_id, kind=kind, staff_id=staff_id, since=scope.now
            )
        )
        if first.rowcount == 0:
            scope.session.execute(update(MemberGuide).where(*key).values(staff_id=staff_id, since=scope.now))
    scope.audit("member.guide", "member", member_id, kind=kind, before=before, staff=staff_id)
    return True


def _works_here(scope: Scope, staff_id: int) -> bool:
    found = scope.session.scalar(
        select(Staff.id)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(
            StaffRole.brand_id == scope.brand.id,
            Staff.id == staff_id,
            Staff.active,
            StaffRole.off_at.is_(None),
        )
        .limit(1)
    )
    return found is not None
