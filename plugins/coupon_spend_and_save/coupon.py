"""Spend X save Y: in steps of which the highest one reached counts, or for every full X. A step may hand over a gift instead
of money. All amounts are minor units.

Terms, version 2: `{"mode": "steps" | "every", "steps": [{"spend": int, "save": int | None, "gift": str | None}, ...],
"most": int | None}`; a row has either `save` or `gift`. Version 1 had no `gift`, and is read as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

STEPS, EVERY = "steps", "every"
MOST_STEPS = 20
LONGEST_GIFT = 120  # characters


class SpendAndSave(CouponType):
    """The highest step that the basket reaches, or the saving once for every full amount."""

    key = "spend_and_save"
    label = "Spend and save"
    terms_version = 2
    fields = (
        TermField(
            "mode",
            "choice",
            "How it counts",
            default=STEPS,
            choices=(
                (STEPS, "The highest step that the basket reaches"),
                (EVERY, "Once for every full amount"),
            ),
        ),
        TermField(
            "steps",
            "steps",
            "Steps",
            help="A row saves money or hands over a gift. For every full amount, fill in one row only, with money.",
            maximum=MOST_STEPS,
            columns=(
                TermField("spend", "money", "Spend at least", minimum=1),
                TermField("save", "money", "Save", required=False, minimum=1),
                TermField("gift", "text", "Or a gift", required=False, maximum=LONGEST_GIFT),
            ),
        ),
        TermField(
            "most",
            "money",
            "The most that it saves on one basket",
            help="Only where it counts for every full amount. Blank: no such limit.",
            required=False,
            minimum=1,
        ),
    )

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """Positive amounts, money or a gift, no saving above its spending, more saved on a higher step than on those below,
        and a limit that makes sense."""
        mode, rows, most = terms.get("mode"), terms.get("steps"), terms.get("most")
        if mode not in (STEPS, EVERY):
            return [Problem("mode", "Choose how it counts.")]
        if not isinstance(rows, list | tuple) or not rows:
            return [Problem("steps", "Fill in at least one row.")]
        if len(rows) > MOST_STEPS:
            return [Problem("steps", "At most %(most)s rows.", {"most": MOST_STEPS})]
        problems = [problem for at, row in enumerate(rows) for problem in _row_problems(at, row)]
        if problems:
            return problems
        if mode == EVERY:
            return _every_problems(rows, most)
        if most is not None:
            return [
                Problem("most", "This limit is for “once for every full amount”. Leave it blank for steps.")
            ]
        return _order_problems(rows)

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """Exact integers; the same answer every time."""
        total, steps = basket.total_minor, _ascending(terms)
        if total < steps[0].spend:
            return NotApplicable("below_minimum", needs_minor=steps[0].spend - total)
        if terms["mode"] == EVERY:
            saving = total // steps[0].spend * steps[0].save
            if terms.get("most") is not None:
                saving = min(saving, terms["most"])
            return Quote(min(saving, total))
        reached = next(step for step in reversed(steps) if total >= step.spend)
        return Quote(min(reached.save, total), gift=reached.gift)

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """One sentence a step, and what a shopper would ask next."""
        steps = _ascending(terms)
        if terms["mode"] == EVERY:
            lines = [
                _(
                    "Save %(save)s on every full %(spend)s",
                    spend=money(steps[0].spend),
                    save=money(steps[0].save),
                )
            ]
            if terms.get("most") is not None:
                lines.append(_("At most %(most)s off one basket", most=money(terms["most"])))
            return lines
        return [
            _("Spend %(spend)s, get a gift: %(gift)s", spend=money(step.spend), gift=step.gift)
            if step.gift
            else _("Spend %(spend)s, save %(save)s", spend=money(step.spend), save=money(step.save))
            for step in steps
        ]


class Step(NamedTuple):
    """One row of the terms; save is 0 where it hands over a gift, gift is blank where it saves."""

    spend: int
    save: int
    gift: str


def _ascending(terms: Mapping[str, Any]) -> list[Step]:
    return sorted(Step(row["spend"], row.get("save") or 0, _gift(row)) for row in terms["steps"])


def _gift(row: Mapping[str, Any]) -> str:
    """What a row hands over; blank: nothing. Terms of version 1 know none."""
    return (row.get("gift") or "").strip()


def _amount(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _row_problems(at: int, row: Any) -> list[Problem]:
    if not isinstance(row, Mapping):
        return [Problem("steps", "Fill in what is spent, and what that saves or gives.")]
    if row.get("gift") not in (None, ""):
        return _gift_problems(at, row)
    problems = [
        Problem(f"steps.{at}.{key}", "Give an amount above zero.")
        for key in ("spend", "save")
        if not _amount(row.get(key))
    ]
    if not problems and row["save"] > row["spend"]:
        problems.append(
            Problem(
                f"steps.{at}.save",
                "Not more than is spent: at most %(spend_minor)s.",
                {"spend_minor": row["spend"]},
            )
        )
    return problems


def _gift_problems(at: int, row: Mapping[str, Any]) -> list[Problem]:
    gift, problems = row["gift"], []
    if not _amount(row.get("spend")):
        problems.append(Problem(f"steps.{at}.spend", "Give an amount above zero."))
    if row.get("save") is not None:
        problems.append(Problem(f"steps.{at}.gift", "Money or a gift: leave one of them blank."))
    elif not (isinstance(gift, str) and gift.isprintable() and 0 < len(gift.strip()) <= LONGEST_GIFT):
        problems.append(
            Problem(
                f"steps.{at}.gift",
                "Say in one line what is given, with at most %(most)s characters.",
                {"most": LONGEST_GIFT},
            )
        )
    return problems


def _every_problems(rows: Any, most: Any) -> list[Problem]:
    if len(rows) > 1:
        return [Problem("steps", "For every full amount, fill in one row only.")]
    if _gift(rows[0]):
        return [Problem("steps.0.gift", "A gift goes with steps, not with every full amount.")]
    if most is not None and not _amount(most):
        return [Problem("most", "Give an amount above zero.")]
    if most is not None and most < rows[0]["save"]:
        return [
            Problem(
                "most",
                "At least what one full amount saves: %(save_minor)s.",
                {"save_minor": rows[0]["save"]},
            )
        ]
    return []


def _order_problems(rows: Any) -> list[Problem]:
    """No two rows begin alike; of those that save money a higher one saves more, whatever gifts stand between them."""
    order = sorted(range(len(rows)), key=lambda at: rows[at]["spend"])
    for low, high in pairwise(order):
        if rows[low]["spend"] == rows[high]["spend"]:
            return [Problem(f"steps.{max(low, high)}.spend", "Two rows begin at the same amount.")]
    for low, high in pairwise(at for at in order if not _gift(rows[at])):
        if rows[low]["save"] >= rows[high]["save"]:
            return [
                Problem(
                    f"steps.{high}.save",
                    "A higher step must save more: above %(save_minor)s.",
                    {"save_minor": rows[low]["save"]},
                )
            ]
    return []
