"""Which offer for whom: the first row that fits counts, what is previewed is what is given, and what cannot stand is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import auditing, offers
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import MemberStage
from webapp.matrix import queries, service
from webapp.matrix.models import MatrixRow
from webapp.members.models import Member
from webapp.segments import compile as segments
from webapp.segments.rules import Condition, Rule

ANYBODY = Rule()
TODAY = date(2026, 5, 10)
RULES = [
    Rule((Condition("stage", ("growth",)),)),
    Rule((Condition("stage", ("growth", "churn")),)),
    Rule((Condition("orders", least=2),)),
    Rule((Condition("basket", least=80_00),)),
    Rule((Condition("last_order", never=True),)),
    Rule((Condition("joined", most=3), Condition("orders", most=1))),
    Rule((Condition("basket", most=50_00), Condition("stage", ("churn", "growth")))),
]
STATES = ["open", "open", "open", "draft", "closed"]


class World:
    """Members of all sorts, and an offer of each state of STATES."""

    def __init__(self, db: Database, brand: BrandRef) -> None:
        self.db, self.brand = db, brand
        self.offers, self.members = db.write(self._fill, brand=brand)
        self.rounds = 0

    @staticmethod
    def _fill(scope: Scope) -> tuple[list[int], list[int]]:
        made = [make.make_offer(scope, name=f"O{n}", state="draft") for n in range(len(STATES))]
        for offer, state in zip(made, STATES, strict=True):
            if state != "draft":
                offers.open_offer(scope, offer.id)
            if state == "closed":
                offers.close_offer(scope, offer.id)
        people = []
        for n in range(18):
            member = make.make_member(scope, joined_on=scope.today - timedelta(days=n % 6))
            make.make_orders(
                scope, member, [(scope.today - timedelta(days=d + 1), 30_00 * (n % 4)) for d in range(n % 3)]
            )
            if stage := (None, "growth", "churn", "maturity")[n % 4]:
                scope.session.add(
                    MemberStage(
                        brand_id=scope.brand.id, member_id=member.id, stage=stage, reason="x",
                        since=scope.today, policy="test",
                    )
                )  # fmt: skip
            people.append(member.id)
        return [one.id for one in made], people

    def matrix(self, rows: list[tuple[int, int]]) -> int:
        """Of (rule, offer) numbers; rule len(RULES) is everybody else."""

        def unit(scope: Scope) -> int:
            made = service.new(scope, "Spring")
            assert not isinstance(made, Refused)
            for rule, offer in rows:
                if rule < len(RULES):
                    service.add_row(scope, made.id, RULES[rule], self.offers[offer])
            for rule, offer in rows:
                if rule == len(RULES):
                    service.add_row(scope, made.id, ANYBODY, self.offers[offer])
            return made.id

        return self.db.write(unit, brand=self.brand)

    def by_hand(self, rows: list[tuple[int, int]]) -> dict[int, int]:
        """member -> offer, by a plain loop."""
        ordered = [one for one in rows if one[0] < len(RULES)] + [
            one for one in rows if one[0] == len(RULES)
        ][:1]
        with self.db.read(brand=self.brand) as scope:
            fits = [set(scope.session.scalars(segments.members(scope, rule))) for rule in [*RULES, ANYBODY]]
        found = {}
        for member in self.members:
            for rule, offer in ordered:
                if STATES[offer] == "open" and member in fits[rule]:
                    found[member] = self.offers[offer]
                    break
        return found


@pytest.fixture
def world(db: Database, brand: BrandRef) -> World:
    return World(db, brand)


@OTHER_IN_DRILL
@given(rows=st.lists(st.tuples(st.integers(0, len(RULES)), st.integers(0, len(STATES) - 1)), max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_first_row_that_fits_counts_and_the_preview_tells_it(
    world: World, rows: list[tuple[int, int]]
) -> None:
    db, brand, matrix_id = world.db, world.brand, world.matrix(rows)
    right = world.by_hand(rows)
    with db.read(brand=brand) as scope:
        assert queries.choose(scope, matrix_id, world.members) == right
        seen = queries.preview(scope, matrix_id)
        counted = {id_: n for id_, n in seen.by_offer(queries.lines(scope, matrix_id)).items() if n}
    assert counted == {id_: list(right.values()).count(id_) for id_ in set(right.values())}
    assert (seen.nothing, seen.total) == (len(world.members) - len(right), len(world.members))
    world.rounds += 1
    word = f"round:{world.rounds}"
    people = [(id_, id_) for id_ in world.members]

    def give(scope: Scope) -> dict[int, int]:
        scope.session.execute(delete(Coupon).where(Coupon.id == 0))  # a unit that writes
        answers = service.issue(scope, matrix_id, people, occurrence=word)
        assert {one.code for one in answers.values() if isinstance(one, Refused)} <= {"no_row", "per_person"}
        with_room = {id_: one.offer_id for id_, one in answers.items() if isinstance(one, Coupon)}
        assert all(right[id_] == offer_id for id_, offer_id in with_room.items())
        assert all(
            isinstance(one, Coupon) or one.code == "per_person"
            for id_, one in answers.items()
            if id_ in right
        )
        return with_room

    first = db.write(give, brand=brand)
    assert db.write(give, brand=brand) == first  # asked twice: the same coupons


def test_one_a_member_whatever_the_rows_say_when_it_is_asked_again(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> tuple[int, list[int], list[int]]:
        few, rest = make.make_offer(scope, name="Few", stock=2), make.make_offer(scope, name="Rest")
        people = [one.id for one in make.make_members(scope, 5)]
        for one in people[:3]:
            make.make_order(
                scope, scope.session.get_one(Member, (brand.id, one)), scope.today - timedelta(days=1)
            )
        made = service.new(scope, "  Two  rows ")
        assert not isinstance(made, Refused) and made.name == "Two rows"
        service.add_row(scope, made.id, ANYBODY, rest.id)
        service.add_row(scope, made.id, Rule((Condition("orders", least=1),)), few.id)
        return made.id, [few.id, rest.id], people

    matrix_id, (few, rest), people = db.write(unit, brand=brand)

    def give(scope: Scope) -> list[Any]:
        answers = service.issue(scope, matrix_id, [(one, one) for one in people], occurrence="a")
        return [one.offer_id if isinstance(one, Coupon) else one.code for one in answers.values()]

    # what is used up is no reason to look at the next row
    assert db.write(give, brand=brand) == [few, few, "sold_out", rest, rest]

    def change(scope: Scope) -> None:
        for row in queries.rows(scope, matrix_id):
            if row.rule is not None:
                service.remove_row(scope, matrix_id, row.id)

    db.write(change, brand=brand)
    assert db.write(give, brand=brand) == [few, few, rest, rest, rest]
    with db.read(brand=brand) as scope:
        assert len(scope.session.scalars(select(Coupon)).all()) == 5
    assert [one.promise.key for one in auditing.check(db, brand) if one.broken] == []


@OTHER_IN_DRILL
def test_rows_are_kept_in_order_with_everybody_else_last(db: Database, brand: BrandRef) -> None:
    other = db.write(lambda scope: make.make_brand(scope))
    foreign = db.write(lambda scope: make.make_offer(scope, state="draft").id, brand=other)

    def unit(scope: Scope) -> None:
        offer = make.make_offer(scope, state="draft")
        made = service.new(scope, "Spring")
        assert not isinstance(made, Refused)
        assert service.new(scope, " ") == Refused("name_length", {"most": 120})

        def add(rule: Rule) -> MatrixRow | Refused:
            return service.add_row(scope, made.id, rule, offer.id)

        rest, first, second = add(ANYBODY), add(RULES[0]), add(RULES[1])
        assert isinstance(rest, MatrixRow) and isinstance(first, MatrixRow) and isinstance(second, MatrixRow)

        def order() -> list[int]:
            return [one.id for one in queries.rows(scope, made.id)]

        assert order() == [first.id, second.id, rest.id]
        service.move_row(scope, made.id, second.id, up=True)
        assert order() == [second.id, first.id, rest.id]
        service.move_row(scope, made.id, first.id, up=False)  # never behind everybody else
        service.move_row(scope, made.id, rest.id, up=True)
        assert order() == [second.id, first.id, rest.id]
        assert add(ANYBODY) == Refused("rest_there")
        assert service.add_row(scope, made.id, RULES[0], foreign) == Refused("no_offer")
        unknown = Rule((Condition("gone", least=1),))
        assert add(unknown) == Refused("bad_rule", {"why": "unknown_field"})
        lines = queries.lines(scope, made.id)
        assert [one.refused and one.refused.code for one in lines] == ["not_open"] * 3
        assert queries.preview(scope, made.id).by_row == {}
        service.remove_row(scope, made.id, rest.id)
        service.remove_row(scope, made.id, rest.id)  # twice
        assert service.change_row(scope, made.id, second.id, ANYBODY, offer.id) is second
        assert order() == [first.id, second.id]
        assert service.remove(scope, made.id) is None
        with pytest.raises(NotFound):
            queries.get(scope, made.id)

    db.write(unit, brand=brand)
