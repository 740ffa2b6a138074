"""The fence by store: whatever stores an actor has, lists, searches, figures and profiles are what one counts by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from random import Random

import pytest
from flask import Flask

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import at_counter, redemptions, service
from webapp.coupons import queries as coupons
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.errors import Forbidden, NotFound
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.members import queries as members
from webapp.members import service as member_service
from webapp.members.models import Member
from webapp.orders import history
from webapp.orders.models import Order

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)
TODAY = date(2026, 3, 9)
PEOPLE = 16


@pytest.fixture
def stores(app: Flask, db: Database, brand: BrandRef) -> list[int]:
    """Three stores; members of each and of none, who buy and redeem anywhere."""
    dice = Random(20260309)

    def fill(scope: Scope) -> list[int]:
        ids = [make.make_store(scope, code).id for code in ("a", "b", "c")]
        offer = make.make_offer(scope, per_person=3)
        for n in range(PEOPLE):
            home = dice.choice([*ids, 0])
            member = make.make_member(scope, name=f"Wang {n}", phone=f"139{n:08}", store_id=home)
            for k in range(dice.randrange(3)):
                make.make_order(scope, member, TODAY - timedelta(days=k), store_id=dice.choice([*ids, None]))
            coupon = service.give(scope, offer.id, member.id, f"give-{n:04}")
            assert isinstance(coupon, Coupon)
            if n % 2:
                done = service.redeem(
                    scope,
                    typed=coupon.code,
                    basket_minor=20_000,
                    key=f"used-{n:04}",
                    store_id=dice.choice(ids),
                )
                assert isinstance(done, Redemption)
        return ids

    return db.write(fill, brand=brand, now=NOON)


def actors(db: Database, stores: list[int]) -> Iterator[Actor]:
    """A manager of every set of stores, the empty one (sees nothing) and the whole brand too."""
    manager = seed.actor(db, "manager")
    yield manager
    for size in range(len(stores) + 1):
        for some in combinations(stores, size):
            yield replace(manager, stores=frozenset(some))


def test_lists_searches_and_figures_are_what_one_counts_by_hand(
    db: Database, brand: BrandRef, stores: list[int]
) -> None:
    with db.read(brand=brand, now=NOON) as scope:
        people = list(scope.session.query(Member))
        orders = list(scope.session.query(Order))
        used = list(scope.session.query(Redemption))
        given = list(scope.session.query(Coupon))
        home = {member.id: member.store_id for member in people}
    assert len(people) == PEOPLE and len({*home.values()}) == 4  # each store, and none
    for actor in actors(db, stores):

        def sees(store_id: int | None, actor: Actor = actor) -> bool:
            return actor.stores is None or store_id in actor.stores

        mine = {member.id for member in people if sees(member.store_id)}
        with db.read(brand=brand, actor=actor, now=NOON) as scope:
            listed, after = set(), None
            while True:
                page = members.list_members(scope, after=after, limit=5)
                listed |= {member.id for member in page.members}
                if (after := page.next) is None:
                    break
            assert listed == mine
            assert members.count_members(scope) == len(mine)
            for member in people:
                by_phone = members.list_members(scope, text=f"139{int(member.name.split()[1]):08}").members
                assert [one.id for one in by_phone] == ([member.id] if member.id in mine else [])
                if member.id not in mine:
                    with pytest.raises(NotFound):
                        members.profile(scope, member.id)
                theirs = [o for o in orders if o.person_id == member.id and sees(o.store_id)]
                shown = history.of_person(scope, member.id, limit=50).orders
                assert {order.id for order, _store in shown} == {order.id for order in theirs}
                summary = history.summary(scope, member.id)
                assert (summary.orders, summary.paid_minor) == (
                    len(theirs),
                    sum(o.paid_minor for o in theirs),
                )
            wanted = {coupon.id for coupon in given if coupon.member_id in mine}
            assert {row.coupon.id for row in coupons.coupons(scope, limit=99).rows} == wanted
            assert sum(coupons.coupons_by_state(scope).values()) == len(wanted)
            day = [one for one in used if sees(one.store_id)]
            assert redemptions.day_total(scope, TODAY) == (len(day), sum(one.saving_minor for one in day))
            assert {row.redemption.id for row in redemptions.of_day(scope, TODAY, limit=99)} == {
                one.id for one in day
            }


def test_nobody_corrects_or_undoes_beyond_the_fence(db: Database, brand: BrandRef, stores: list[int]) -> None:
    here = replace(seed.actor(db, "manager"), stores=frozenset(stores[:1]))
    with db.read(brand=brand) as scope:
        far = next(one.id for one in scope.session.query(Member) if one.store_id != stores[0])
        away = next(one.id for one in scope.session.query(Redemption) if one.store_id != stores[0])
    with pytest.raises(NotFound):
        db.write(
            lambda s: member_service.correct_member(s, far, member_service.Details(name="Mine now")),
            brand=brand,
            actor=here,
        )
    with pytest.raises(Forbidden):
        db.write(lambda s: service.reverse(s, away), brand=brand, actor=here, now=NOON)


def test_the_counter_finds_anybody_by_the_whole_and_nobody_by_a_part(
    db: Database, brand: BrandRef, stores: list[int]
) -> None:
    clerk = replace(seed.actor(db, "clerk"), stores=frozenset(stores[:1]))
    with db.read(brand=brand, actor=clerk, now=NOON) as scope:
        for n in range(PEOPLE):
            phone = f"139{n:08}"
            found = at_counter.find(scope, phone)
            assert found is not None and found.name == f"W•• {str(n)[0]}••"
            number = members.get(scope, found.member_id).number
            by_number = at_counter.find(scope, number)
            assert by_number is not None and by_number.member_id == found.member_id
            assert len(found.coupons) == (0 if n % 2 else 1)  # a used one is no business of the counter's
            assert at_counter.find(scope, phone[:-1]) is None and at_counter.find(scope, phone[-4:]) is None
        assert at_counter.find(scope, "Wang 1") is None
