"""One receipt takes one coupon, unless all that were used on it join others."""

from __future__ import annotations

import hashlib

from sqlalchemy import and_, select

from webapp.coupons import conditions
from webapp.coupons.models import Coupon, Offer, OfferTerms, Redemption
from webapp.coupons.queries import ITS_OFFER, ITS_TERMS, standing
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import Idempotency, insert_or_ignore
from webapp.kernel.scope import Scope


def taken(scope: Scope, store_id: int | None, till: str, *, joins: bool) -> Refused | None:
    """Why a till number can take no coupon now: one that stands was used with it in this store today, and one of the two
    stands alone. joins: what is about to be used joins others. Refused: till_has_coupon.

    Asked by two units at the same time, the second waits for the first: a row for the receipt is what they both want.
    """
    if not till:
        return None
    _alone_with(scope, store_id, till)
    here = Redemption.store_id.is_(None) if store_id is None else Redemption.store_id == store_id
    rows = scope.session.execute(
        select(Redemption.id, Redemption.redeemed_at, Offer.name, OfferTerms.conditions)
        .join(Coupon, and_(Coupon.brand_id == Redemption.brand_id, Coupon.id == Redemption.coupon_id))
        .join(Offer, ITS_OFFER)
        .join(OfferTerms, ITS_TERMS)
        .where(
            Redemption.brand_id == scope.brand.id,
            Redemption.till_number == till,
            Redemption.redeemed_on == scope.today,
            here,
            standing(),
        )
        .order_by(Redemption.id)
    )
    for id_, at, offer, said in rows:
        if not joins or not conditions.load(said).joins:
            return Refused("till_has_coupon", {"id": id_, "at": at.isoformat(), "offer": offer})
    return None


def _alone_with(scope: Scope, store_id: int | None, till: str) -> None:
    """Wait for whoever is at the same receipt. The row is forgotten with the other keys of the day."""
    word = f"{store_id}:{scope.today}:{till}"
    key = f"till:{hashlib.sha256(word.encode()).hexdigest()[:40]}"
    scope.session.execute(
        insert_or_ignore(scope, Idempotency).values(
            brand_id=scope.brand.id, key=key, purpose="till", answer=None, created_at=scope.now
        )
    )
    where = (Idempotency.brand_id == scope.brand.id, Idempotency.key == key)
    scope.session.execute(select(Idempotency.key).where(*where).with_for_update())
