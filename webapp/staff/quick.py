"""Quick sign-in: a manager makes eight letters for a guide, whose chat app's browser forgets who they are."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from webapp.kernel import secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.staff import people, queries, service
from webapp.staff.models import Staff, StaffQuick, StaffRole

LENGTH = 8
LIVES = timedelta(minutes=10)
ROLES = queries.QUICK_ROLES


def for_whom(scope: Scope) -> list[people.Person]:
    """The guides and clerks for whom the actor may make a code."""
    return [one for one in people.people(scope) if _may(scope, one.role)]


def make(scope: Scope, staff_id: int) -> str | Refused:
    """A code for this colleague; one made before and not typed yet ends. Raises NotFound.

    Refused: not_quick (an owner, operator, sender or manager signs in with the password), out_of_reach (somebody who
    sees more stores than the actor does).
    """
    staff, role = people.held(scope, staff_id)
    if role.off_at is not None:
        raise NotFound(f"staff {staff_id}")
    if role.role not in ROLES:
        return Refused("not_quick")
    if not _may(scope, role):
        return Refused("out_of_reach")
    scope.session.execute(
        delete(StaffQuick).where(
            StaffQuick.brand_id == scope.brand.id, StaffQuick.role_id == role.id, StaffQuick.used_at.is_(None)
        )
    )
    code = secrets.typed_code(LENGTH)
    scope.session.add(
        StaffQuick(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            digest=secrets.digest(code),
            role_id=role.id,
            made_by=scope.actor.id,
            created_at=scope.now,
            expires_at=scope.now + LIVES,
        )
    )
    scope.session.flush()
    scope.audit("staff.quick_made", "staff", staff.id)
    return code


def use(scope: Scope, typed: str, *, agent: str = "", address: str = "") -> str | Refused:
    """The token of a session in the person's role and brand. Refused: mistyped, unknown (also: used, or run out)."""
    code = secrets.read_code(typed)
    if code is None or len(code) != LENGTH:
        return Refused("mistyped")
    found = scope.session.scalars(
        select(StaffQuick).where(
            StaffQuick.digest == secrets.digest(code),
            StaffQuick.used_at.is_(None),
            StaffQuick.expires_at > scope.now,
        )
    ).first()
    if found is None:
        return Refused("unknown")
    role = scope.session.get_one(StaffRole, (found.brand_id, found.role_id))
    if role.off_at is not None or role.role not in ROLES:
        return Refused("unknown")
    if not scope.session.get_one(Staff, role.staff_id).active:
        return Refused("unknown")
    taken = scope.session.execute(
        update(StaffQuick)
        .where(StaffQuick.brand_id == found.brand_id, StaffQuick.id == found.id, StaffQuick.used_at.is_(None))
        .values(used_at=scope.now)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        return Refused("unknown")
    return service.open_session(
        scope, role.staff_id, agent=agent, address=address, how=queries.QUICK, brand_id=role.brand_id
    )


def _may(scope: Scope, role: StaffRole) -> bool:
    """A code lets its maker in as well: so it is made only for less than the maker has."""
    if role.role not in ROLES:
        return False
    mine, theirs = scope.actor.stores, queries.stores_of(scope, role)
    return mine is None or (theirs is not None and theirs <= mine)
