"""Members who take coupons in the tests of taking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update

from tests import factories as make
from webapp.coupons import auditing
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance
from webapp.coupons.take import take
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)


def begin(db: Database, brand: BrandRef, count: int = 3, **offer: Any) -> tuple[int, list[int]]:
    def unit(scope: Scope) -> tuple[int, list[int]]:
        return make.make_offer(scope, **offer).id, [one.id for one in make.make_members(scope, count)]

    return db.write(unit, brand=brand, now=NOON)


class Shop:
    """Takes in a unit each, as an edge does."""

    def __init__(self, db: Database, brand: BrandRef, offer_id: int) -> None:
        self.db, self.brand, self.offer_id = db, brand, offer_id

    def take(self, member_id: int, key: str, *, code: str = "", now: datetime = NOON) -> Coupon | Refused:
        return self.db.write(
            lambda scope: take(scope, self.offer_id, member_id, key, code=code),
            brand=self.brand,
            actor=Actor("member", member_id),
            now=now,
        )

    def says(self, member_id: int, key: str, **more: Any) -> str:
        answer = self.take(member_id, key, **more)
        return answer.code if isinstance(answer, Refused) else answer.state

    def change(self, **values: Any) -> None:
        self.db.write(
            lambda scope: scope.session.execute(
                update(Offer).where(Offer.id == self.offer_id).values(**values)
            ),
            brand=self.brand,
        )

    def counted(self) -> dict[str, int]:
        """Rows and counters, while every promise holds."""
        assert [one.promise.key for one in auditing.check(self.db, self.brand) if one.broken] == []
        with self.db.read(brand=self.brand) as scope:
            asked = {
                "coupons": select(func.count()).select_from(Coupon),
                "steps": select(func.count()).select_from(CouponChange),
                "issued": select(Offer.issued).where(Offer.id == self.offer_id),
                "persons": select(func.coalesce(func.sum(OfferAllowance.used), 0)),
            }
            return {name: scope.session.scalar(query) or 0 for name, query in asked.items()}
