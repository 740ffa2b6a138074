"""An amount off the basket, with or without a least spend. All amounts are minor units; nothing is rounded.

Terms: `{"amount": int, "least": int | None}`. A voucher above the basket saves the basket, and no rest is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words


class Cash(CouponType):
    """The amount, or the whole basket where that costs less."""

    key = "cash"
    label = "Cash voucher"
    fields = (
        TermField(
            "amount",
            "money",
            "Amount off",
            help="A basket that costs less is free; no rest is kept or paid out.",
            minimum=1,
        ),
        TermField(
            "least",
            "money",
            "Least spend",
            help="Blank: it counts on any basket.",
            required=False,
            minimum=1,
        ),
    )

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """Amounts above zero."""
        problems = []
        if not _amount(terms.get("amount")):
            problems.append(Problem("amount", "Give an amount above zero."))
        if terms.get("least") is not None and not _amount(terms["least"]):
            problems.append(Problem("least", "Give an amount above zero, or leave it blank."))
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time."""
        total, least = basket.total_minor, terms.get("least") or 1
        if total < least:
            return NotApplicable("below_minimum", needs_minor=least - total)
        return Quote(min(terms["amount"], total))

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What it takes off and from when on; and, where a basket can cost less than that, what happens then."""
        amount, least = terms["amount"], terms.get("least")
        if least is None:
            lines = [_("%(amount)s off any basket", amount=money(amount))]
        else:
            lines = [
                _("%(amount)s off when you spend %(least)s or more", amount=money(amount), least=money(least))
            ]
        if (least or 1) < amount:
            lines.append(_("A basket that costs less is free; no change is given"))
        return lines


def _amount(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
