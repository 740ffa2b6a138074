"""Rows as they are answered."""

from __future__ import annotations

from typing import Any

from webapp.api import schemas as shape
from webapp.brands.models import Store
from webapp.coupons import promises, public_page, queries
from webapp.coupons.conditions import load
from webapp.coupons.models import Coupon, Offer, OfferTerms, Redemption
from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Scope


def store(row: Store) -> shape.StoreRef:
    """A store."""
    return shape.StoreRef(id=str(row.id), code=row.code, name=row.name)


def offer_ref(row: Offer) -> shape.OfferRef:
    """An offer, in short."""
    return shape.OfferRef(id=str(row.id), code=row.code, name=row.name)


def says(scope: Scope, row: Offer, terms: OfferTerms) -> list[str]:
    """What it promises and under which conditions, in the reader's language."""
    promised = queries.describe(scope, row, terms, pick_locale()) or []
    return [*promised, *promises.of_terms(scope, terms)]


def offer(scope: Scope, row: Offer, terms: OfferTerms) -> shape.Offer:
    """An offer as it is now."""
    said = load(terms.conditions)
    return shape.Offer(
        id=str(row.id),
        code=row.code,
        name=row.name,
        type=row.type_key,
        state=row.state,  # type: ignore[arg-type]  # drafts are left out by whoever asks
        stage=public_page.stage(scope, row, terms),
        says=says(scope, row, terms),
        currency=scope.brand.currency,
        least_minor=said.least_minor,
        left=None if row.stock is None else max(0, row.stock - row.issued),
        per_person=row.per_person,
        needs_code=bool(row.by_code),
        joins=said.joins,
        stores=[str(id_) for id_ in said.stores],
        claim_from=row.claim_from,
        claim_until=row.claim_until,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        valid_days=terms.valid_days,
    )


def coupon(scope: Scope, row: Coupon, of: Any = None) -> dict[str, Any]:
    """The fields of schemas.Coupon. of: what was read of its offer, where it was."""
    state = queries.shown_state(row, scope.now, scope.today)
    return {
        "id": str(row.id),
        "code": row.code,
        "state": state,
        "offer": offer_ref(of or queries.offer(scope, row.offer_id)),
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "held_until": row.held_until if state == "held" else None,
    }


def redemption(scope: Scope, row: Redemption, used: Coupon) -> shape.Redemption:
    """A coupon that was used."""
    return shape.Redemption(
        id=str(row.id),
        code=used.code,
        offer=offer_ref(queries.offer(scope, used.offer_id)),
        saving_minor=row.saving_minor,
        lines_minor=[line["saving_minor"] for line in row.lines or ()],
        gift=row.gift,
        redeemed_at=row.redeemed_at,
        reversed_at=row.reversed_at,
    )
