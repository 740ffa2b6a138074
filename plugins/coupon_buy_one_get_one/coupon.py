"""Pieces that come free or for less with others, worked out from the basket's lines. All amounts are minor units.

Terms: `{"mode": "free" | "price" | "second" | "pair", "paid": int | None, "free": int | None, "percent": int | None,
"bought": str | None, "given": str | None, "most_sets": int | None}`; what does not belong to the mode is null.

How the sets are made: all pieces that count are laid out dearest first, those that cost the same in the order of the basket.

- free, price: they are taken `paid + free` at a time, and in each full set the last `free`, its cheapest, cost nothing. So
  the dear pieces make sets with dear pieces: of 100, 90, 20 and 10, two and two, 90 and 10 are free.
- second: they are taken two at a time, and the cheaper one of each two costs `percent` basis points less. What that saves is
  rounded down once for the basket.
- pair: as many pieces of the category `given` are free as there are pieces of the category `bought`: its cheapest ones.

`most_sets` keeps the first sets of that order. Pieces that are left over, and those that cost nothing, count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

from . import pieces

FREE, PRICE, SECOND, PAIR = "free", "price", "second", "pair"
BELONGS = {
    FREE: ("paid", "free"),
    PRICE: ("paid", "free"),
    SECOND: ("percent",),
    PAIR: ("bought", "given"),
}
MOST_PIECES = 100  # of one set
MOST_SETS = 1_000
WHOLE = 10_000  # basis points
LONGEST = 80  # characters of a category


class BuyOneGetOne(CouponType):
    """The cheapest of each full set free, the second piece for less, or a piece of another category free."""

    key = "buy_one_get_one"
    label = "Buy some, get some"
    needs = "lines"
    reasons: Mapping[str, str] = {
        "none_bought": "Nothing is in the basket that must be bought for it.",
        "none_given": "Nothing is in the basket yet that would come free.",
        "too_cheap": "The second piece is too cheap to cost less.",
    }
    fields = (
        TermField(
            "mode",
            "choice",
            "How it counts",
            default=FREE,
            choices=(
                (FREE, "Buy some, get the cheapest free"),
                (PRICE, "So many for the price of fewer"),
                (SECOND, "The second piece for less"),
                (PAIR, "Buy from one category, get a piece of another free"),
            ),
        ),
        TermField(
            "paid",
            "int",
            "Pieces paid",
            help="For the first two ways. Two paid and one free: buy two, get one free, or three for the price of two.",
            required=False,
            minimum=1,
            maximum=MOST_PIECES,
        ),
        TermField(
            "free",
            "int",
            "Pieces free",
            help="For the first two ways. Of each set, the cheapest ones.",
            required=False,
            minimum=1,
            maximum=MOST_PIECES,
        ),
        TermField(
            "percent",
            "percent",
            "Per cent off the second piece",
            help="For the third way. 50 is half price, 100 is free; the cheaper one of each two is the second.",
            required=False,
            minimum=1,
            maximum=WHOLE,
        ),
        TermField(
            "bought",
            "text",
            "Category that is bought",
            help="For the last way, as the till writes it.",
            required=False,
            maximum=LONGEST,
        ),
        TermField(
            "given",
            "text",
            "Category that comes free",
            help="For the last way, as the till writes it. One piece for each that is bought, the cheapest ones.",
            required=False,
            maximum=LONGEST,
        ),
        TermField(
            "most_sets",
            "int",
            "At most so many times in one basket",
            help="Blank: as often as the basket has it.",
            required=False,
            minimum=1,
            maximum=MOST_SETS,
        ),
    )

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """What the mode needs, and nothing of the other modes: what is typed there would count for nothing."""
        mode = terms.get("mode")
        if not isinstance(mode, str) or mode not in BELONGS:
            return [Problem("mode", "Choose how it counts.")]
        problems = [
            Problem(key, "This does not belong to what is chosen above. Leave it blank.")
            for keys in BELONGS.values()
            for key in keys
            if key not in BELONGS[mode] and terms.get(key) not in (None, "")
        ]
        problems = list({problem.field: problem for problem in problems}.values())
        for key in BELONGS[mode]:
            if key == "percent" and not _whole(terms.get(key), WHOLE):
                problems.append(Problem(key, "Give a percentage above 0 and at most 100."))
            if key in ("paid", "free") and not _whole(terms.get(key), MOST_PIECES):
                problems.append(
                    Problem(key, "Give a whole number from 1 to %(most)s.", {"most": MOST_PIECES})
                )
            if key in ("bought", "given") and not _named(terms.get(key)):
                problems.append(
                    Problem(key, "Name a category, with at most %(most)s characters.", {"most": LONGEST})
                )
        if terms.get("most_sets") is not None and not _whole(terms["most_sets"], MOST_SETS):
            problems.append(
                Problem(
                    "most_sets",
                    "Give a whole number from 1 to %(most)s, or leave it blank.",
                    {"most": MOST_SETS},
                )
            )
        if not problems and mode == PAIR and terms["bought"].strip() == terms["given"].strip():
            problems.append(
                Problem("given", "Name another category, or choose “buy some, get the cheapest free”.")
            )
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time. Without lines nothing is guessed."""
        if not basket.lines:
            return NotApplicable("needs_lines")
        found = _pair(terms, basket) if terms["mode"] == PAIR else _sets(terms, basket)
        if isinstance(found, NotApplicable):
            return found
        saving = sum(found)
        return Quote(saving, found) if saving else NotApplicable("too_cheap")

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What is bought and what comes with it, which pieces those are, and how often it counts.

        Chinese names the tenths that are paid (30 % off is 7折): that sentence is offered both figures, and a language
        prints the one that it uses; `%(fold).0s` is not printed.
        """
        mode, lines = terms["mode"], []
        if mode == PAIR:
            lines.append(
                _(
                    "Buy from %(bought)s, get a piece of %(given)s free",
                    bought=terms["bought"].strip(),
                    given=terms["given"].strip(),
                )
            )
            lines.append(_("One for each that is bought; the cheapest ones are free"))
        elif mode == SECOND:
            lines.append(_second(terms["percent"], _))
            lines.append(_("The cheaper one of each two counts as the second"))
        else:
            paid, free = terms["paid"], terms["free"]
            if mode == FREE:
                lines.append(_("Buy %(paid)s, get %(free)s free", paid=paid, free=free))
            else:
                lines.append(_("%(all)s for the price of %(paid)s", all=paid + free, paid=paid))
            lines.append(_("What costs least in each set is free"))
        most = terms.get("most_sets")
        if most == 1:
            lines.append(_("Counts once in one basket"))
        elif most is not None:
            lines.append(_("At most %(most)s times in one basket", most=most))
        return lines


def _sets(terms: Mapping[str, Any], basket: Basket) -> tuple[int, ...] | NotApplicable:
    """What each line is saved in the modes that make sets of all that counts."""
    second = terms["mode"] == SECOND
    paid, free = (1, 1) if second else (terms["paid"], terms["free"])
    runs, saved = pieces.dearest_first(enumerate(basket.lines)), [0] * len(basket.lines)
    missing = paid + free - pieces.counted(runs)
    if missing > 0:
        return NotApplicable("too_few", needs_pieces=missing)
    pieces.free_in_sets(runs, paid, free, _most(terms), saved)
    return pieces.share(saved, terms["percent"]) if second else tuple(saved)


def _pair(terms: Mapping[str, Any], basket: Basket) -> tuple[int, ...] | NotApplicable:
    """What each line of the given category is saved."""
    bought, given = (
        pieces.dearest_first(
            (at, line)
            for at, line in enumerate(basket.lines)
            if line.category.strip() == terms[which].strip()
        )
        for which in ("bought", "given")
    )
    if not bought:
        return NotApplicable("none_bought")
    if not given:
        return NotApplicable("none_given")
    saved = [0] * len(basket.lines)
    pieces.cheapest(given, min(pieces.counted(bought), pieces.counted(given), _most(terms)), saved)
    return tuple(saved)


def _most(terms: Mapping[str, Any]) -> int:
    """How often it counts; without a limit, more often than any basket has it."""
    limit = terms.get("most_sets")
    return 10**18 if limit is None else int(limit)


def _second(percent: int, _: Words) -> str:
    if percent == WHOLE:
        return _("The second piece free")
    if percent == WHOLE // 2:
        return _("The second piece half price")
    # Translators: fold is what is paid in tenths: 30% off is 7折.
    return _(
        "%(percent)s%% off the second piece%(fold).0s",
        percent=_decimal(percent, 2),
        fold=_decimal(WHOLE - percent, 3),
    )


def _whole(value: Any, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _named(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST


def _decimal(number: int, digits: int) -> str:
    """With a point before the last `digits`, and no more decimals than it needs: 1250 -> "12.5"."""
    whole, rest = divmod(number, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
