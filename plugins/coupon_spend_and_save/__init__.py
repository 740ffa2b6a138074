"""Coupon type: spend an amount, save an amount."""

from __future__ import annotations

from webapp.plugin_api import CouponType, hookimpl

from .coupon import SpendAndSave


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [SpendAndSave()]
