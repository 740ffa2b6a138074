"""Reading accounts, roles and sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.brands.models import Brand
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.kernel.secrets import digest
from webapp.staff.models import Staff, StaffLink, StaffRole, StaffSession
from webapp.staff.permissions import ROLES


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
    """The brands in which an account has a role, by name."""
    rows = scope.session.execute(
        select(Brand, StaffRole)
        .join(StaffRole, StaffRole.brand_id == Brand.id)
        .where(StaffRole.staff_id == staff_id)
        .order_by(Brand.name)
    ).all()
    return [(brand, role) for brand, role in rows]


def of_brand(scope: Scope) -> list[tuple[Staff, StaffRole]]:
    """Who works in the scope's brand."""
    rows = scope.session.execute(
        select(Staff, StaffRole)
        .join(StaffRole, StaffRole.staff_id == Staff.id)
        .where(StaffRole.brand_id == scope.brand.id)
        .order_by(Staff.email)
    ).all()
    return [(staff, role) for staff, role in rows]


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
    mine = next(
        (pair for pair in held if pair[0].id == session.brand_id), held[0] if len(held) == 1 else None
    )
    role = mine[1].role if mine else ""
    actor = Actor("staff", staff.id, staff.name or staff.email, role, ROLES.get(role, frozenset()))
    return SignedIn(
        actor,
        staff.email,
        staff.locale,
        brands.ref(mine[0]) if mine else None,
        mine[1].store_id if mine else None,
        session,
    )
