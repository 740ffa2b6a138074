"""Clerks, members and workers at the same moment, in real processes, on both databases. The long ones are drills."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.together import together
from webapp.coupons import auditing, service
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.kernel import events
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import queries as members

STOCK, EACH, BASKET = 20, 8, 150_00


def fill(db: Database, brand: BrandRef, count: int, **offer: object) -> tuple[int, list[int]]:
    """An offer, and members."""

    def unit(scope: Scope) -> tuple[int, list[int]]:
        return make.make_offer(scope, **offer).id, [one.id for one in make.make_members(scope, count)]

    return db.write(unit, brand=brand)


def coupons(db: Database, brand: BrandRef, count: int) -> list[Coupon]:
    """A coupon for each of some members."""
    offer_id, members = fill(db, brand, count)
    answers = db.write(
        lambda s: service.issue(s, offer_id, [(m, m) for m in members], occurrence="race"), brand=brand
    )
    return [one for one in answers.values() if isinstance(one, Coupon)]


def check(db: Database, brand: BrandRef) -> None:
    """Every promise of the coupons holds, whoever was there first."""
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def check_stock(db: Database, brand: BrandRef, offer_id: int, stock: int) -> None:
    check(db, brand)  # so `issued` is the number of its coupons
    with db.read(brand=brand) as scope:
        assert scope.session.get_one(Offer, (brand.id, offer_id)).issued == stock


def run_for_stock(db: Database, brand: BrandRef, processes: int, each: int, stock: int) -> None:
    """More members than coupons, each asking for one in a unit of its own: exactly the stock is given."""
    offer_id, members = fill(db, brand, processes * each, stock=stock)

    def work(db: Database, n: int) -> list[str]:
        return [
            "given" if isinstance(one, Coupon) else one.code
            for m in members[n::processes]
            for one in [db.write(lambda s, m=m: service.give(s, offer_id, m, f"key-{m}"), brand=brand)]
        ]

    said = Counter(word for words in together(db.url, processes, work) for word in words)
    assert said == {"given": stock, "sold_out": processes * each - stock}
    check_stock(db, brand, offer_id, stock)


def run_chunks(db: Database, brand: BrandRef, processes: int, chunk: int, stock: int) -> None:
    """Chunks of a campaign's audience against one stock: as many as remain are given, to the last one."""
    offer_id, members = fill(db, brand, processes * chunk, stock=stock)

    def work(db: Database, n: int) -> int:
        them = [(m, m) for m in members[n::processes]]
        answers = db.write(lambda s: service.issue_for_campaign(s, offer_id, them, 1), brand=brand)
        return sum(isinstance(one, Coupon) for one in answers.values())

    assert sum(together(db.url, processes, work)) == stock
    check_stock(db, brand, offer_id, stock)


def run_same_chunk(db: Database, brand: BrandRef, processes: int) -> None:
    """One chunk that several workers hold at once: everybody has one coupon, and all workers name the same."""
    offer_id, members = fill(db, brand, 30, per_person=1)

    def work(db: Database, _n: int) -> dict[int, str]:
        them = [(m, m) for m in members]
        answers = db.write(lambda s: service.issue_for_campaign(s, offer_id, them, 1), brand=brand)
        return {m: one.token if isinstance(one, Coupon) else one.code for m, one in answers.items()}

    answers = together(db.url, processes, work)
    assert all(one == answers[0] for one in answers)
    assert "per_person" not in answers[0].values()
    check_stock(db, brand, offer_id, 30)


def run_redeem(db: Database, brand: BrandRef, processes: int, count: int) -> None:
    """Several clerks with the same coupons, each with keys of their own: each coupon is used once, the others are told."""
    them, clerk = coupons(db, brand, count), seed.actor(db, "clerk")

    def work(db: Database, n: int) -> list[int | str]:
        answers = [
            db.write(
                lambda s, c=c: service.redeem(s, typed=c.code, basket_minor=BASKET, key=f"clerk-{n}-{c.id}"),
                brand=brand,
                actor=clerk,
            )
            for c in them
        ]
        return [one.code if isinstance(one, Refused) else one.id for one in answers]

    answers = together(db.url, processes, work)
    check(db, brand)
    for said in zip(*answers, strict=True):
        assert Counter(type(one) for one in said) == {int: 1, str: processes - 1}
        assert {one for one in said if isinstance(one, str)} == {"used"}


