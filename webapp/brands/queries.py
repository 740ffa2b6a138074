"""Reading brands and stores."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.brands.models import Brand, BrandLogo, Store
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import reaches
from webapp.kernel.scope import BrandRef, Scope


def ref(brand: Brand) -> BrandRef:
    """The snapshot that a scope carries."""
    return BrandRef(
        brand.id,
        brand.code,
        brand.name,
        brand.currency,
        brand.timezone,
        brand.region,
        brand.locale,
        brand.colour,
        brand.logo,
    )


def load(session: Session, brand_id: int) -> BrandRef:
    """By id. Raises NotFound."""
    brand = session.get(Brand, brand_id)
    if brand is None:
        raise NotFound(f"brand {brand_id}")
    return ref(brand)


def by_code(session: Session, code: str) -> BrandRef | None:
    """By the code that commands use."""
    brand = session.scalars(select(Brand).where(Brand.code == code)).one_or_none()
    return ref(brand) if brand else None


def all_refs(session: Session) -> list[BrandRef]:
    """Every brand, for what runs over all of them."""
    return [ref(brand) for brand in session.scalars(select(Brand).order_by(Brand.id))]


def stores_in_reach(scope: Scope) -> list[Store]:
    """Those in which the actor works; all of them for who sees the whole brand."""
    return [store for store in stores(scope) if reaches(scope, store.id)]


def stores(scope: Scope) -> Sequence[Store]:
    """The brand's stores by code."""
    return scope.session.scalars(
        select(Store).where(Store.brand_id == scope.brand.id).order_by(Store.code)
    ).all()


def logo(scope: Scope) -> BrandLogo | None:
    """The brand's picture, if it has one."""
    return scope.session.get(BrandLogo, scope.brand.id)
