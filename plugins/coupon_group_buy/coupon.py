"""What a team must be, and what each of its coupons saves. All amounts are minor units.

Terms: `{"size": int, "minutes": int, "enough": int | None, "amount": int | None, "basis_points": int | None,
"most": int | None, "least": int | None}`: of `amount` and `basis_points` exactly one. A percentage is rounded down to a whole
minor unit, once a basket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

SMALLEST, LARGEST = 2, 50  # people of a team
SHORTEST, LONGEST = 5, 3 * 24 * 60  # minutes to fill one
WHOLE = 10_000  # basis points: all of the basket


class GroupBuy(CouponType):
    """Money off or a percentage off the basket of each member of a team that was full in time."""

    key = "group_buy"
    label = "Group buy"
    own_page = True
    fields = (
        TermField(
            "size",
            "int",
            "People of a team",
            help="Once so many have joined, everybody's coupon is good at once.",
            minimum=SMALLEST,
            maximum=LARGEST,
        ),
        TermField(
            "minutes",
            "int",
            "Minutes to fill it",
            help="From the moment a team is opened, 5 minutes to 3 days (4320). 1440 is a day.",
            default=24 * 60,
            minimum=SHORTEST,
            maximum=LONGEST,
        ),
        TermField(
            "enough",
            "int",
            "Enough when the time is up",
            help="With so many a team succeeds at the end although it is not full. Blank: only full teams succeed.",
            required=False,
            minimum=SMALLEST,
            maximum=LARGEST,
        ),
        TermField(
            "amount",
            "money",
            "Amount off",
            help="Off the basket of each of them. Blank: a percentage, below.",
            required=False,
            minimum=1,
        ),
        TermField(
            "basis_points",
            "percent",
            "Per cent off",
            help="Instead of an amount. 15 takes 15.00 off 100.00; what it saves is rounded down.",
            required=False,
            minimum=1,
            maximum=WHOLE,
        ),
        TermField(
            "most",
            "money",
            "The most that a percentage saves",
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
        """A team that can be filled, and one way to save."""
        problems = []
        size, minutes, enough = terms.get("size"), terms.get("minutes"), terms.get("enough")
        if not (_whole(size) and SMALLEST <= size <= LARGEST):
            problems.append(Problem("size", "Give a whole number from 2 to 50."))
        if not (_whole(minutes) and SHORTEST <= minutes <= LONGEST):
            problems.append(Problem("minutes", "Give a whole number of minutes from 5 to 4320."))
        if enough is not None and not (
            _whole(enough) and enough >= SMALLEST and (not _whole(size) or enough < size)
        ):
            problems.append(
                Problem("enough", "Give a number from 2 to one less than a full team, or leave it blank.")
            )
        amount, share = terms.get("amount"), terms.get("basis_points")
        if amount is None and share is None:
            problems.append(
                Problem("amount", "Say what each of them saves: an amount, or a percentage below.")
            )
        if amount is not None and share is not None:
            problems.append(Problem("basis_points", "Choose one: an amount off, or a percentage off."))
        if share is not None and not (_whole(share) and share <= WHOLE):
            problems.append(Problem("basis_points", "Give a percentage above 0 and at most 100."))
        problems += [
            Problem(key, "Give an amount above zero, or leave it blank.")
            for key in ("amount", "most", "least")
            if terms.get(key) is not None and not _whole(terms[key])
        ]
        if amount is not None and terms.get("most") is not None:
            problems.append(Problem("most", "Only a percentage has such a limit: leave it blank."))
        return problems

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time."""
        total, share = basket.total_minor, terms.get("basis_points")
        least = max(terms.get("least") or 1, -(-WHOLE // share) if share is not None else 1)
        if total < least:
            return NotApplicable("below_minimum", needs_minor=least - total)
        if share is None:
            return Quote(min(terms["amount"], total))
        saving = total * share // WHOLE
        return Quote(min(saving, terms["most"]) if terms.get("most") is not None else saving)

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What each saves, and what the team has to be.

        Chinese names the tenths that are paid (15 % off is 8.5折): the sentence is offered both figures, and a language
        prints the one that it uses; `%(fold).0s` is not printed.
        """
        share, size = terms.get("basis_points"), terms["size"]
        if share is None:
            lines = [
                _("%(amount)s off for each of a team of %(size)s", amount=money(terms["amount"]), size=size)
            ]
        elif share == WHOLE:
            lines = [_("The whole basket free for each of a team of %(size)s", size=size)]
        else:
            lines = [
                # Translators: fold is what is paid in tenths: 15% off is 8.5折.
                _(
                    "%(percent)s%% off%(fold).0s for each of a team of %(size)s",
                    percent=_decimal(share, 2),
                    fold=_decimal(WHOLE - share, 3),
                    size=size,
                )
            ]
        if terms.get("most") is not None:
            lines.append(_("At most %(most)s off one basket", most=money(terms["most"])))
        if terms.get("least") is not None:
            lines.append(_("From a purchase of %(least)s", least=money(terms["least"])))
        hours, rest = divmod(terms["minutes"], 60)
        if rest:
            lines.append(_("A team has %(minutes)s min to fill", minutes=terms["minutes"]))
        else:
            lines.append(_("A team has %(hours)s h to fill", hours=hours))
        if terms.get("enough") is not None:
            lines.append(_("When the time is up, %(enough)s are enough", enough=terms["enough"]))
        return lines


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _decimal(number: int, digits: int) -> str:
    """With a point before the last `digits`, and no more decimals than it needs: 1250 -> "12.5"."""
    whole, rest = divmod(number, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
