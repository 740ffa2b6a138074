"""Coupon type: a gift."""

from __future__ import annotations

from webapp.plugin_api import CouponType, hookimpl

from .coupon import Gift


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [Gift()]
