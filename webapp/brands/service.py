"""Making brands and stores."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import select

from webapp.brands import queries
from webapp.brands.models import Brand, Store
from webapp.kernel.errors import UserError
from webapp.kernel.scope import BrandRef, Scope


def new_brand(
    scope: Scope, *, code: str, name: str, currency: str, timezone: str, region: str, locale: str = "en"
) -> BrandRef:
    """A brand. Raises UserError naming the field that cannot stand."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", code):
        raise UserError(f"code {code!r}: use small letters, digits and dashes, at most 40")
    if not name.strip() or len(name) > 120:
        raise UserError("name: give 1 to 120 characters")
    if currency not in list_currencies():
        raise UserError(f"currency {currency!r}: use an ISO 4217 code such as CNY")
    if timezone not in available_timezones():
        raise UserError(f"timezone {timezone!r}: use an IANA name such as Asia/Shanghai")
    if region not in SUPPORTED_REGIONS:
        raise UserError(f"region {region!r}: use a country code such as CN")
    if queries.by_code(scope.session, code) is not None:
        raise UserError(f"a brand {code!r} exists already")
    brand = Brand(
        id=scope.new_id(),
        code=code,
        name=name.strip(),
        currency=currency,
        timezone=timezone,
        region=region,
        locale=locale,
        created_at=scope.now,
    )
    scope.session.add(brand)
    scope.session.flush()
    scope.audit("brand.new", "brand", brand.id, code=code)
    return queries.ref(brand)


def store_ids(scope: Scope, codes: set[str], *, make: bool) -> dict[str, int]:
    """code -> id for those that exist; with `make`, the missing ones are made under their code as name."""
    rows = scope.session.execute(
        select(Store.code, Store.id).where(Store.brand_id == scope.brand.id, Store.code.in_(sorted(codes)))
    ).all()
    found = {row.code: row.id for row in rows}
    if make:
        for code in sorted(codes - found.keys()):
            store = Store(
                brand_id=scope.brand.id, id=scope.new_id(), code=code, name=code, address="", open=True
            )
            scope.session.add(store)
            found[code] = store.id
        scope.session.flush()
    return found
