"""Coupons whose message never went out: taken away, and returned to the offer's stock and the person's allowance."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import insert, select, update

from webapp.coupons.issue import BATCH, return_to_stock
from webapp.coupons.models import Coupon, CouponChange
from webapp.kernel.scope import Scope


def give_back(scope: Scope, coupon_ids: Collection[int], reason: str) -> int:
    """Void those of at most a few hundred coupons that nobody has taken yet, and return them. Returns how many.

    One that its member has claimed meanwhile stays theirs. The order of rows is that of giving: coupons by id, allowances
    by person, the offer.
    """
    if not coupon_ids:
        return 0
    if len(coupon_ids) > BATCH:
        raise ValueError(f"at most {BATCH} coupons a unit")
    coupons = scope.session.scalars(
        select(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id.in_(coupon_ids), Coupon.state == "issued")
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not coupons:
        return 0
    scope.session.execute(
        update(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id.in_([one.id for one in coupons]))
        .values(state="void")
        .execution_options(synchronize_session=False)
    )
    ids = scope.new_ids(len(coupons))
    scope.session.execute(
        insert(CouponChange),
        [
            {
                "brand_id": scope.brand.id,
                "id": id_,
                "coupon_id": coupon.id,
                "from_state": "issued",
                "state": "void",
                "at": scope.now,
                "actor_kind": scope.actor.kind,
                "actor_id": scope.actor.id,
                "detail": {"reason": reason},
            }
            for coupon, id_ in zip(coupons, ids, strict=True)
        ],
    )
    return_to_stock(scope, coupons)
    scope.session.expire_all()
    return len(coupons)
