"""Making, changing, opening and closing offers. What an offer promises is a version; coupons keep theirs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as filled
from datetime import date
from typing import Any

from sqlalchemy import or_, update

from webapp.coupons import queries
from webapp.coupons.models import Offer, OfferTerms
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.plugin_api import Problem
from webapp.plugin_runtime import calls

MOST_PER_PERSON = 1000
MOST_DAYS = 3660
MOST_STOCK = 10**9
LATEST = date(2999, 12, 31)  # days are added to it when a coupon is taken


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """What staff write about an offer. terms: typed, as its coupon type declares them (money in minor units).

    code blank: one is made. stock None: unlimited. At least one of valid_days and valid_until is set.
    """

    name: str
    terms: Mapping[str, Any]
    code: str = ""
    stock: int | None = None
    per_person: int = 1
    valid_from: date | None = None
    valid_days: int | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that cannot stand. field: of OfferDetails, or a field of the terms where `problem` is the type's own."""

    field: str
    code: str
    facts: Mapping[str, Any] = filled(default_factory=dict)
    problem: Problem | None = None


def new_offer(
    scope: Scope, type_key: str, details: OfferDetails, *, state: str = "draft"
) -> Offer | list[Wrong]:
    """A new offer of a coupon type, and its first terms. Raises UserError when the brand has no such type."""
    details = _complete(scope, type_key, details)
    wrong = list(_check(scope, type_key, details, None))
    if wrong:
        return wrong
    offer_id = scope.new_id()
    offer = Offer(
        brand_id=scope.brand.id,
        id=offer_id,
        code=_code(scope, details, offer_id),
        name=details.name.strip(),
        type_key=type_key,
        terms_version=1,
        state="draft",
        stock=details.stock,
        issued=0,
        per_person=details.per_person,
        created_at=scope.now,
    )
    scope.session.add(offer)
    scope.session.flush()
    _add_version(scope, offer, details)
    scope.audit("offer.new", "offer", offer.id, type=type_key)
    if state == "open":
        opened = open_offer(scope, offer.id)
        if isinstance(opened, Refused):
            return [Wrong("valid_until", opened.code, opened.facts)]
    return offer


def change_offer(scope: Scope, offer_id: int, details: OfferDetails) -> Offer | list[Wrong]:
    """Correct an offer. Other terms or another window are a new version: coupons that are out keep the old one."""
    offer = queries.offer(scope, offer_id)
    details = _complete(scope, offer.type_key, details)
    wrong = list(_check(scope, offer.type_key, details, offer))
    if wrong:
        return wrong
    # The stock may not fall below what is issued, and that number may rise at this very moment.
    enough = (
        Offer.issued <= details.stock
        if details.stock is not None
        else or_(Offer.stock.is_(None), Offer.stock >= 0)
    )
    kept = scope.session.execute(
        update(Offer)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id, enough)
        .values(
            name=details.name.strip(),
            code=details.code.strip() or offer.code,
            stock=details.stock,
            per_person=details.per_person,
        )
        .execution_options(synchronize_session=False)
    )
    scope.session.refresh(offer)
    if kept.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        return [Wrong("stock", "stock_below_issued", {"issued": offer.issued})]
    now = queries.terms(scope, offer_id, offer.terms_version)
    before = (now.terms, now.valid_from, now.valid_days, now.valid_until)
    after = (dict(details.terms), details.valid_from, details.valid_days, details.valid_until)
    if before != after:
        offer.terms_version += 1
        _add_version(scope, offer, details)
    scope.session.flush()
    scope.audit("offer.change", "offer", offer.id, version=offer.terms_version)
    return offer


def open_offer(scope: Scope, offer_id: int) -> Offer | Refused:
    """Coupons can be given from now on."""
    offer = queries.offer(scope, offer_id)
    if offer.state == "open":
        return offer
    if calls.coupon_type(scope, offer.type_key) is None:
        return Refused("parked", {"type": offer.type_key})
    terms = queries.terms(scope, offer_id, offer.terms_version)
    if terms.valid_until is not None and terms.valid_until < scope.today:
        return Refused("over", {"until": terms.valid_until.isoformat()})
    offer.state = "open"
    scope.session.flush()
    scope.audit("offer.open", "offer", offer.id)
    return offer


