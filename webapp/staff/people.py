"""Who works in a brand: role, stores, letting go and back in. The last owner stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from webapp.brands import queries as brands
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.staff import queries, service
from webapp.staff.models import Staff, StaffInvite, StaffQuick, StaffRole, StaffSession
from webapp.staff.permissions import IN_STORES, ROLES


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, in the brand. stores: names, none where the role holds in the whole brand.
    second_factor: an app is asked for when they sign in. seen_at: the newest of their sessions here."""

    staff: Staff
    role: StaffRole
    stores: list[str]
    second_factor: bool
    seen_at: datetime | None


def held(scope: Scope, staff_id: int) -> tuple[Staff, StaffRole]:
    """The account and its role in the brand, ended ones too. Raises NotFound."""
    row = scope.session.execute(
        select(Staff, StaffRole)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(StaffRole.brand_id == scope.brand.id, StaffRole.staff_id == staff_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"staff {staff_id}")
    return row[0], row[1]


def people(scope: Scope, *, gone: bool = False) -> list[Person]:
    """Who works here, by name; with `gone`, who no longer does."""
    ended = StaffRole.off_at.is_not(None) if gone else StaffRole.off_at.is_(None)
    rows = scope.session.execute(
        select(Staff, StaffRole)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(StaffRole.brand_id == scope.brand.id, ended)
        .order_by(func.lower(Staff.name), Staff.email)
    ).all()
    names = {store.id: store.name for store in brands.stores(scope)}
    ids = [staff.id for staff, _role in rows]
    seen: dict[int, datetime] = {}
    for session in scope.session.scalars(
        select(StaffSession).where(StaffSession.staff_id.in_(ids), StaffSession.brand_id == scope.brand.id)
    ):
        seen[session.staff_id] = max(session.seen_at, seen.get(session.staff_id, session.seen_at))
    factors = queries.with_factor(scope, ids)
    return [
        Person(
            staff,
            role,
            sorted(names.get(id_, "") for id_ in queries.stores_of(scope, role) or ()),
            staff.id in factors,
            seen.get(staff.id),
        )
        for staff, role in rows
    ]


def clean_stores(scope: Scope, role: str, stores: Collection[int]) -> list[int] | Refused:
    """The stores of a role as they are kept: none for a role of the whole brand. Refused: stores_unknown."""
    if role not in IN_STORES:
        return []
    known = {store.id for store in brands.stores(scope)}
    wanted = set(stores)
    return sorted(wanted) if wanted <= known else Refused("stores_unknown")


def change(scope: Scope, staff_id: int, *, role: str, stores: Collection[int] = ()) -> StaffRole | Refused:
    """Another role, other stores. Raises NotFound. Refused: role_unknown, stores_unknown, last_owner.

    What they may do changes with their next click; quick sign-ins end, since they were made for another role.
    """
    if role not in ROLES:
        return Refused("role_unknown")
    if isinstance(kept := clean_stores(scope, role, stores), Refused):
        return kept
    staff, mine = held(scope, staff_id)
    if role != "owner" and _is_last_owner(scope, mine):
        return Refused("last_owner")
    if role != mine.role:
        _end_quick(scope, mine)
    mine.role = role
    if mine.store_id is not None and mine.store_id not in kept:
        mine.store_id = None
    service.set_stores(scope, mine, kept)
    scope.audit("staff.change", "staff", staff.id, role=role, stores=kept)
    return mine


def let_go(scope: Scope, staff_id: int) -> bool | Refused:
    """They no longer work here: every session of theirs in this brand ends now. Raises NotFound. Refused: last_owner.

    The account stays, for other brands and for the names in what was done; invitations they made are withdrawn.
    """
    _staff, mine = held(scope, staff_id)
    if mine.off_at is not None:
        return False
    if _is_last_owner(scope, mine):
        return Refused("last_owner")
    mine.off_at = scope.now
    scope.session.flush()
    elsewhere = queries.roles(scope, staff_id)
    ended = delete(StaffSession).where(StaffSession.staff_id == staff_id)
    if elsewhere:  # a browser that has not chosen a brand yet stays, for the others
        ended = ended.where(StaffSession.brand_id == scope.brand.id)
    scope.session.execute(ended)
    _end_quick(scope, mine)
    scope.session.execute(
        update(StaffInvite)
        .where(
            StaffInvite.brand_id == scope.brand.id,
            StaffInvite.invited_by == staff_id,
            StaffInvite.used_at.is_(None),
            StaffInvite.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=scope.now)
    )
    scope.audit("staff.let_go", "staff", staff_id)
    return True


def let_back(scope: Scope, staff_id: int) -> None:
    """They work here again, in the role they had. Raises NotFound."""
    _staff, mine = held(scope, staff_id)
    if mine.off_at is not None:
        mine.off_at = None
        scope.audit("staff.let_back", "staff", staff_id, role=mine.role)


def new_password_link(scope: Scope, staff_id: int) -> str | Refused:
    """A one-time link at which a colleague chooses a new password. Raises NotFound.

    Refused: elsewhere_too, for an account that also works in another brand: its owner has no say there.
    """
    staff, mine = held(scope, staff_id)
    if mine.off_at is not None:
        raise NotFound(f"staff {staff_id}")
    if _other_brands(scope, staff_id):
        return Refused("elsewhere_too")
    scope.audit("staff.link", "staff", staff.id)
    return service.new_link(scope, staff.id)


def _other_brands(scope: Scope, staff_id: int) -> bool:
    """Has the account a role in another brand, be it an ended one (it may be let back in)?"""
    return bool(
        scope.session.scalar(
            select(func.count())
            .select_from(StaffRole)
            .where(StaffRole.staff_id == staff_id, StaffRole.brand_id != scope.brand.id)
        )
    )


def _is_last_owner(scope: Scope, role: StaffRole) -> bool:
    """Would the brand be without an owner? Holds the owners' rows: of two owners who let each other go, one stays."""
    if role.role != "owner" or role.off_at is not None:
        return False
    owners = scope.session.scalars(
        select(StaffRole.id)
        .where(StaffRole.brand_id == scope.brand.id, StaffRole.role == "owner", StaffRole.off_at.is_(None))
        .order_by(StaffRole.id)
        .with_for_update()
    ).all()
    return not set(owners) - {role.id}


def _end_quick(scope: Scope, role: StaffRole) -> None:
    """Quick sign-ins of a role: codes not yet typed, and sessions that they opened."""
    scope.session.execute(
        delete(StaffQuick).where(
            StaffQuick.brand_id == role.brand_id, StaffQuick.role_id == role.id, StaffQuick.used_at.is_(None)
        )
    )
    scope.session.execute(
        delete(StaffSession).where(
            StaffSession.staff_id == role.staff_id,
            StaffSession.brand_id == role.brand_id,
            StaffSession.how == queries.QUICK,
        )
    )


def kept_stores(scope: Scope, role: StaffRole) -> list[int]:
    """The stores that stand with a role, as the form shows them."""
    return sorted(queries.stores_of(scope, role) or ())


def email_of(scope: Scope, staff_id: int) -> str:
    """The address of an account."""
    return scope.session.get_one(Staff, staff_id).email
