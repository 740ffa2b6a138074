"""Counts as of any day, under any settings, in any zone, are those of the definition; and counting changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.lifecycle import naive
from tests.unit.lifecycle.shop import PLUGIN, START, member_row, new_shop, order_row
from tests.unit.lifecycle.test_property import rules
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.lifecycle import counting
from webapp.lifecycle.models import MemberStage, StageChange
from webapp.members.models import Member
from webapp.plugin_api import STAGES, Decision
from webapp.plugin_runtime import context

pytestmark = OTHER_IN_DRILL

MEMBERS = 150


def crowd(scope: Scope) -> None:
    """Members of all kinds around START, their rows written straight into the tables."""
    chance = Random(7)
    for member_id in scope.new_ids(MEMBERS):
        joined = START - timedelta(days=chance.randint(0, 30))
        scope.session.add(member_row(scope, member_id, joined))
        scope.session.flush()
        for order_id in scope.new_ids(chance.choice((0, 0, 1, 1, 2, 4, 8))):
            day = START + timedelta(days=chance.randint(-40, 5))
            scope.session.add(
                order_row(scope, order_id, member_id, day, chance.choice((-50, 0, 1, 40, 50, 100, 250)))
            )


def test_counts_are_those_of_the_definition(db: Database) -> None:
    """Many settings on many days; every member each time."""
    shop = new_shop(db)
    with shop.now():
        db.write(crowd, brand=shop.brand)
    people = shop.people()
    with db.read(brand=shop.brand) as scope:
        mine = select(Member.id, Member.number).where(Member.brand_id == shop.brand.id)
        numbers = dict(scope.session.execute(mine).all())

    @given(rules=rules, back=st.integers(0, 33))
    def holds(rules: dict[str, int], back: int) -> None:
        as_of = START - timedelta(days=back)
        found: dict[str, tuple[str, str]] = {}

        def each(number: str, decision: Decision) -> None:
            found[number] = (decision.stage, decision.reason)

        with shop.now(), db.read(brand=shop.brand) as scope:
            counts = counting.count(scope, as_of, rules, each)
        right = {
            numbers[member_id]: naive.stage(person, as_of, rules)
            for member_id, person in people.items()
            if person.joined < as_of
        }
        assert found == right
        assert not isinstance(counts, Refused)
        assert counts.members == len(right)
        assert counts.reasons == Counter(right.values())
        assert counts.stages == {stage: sum(of == stage for of, _ in right.values()) for stage in STAGES}
        assert list(counts.stages) == list(STAGES)

    holds()


def test_counting_changes_nothing(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("buy", 0, -3)])
    with shop.now(), db.read(brand=shop.brand) as scope:
        counts = counting.count(scope, START)
        assert not isinstance(counts, Refused) and counts.reasons == {("introduction", "first_order"): 1}
        for model in (MemberStage, StageChange):
            assert scope.session.scalar(select(func.count()).select_from(model)) == 0
        assert scope.session.scalars(select(Member.dirty_on)).all() != [None]


def test_a_day_that_has_not_come_is_refused_by_the_brands_clock(db: Database) -> None:
    shop = new_shop(db)  # Asia/Shanghai: when it is the 1st there, New York still has the 28th
    late = datetime(2025, 2, 28, 20, tzinfo=ZoneInfo("UTC"))
    with db.read(brand=shop.brand, now=late) as scope:
        assert not isinstance(counting.count(scope, date(2025, 3, 1)), Refused)
        with pytest.raises(UserError, match="2025-03-02 has not come yet in Asia/Shanghai"):
            counting.count(scope, date(2025, 3, 2))


def test_merged_members_count_once(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("join", 50)])
    kept, gone = shop.members
    db.write(
        lambda s: s.session.execute(update(Member).where(Member.id == gone).values(person_id=kept)) and None
    )
    with shop.now(), db.read(brand=shop.brand) as scope:
        counts = counting.count(scope, START)
    assert not isinstance(counts, Refused) and counts.members == 1


def test_the_earliest_day_there_is(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("buy", 0, -3)])
    with shop.now(), db.read(brand=shop.brand) as scope:
        counts = counting.count(scope, date(1, 1, 1), {"churn_days": 3650})
    assert counts == counting.Counts()


def test_settings_are_checked(db: Database) -> None:
    shop = new_shop(db)
    with db.read(brand=shop.brand) as scope:
        assert counting.checked(scope, [("maturity_orders", "4"), ("maturity_orders", " 3 ")]) == {
            "maturity_orders": 3
        }
        with pytest.raises(
            UserError, match="no setting 'orders' of the life cycle; known: basket_drop_percent, churn_days"
        ):
            counting.checked(scope, [("orders", "4")])
        for text in ("0", "1001", "4.5", "", "five"):
            with pytest.raises(UserError, match=f"maturity_orders='{text}'.*a whole number from 1 to 1000"):
                counting.checked(scope, [("maturity_orders", text)])


def test_without_a_policy_there_is_nothing_to_count(db: Database) -> None:
    shop = new_shop(db)
    db.write(lambda scope: context.switch(scope, PLUGIN, on=False), brand=shop.brand)
    with shop.now(), db.read(brand=shop.brand) as scope:
        assert counting.count(scope, START) == Refused("no_policy")
        with pytest.raises(UserError, match="no policy is switched on"):
            counting.checked(scope, [("maturity_orders", "4")])
