"""Keys of tills and shops: made and revoked by an owner, recognised by their digest. The word names its brand."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from webapp.api.models import ApiKey
from webapp.brands import queries as brands
from webapp.brands.models import Brand, Store
from webapp.kernel import secrets
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.model import table_of
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.plugin_runtime.context import box
from webapp.staff.models import Staff, StaffRole

PREFIX = "rgk_"  # so that a key that was left in a file is seen for what it is
NAME = 80
SECRET = 24  # bytes
# scope -> what the services are told that it may do
SCOPES: Mapping[str, frozenset[str]] = {
    "offers": frozenset(),
    "claim": frozenset(),
    "coupons": frozenset(),
    "redeem": frozenset({"counter.redeem"}),
    "reverse": frozenset({"counter.reverse"}),
}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key in the owner's list. store: its name, blank for the whole brand; maker: who made it; left_at: since when they no
    longer work here."""

    key: ApiKey
    store: str
    maker: str
    left_at: datetime | None = None


def listed(scope: Scope) -> list[KeyRow]:
    """All keys of the brand, those that work first, the newest on top."""
    rows = scope.session.execute(
        select(ApiKey, Store.name, Staff.name, Staff.email, StaffRole.off_at)
        .outerjoin(Store, and_(Store.brand_id == ApiKey.brand_id, Store.id == ApiKey.store_id))
        .join(Staff, Staff.id == ApiKey.made_by)
        .outerjoin(
            StaffRole, and_(StaffRole.brand_id == ApiKey.brand_id, StaffRole.staff_id == ApiKey.made_by)
        )
        .where(ApiKey.brand_id == scope.brand.id)
        .order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
    )
    return [KeyRow(key, store or "", name or email, left) for key, store, name, email, left in rows]


def at_work(scope: Scope, staff_id: int) -> list[str]:
    """Names of the keys that somebody made and that still open something, the newest first."""
    mine = (ApiKey.brand_id == scope.brand.id, ApiKey.made_by == staff_id, ApiKey.revoked_at.is_(None))
    return list(scope.session.scalars(select(ApiKey.name).where(*mine).order_by(ApiKey.id.desc())))


def make(
    scope: Scope, *, name: str, scopes: Collection[str], store_id: int | None, key: str
) -> tuple[ApiKey, str] | Refused:
    """A new key and its secret, which is written down nowhere. key: of the form; a form that is sent twice makes one key,
    and the same secret. Refused: name, scopes, store (facts: field)."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME:
        return Refused("name", {"field": "name"})
    wanted = [one for one in SCOPES if one in scopes]
    if not wanted or len(wanted) != len(set(scopes)):
        return Refused("scopes", {"field": "scopes"})
    if store_id is not None and store_id not in {store.id for store in brands.stores(scope)}:
        return Refused("store", {"field": "store"})
    secret = _secret(scope.brand.id, scope.actor.id, key)
    digest = secrets.digest(secret)
    made = scope.session.scalars(
        select(ApiKey).where(ApiKey.brand_id == scope.brand.id, ApiKey.digest == digest)
    ).one_or_none()
    if made is not None:
        return made, secret
    made = ApiKey(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        name=name,
        digest=digest,
        scopes=wanted,
        store_id=store_id,
        made_by=scope.actor.id,
        created_at=scope.now,
        last_used_on=None,
        revoked_at=None,
        revoked_by=None,
    )
    scope.session.add(made)
    scope.session.flush()
    scope.audit("api_key.new", "api_key", made.id, scopes=wanted, store=store_id)
    return made, secret


def revoke(scope: Scope, key_id: int) -> bool:
    """It opens nothing from now on; False: it did not before. Raises NotFound."""
    if scope.session.get(ApiKey, (scope.brand.id, key_id)) is None:
        raise NotFound(f"api key {key_id}")
    done = scope.session.execute(
        update(ApiKey)
        .where(ApiKey.brand_id == scope.brand.id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=scope.now, revoked_by=scope.actor.id)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        return False
    scope.audit("api_key.revoke", "api_key", key_id)
    return True


@dataclass(frozen=True, slots=True)
class Key:
    """A key that works, as whoever asks with it is known (models.ApiKey)."""

    id: int
    name: str
    scopes: Sequence[str]
    store_id: int | None
    made_by: int
    last_used_on: date | None


_KEY = len(fields(Key))


def find(db: Database, secret: str) -> tuple[Key, BrandRef] | None:
    """The key of a secret, if it works, and its brand."""
    if not secret.startswith(PREFIX) or not secret.isascii() or len(secret) > 80:
        return None
    brand_id = secrets.brand_of(secret.removeprefix(PREFIX))
    if brand_id is None:
        return None
    rows = db.glance(_with_brand(), of_brand=brand_id, digest=secrets.digest(secret))
    return next(((Key(*row[:_KEY]), BrandRef(*row[_KEY:])) for row in rows), None)


@cache
def _with_brand() -> Any:
    """Built once a process: every request asks it."""
    key, brand = table_of(ApiKey), table_of(Brand)
    return (
        select(*(key.c[one.name] for one in fields(Key)), *(brand.c[one.name] for one in fields(BrandRef)))
        .join_from(key, brand, brand.c.id == key.c.brand_id)
        .where(
            key.c.brand_id == bindparam("of_brand"),
            key.c.digest == bindparam("digest"),
            key.c.revoked_at.is_(None),
        )
    )


def actor(key: Key) -> Actor:
    """Who acts by it: the key itself, in the name of whoever made it, in its store."""
    may = frozenset[str]().union(*(SCOPES.get(one, frozenset()) for one in key.scopes))
    stores = None if key.store_id is None else frozenset({key.store_id})
    return Actor("api", key.id, key.name, permissions=may, stores=stores, behalf=key.made_by)


def used(scope: Scope, key_id: int) -> None:
    """It was used today."""
    scope.session.execute(
        update(ApiKey)
        .where(
            ApiKey.brand_id == scope.brand.id,
            ApiKey.id == key_id,
            or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on < scope.today),
        )
        .values(last_used_on=scope.today)
        .execution_options(synchronize_session=False)
    )


def _secret(brand_id: int, staff_id: int, key: str) -> str:
    """Unguessable without the instance's key, and the same for a form that is sent twice."""
    raw = bytes.fromhex(box().derive(f"api key {brand_id} {staff_id} {key}"))[:SECRET]
    return PREFIX + base64.urlsafe_b64encode(secrets.packed(brand_id) + raw).rstrip(b"=").decode()
