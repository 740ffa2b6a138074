"""Making brands and stores."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import select

from webapp.brands import queries
from webapp.brands.models import Brand, Store
from webapp.kernel.errors import NotFound, Refused, UserError
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


def change_brand(
    scope: Scope,
    *,
    name: str,
    colour: str,
    locale: str,
    region: str,
    timezone: str | None = None,
    currency: str | None = None,
) -> None:
    """Correct the brand. timezone, currency: only while nothing was written in them (the caller knows); None: as they are.

    Raises UserError naming the field that cannot stand.
    """
    brand = scope.session.get_one(Brand, scope.brand.id)
    if not name.strip() or len(name) > 120:
        raise UserError("name: give 1 to 120 characters")
    if colour and not re.fullmatch("#[0-9a-f]{6}", colour):
        raise UserError(f"colour {colour!r}: use a colour such as #b3261c")
    if region not in SUPPORTED_REGIONS:
        raise UserError(f"region {region!r}: use a country code such as CN")
    if timezone is not None and timezone not in available_timezones():
        raise UserError(f"timezone {timezone!r}: use an IANA name such as Asia/Shanghai")
    if currency is not None and currency not in list_currencies():
        raise UserError(f"currency {currency!r}: use an ISO 4217 code such as CNY")
    new: dict[str, str] = {"name": name.strip(), "colour": colour, "locale": locale, "region": region}
    new |= {"timezone": timezone} if timezone else {}
    new |= {"currency": currency} if currency else {}
    changed = [key for key, value in new.items() if getattr(brand, key) != value]
    for key in changed:
        setattr(brand, key, new[key])
    scope.session.flush()
    if changed:
        scope.audit("brand.change", "brand", brand.id, fields=sorted(changed))


def add_store(scope: Scope, *, name: str, code: str = "", address: str = "") -> Store | Refused:
    """A store; without a code, tills and files call it by its name.

    Refused: store_name, store_code, store_address (too long or blank), store_taken (facts: code), store_named (facts: name).
    """
    answer = _store_words(name, code, address)
    if isinstance(answer, Refused):
        return answer
    name, code, address = answer
    if scope.session.scalar(select(Store.id).where(Store.brand_id == scope.brand.id, Store.code == code)):
        return Refused("store_taken", {"code": code})
    if scope.session.scalar(select(Store.id).where(Store.brand_id == scope.brand.id, Store.name == name)):
        return Refused("store_named", {"name": name})
    store = Store(
        brand_id=scope.brand.id, id=scope.new_id(), code=code, name=name, address=address, open=True
    )
    scope.session.add(store)
    scope.session.flush()
    scope.audit("store.new", "store", store.id)
    return store


def change_store(
    scope: Scope, store_id: int, *, name: str, code: str, address: str, is_open: bool
) -> Store | Refused:
    """Rename, move, close or open again. A closed store keeps its members and orders; nothing new is offered there.

    Raises NotFound. Refused as in add_store.
    """
    store = scope.session.get(Store, (scope.brand.id, store_id))
    if store is None:
        raise NotFound(f"store {store_id}")
    answer = _store_words(name, code, address)
    if isinstance(answer, Refused):
        return answer
    name, code, address = answer
    other = scope.session.scalar(
        select(Store.id).where(Store.brand_id == scope.brand.id, Store.code == code, Store.id != store_id)
    )
    if other:
        return Refused("store_taken", {"code": code})
    was_open = store.open
    store.name, store.code, store.address, store.open = name, code, address, is_open
    scope.session.flush()
    verb = "store.change" if was_open == is_open else "store.open" if is_open else "store.close"
    scope.audit(verb, "store", store.id)
    return store


def _store_words(name: str, code: str, address: str) -> tuple[str, str, str] | Refused:
    name, address = name.strip(), address.strip()
    code = code.strip() or name[:60]
    if not 1 <= len(name) <= 120:
        return Refused("store_name")
    if not 1 <= len(code) <= 60 or not code.isprintable():
        return Refused("store_code")
    if len(address) > 200:
        return Refused("store_address")
    return name, code, address
