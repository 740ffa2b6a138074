"""The first owner: a one-time link while nobody owns the shop, the account, the first brand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.brands import service as brand_service
from webapp.brands.models import Brand
from webapp.kernel import instance, secrets
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.staff import queries as staff_queries
from webapp.staff import service as staff
from webapp.staff.models import Staff, StaffRole
from webapp.staff.service import PasswordHash

KEY = "first_link"  # instance setting: {"digest", "expires" (ISO)}
BEGUN = "first_brand"  # instance setting: the first brand was made
LIVES = timedelta(days=3)


def has_owner(scope: Scope) -> bool:
    """Does anybody own a brand of this shop?"""
    found = scope.session.scalar(
        select(StaffRole.id)
        .join(Staff, Staff.id == StaffRole.staff_id)
        .where(StaffRole.role == "owner", StaffRole.off_at.is_(None), Staff.active)
        .limit(1)
    )
    return found is not None


def new_link(scope: Scope) -> str | None:
    """The token of a new link for the first owner, the one before it ends; None where there is an owner."""
    if has_owner(scope):
        instance.forget(scope, KEY)
        return None
    token = secrets.token(24)
    expires = (scope.now + LIVES).isoformat()
    instance.put(scope, KEY, {"digest": secrets.digest(token), "expires": expires})
    return token


def is_good(scope: Scope, token: str) -> bool:
    """May this link still make an owner?"""
    kept = instance.get(scope, KEY)
    return (
        kept is not None
        and kept["digest"] == secrets.digest(token)
        and datetime.fromisoformat(kept["expires"]) > scope.now
        and not has_owner(scope)
    )


def sign_up(scope: Scope, token: str, *, email: str, name: str, password: PasswordHash) -> Staff | Refused:
    """Spend the link: the account, and every brand that has no owner is theirs. Raises UserError for a bad address.

    Refused: link_spent.
    """
    address = staff.clean_email(email)
    if not is_good(scope, token) or not instance.forget(scope, KEY):
        return Refused("link_spent")
    person = staff_queries.by_email(scope, address)
    if person is None:
        person = Staff(
            id=scope.new_id(), email=address, name="", locale="", active=True, created_at=scope.now
        )
        scope.session.add(person)
    person.name, person.active = name.strip(), True
    scope.session.flush()
    staff.set_password(scope, person, password)
    for brand in brands.all_refs(scope.session):
        staff.let_in(replace(scope, brand_or_none=brand), email=address, role="owner")
    scope.audit("shop.first_owner", "staff", person.id)
    return person


def may_begin(scope: Scope) -> bool:
    """Is there no brand yet? Then whoever came in by the first link makes it."""
    return scope.session.scalar(select(Brand.id).limit(1)) is None


def begin(
    scope: Scope,
    staff_id: int,
    *,
    code: str,
    name: str,
    currency: str,
    timezone: str,
    region: str,
    locale: str,
    colour: str,
) -> BrandRef | Refused:
    """The first brand; its maker owns it. Raises UserError naming a field that cannot stand. Refused: begun."""
    if not may_begin(scope) or not instance.claim(scope, BEGUN, True):
        return Refused("begun")
    made = brand_service.new_brand(
        scope, code=code, name=name, currency=currency, timezone=timezone, region=region, locale=locale
    )
    within = replace(scope, brand_or_none=made)
    brand_service.change_brand(within, name=name, colour=colour, locale=locale, region=region)
    person = scope.session.get_one(Staff, staff_id)
    staff.let_in(within, email=person.email, role="owner")
    return made
