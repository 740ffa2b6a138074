"""A redemption is never an order. The order with its till number joins it, whichever of the two is known first.

Tills repeat their numbers, so the number alone would join strangers: the order must also be the same person's, within a day,
or the same store's on the same day. Of several the same person's counts first, then the nearest day, then the oldest order.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select, update

from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.queries import standing
from webapp.kernel.scope import Scope
from webapp.orders.models import Order


def join_orders(scope: Scope, first_id: int, last_id: int, order_ids: Sequence[int] = ()) -> int:
    """Orders have been recorded (ids first_id to last_id, and order_ids): each redemption that waits for one of them gets
    it. Returns how many did."""
    these = or_(Order.id.between(first_id, last_id), Order.id.in_(order_ids))
    rows = scope.session.execute(
        select(Redemption, Coupon, Order)
        .join(Coupon, and_(Coupon.brand_id == Redemption.brand_id, Coupon.id == Redemption.coupon_id))
        .join(Order, and_(Order.brand_id == Redemption.brand_id, Order.number == Redemption.till_number))
        .where(Redemption.brand_id == scope.brand.id, Redemption.order_id.is_(None), standing(), these)
        .order_by(Redemption.id)
    ).all()
    found: dict[int, tuple[Redemption, Coupon, list[Order]]] = {}
    for used, coupon, order in rows:
        found.setdefault(used.id, (used, coupon, []))[2].append(order)
    return sum(_join(scope, *one) for one in found.values())


def join_redemption(scope: Scope, used: Redemption, coupon: Coupon) -> bool:
    """A coupon was used: the till may have sent its order already."""
    if not used.till_number:
        return False
    orders = scope.session.scalars(
        select(Order).where(
            Order.brand_id == scope.brand.id,
            Order.source.in_(_sources(scope)),
            Order.number == used.till_number,
        )
    ).all()
    return _join(scope, used, coupon, orders)


def join_again(scope: Scope, redemption_id: int) -> bool:
    """The same for one that was committed without its order; nothing is to be done for one that was undone."""
    used = scope.session.get(Redemption, (scope.brand.id, redemption_id))
    if used is None or used.order_id is not None or used.open_coupon_id is None:
        return False
    coupon = scope.session.get_one(Coupon, (scope.brand.id, used.coupon_id))
    return join_redemption(scope, used, coupon)


def _sources(scope: Scope) -> list[str]:
    """The tills' names, each found by one step in the index (brand, source, number): a handful among millions of orders."""
    found: list[str] = []
    while True:
        after = Order.source > found[-1] if found else Order.source.is_not(None)
        source = scope.session.scalar(
            select(func.min(Order.source)).where(Order.brand_id == scope.brand.id, after)
        )
        if source is None:
            return found
        found.append(source)


def _join(scope: Scope, used: Redemption, coupon: Coupon, orders: Sequence[Order]) -> bool:
    ranked = sorted(
        (not _same_person(order, coupon), abs((order.ordered_on - used.redeemed_on).days), order.id)
        for order in orders
        if _fits(order, used, coupon)
    )
    if not ranked:
        return False
    done = scope.session.execute(
        update(Redemption)
        .where(Redemption.brand_id == scope.brand.id, Redemption.id == used.id, Redemption.order_id.is_(None))
        .values(order_id=ranked[0][2])
        .execution_options(synchronize_session=False)
    )
    scope.session.refresh(used)
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def _same_person(order: Order, coupon: Coupon) -> bool:
    return order.person_id is not None and order.person_id == coupon.person_id


def _fits(order: Order, used: Redemption, coupon: Coupon) -> bool:
    apart = abs((order.ordered_on - used.redeemed_on).days)
    here = order.store_id is not None and order.store_id == used.store_id
    return (_same_person(order, coupon) and apart <= 1) or (here and apart == 0)