def close_offer(scope: Scope, offer_id: int) -> Offer:
    """No new coupons; those that are out stay good."""
    offer = queries.offer(scope, offer_id)
    if offer.state == "open":
        offer.state = "closed"
        scope.session.flush()
        scope.audit("offer.close", "offer", offer.id)
    return offer


def _add_version(scope: Scope, offer: Offer, details: OfferDetails) -> None:
    bound = calls.coupon_type(scope, offer.type_key)
    scope.session.add(
        OfferTerms(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            offer_id=offer.id,
            version=offer.terms_version,
            type_version=bound.impl.terms_version if bound else 1,
            terms=dict(details.terms),
            valid_from=details.valid_from,
            valid_days=details.valid_days,
            valid_until=details.valid_until,
            created_at=scope.now,
        )
    )
    scope.session.flush()


def _complete(scope: Scope, type_key: str, details: OfferDetails) -> OfferDetails:
    """With the defaults of terms that were not given. Raises UserError for a type or a term that nobody knows."""
    bound = calls.coupon_type(scope, type_key)
    if bound is None:
        raise UserError(f"coupon type {type_key!r} is not there for this brand: switch its plugin on")
    defaults = {term.key: term.default for term in bound.impl.fields}
    unknown = sorted(details.terms.keys() - defaults.keys())
    if unknown:
        raise UserError(f"{type_key} has no term {unknown[0]!r}: it has {', '.join(defaults)}")
    return replace(details, terms=defaults | dict(details.terms))


def _code(scope: Scope, details: OfferDetails, offer_id: int) -> str:
    """The one that was typed, or one made of the name, or of the id where that is taken or says nothing."""
    if details.code.strip():
        return details.code.strip()
    plain = unicodedata.normalize("NFKD", details.name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30].strip("-")
    return (
        made if made and queries.offer_by_code(scope, made) is None else f"{made or 'offer'}-{offer_id}"[:40]
    )


def _check(scope: Scope, type_key: str, details: OfferDetails, offer: Offer | None) -> Iterator[Wrong]:
    bound = calls.coupon_type(scope, type_key)
    assert bound is not None  # _complete has asked
    if not 1 <= len(details.name.strip()) <= 120 or not details.name.strip().isprintable():
        yield Wrong("name", "name_length")
    code = details.code.strip()
    if code and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", code):
        yield Wrong("code", "code_bad")
    elif (
        code
        and (held := queries.offer_by_code(scope, code)) is not None
        and (offer is None or held.id != offer.id)
    ):
        yield Wrong("code", "code_taken")
    if details.stock is not None and not 1 <= details.stock <= MOST_STOCK:
        yield Wrong("stock", "out_of_range", {"least": 1, "most": MOST_STOCK})
    elif details.stock is not None and offer is not None and details.stock < offer.issued:
        yield Wrong("stock", "stock_below_issued", {"issued": offer.issued})
    if not 1 <= details.per_person <= MOST_PER_PERSON:
        yield Wrong("per_person", "out_of_range", {"least": 1, "most": MOST_PER_PERSON})
    yield from _check_window(scope, details, offer)
    found = calls.decide(bound.plugin, lambda: bound.impl.check(details.terms))
    if isinstance(found, Refused):
        yield Wrong("name", found.code, found.facts)
    else:
        yield from (Wrong(problem.field, "terms", problem.facts, problem) for problem in found)


def _check_window(scope: Scope, details: OfferDetails, offer: Offer | None) -> Iterator[Wrong]:
    if details.valid_days is None and details.valid_until is None:
        yield Wrong("valid_days", "no_end")
    if details.valid_days is not None and not 1 <= details.valid_days <= MOST_DAYS:
        yield Wrong("valid_days", "out_of_range", {"least": 1, "most": MOST_DAYS})
    if details.valid_from is not None and details.valid_from > LATEST:
        yield Wrong("valid_from", "out_of_range", {"least": scope.today, "most": LATEST})
    if details.valid_until is None:
        return
    if details.valid_from is not None and details.valid_until < details.valid_from:
        yield Wrong("valid_until", "ends_before_it_begins")
    elif details.valid_until < scope.today:
        known = None if offer is None else queries.terms(scope, offer.id, offer.terms_version).valid_until
        if known != details.valid_until:  # an offer that is over may still be renamed
            yield Wrong("valid_until", "ends_in_the_past")
