"""A percentage off the basket, with or without a limit and a least spend.

Terms: `{"basis_points": int, "most": int | None, "least": int | None}`: hundredths of a per cent (1500 is 15 %) and minor
units. The saving is rounded down to a whole minor unit, once a basket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

WHOLE = 10_000  # basis points: all of the basket


class PercentageOff(CouponType):
    """The share of the basket, rounded down, and never above the limit."""

    key = "percent"
    label = "Percentage off"
    fields = (
        TermField(
            "basis_points",
            "percent",
            "Per cent off",
            help="15 takes 15.00 off 100.00, and 85.00 is paid. What it saves is rounded down.",
            minimum=1,
            maximum=WHOLE,
        ),
        TermField(
            "most",
            "money",
            "The most that it saves on one basket",
            help="Blank: no such limit.",
            required=False,
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
        """A share of the basket, and amounts above zero."""
        problems = []
        share = terms.get("basis_points")
        if not (_whole(share) and share <= WHOLE):
            problems.append(Problem("basis_points", "Give a percentage above 0 and at most 100."))
        problems += [
            Problem(key, "Give an amount above zero, or leave it blank.")
            for key in ("most", "least")
            if terms.get(key) is not None and not _whole(terms[key])
        ]
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time. A basket whose share is below one minor unit saves nothing."""
        total, share = basket.total_minor, terms["basis_points"]
        least = max(terms.get("least") or 1, -(-WHOLE // share))
        if total < least:
            return NotApplicable("below_minimum", needs_minor=least - total)
        saving = total * share // WHOLE
        if terms.get("most") is not None:
            saving = min(saving, terms["most"])
        return Quote(saving)

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What it takes off, from when on and up to where.

        Chinese names the tenths that are paid (15 % off is 8.5折): every sentence is offered both figures, and a language
        prints the one that it uses; `%(fold).0s` is not printed.
        """
        share, most, least = terms["basis_points"], terms.get("most"), terms.get("least")
        facts = {"percent": _decimal(share, 2), "fold": _decimal(WHOLE - share, 3)}
        if least is None and share == WHOLE:
            line = _("The whole basket free")
        elif least is None:
            # Translators: fold is what is paid in tenths: 15% off is 8.5折.
            line = _("%(percent)s%% off%(fold).0s", **facts)
        elif share == WHOLE:
            line = _("The whole basket free when you spend %(least)s or more", least=money(least))
        else:
            # Translators: fold is what is paid in tenths: 15% off is 8.5折.
            line = _(
                "%(percent)s%% off%(fold).0s when you spend %(least)s or more", least=money(least), **facts
            )
        if most is None:
            return [line]
        return [line, _("At most %(most)s off one basket", most=money(most))]


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _decimal(number: int, digits: int) -> str:
    """With a point before the last `digits`, and no more decimals than it needs: 1250 -> "12.5"."""
    whole, rest = divmod(number, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
