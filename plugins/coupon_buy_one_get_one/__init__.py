"""Coupon type: pieces that come free or for less with others."""

from __future__ import annotations

from webapp.plugin_api import CouponType, hookimpl

from .coupon import BuyOneGetOne


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [BuyOneGetOne()]
