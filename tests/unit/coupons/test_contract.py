"""The contract of coupon types finds what authors get wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from webapp.plugin_api import Basket, BasketLine, CouponType, NotApplicable, Problem, Quote, TermField
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


def suite(kind: CouponType) -> type[CouponTypeContract]:
    """The contract, as an author would set it up."""

    class Suite(CouponTypeContract):
        coupon_type = kind
        good_terms = ({"percent": 10, "least": 100_00}, {"percent": 100, "least": None})

    return Suite


def contract(kind: CouponType) -> None:
    """All of the contract, as pytest would run it."""
    one = suite(kind)
    for name in dir(one):
        if name.startswith("test_"):
            getattr(one(), name)()


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


# ------------------------------------------------------------------------------------------- lines, gifts and what is kept


class DearestLineFree(Percent):
    """A sound type that works on lines; where two cost the same, the first one."""

    key = "dearest_line_free"
    needs = "lines"
    reasons: Mapping[str, str] = {"nothing": "Nothing costs anything."}

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        if not basket.lines:
            return NotApplicable("needs_lines")
        amounts = [line.amount_minor for line in basket.lines]
        dearest = amounts.index(max(amounts))
        saved = [amount if at == dearest else 0 for at, amount in enumerate(amounts)]
        return Quote(sum(saved), tuple(saved)) if sum(saved) else NotApplicable("nothing")


class Cup(Percent):
    """A sound type that hands over a gift."""

    key = "cup"
    needs = "nothing"

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return Quote(0, gift="A cup")


class KeptForAWhile(Percent):
    def keeps(self, terms: Mapping[str, Any]) -> int | None:
        return min(30, terms["percent"])


def altered(lines: tuple[int, ...], at: int, more: int) -> tuple[int, ...]:
    return (*lines[:at], lines[at] + more, *lines[at + 1 :])


class LinesDoNotSum(DearestLineFree):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        if isinstance(answer, Quote):
            return (
                Quote(answer.saving_minor, altered(answer.lines, answer.lines.index(0), 1))
                if 0 in answer.lines
                else answer
            )
        return answer


class TakesMoreThanALineCosts(DearestLineFree):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        if isinstance(answer, Quote) and len(basket.lines) > 1 and answer.saving_minor < basket.total_minor:
            at = answer.lines.index(answer.saving_minor)
            return Quote(answer.saving_minor + 1, altered(answer.lines, at, 1))
        return answer


class MakesALineDearer(DearestLineFree):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        if isinstance(answer, Quote) and len(basket.lines) > 1:
            at = answer.lines.index(answer.saving_minor)
            return Quote(answer.saving_minor - 1, altered(answer.lines, at - 1, -1))
        return answer


class ForgetsALine(DearestLineFree):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        answer = super().quote(terms, basket)
        if isinstance(answer, Quote) and answer.lines[-1] == 0:
            return Quote(answer.saving_minor, answer.lines[:-1])
        return answer


class GuessesWithoutLines(DearestLineFree):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        lines = basket.lines or (BasketLine(basket.total_minor),)
        return super().quote(terms, Basket(basket.total_minor, lines))


class AsksForLinesInSecret(DearestLineFree):
    needs = "total"


class AsksForLinesWhereATotalMustDo(DearestLineFree):
    needs = "either"


class SavesMoreWithLines(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return (
            Quote(basket.total_minor) if basket.lines and basket.total_minor else super().quote(terms, basket)
        )


class PaysWhereNothingIsNeeded(Cup):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return Quote(min(1, basket.total_minor), gift="A cup")


class GivesByTheBasket(Cup):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return Quote(0, gift="A pot" if basket.total_minor > 100 else "A cup")


class RefusesWhereNothingIsNeeded(Cup):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return super().quote(terms, basket) if basket.total_minor else NotApplicable("below_minimum", 1)


class GivesABook(Cup):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        return Quote(0, gift="a word " * 40)


class AsksForHalfAPiece(Percent):
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Any:
        answer = super().quote(terms, basket)
        return NotApplicable("too_small", needs_pieces=0) if isinstance(answer, NotApplicable) else answer


class NeedsTheMember(Percent):
    needs = "member"  # type: ignore[assignment]


class KeepsForNoTime(Percent):
    def keeps(self, terms: Mapping[str, Any]) -> int | None:
        return 0


class KeepsForAMonth(Percent):
    def keeps(self, terms: Mapping[str, Any]) -> int | None:
        return 30 * 24 * 60


class KeepsForHalfAMinute(Percent):
    def keeps(self, terms: Mapping[str, Any]) -> Any:
        return 1.5


class TellsStaffInEnglishOnly(Percent):
    def for_staff(self, terms: Mapping[str, Any], money: Any, _: Any) -> list[str]:
        return ["In the drawer"]


@pytest.mark.parametrize("sound", [DearestLineFree, Cup, KeptForAWhile])
def test_sound_types_of_every_need_pass(sound: type[CouponType]) -> None:
    one = suite(sound())()
    one.test_it_names_itself()
    one.test_a_quote_is_sound()
    one.test_it_knows_no_more_than_it_needs()
    one.test_it_keeps_for_minutes_or_to_the_last_day()


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (LinesDoNotSum, "a_quote_is_sound"),
        (TakesMoreThanALineCosts, "a_quote_is_sound"),
        (MakesALineDearer, "a_quote_is_sound"),
        (ForgetsALine, "a_quote_is_sound"),
        (GivesABook, "a_quote_is_sound"),
        (AsksForHalfAPiece, "a_quote_is_sound"),
        (GuessesWithoutLines, "it_knows_no_more_than_it_needs"),
        (AsksForLinesInSecret, "it_knows_no_more_than_it_needs"),
        (AsksForLinesWhereATotalMustDo, "it_knows_no_more_than_it_needs"),
        (SavesMoreWithLines, "it_knows_no_more_than_it_needs"),
        (PaysWhereNothingIsNeeded, "it_knows_no_more_than_it_needs"),
        (GivesByTheBasket, "it_knows_no_more_than_it_needs"),
        (RefusesWhereNothingIsNeeded, "it_knows_no_more_than_it_needs"),
        (NeedsTheMember, "it_names_itself"),
        (KeepsForNoTime, "it_keeps_for_minutes_or_to_the_last_day"),
        (KeepsForAMonth, "it_keeps_for_minutes_or_to_the_last_day"),
        (KeepsForHalfAMinute, "it_keeps_for_minutes_or_to_the_last_day"),
        (TellsStaffInEnglishOnly, "it_describes_itself"),
    ],
)
def test_what_breaks_a_law_is_found_by_that_law(broken: type[CouponType], law: str) -> None:
    with pytest.raises((AssertionError, ExceptionGroup)):
        getattr(suite(broken())(), f"test_{law}")()
