"""A coupon type that keeps what is taken for little more than a second, so that a drill sees many holds end by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.plugin_api import Basket, CouponType, Problem, Quote, TermField, hookimpl

SECONDS = 1.5


class Moment(CouponType):
    key = "moment"
    label = "Moment"
    fields = (TermField("save", "money", "Saves", minimum=1),)

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        return []

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote:
        return Quote(min(terms["save"], basket.total_minor))

    def describe(self, terms: Mapping[str, Any], money: Any, _: Any) -> list[str]:
        return [_("One less")]

    def keeps(self, terms: Mapping[str, Any]) -> float:  # type: ignore[override]  # a fraction of a minute will do here
        return SECONDS / 60


@hookimpl
def coupon_types() -> list[CouponType]:
    return [Moment()]
