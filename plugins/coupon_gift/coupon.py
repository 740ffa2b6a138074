"""A gift or a prize, handed over at the counter. No basket, no money off. Amounts are minor units.

Terms: `{"gift": str, "note": str | None, "worth": int | None}`. A gift with a least spend is a step of `spend_and_save`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

LONGEST_GIFT = 120  # characters
LONGEST_NOTE = 200


class Gift(CouponType):
    """The same gift for everybody who hands the coupon in, once a coupon."""

    key = "gift"
    label = "Gift"
    needs = "nothing"
    fields = (
        TermField(
            "gift", "text", "What is given", help="Members read it: a tea cup with lid.", maximum=LONGEST_GIFT
        ),
        TermField(
            "note",
            "text",
            "Note to staff",
            help="Members never see it: the white boxes beside the till.",
            required=False,
            maximum=LONGEST_NOTE,
        ),
        TermField(
            "worth",
            "money",
            "What it is worth",
            help="Members never see it; it takes nothing off a basket.",
            required=False,
            minimum=1,
        ),
    )

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """A gift in words, and what staff read about it."""
        problems = []
        if not _line(terms.get("gift"), LONGEST_GIFT):
            problems.append(
                Problem(
                    "gift",
                    "Say in one line what is given, with at most %(most)s characters.",
                    {"most": LONGEST_GIFT},
                )
            )
        if terms.get("note") not in (None, "") and not _line(terms["note"], LONGEST_NOTE):
            problems.append(
                Problem("note", "Write one line with at most %(most)s characters.", {"most": LONGEST_NOTE})
            )
        worth = terms.get("worth")
        if worth is not None and not (isinstance(worth, int) and not isinstance(worth, bool) and worth > 0):
            problems.append(Problem("worth", "Give an amount above zero, or leave it blank."))
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """The gift, whatever the basket."""
        return Quote(0, gift=terms["gift"].strip())

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What is given, and that nothing has to be bought."""
        return [_("A gift: %(gift)s", gift=terms["gift"].strip()), _("Nothing has to be bought")]

    def for_staff(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """The note, and what the gift is worth."""
        lines = []
        if terms.get("note"):
            lines.append(_("Note: %(note)s", note=terms["note"].strip()))
        if terms.get("worth") is not None:
            lines.append(_("It is worth %(worth)s", worth=money(terms["worth"])))
        return lines


def _line(value: Any, most: int) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= most
