"""The sample brand of the tests: `acme`, CNY, Asia/Shanghai, with two stores and one person a role, each with the whole brand in reach."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.brands import service as brand_service
from webapp.kernel.db import Database
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.staff.models import Staff, StaffRole

CODE = "acme"
STORES = {"nanjing-road": "Nanjing Road", "xujiahui": "Xujiahui"}
ROLES = ("owner", "operator", "sender", "manager", "guide", "clerk")
BORN = datetime(2024, 1, 1, tzinfo=UTC)  # before anything that a test does


def email(role: str) -> str:
    return f"{role}@acme.example"


def database(url: str) -> Database:
    """A kernel Database as the app makes it, with a bell that nobody hears."""
    return Database(url, load_brand=brands.load)


def plant(url: str) -> None:
    """Brand, stores and staff. The staff have no password: tests sign in through tests.support.web."""
    db = database(url)

    def make(scope: Scope) -> BrandRef:
        return brand_service.new_brand(
            scope, code=CODE, name="Acme", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )

    def fill(scope: Scope) -> None:
        brand_service.store_ids(scope, set(STORES), make=True)
        for role in ROLES:
            staff = Staff(id=scope.new_id(), email=email(role), name=role.title(), created_at=scope.now)
            scope.session.add(staff)
            scope.session.flush()
            scope.session.add(
                StaffRole(
                    brand_id=scope.brand.id, id=scope.new_id(), staff_id=staff.id, role=role, store_id=None
                )
            )

    try:
        brand = db.write(make, now=BORN)
        db.write(fill, brand=brand, now=BORN)
    finally:
        db.close()


def brand(db: Database, code: str = CODE) -> BrandRef:
    """The brand of a code, as a scope carries it."""
    with db.read() as scope:
        found = brands.by_code(scope.session, code)
    assert found is not None, code
    return found


def actor(db: Database, role: str = "owner") -> Actor:
    """A member of staff with all that the role may do, as a request carries it."""
    from webapp.staff import service as staff

    with db.read() as scope:
        row = scope.session.scalars(select(Staff).where(Staff.email == email(role))).one()
    return Actor("staff", row.id, row.name, role, staff.permissions_of(role))
