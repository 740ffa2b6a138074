"""Reading accounts, roles and sessions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.brands.models import Brand
from webapp.kernel import reach
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.kernel.secrets import digest
from webapp.staff.models import Staff, StaffFactor, StaffLink, StaffRole, StaffSession, StaffStore
from webapp.staff.permissions import IN_STORES, ROLES

QUICK = "quick"  # StaffSession.how
QUICK_ROLES = frozenset({"guide", "clerk"})  # who may be let in by a quick code


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session's cookie stands for. brand None: several brands and none chosen yet."""

    actor: Actor
    email: str
    locale: str
    brand: BrandRef | None
    store_id: int | None
    session: StaffSession


def by_email(scope: Scope, email: str) -> Staff | None:
    """The account of an address (any case)."""
    return scope.session.scalars(select(Staff).where(Staff.email == email.strip().lower())).one_or_none()


def roles(scope: Scope, staff_id: int) -> list[tuple[Brand, StaffRole]]:
    """The brands in which an account works, by name."""
    rows = scope.session.execute(
        select(Brand, StaffRole)
        .join(StaffRole, StaffRole.brand_id == Brand.id)
        .where(StaffRole.staff_id == staff_id, StaffRole.off_at.is_(None))
        .order_by(Brand.name, Brand.id)
    ).all()
    return [(brand, role) for brand, role in rows]


def stores_of(scope: Scope, role: StaffRole) -> frozenset[int] | None:
    """The stores to which a role's reach is limited; None: the whole brand."""
    if role.role not in IN_STORES:
        return None
    given = scope.session.scalars(
        select(StaffStore.store_id).where(StaffStore.brand_id == role.brand_id, StaffStore.role_id == role.id)
    )
    return frozenset(given) | ({role.store_id} if role.store_id else set()) or None


def stores_of_all(scope: Scope, roles: Sequence[StaffRole]) -> dict[int, frozenset[int] | None]:
    """The same for many roles of the scope's brand at once, by the role's id."""
    given: dict[int, set[int]] = {}
    for role_id, store_id in scope.session.execute(
        select(StaffStore.role_id, StaffStore.store_id).where(StaffStore.brand_id == scope.brand.id)
    ):
        given.setdefault(role_id, set()).add(store_id)
    found: dict[int, frozenset[int] | None] = {}
    for role in roles:
        stores = given.get(role.id, set()) | ({role.store_id} if role.store_id else set())
        found[role.id] = frozenset(stores) or None if role.role in IN_STORES else None
    return found


def of_brand(scope: Scope) -> list[tuple[Staff, StaffRole]]:
    """Who works in the scope's brand, by address."""
    rows = scope.session.execute(
        select(Staff, StaffRole)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(StaffRole.brand_id == scope.brand.id, StaffRole.off_at.is_(None))
        .order_by(Staff.email)
    ).all()
    return [(staff, role) for staff, role in rows]


def colleagues(scope: Scope) -> list[Staff]:
    """Active accounts of the brand whom the actor may choose: those with a store in common, and themselves."""
    rows = [(person, role) for person, role in of_brand(scope) if person.active]
    stores = stores_of_all(scope, [role for _person, role in rows])
    return [
        person for person, role in rows if person.id == scope.actor.id or reach.shares(scope, stores[role.id])
    ]


def with_factor(scope: Scope, staff_ids: Collection[int]) -> set[int]:
    """Those of the accounts that are asked for a second factor."""
    return set(
        scope.session.scalars(
            select(StaffFactor.staff_id).where(
                StaffFactor.staff_id.in_(staff_ids), StaffFactor.confirmed_at.is_not(None)
            )
        )
    )


def sessions(scope: Scope, staff_id: int) -> Sequence[StaffSession]:
    """Where an account is signed in, the newest use first."""
    return scope.session.scalars(
        select(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.expires_at > scope.now)
        .order_by(StaffSession.seen_at.desc(), StaffSession.digest)
    ).all()


def open_link(scope: Scope, token: str) -> tuple[StaffLink, Staff] | None:
    """A one-time link that is still good."""
    link = scope.session.get(StaffLink, digest(token))
    if link is None or link.used_at is not None or link.expires_at <= scope.now:
        return None
    return link, scope.session.get_one(Staff, link.staff_id)


def signed_in(scope: Scope, token: str) -> SignedIn | None:
    """Whom a session's cookie stands for; None: nobody, or it has run out."""
    session = scope.session.get(StaffSession, digest(token))
    if session is None or session.expires_at <= scope.now:
        return None
    staff = scope.session.get_one(Staff, session.staff_id)
    if not staff.active:
        return None
    held = roles(scope, staff.id)
    mine = next((pair for pair in held if pair[0].id == session.brand_id), None)
    if session.how == QUICK and (mine is None or mine[1].role not in QUICK_ROLES):
        return None  # its brand and a small role were all that it was good for
    if mine is None and len(held) == 1:
        mine = held[0]
    role = mine[1].role if mine else ""
    stores = stores_of(scope, mine[1]) if mine else None
    may = ROLES.get(role, frozenset())
    actor = Actor("staff", staff.id, staff.name or staff.email, role, may, stores)
    return SignedIn(
        actor,
        staff.email,
        staff.locale,
        brands.ref(mine[0]) if mine else None,
        _first_store(mine[1], stores) if mine else None,
        session,
    )


def _first_store(role: StaffRole, stores: frozenset[int] | None) -> int | None:
    """The store that the counter offers without asking."""
    if role.store_id is not None:
        return role.store_id
    return next(iter(stores)) if stores is not None and len(stores) == 1 else None
