"""The contract of coupon_type/1. In a plugin's tests:

    class TestMyCoupon(CouponTypeContract):
        coupon_type = MyCoupon()
        good_terms = ({"percent": 10},)

Terms are also made from the type's own fields, so a type that trips over legal terms which nobody thought of is found.
Baskets come as a total alone and with lines; the lines' products and categories are often words of the terms, so a type
whose terms name some meets them. What the core does with the answers (split a saving, join coupons) is no affair of a type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, get_args, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.plugin_api import Basket, BasketLine, CouponType, NotApplicable, Quote, TermField

LARGEST = 10**12  # minor units
LONGEST_GIFT = 200  # characters that a redemption's row keeps
LONGEST_KEEP = 7 * 24 * 60  # minutes
NEEDS = ("total", "lines", "either", "nothing")
NEEDS_LINES = "needs_lines"
FIELD_KINDS = get_args(get_type_hints(TermField)["kind"])
# The same inherited test runs in several classes: that is the point of a contract.
_contract = settings(
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow], deadline=None
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def term_values(field: TermField) -> st.SearchStrategy[Any]:
    """Typed values as the form of an offer would hand them over for this field; they may still contradict one another."""
    if field.kind == "choice":
        return st.sampled_from([value for value, _ in field.choices])
    if field.kind == "bool":
        return st.booleans()
    if field.kind == "steps":
        # the form leaves an optional cell that is blank out of its row
        row = st.fixed_dictionaries(
            {column.key: term_values(column) for column in field.columns if column.required},
            optional={column.key: term_values(column) for column in field.columns if not column.required},
        )
        return st.lists(row, min_size=1 if field.required else 0, max_size=min(field.maximum or 4, 4))
    if field.kind == "text":
        value: st.SearchStrategy[Any] = st.text(min_size=1 if field.required else 0, max_size=30)
    else:
        low = 0 if field.minimum is None else field.minimum
        value = st.integers(low, max(low, field.maximum if field.maximum is not None else 100_000))
    return value if field.required else st.none() | value


def amounts_in(terms: Any) -> Iterator[int]:
    """Every integer anywhere in terms: where an answer is likely to change."""
    if isinstance(terms, Mapping):
        for value in terms.values():
            yield from amounts_in(value)
    elif isinstance(terms, list | tuple):
        for value in terms:
            yield from amounts_in(value)
    elif isinstance(terms, int) and not isinstance(terms, bool):
        yield terms


def words_in(terms: Any) -> Iterator[str]:
    """Every text anywhere in terms: what a line's product or category may be."""
    if isinstance(terms, Mapping):
        for value in terms.values():
            yield from words_in(value)
    elif isinstance(terms, list | tuple):
        for value in terms:
            yield from words_in(value)
    elif isinstance(terms, str):
        yield terms


def totals(terms: Any) -> st.SearchStrategy[int]:
    """What a basket costs: often right at an edge of the terms."""
    edges = sorted({amount for amount in amounts_in(terms) if amount >= 0}) or [0]
    near = st.builds(
        lambda edge, times, off: max(0, edge * times + off),
        st.sampled_from(edges),
        st.integers(0, 5),
        st.integers(-1, 1),
    )
    return near | st.integers(0, LARGEST)


def lines(terms: Any, total: int) -> st.SearchStrategy[tuple[BasketLine, ...]]:
    """One to six lines that cost the total together, in the till's words or in those of the terms."""
    said = st.sampled_from(sorted({"", "tea", "面包", *words_in(terms)}))
    quantity = st.integers(1, 8) | st.integers(1, 10**6)

    def cut(cuts: list[int], about: list[tuple[int, str, str]]) -> tuple[BasketLine, ...]:
        ends = [0, *sorted(cuts), total]
        amounts = [high - low for low, high in pairwise(ends)]
        return tuple(BasketLine(a, *more) for a, more in zip(amounts, about, strict=True))

    return st.integers(1, 6).flatmap(
        lambda count: st.builds(
            cut,
            st.lists(st.integers(0, total), min_size=count - 1, max_size=count - 1),
            st.lists(st.tuples(quantity, said, said), min_size=count, max_size=count),
        )
    )