def run_same_key(db: Database, brand: BrandRef, processes: int, count: int) -> None:
    """A double tap, a retry after a lost answer: one key, one redemption, one answer."""
    them, clerk = coupons(db, brand, count), seed.actor(db, "clerk")

    def work(db: Database, _n: int) -> list[int]:
        answers = [
            db.write(
                lambda s, c=c: service.redeem(s, typed=c.code, basket_minor=BASKET, key=f"tap-{c.id}"),
                brand=brand,
                actor=clerk,
            )
            for c in them
        ]
        return [one.id for one in answers if isinstance(one, Redemption)]

    said = together(db.url, processes, work)
    check(db, brand)
    assert all(one == said[0] and len(one) == count for one in said)
    with db.read(brand=brand) as scope:
        assert scope.session.scalar(select(func.count()).select_from(Redemption)) == count


def run_there_and_back(db: Database, brand: BrandRef, processes: int, rounds: int) -> None:
    """Some redeem one coupon and some undo, over and over: its history is one line, each step from where the last ended."""
    (coupon,), clerk = coupons(db, brand, 1), seed.actor(db, "clerk")

    def work(db: Database, n: int) -> int:
        done = 0
        for turn in range(rounds):
            if n % 2:
                key = f"back-{n}-{turn}"
                one = db.write(
                    lambda s, k=key: service.redeem(s, typed=coupon.code, basket_minor=BASKET, key=k),
                    brand=brand,
                    actor=clerk,
                )
                done += isinstance(one, Redemption)
            else:
                with db.read(brand=brand) as scope:
                    ids = scope.session.scalars(
                        select(Redemption.id).order_by(Redemption.id.desc()).limit(3)
                    ).all()
                for one_id in ids:
                    db.write(lambda s, i=one_id: service.reverse(s, i), brand=brand, actor=clerk)
        return done

    used = sum(together(db.url, processes, work))
    check(db, brand)  # so its history is one line, and as many redemptions stand or are undone as it says
    with db.read(brand=brand) as scope:
        assert scope.session.scalar(select(func.count()).select_from(Redemption)) == used


def test_exactly_the_stock_is_given(db: Database, brand: BrandRef) -> None:
    run_for_stock(db, brand, 4, EACH, STOCK)


def test_chunks_share_what_remains(db: Database, brand: BrandRef) -> None:
    run_chunks(db, brand, 3, 12, 25)


def test_one_chunk_in_two_hands(db: Database, brand: BrandRef) -> None:
    run_same_chunk(db, brand, 2)


def test_two_clerks(db: Database, brand: BrandRef) -> None:
    run_redeem(db, brand, 2, 6)


def test_a_double_tap(db: Database, brand: BrandRef) -> None:
    run_same_key(db, brand, 2, 4)


def test_redeemed_and_undone_at_once(db: Database, brand: BrandRef) -> None:
    run_there_and_back(db, brand, 4, 6)


@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_an_order_and_a_redemption_at_the_same_moment_find_each_other(db: Database, brand: BrandRef) -> None:
    """Each is written while the other is not committed, so that neither sees the other. (SQLite has one writer.)"""
    import webapp.coupons.jobs  # noqa: F401  subscribes

    (coupon,) = coupons(db, brand, 1)

    def till(scope: Scope) -> None:
        make.make_order(scope, members.get(scope, coupon.member_id), scope.today, number="r-1")

    def clerk(scope: Scope) -> None:
        used = service.redeem(
            scope, typed=coupon.code, basket_minor=BASKET, key="clerk-key", till_number="r-1"
        )
        assert isinstance(used, Redemption) and used.order_id is None
        db.write(till, brand=brand)
        events.deliver(db, brand.id)

    db.write(clerk, brand=brand)
    events.deliver(db, brand.id)
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(Redemption)).one().order_id is not None
