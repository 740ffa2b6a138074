"""Coupon type: a flash sale, with its page, its list for the shop's people, and a reminder before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.plugin_api import CouponType, PluginContext, PublicPage, StaffPage, hookimpl

from . import reminding
from .coupon import FlashSale
from .showing import remind, sale, sales


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [FlashSale()]


@hookimpl
def pages() -> list[PublicPage | StaffPage]:
    """The countdown for everybody; the list of sales, and its form."""
    return [
        PublicPage("", sale),
        StaffPage(
            "",
            sales,
            "coupons.view",
            label="Flash sales",
            help="What is on and what is coming, its countdown page, a reminder before it begins.",
        ),
        StaffPage("remind", remind, "coupons.view", posts=True),
    ]


@hookimpl
def work(ctx: PluginContext, name: str, payload: Mapping[str, Any]) -> None:
    """A reminder that is due."""
    if name == reminding.NAME:
        reminding.remind(ctx, payload)
