"""Coupon type: an amount off the basket."""

from __future__ import annotations

from webapp.plugin_api import CouponType, hookimpl

from .coupon import Cash


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [Cash()]
