"""Rules: what JSON is one, and what the SQL of one means, beside a plain evaluation in Python, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.factories import make_member, make_store
from tests.support.databases import OTHER_IN_DRILL
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle import fields  # noqa: F401  registers the stage
from webapp.lifecycle.models import MemberStage
from webapp.members.models import AttributeDefinition, Member, MemberAttribute
from webapp.orders.models import Order
from webapp.segments import compile as segments
from webapp.segments.rules import BadRule, Condition, Rule, dump, load

pytestmark = OTHER_IN_DRILL

DAY = date(2026, 3, 10)
STAGES = ("introduction", "growth", "maturity", "dormancy", "churn")


@dataclass
class Person:
    """What is known of one member, in plain Python."""

    id: int = 0
    stage: str | None = None
    store: int | None = None  # 0, 1: which of the two stores
    joined: int = 0  # days before DAY
    orders: list[tuple[int, int]] = field(default_factory=list)  # (days before DAY, paid); below 0: later
    city: str | None = None
    age: int | None = None


people = st.builds(
    Person,
    id=st.just(0),
    stage=st.sampled_from([None, *STAGES]),
    store=st.sampled_from([None, 0, 1]),
    joined=st.integers(-1, 40),
    orders=st.lists(st.tuples(st.integers(-2, 12), st.integers(-500, 2000)), max_size=5),
    city=st.sampled_from([None, "上海", "Paris", "paris"]),
    age=st.sampled_from([None, 17, 18, 40]),
)
small = st.none() | st.integers(0, 6)
amount = st.none() | st.integers(-400, 2500)


@st.composite
def bounds(draw: Callable[..., Any], values: Any = small) -> tuple[int | None, int | None]:
    low, high = draw(values), draw(values)
    if low is None and high is None:
        low = 1
    return (high, low) if low is not None and high is not None and low > high else (low, high)


conditions = st.one_of(
    st.lists(st.sampled_from(STAGES), min_size=1, max_size=3).map(lambda v: Condition("stage", tuple(v))),
    st.lists(st.sampled_from(["0", "A", "B"]), min_size=1, max_size=3).map(
        lambda v: Condition("store", tuple(v))
    ),
    bounds().map(lambda b: Condition("last_order", least=b[0], most=b[1])),
    st.just(Condition("last_order", never=True)),
    st.builds(
        lambda b, d: Condition("orders", least=b[0], most=b[1], days=d),
        bounds(),
        st.none() | st.integers(1, 9),
    ),
    st.builds(
        lambda b, d: Condition("paid", least=b[0], most=b[1], days=d),
        bounds(amount),
        st.none() | st.integers(1, 9),
    ),
    bounds().map(lambda b: Condition("joined", least=b[0], most=b[1])),
    st.lists(st.sampled_from(["上海", "Paris", "Rome"]), min_size=1, max_size=2).map(
        lambda v: Condition("attribute", tuple(v), key="city")
    ),
    bounds(st.none() | st.sampled_from([17_000, 18_000, 40_000])).map(
        lambda b: Condition("attribute", least=b[0], most=b[1], key="age")
    ),
)
rules = st.lists(conditions, max_size=4).map(lambda many: Rule(tuple(many)))


def within(value: int, one: Condition) -> bool:
    return (one.least is None or value >= one.least) and (one.most is None or value <= one.most)


def fits(person: Person, one: Condition) -> bool:
    """One condition, as its words say it."""
    seen = [(ago, paid) for ago, paid in person.orders if ago >= 1]  # orders of today and later are not seen
    window = [paid for ago, paid in seen if one.days is None or ago <= one.days]
    match one.field:
        case "stage":
            return person.stage in one.values
        case "store":
            return {None: "0", 0: "A", 1: "B"}[person.store] in one.values
        case "last_order":
            if one.never:
                return not seen
            return bool(seen) and within(min(ago for ago, _paid in seen), one)
        case "orders":
            return within(len(window), one)
        case "paid":
            return within(sum(window), one)
        case "joined":
            return within(person.joined, one)
        case "attribute" if one.key == "city":
            return person.city in one.values
        case "attribute":
            return person.age is not None and within(person.age * 1000, one)
    raise AssertionError(one)


class World:
    """Rows for persons; each example has its own members."""

    def __init__(self, db: Database, brand: BrandRef) -> None:
        self.db, self.brand = db, brand
        self.stores = db.write(lambda scope: [make_store(scope, code).id for code in ("a", "b")], brand=brand)
        self.attributes = db.write(self._attributes, brand=brand)
        self.numbers = 0

    @staticmethod
    def _attributes(scope: Scope) -> dict[str, int]:
        ids = {key: scope.new_id() for key in ("city", "age")}
        for key, id_ in ids.items():
            scope.session.add(
                AttributeDefinition(brand_id=scope.brand.id, id=id_, key=key, label=key, kind="text")
            )
        return ids

    def fill(self, scope: Scope, persons: list[Person]) -> None:
        for model in (Order, MemberStage, MemberAttribute):
            scope.session.execute(delete(model).where(model.brand_id == scope.brand.id))
        scope.session.execute(delete(Member).where(Member.brand_id == scope.brand.id))
        for person in persons:
            self.numbers += 1
            member = make_member(
                scope,
                number=f"n{self.numbers}",
                store_id=self.stores[person.store] if person.store is not None else None,
            )
            member.joined_on = DAY - timedelta(days=person.joined)
            person.id = member.id
            scope.session.flush()
            self._facts(scope, person)

    def _facts(self, scope: Scope, person: Person) -> None:
        key = {"brand_id": scope.brand.id}
        if person.stage:
            scope.session.add(
                MemberStage(**key, member_id=person.id, stage=person.stage, reason="x", since=DAY, policy="")
            )
        for name, value in (("city", person.city), ("age", person.age)):
            if value is not None:
                scope.session.add(
                    MemberAttribute(
                        **key, member_id=person.id, attribute_id=self.attributes[name], text=str(value),
                        number=value * 1000 if isinstance(value, int) else None,
                    )
                )  # fmt: skip
        for ago, paid in person.orders:
            self.numbers += 1
            on = DAY - timedelta(days=ago)
            scope.session.add(
                Order(
                    **key, id=scope.new_id(), source="t", number=str(self.numbers), member_id=person.id,
                    person_id=person.id, ordered_at=scope.now, ordered_on=on, gross_minor=paid, discount_minor=0,
                    paid_minor=paid, digest=0, lines_digest=0,
                )
            )  # fmt: skip

    def told(self, rule: Rule) -> Rule:
        """With the stores' real ids."""
        names = {"0": "0", "A": str(self.stores[0]), "B": str(self.stores[1])}
        return Rule(
            tuple(
                Condition("store", tuple(names[v] for v in one.values)) if one.field == "store" else one
                for one in rule.all
            )
        )


