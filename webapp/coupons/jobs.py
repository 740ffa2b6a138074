"""Orders that were recorded join the redemptions that wait for them."""

from __future__ import annotations

from typing import Any

from webapp.coupons import service
from webapp.coupons.join import join_again
from webapp.kernel.events import on
from webapp.kernel.scope import Scope


@on("orders.recorded", "coupons.join_orders")
def join_orders(scope: Scope, payload: dict[str, Any]) -> None:
    """Harmless when it happens twice: a redemption that has its order waits no longer."""
    service.join_orders(scope, payload["first_id"], payload["last_id"], payload["order_ids"])


@on("coupon.used", "coupons.join_used")
def join_used(scope: Scope, payload: dict[str, Any]) -> None:
    """The order and the redemption were written at the same moment: neither saw the other, and one of these two does."""
    join_again(scope, payload["redemption_id"])
