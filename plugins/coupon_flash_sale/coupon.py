"""One product at a special price, one piece a coupon. All amounts are minor units.

Terms: `{"product": str, "word": str | None, "price": int, "regular": int, "minutes": int | None}`.

With the basket's lines, the dearest piece of the product costs the special price. With a total alone, which the clerk gives
for what the coupon is about, it saves the regular price less the special one once the total reaches the regular price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

LONGEST = 80  # characters of a product
MOST_MINUTES = 24 * 60


class FlashSale(CouponType):
    """When and how many is the offer's own: its window of giving, and its stock."""

    key = "flash_sale"
    label = "Flash sale"
    needs = "either"
    reasons: Mapping[str, str] = {
        "not_in_basket": "The product of this flash sale is not in the basket.",
        "cheap_already": "The product costs no more than its flash price anyway.",
    }
    fields = (
        TermField(
            "product",
            "text",
            "Product",
            help="As members read it.",
            maximum=LONGEST,
        ),
        TermField(
            "word",
            "text",
            "What the till calls it",
            help="As it stands on the lines of a sale. Blank: as members read it.",
            required=False,
            maximum=LONGEST,
        ),
        TermField("price", "money", "Flash price of one piece", minimum=1),
        TermField("regular", "money", "Its price otherwise", minimum=2),
        TermField(
            "minutes",
            "int",
            "Minutes to buy it",
            help="Who takes one and does not buy within this time gives it back for the next. Blank: the coupon’s own days.",
            required=False,
            default=30,
            minimum=1,
            maximum=MOST_MINUTES,
        ),
    )

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """A product, a flash price below the regular one, minutes that make sense."""
        problems = []
        if not _named(terms.get("product")):
            problems.append(
                Problem("product", "Name the product, with at most %(most)s characters.", {"most": LONGEST})
            )
        if terms.get("word") not in (None, "") and not _named(terms["word"]):
            problems.append(
                Problem("word", "Name the product, with at most %(most)s characters.", {"most": LONGEST})
            )
        price, regular, minutes = terms.get("price"), terms.get("regular"), terms.get("minutes")
        problems += [
            Problem(key, "Give an amount above zero.")
            for key, value in (("price", price), ("regular", regular))
            if not _whole(value)
        ]
        if not problems and _whole(price) and _whole(regular) and price >= regular:
            problems.append(
                Problem(
                    "price",
                    "Less than its price otherwise: below %(regular_minor)s.",
                    {"regular_minor": regular},
                )
            )
        if minutes is not None and not (_whole(minutes) and minutes <= MOST_MINUTES):
            problems.append(
                Problem(
                    "minutes",
                    "Give a whole number from 1 to %(most)s, or leave it blank.",
                    {"most": MOST_MINUTES},
                )
            )
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time."""
        price, regular = terms["price"], terms["regular"]
        if not basket.lines:
            missing = regular - basket.total_minor
            return NotApplicable("below_price", missing) if missing > 0 else Quote(regular - price)
        word = till_word(terms)
        pieces = [
            (line.amount_minor // line.quantity, -at)
            for at, line in enumerate(basket.lines)
            if line.product.strip() == word
        ]
        if not pieces:
            return NotApplicable("not_in_basket")
        dearest, place = max(pieces)
        saving = dearest - price
        if saving <= 0:
            return NotApplicable("cheap_already")
        return Quote(saving, tuple(saving if at == -place else 0 for at in range(len(basket.lines))))

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What it costs and what it cost, and how long it is kept."""
        lines = [
            _(
                "%(product)s for %(price)s instead of %(regular)s",
                product=terms["product"].strip(),
                price=money(terms["price"]),
                regular=money(terms["regular"]),
            ),
            _("One piece with one coupon"),
        ]
        if terms.get("minutes") is not None:
            lines.append(
                _(
                    "Kept for you for %(minutes)s min from the moment you take it, then it goes to the next",
                    minutes=terms["minutes"],
                )
            )
        return lines

    def keeps(self, terms: Mapping[str, Any]) -> int | None:
        """The minutes to buy it."""
        minutes: int | None = terms.get("minutes")
        return minutes


def till_word(terms: Mapping[str, Any]) -> str:
    """What the product is called on the lines of a basket."""
    return str(terms.get("word") or "").strip() or str(terms["product"]).strip()


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _named(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST and value.isprintable()
