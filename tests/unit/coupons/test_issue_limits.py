"""When, how many a day and to whom coupons are given; what returns to the stock gives its day back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import auditing, service
from webapp.coupons.models import Coupon, Offer, OfferAllowance, OfferDay
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_runtime import context
from webapp.segments.rules import Condition, Rule

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon in Shanghai
LATE = NOON + timedelta(hours=11, minutes=59)
NIGHT = NOON + timedelta(hours=12)  # the next local day begins, in UTC it is the same day
PLUGIN = "coupon_spend_and_save"


def begin(db: Database, brand: BrandRef, count: int = 6, **offer: Any) -> tuple[int, list[int]]:
    def unit(scope: Scope) -> tuple[int, list[int]]:
        return make.make_offer(scope, **offer).id, [one.id for one in make.make_members(scope, count)]

    return db.write(unit, brand=brand, now=NOON)


def give(
    db: Database, brand: BrandRef, offer_id: int, members: list[int], now: datetime, occurrence: str = "a"
) -> list[str]:
    """A word for each member: given, or why not."""
    answers = db.write(
        lambda scope: service.issue(scope, offer_id, [(m, m) for m in members], occurrence=occurrence),
        brand=brand,
        now=now,
    )
    return ["given" if isinstance(one, Coupon) else one.code for one in answers.values()]


def days(db: Database, brand: BrandRef) -> dict[date, int]:
    assert [one.promise.key for one in auditing.check(db, brand) if one.broken] == []
    with db.read(brand=brand) as scope:
        return dict(scope.session.execute(select(OfferDay.day, OfferDay.used)).all())


@OTHER_IN_DRILL
def test_from_the_first_moment_on_and_before_the_second(db: Database, brand: BrandRef) -> None:
    offer_id, (one, two, *_) = begin(db, brand, claim_from=NOON, claim_until=LATE)
    second = timedelta(seconds=1)
    assert give(db, brand, offer_id, [one], NOON - second) == ["too_early"]
    assert give(db, brand, offer_id, [one], NOON) == ["given"]
    assert give(db, brand, offer_id, [two], LATE) == ["too_late"]
    assert give(db, brand, offer_id, [two, one], LATE - second) == ["given", "given"]
    assert give(db, brand, offer_id, [one], LATE) == ["given"]  # whoever has it keeps it

    def why(scope: Scope) -> object:
        return service.give(scope, offer_id, one, "another-key")

    assert db.write(why, brand=brand, now=NOON - second) == Refused("too_early", {"from": NOON.isoformat()})
    assert db.write(why, brand=brand, now=LATE) == Refused("too_late", {"until": LATE.isoformat()})


def test_so_many_a_local_day_and_a_place_that_comes_back(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand, count=9, per_day=3, stock=8)
    today, tomorrow = date(2026, 5, 10), date(2026, 5, 11)
    assert give(db, brand, offer_id, members[:2], NOON) == ["given", "given"]
    assert give(db, brand, offer_id, members[2:5], LATE) == ["given", "per_day", "per_day"]
    assert give(db, brand, offer_id, members[3:4], LATE) == ["per_day"]
    assert days(db, brand) == {today: 3}
    assert give(db, brand, offer_id, members[3:5], NIGHT) == ["given", "given"]

    def void(scope: Scope, member_id: int) -> None:
        coupon = scope.session.scalars(select(Coupon).where(Coupon.member_id == member_id)).one()
        assert isinstance(service.void(scope, coupon.id), Coupon)

    db.write(lambda scope: void(scope, members[0]), brand=brand, now=NIGHT)
    assert days(db, brand) == {today: 2, tomorrow: 2}  # the place of the day on which it was given
    with db.read(brand=brand) as scope:
        counted = scope.session.scalars(select(OfferAllowance.used).order_by(OfferAllowance.person_id)).all()
        assert (list(counted), scope.session.get_one(Offer, (brand.id, offer_id)).issued) == (
            [0, 1, 1, 1, 1],
            4,
        )


@OTHER_IN_DRILL
def test_what_was_given_before_there_was_a_limit_is_counted_on_no_day(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand)
    assert give(db, brand, offer_id, members[:2], NOON) == ["given", "given"]

    def limit(scope: Scope) -> None:
        scope.session.get_one(Offer, (brand.id, offer_id)).per_day = 1

    db.write(limit, brand=brand, now=NOON)
    assert give(db, brand, offer_id, members[2:4], NOON) == ["given", "per_day"]

    def void(scope: Scope) -> None:
        for coupon in scope.session.scalars(select(Coupon).order_by(Coupon.id)).all():
            service.void(scope, coupon.id)

    db.write(void, brand=brand, now=NOON)
    assert days(db, brand) == {date(2026, 5, 10): 0}


def test_a_day_that_fills_behind_our_back_is_found_by_the_counter(
    db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.coupons import counters

    offer_id, members = begin(db, brand, per_day=4)
    assert give(db, brand, offer_id, members[:3], NOON) == ["given"] * 3
    monkeypatch.setattr(
        counters, "left_on", lambda *_: 4
    )  # what a unit read a moment before the others were there
    assert give(db, brand, offer_id, members[3:], NOON) == ["given", "per_day", "per_day"]
    assert days(db, brand) == {date(2026, 5, 10): 4}


def test_only_members_who_fit_the_rule(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand, count=4)

    def unit(scope: Scope) -> None:
        make.make_order(scope, scope.session.get_one(Member, (brand.id, members[1])), date(2026, 5, 1))
        service.set_who(scope, offer_id, Rule((Condition("orders", least=1),)))

    db.write(unit, brand=brand, now=NOON)
    assert give(db, brand, offer_id, members, NOON) == ["not_for_you", "given", "not_for_you", "not_for_you"]

    def broken(scope: Scope) -> None:
        scope.session.get_one(Offer, (brand.id, offer_id)).who = {"all": [{"field": "gone", "min": 1}]}

    db.write(broken, brand=brand, now=NOON)
    assert give(db, brand, offer_id, members[:2], NOON, "b") == ["who_unknown"] * 2


@OTHER_IN_DRILL
def test_nothing_while_its_plugin_is_off(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand)
    db.write(lambda scope: context.switch(scope, PLUGIN, on=False), brand=brand)
    assert give(db, brand, offer_id, members[:1], NOON) == ["parked"]
    db.write(lambda scope: context.switch(scope, PLUGIN, on=True), brand=brand)
    assert give(db, brand, offer_id, members[:1], NOON) == ["given"]
