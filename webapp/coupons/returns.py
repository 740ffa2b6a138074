"""What a return of some of the goods changes. Pure: what stays and the coupons that were used in, the new savings and what is
paid back out.

The rules:

1. What stays is reckoned as if it alone had been bought, with the coupons that stand (quoting.reckon) and their own terms.
2. No coupon saves more than it did on the whole basket: a return makes nothing cheaper than it was.
3. Paid back is what has been paid and not been given back so far, less what is to pay now; never less than nothing. Where what
   stays costs more without a coupon than has been paid for it, nobody is asked for the difference (`short_minor`); it is
   remembered, so that what comes back later makes it good first. In however many times the same goods come back, the savings
   in the end are the same, and what is paid back in all is the most that any of these times owed; unless a coupon was taken
   back on the way that could have been used on what stays in the end. All of it back is everything paid back in any case.
4. A coupon that can no longer be used on what stays is taken back: its member has it again, or its offer, as its terms say. While
   something is short, and it did save money, the member still has a part of that: it stays used, and saves nothing any more.
5. If everything comes back, everything that was paid is paid back, and each coupon is undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from webapp.coupons import quoting
from webapp.kernel import money
from webapp.kernel.errors import Refused
from webapp.plugin_api import Basket, BasketLine

Line = Mapping[str, Any]  # as Redemption.lines keeps it


@dataclass(frozen=True, slots=True)
class Used:
    """A coupon that stands. saving_minor: now; first_minor: on the whole basket."""

    wish: quoting.Wish
    saving_minor: int
    first_minor: int


@dataclass(frozen=True, slots=True)
class After:
    """What becomes of it. fate: used (still), kept (used, and saves nothing any more), back (undone). lines: what each line of
    what stays is saved; empty without lines."""

    used: Used
    fate: Literal["used", "kept", "back"]
    saving_minor: int = 0
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Return:
    """left: what stays, as it is reckoned. paid_minor: paid so far, less what was given back. back_minor: to be paid back."""

    left: Basket
    paid_minor: int
    back_minor: int
    short_minor: int
    coupons: tuple[After, ...]

    @property
    def saving_minor(self) -> int:
        """What all save on what stays."""
        return sum(one.saving_minor for one in self.coupons)


def reckon(left: Basket, paid_minor: int, some: Sequence[Used]) -> Return | Refused:
    """Refused: parked, plugin_failed (a coupon's type cannot be asked now; nothing is taken back for that)."""
    bill = (
        quoting.reckon(left, [one.wish for one in some]) if left.total_minor else quoting.Bill(left, (), ())
    )
    for out in bill.unused:
        if out.why.code in ("parked", "plugin_failed"):
            return out.why
    applied = {one.wish.key: one for one in bill.applied}
    saves: dict[str, tuple[int, tuple[int, ...]]] = {}
    for one in some:
        if (found := applied.get(one.wish.key)) is not None:
            saving = min(found.saving_minor, one.first_minor)
            lines = found.lines
            if saving < found.saving_minor:
                lines = tuple(money.split(saving, lines))
            saves[one.wish.key] = saving, lines
    to_pay = left.total_minor - sum(saving for saving, _lines in saves.values())
    short = max(0, to_pay - paid_minor)
    none = tuple(0 for _line in left.lines)
    coupons = []
    for one in some:
        if one.wish.key in saves:
            coupons.append(After(one, "used", *saves[one.wish.key]))
        elif short and one.first_minor:
            coupons.append(After(one, "kept", 0, none))
        else:
            coupons.append(After(one, "back"))
    return Return(left, paid_minor, max(0, paid_minor - to_pay), short, tuple(coupons))


# ------------------------------------------------------------------------------------------------------------ the lines


def stays(lines: Sequence[Line], came: Sequence[int]) -> list[dict[str, Any]]:
    """The lines of a basket after so many pieces of each came back. What the rest of a line costs is counted from what was
    bought, so that it does not matter in how many times its pieces come. Raises ValueError for more pieces than there are.
    """
    if len(lines) != len(came):
        raise ValueError("a number of pieces for each line")
    left = []
    for line, back in zip(lines, came, strict=True):
        pieces = line["quantity"] - back
        if back < 0 or pieces < 0:
            raise ValueError("more pieces than there are")
        bought, cost = line.get("bought", line["quantity"]), line.get("bought_minor", line["amount_minor"])
        left.append(
            {
                **line,
                "quantity": pieces,
                "amount_minor": money.half_up(cost * pieces, bought),
                "bought": bought,
                "bought_minor": cost,
            }
        )
    return left


def basket_of(lines: Sequence[Line]) -> Basket:
    """The lines of which something stays, to be reckoned."""
    some = tuple(
        BasketLine(line["amount_minor"], line["quantity"], line["product"], line["category"])
        for line in lines
        if line["quantity"]
    )
    return Basket(sum(line.amount_minor for line in some), some)


def saved(lines: Sequence[Line], savings: Sequence[int]) -> list[dict[str, Any]]:
    """The lines with what each of those that stay is saved."""
    of = iter(savings)
    return [{**line, "saving_minor": next(of, 0) if line["quantity"] else 0} for line in lines]
