"""Spend X save Y: in steps of which the highest one reached counts, or for every full X. All amounts are minor units.

Terms: `{"mode": "steps" | "every", "steps": [{"spend": int, "save": int}, ...], "most": int | None}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_api.coupon_type import Money, Words

STEPS, EVERY = "steps", "every"
MOST_STEPS = 20


class SpendAndSave(CouponType):
    """The highest step that the basket reaches, or the saving once for every full amount."""

    key = "spend_and_save"
    label = "Spend and save"
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
            help="For every full amount, fill in one row only.",
            maximum=MOST_STEPS,
            columns=(
                TermField("spend", "money", "Spend at least", minimum=1),
                TermField("save", "money", "Save", minimum=1),
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
        """Positive amounts, no saving above its spending, more saved on a higher step, and a limit that makes sense."""
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
        if total < steps[0][0]:
            return NotApplicable("below_minimum", needs_minor=steps[0][0] - total)
        if terms["mode"] == EVERY:
            spend, save = steps[0]
            saving = total // spend * save
            if terms.get("most") is not None:
                saving = min(saving, terms["most"])
        else:
            saving = next(save for spend, save in reversed(steps) if total >= spend)
        return Quote(min(saving, total))

    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """One sentence a step, and what a shopper would ask next."""
        steps = _ascending(terms)
        if terms["mode"] == EVERY:
            spend, save = steps[0]
            lines = [_("Save %(save)s on every full %(spend)s", spend=money(spend), save=money(save))]
            if terms.get("most") is not None:
                lines.append(_("At most %(most)s off one basket", most=money(terms["most"])))
            return lines
        return [
            _("Spend %(spend)s, save %(save)s", spend=money(spend), save=money(save)) for spend, save in steps
        ]


def _ascending(terms: Mapping[str, Any]) -> list[tuple[int, int]]:
    return sorted((row["spend"], row["save"]) for row in terms["steps"])


def _amount(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _row_problems(at: int, row: Any) -> list[Problem]:
    if not isinstance(row, Mapping):
        return [Problem("steps", "Fill in both amounts of a row.")]
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


def _every_problems(rows: Any, most: Any) -> list[Problem]:
    if len(rows) > 1:
        return [Problem("steps", "For every full amount, fill in one row only.")]
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
    order = sorted(range(len(rows)), key=lambda at: rows[at]["spend"])
    for low, high in pairwise(order):
        if rows[low]["spend"] == rows[high]["spend"]:
            return [Problem(f"steps.{max(low, high)}.spend", "Two rows begin at the same amount.")]
        if rows[low]["save"] >= rows[high]["save"]:
            return [
                Problem(
                    f"steps.{high}.save",
                    "A higher step must save more: above %(save_minor)s.",
                    {"save_minor": rows[low]["save"]},
                )
            ]
    return []