class CouponTypeContract:
    """Subclass as Test...; set coupon_type and good_terms (terms that stand, at least one)."""

    coupon_type: CouponType
    good_terms: Sequence[Mapping[str, Any]]

    # -- what it says of itself ----------------------------------------------------------------------------------------

    def test_it_names_itself(self) -> None:
        kind = self.coupon_type
        assert kind.kind == "coupon_type/1"
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,59}", kind.key), (
            "key: small letters, digits, underscores; at most 60"
        )
        assert kind.label.strip()
        assert kind.terms_version >= 1
        assert kind.needs in NEEDS, f"needs must be one of {', '.join(NEEDS)}"

    def test_its_fields_make_a_form(self) -> None:
        _check_fields(self.coupon_type.fields)
        for field in self.coupon_type.fields:
            if field.kind == "steps":
                assert field.columns, f"{field.key}: a table needs columns"
                assert all(column.kind != "steps" for column in field.columns), (
                    f"{field.key}: no table in a table"
                )
                _check_fields(field.columns)

    # -- terms ---------------------------------------------------------------------------------------------------------

    def test_good_terms_stand_and_survive_storage(self) -> None:
        assert self.good_terms, "give at least one good_terms"
        for terms in self.good_terms:
            assert self.coupon_type.check(terms) == []
            stored = json.loads(json.dumps(terms))
            assert stored == terms, (
                "terms must be JSON: only texts, integers, booleans, lists, objects and null"
            )
            assert self.coupon_type.check(stored) == []

    @_contract
    @given(data=st.data())
    def test_check_never_raises_and_names_a_field(self, data: st.DataObject) -> None:
        keys = [field.key for field in self.coupon_type.fields]
        junk = st.dictionaries(
            st.sampled_from(keys) if keys else st.text(max_size=5), json_values, max_size=len(keys) + 1
        )
        terms = data.draw(junk | st.just({}) | self._typed())
        for problem in self.coupon_type.check(terms):
            assert problem.field.split(".")[0] in keys, f"{problem.field!r} is no field of this type"
            assert problem.message % dict(problem.facts)

    # -- what it saves -------------------------------------------------------------------------------------------------

    @_contract
    @given(data=st.data())
    def test_a_quote_is_sound(self, data: st.DataObject) -> None:
        terms, basket = self._draw(data)
        before = deepcopy(terms)
        answer = self.coupon_type.quote(terms, basket)
        assert terms == before, "quote must not change the terms"
        assert self.coupon_type.quote(json.loads(json.dumps(terms)), basket) == answer, (
            "not the same answer twice"
        )
        if isinstance(answer, Quote):
            _check_quote(answer, basket)
        else:
            _check_refusal(answer, self.coupon_type)

    @_contract
    @given(data=st.data())
    def test_it_knows_no_more_than_it_needs(self, data: st.DataObject) -> None:
        terms, basket = self._draw(data)
        kind = self.coupon_type
        answer, blind = kind.quote(terms, basket), kind.quote(terms, Basket(basket.total_minor))
        if kind.needs == "lines":
            assert blind == NotApplicable(NEEDS_LINES), (
                "without lines it answers NotApplicable('needs_lines') and guesses nothing"
            )
            assert not basket.lines or getattr(answer, "code", "") != NEEDS_LINES, "the lines are there"
            return
        assert getattr(answer, "code", "") != NEEDS_LINES, "what needs lines says so: needs = 'lines'"
        if kind.needs == "either":
            return
        assert _worth(answer) == _worth(blind), (
            f"needs = {kind.needs!r}: a basket with lines saves what its total alone saves"
        )
        if kind.needs == "nothing":
            assert isinstance(answer, Quote), "what needs no basket is handed over whatever the basket"
            assert answer.saving_minor == 0 and answer.gift, "what needs no basket is a gift, and no money"
            assert answer == kind.quote(terms, Basket(0)), "the same answer for every basket"

    @_contract
    @given(data=st.data())
    def test_what_is_said_to_be_missing_is_exactly_missing(self, data: st.DataObject) -> None:
        terms = self._terms(data)
        total = data.draw(totals(terms))
        answer = self.coupon_type.quote(terms, Basket(total))
        if isinstance(answer, NotApplicable) and answer.needs_minor is not None:
            needs = answer.needs_minor
            assert needs > 0
            assert isinstance(self.coupon_type.quote(terms, Basket(total + needs)), Quote), (
                "that much more must do"
            )
            if needs > 1:
                less = self.coupon_type.quote(terms, Basket(total + needs - 1))
                assert isinstance(less, NotApplicable), "one unit less must not do"

    @_contract
    @given(data=st.data())
    def test_it_keeps_for_minutes_or_to_the_last_day(self, data: st.DataObject) -> None:
        terms = self._terms(data)
        before = deepcopy(terms)
        kept = self.coupon_type.keeps(terms)
        assert terms == before, "keeps must not change the terms"
        if kept is not None:
            assert type(kept) is int, "minutes are whole"
            assert 1 <= kept <= LONGEST_KEEP, f"minutes: from 1 to {LONGEST_KEEP}, or None"

    @_contract
    @given(data=st.data())
    def test_it_describes_itself(self, data: st.DataObject) -> None:
        terms = self._terms(data)
        asked: list[str] = []

        def words(message: str, **facts: Any) -> str:
            asked.append(message)
            return f"«{message % facts if facts else message}»"

        said = self.coupon_type.describe(terms, lambda minor: f"¤{minor}", words)
        assert said, "at least one sentence"
        said = [*said, *self.coupon_type.for_staff(terms, lambda minor: f"¤{minor}", words)]
        assert all(line.strip() for line in said)
        assert asked and all("«" in line for line in said), (
            "every sentence goes through `_`, so that it can be translated"
        )
        if not any("%(" in word for word in words_in(terms)):
            assert not any("%(" in line for line in said), "a place was left unfilled"

    # -- means ---------------------------------------------------------------------------------------------------------

    def _typed(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({field.key: term_values(field) for field in self.coupon_type.fields})

    def _terms(self, data: st.DataObject) -> dict[str, Any]:
        """Terms that stand."""
        terms = data.draw(self._typed())
        if self.coupon_type.check(terms):
            return dict(data.draw(st.sampled_from(list(self.good_terms))))
        return terms

    def _draw(self, data: st.DataObject) -> tuple[dict[str, Any], Basket]:
        """Terms that stand, and a basket: a total alone, or its lines too."""
        terms = self._terms(data)
        total = data.draw(totals(terms))
        return terms, Basket(total, data.draw(st.just(()) | lines(terms, total)))


def _check_quote(answer: Quote, basket: Basket) -> None:
    assert type(answer.saving_minor) is int, "minor units are integers"
    assert type(answer.gift) is str and answer.gift == answer.gift.strip() and answer.gift.isprintable(), (
        "a gift is one line of words"
    )
    assert len(answer.gift) <= LONGEST_GIFT, f"a gift has at most {LONGEST_GIFT} characters"
    assert 0 <= answer.saving_minor <= basket.total_minor, "never below zero and never above the basket"
    assert answer.saving_minor or answer.gift, "a saving is above zero, unless a gift is handed over"
    if not answer.lines:
        return
    assert type(answer.lines) is tuple and len(answer.lines) == len(basket.lines), (
        "one saving for each line of the basket, or none at all"
    )
    assert all(type(saving) is int for saving in answer.lines), "minor units are integers"
    assert all(
        0 <= saving <= line.amount_minor for saving, line in zip(answer.lines, basket.lines, strict=True)
    ), "a line is saved nothing below zero and nothing above what it costs"
    assert sum(answer.lines) == answer.saving_minor, "the lines' savings sum to the whole"


def _check_refusal(answer: object, kind: CouponType) -> None:
    assert isinstance(answer, NotApplicable)
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,29}", answer.code)
    assert answer.needs_pieces is None or (type(answer.needs_pieces) is int and answer.needs_pieces > 0)
    worded = answer.needs_minor is not None or answer.needs_pieces is not None or answer.code == NEEDS_LINES
    assert worded or answer.code in kind.reasons, (
        f"{answer.code}: give its sentence in `reasons`, or needs_minor, or needs_pieces"
    )


def _worth(answer: Quote | NotApplicable) -> object:
    """An answer without how it falls on lines."""
    return (answer.saving_minor, answer.gift) if isinstance(answer, Quote) else answer


def _check_fields(fields: Sequence[TermField]) -> None:
    assert len({field.key for field in fields}) == len(fields), "two fields have the same key"
    for field in fields:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", field.key), (
            f"{field.key!r}: small letters, digits, underscores"
        )
        assert field.label.strip(), f"{field.key}: needs a label"
        assert field.kind in FIELD_KINDS, f"{field.key}: kind must be one of {', '.join(FIELD_KINDS)}"
        if field.kind == "choice":
            assert field.choices, f"{field.key}: needs choices"
            assert field.default is None or field.default in [value for value, _ in field.choices]
