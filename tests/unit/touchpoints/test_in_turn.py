"""The store's guides in turn, each within a limit over all codes, with many people joining at once, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.together import together
from webapp.coupons.models import Coupon, Offer
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.staff.models import Staff, StaffRole
from webapp.touchpoints import guides, joining, service
from webapp.touchpoints.models import GuideDay, Touchpoint, TouchpointJoin

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)


def hire(db: Database, brand: BrandRef, count: int) -> list[int]:
    """More guides beside the one that is there; all of them by id."""

    def unit(scope: Scope) -> None:
        for n in range(count - 1):
            one = Staff(
                id=scope.new_id(), email=f"g{n}@acme.example", name=f"Guide {n}", created_at=scope.now
            )
            scope.session.add(one)
            scope.session.flush()
            role = StaffRole(brand_id=scope.brand.id, id=scope.new_id(), staff_id=one.id, role="guide")
            scope.session.add(role)

    db.write(unit, brand=brand)
    with db.read() as scope:
        found = scope.session.scalars(select(StaffRole.staff_id).where(StaffRole.role == "guide"))
        return sorted(found)


def hang(db: Database, brand: BrandRef, **details: object) -> Touchpoint:
    def unit(scope: Scope) -> Touchpoint:
        made = service.new(scope, service.Details(**({"name": "Window"} | details)))  # type: ignore[arg-type]
        assert not isinstance(made, Refused), made
        return made

    return db.write(unit, brand=brand)


def run_joins(db: Database, brand: BrandRef, processes: int, each: int, limit: int) -> None:
    """Two codes, three guides and a stand-in; everybody types a phone of their own, and taps twice."""
    ids = hire(db, brand, 3)
    clerk = seed.actor(db, "clerk").id
    stock = processes * each // 2
    offer = db.write(lambda s: make.make_offer(s, stock=stock).id, brand=brand)
    doors = [hang(db, brand, serving="turn", standin_id=clerk, offer_id=offer, name=n) for n in ("A", "B")]
    for one in (*ids, clerk):
        db.write(lambda s, one=one: guides.set_duty(s, one, limit, None), brand=brand)

    def work(db: Database, n: int) -> None:
        for i in range(each):
            door = doors[(n + i) % 2]
            typed = joining.Joining(phone=f"139{n:04}{i:04}")
            for _tap in range(2):
                key = f"process-{n}-{i}"
                answer = db.write(
                    lambda s, door=door, typed=typed, key=key: joining.join(s, door, typed, key),
                    brand=brand,
                    now=NOON,
                )
                assert isinstance(answer, joining.Joined)

    together(db.url, processes, work, seconds=400)  # a busy machine is slow, not wrong
    with db.read(brand=brand) as scope:
        served = Counter(scope.session.scalars(select(TouchpointJoin.serves_id)))
        members = scope.session.scalar(select(func.count()).select_from(Member))
        given = scope.session.scalar(select(func.count()).select_from(Coupon))
        taken = {row.staff_id: row.taken for row in scope.session.scalars(select(GuideDay))}
        issued = scope.session.get_one(Offer, (brand.id, offer)).issued
    total = processes * each
    assert members == total and given == issued == stock
    full = min(limit, total // 3)
    assert {one: served[one] for one in ids} == dict.fromkeys(ids, full), "in turn, and never over the limit"
    assert served[clerk] == min(limit, total - 3 * full)
    assert served[None] == total - 3 * full - served[clerk]
    assert taken == {one: served[one] for one in (*ids, clerk) if served[one]}


def test_three_processes_and_a_limit(app: Flask, db: Database, brand: BrandRef) -> None:
    run_joins(db, brand, 3, 4, 2)


def test_in_turn_one_after_the_other(app: Flask, db: Database, brand: BrandRef) -> None:
    ids = hire(db, brand, 3)
    door = hang(db, brand, serving="turn")
    got = [db.write(lambda s: guides.choose(s, door), brand=brand) for _ in range(7)]
    assert Counter(got[:6]) == Counter(dict.fromkeys(ids, 2)) and got[:3] == got[3:6] and got[6] == got[0]
