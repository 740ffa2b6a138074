"""Brands and stores."""

from __future__ import annotations

from typing import Any

from webapp.brands import service
from webapp.brands.models import Store
from webapp.kernel.scope import BrandRef, Scope


def make_brand(scope: Scope, code: str = "other", **more: Any) -> BrandRef:
    """A second brand, for tests of the fence. In a unit without a brand."""
    values = {"name": code.title(), "currency": "CNY", "timezone": "Asia/Shanghai", "region": "CN"} | more
    return service.new_brand(scope, code=code, **values)


def make_store(scope: Scope, code: str = "west") -> Store:
    """A store of the scope's brand; the one there is, if it has the code."""
    store_id = service.store_ids(scope, {code}, make=True)[code]
    return scope.session.get_one(Store, (scope.brand.id, store_id))