def test_sql_means_what_the_words_say(db: Database, brand: BrandRef) -> None:
    """The property: compiled and counted on the database, and evaluated one by one in Python, a rule means the same."""
    world = World(db, brand)

    @settings(suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.lists(people, min_size=1, max_size=8), st.lists(rules, min_size=1, max_size=8))
    def holds(persons: list[Person], many: list[Rule]) -> None:
        db.write(lambda scope: world.fill(scope, persons), brand=brand)
        with db.read(brand=brand) as scope:
            for rule in many:
                stored = load(dump(world.told(rule)))
                found = set(scope.session.scalars(segments.members(scope, stored, DAY)))
                expected = {one.id for one in persons if all(fits(one, c) for c in rule.all)}
                assert found == expected, rule
                assert segments.count(scope, stored, DAY) == len(expected)

    holds()


def test_only_persons_of_this_brand_count(db: Database, brand: BrandRef) -> None:
    """A member that was merged into another is not counted beside it, another brand's member never."""
    from tests.factories import make_brand

    other = db.write(make_brand)
    db.write(lambda scope: make_member(scope), brand=other)

    def two(scope: Scope) -> None:
        first, second = make_member(scope), make_member(scope)
        second.person_id = first.id

    db.write(two, brand=brand)
    with db.read(brand=brand) as scope:
        assert segments.count(scope, Rule()) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([], "not_a_rule"),
        ({"any": []}, "not_a_rule"),
        ({"all": [{"field": "orders"}]}, "says_nothing"),
        ({"all": [{"field": "orders", "min": 1.5}]}, "not_a_number"),
        ({"all": [{"field": "orders", "min": True}]}, "not_a_number"),
        ({"all": [{"field": "orders", "min": 5, "max": 4}]}, "upside_down"),
        ({"all": [{"field": "orders", "min": 5, "days": 0}]}, "bad_days"),
        ({"all": [{"field": "stage", "in": "churn"}]}, "bad_values"),
        ({"all": [{"field": "stage", "in": ["x" * 301]}]}, "bad_values"),
        ({"all": [{"field": "stage", "in": ["churn"], "sql": "1=1"}]}, "not_a_condition"),
        ({"all": [{"field": "orders", "min": 1}] * 21}, "too_many"),
    ],
)
def test_what_is_no_rule_is_refused(data: Any, code: str) -> None:
    with pytest.raises(BadRule) as why:
        load(data)
    assert why.value.code == code


def test_a_field_that_nobody_knows_is_a_fault_with_its_place(db: Database, brand: BrandRef) -> None:
    rule = load({"all": [{"field": "joined", "min": 1}, {"field": "moon", "in": ["full"]}]})
    with db.read(brand=brand) as scope, pytest.raises(BadRule) as why:
        segments.members(scope, rule)
    assert (why.value.code, why.value.at) == ("unknown_field", 1)
