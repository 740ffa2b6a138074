"""The contract of coupon types finds what authors get wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from webapp.plugin_api import Basket, CouponType, NotApplicable, Problem, Quote, TermField
from webapp.plugin_testing.coupon_type import CouponTypeContract


class Percent(CouponType):
    """A sound type: a share of baskets from a minimum on."""

    key = "percent"
    label = "Percent"
    fields = (
        TermField("percent", "int", "Percent", minimum=1, maximum=100),
        TermField("least", "money", "From", required=False, minimum=1),
    )
    reasons: Mapping[str, str] = {"too_small": "The basket is too small."}

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        percent, least = terms.get("percent"), terms.get("least")
        if not isinstance(percent, int) or not 1 <= percent <= 100:
            return [Problem("percent", "Between 1 and 100.")]
        if least is not None and (not isinstance(least, int) or isinstance(least, bool) or least < 1):
            return [Problem("least", "Above zero.")]
        return []

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        least = terms.get("least") or 1
        if basket.total_minor < least:
            return NotApplicable("below_minimum", least - basket.total_minor)
        return Quote(max(1, basket.total_minor * terms["percent"] // 100))

    def describe(self, terms: Mapping[str, Any], money: Any, _: Any) -> list[str]:
        return [_("%(percent)s %% off", percent=terms["percent"])]


class SavesMoreThanTheBasket(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        return Quote(answer.saving_minor + 1) if isinstance(answer, Quote) else answer


class SavesNothing(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return Quote(basket.total_minor * terms["percent"] // 100)


class Floats(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Any:
        answer = super().quote(terms, basket)
        return Quote(float(answer.saving_minor)) if isinstance(answer, Quote) else answer  # type: ignore[arg-type]


class Remembers(Percent):
    asked = 0

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        Remembers.asked += 1
        return Quote(1 + Remembers.asked % 2) if basket.total_minor > 1 else super().quote(terms, basket)


class AsksForTooMuch(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        return (
            NotApplicable("below_minimum", answer.needs_minor + 1)
            if getattr(answer, "needs_minor", None)
            else answer
        )  # type: ignore[union-attr, operator]


class GivesNoReason(Percent):
    reasons: Mapping[str, str] = {}

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        return NotApplicable("too_small") if isinstance(answer, NotApplicable) else answer


class Trips(Percent):
    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        return [] if 1 <= terms["percent"] <= 100 else [Problem("percent", "Between 1 and 100.")]


class SpeaksEnglishOnly(Percent):
    def describe(self, terms: Mapping[str, Any], money: Any, _: Any) -> list[str]:
        return [f"{terms['percent']} % off"]


def contract(kind: CouponType) -> None:
    """All of the contract, as pytest would run it."""

    class Suite(CouponTypeContract):
        coupon_type = kind
        good_terms = ({"percent": 10, "least": 100_00}, {"percent": 100, "least": None})

    for name in dir(Suite):
        if name.startswith("test_"):
            getattr(Suite(), name)()


def test_a_sound_type_passes() -> None:
    contract(Percent())


@pytest.mark.parametrize(
    "broken",
    [
        SavesMoreThanTheBasket,
        SavesNothing,
        Floats,
        Remembers,
        AsksForTooMuch,
        GivesNoReason,
        Trips,
        SpeaksEnglishOnly,
    ],
)
def test_a_broken_type_is_found(broken: type[CouponType]) -> None:
    with pytest.raises((AssertionError, KeyError, TypeError, ExceptionGroup)):
        contract(broken())


def test_a_kind_of_field_that_no_form_knows_is_found() -> None:
    class Asks(Percent):
        fields = (TermField("shade", "colour", "Shade"),)  # type: ignore[arg-type]

    class Suite(CouponTypeContract):
        coupon_type = Asks()
        good_terms = ({},)

    with pytest.raises(AssertionError, match="shade: kind must be one of money, int, percent"):
        Suite().test_its_fields_make_a_form()
