"""A thousand people at one offer of a hundred, in many processes: a hundred coupons, each once, and everybody else is told.

And whatever members and clerks do with coupons meanwhile, with processes killed in the middle: every counter and every
history is right. SQLite has one writer, so that its units come one after another; the numbers are the same on both.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.together import together
from webapp.coupons import auditing, service
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, OfferDay, Redemption
from webapp.coupons.take import take
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope

pytestmark = pytest.mark.drill

PEOPLE, STOCK = 1000, 100
PARTS = ("take", "void", "redeem", "reverse")
OF_EACH = {"postgresql": 250, "sqlite": 300}  # at least; so over 500 in all
PROCESSES, KILLED = 16, 5
LIMIT = 200.0  # seconds; a bound of a hang


def shop(db: Database, brand: BrandRef, people: int, **offer: Any) -> tuple[int, list[int]]:
    """An offer and its members, a hundred a unit."""
    offer_id = db.write(lambda scope: make.make_offer(scope, **offer).id, brand=brand)
    members: list[int] = []
    for first in range(0, people, 100):
        members += db.write(
            lambda scope, a=first: [  # type: ignore[misc]
                make.make_member(scope, number=f"s{n:05}", name=f"Member {n}").id
                for n in range(a, min(a + 100, people))
            ],
            brand=brand,
        )
    return offer_id, members


def right(db: Database, brand: BrandRef) -> None:
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def says(answer: Coupon | Refused) -> str:
    return answer.code if isinstance(answer, Refused) else "given"


@pytest.mark.parametrize("processes", [16, 64])
def test_a_thousand_people_and_a_hundred_coupons(db: Database, brand: BrandRef, processes: int) -> None:
    offer_id, members = shop(db, brand, PEOPLE, stock=STOCK)

    def work(db: Database, n: int) -> list[str]:
        mine = members[n::processes]
        random.Random(n).shuffle(mine)
        return [
            says(
                db.write(
                    lambda scope, m=m: take(scope, offer_id, m, f"once-{m}"),  # type: ignore[misc]
                    brand=brand,
                    actor=Actor("member", m),
                )
            )
            for m in mine
        ]

    said = Counter(word for words in together(db.url, processes, work) for word in words)
    assert said == {"given": STOCK, "sold_out": PEOPLE - STOCK}
    right(db, brand)
    with db.read(brand=brand) as scope:
        assert scope.session.get_one(Offer, (brand.id, offer_id)).issued == STOCK
        owners = scope.session.scalars(select(Coupon.member_id)).all()
        assert len(owners) == len(set(owners)) == STOCK
        assert scope.session.scalar(select(func.sum(OfferAllowance.used))) == STOCK


# -------------------------------------------------------------------------------------------- everything, and some killed


def test_whatever_they_do_and_whoever_is_killed(db: Database, brand: BrandRef) -> None:
    """Sixteen processes take, void, redeem and undo at random; five of them are killed in the middle of it."""
    offer_id, members = shop(db, brand, 400, stock=300, per_person=3, per_day=280, budget_minor=10**9)
    clerk, of_each = seed.actor(db, "owner"), OF_EACH["sqlite" if db.is_sqlite else "postgresql"]
    fork = multiprocessing.get_context("fork")
    # each process has a row of its own: a lock that a killed one holds would stop the others
    done = fork.Array("q", PROCESSES * len(PARTS), lock=False)
    enough = fork.Event()

    def work(n: int) -> None:
        own = seed.database(db.url)
        dice, turn = random.Random(n), 0
        while not enough.is_set():
            turn += 1
            part = dice.choice(PARTS)
            if _turn(own, brand, clerk, offer_id, members, dice, part, f"{n}-{turn}"):
                done[n * len(PARTS) + PARTS.index(part)] += 1

    workers = [fork.Process(target=work, args=(n,), daemon=True) for n in range(PROCESSES)]
    for worker in workers:
        worker.start()
    until = time.monotonic() + LIMIT
    dice = random.Random(1)
    killed: list[Any] = []

    def counted() -> dict[str, int]:
        return {part: sum(done[at :: len(PARTS)]) for at, part in enumerate(PARTS)}

    def least() -> int:
        return min(counted().values())

    try:
        while (least() < of_each or len(killed) < KILLED) and time.monotonic() < until:
            time.sleep(dice.uniform(0.05, 0.2))
            if len(killed) < KILLED and least() > (len(killed) + 1) * of_each // (KILLED + 2):
                victim = workers[len(killed)]
                assert victim.pid is not None
                os.kill(victim.pid, signal.SIGKILL)
                killed.append(victim)
    finally:
        enough.set()
        for worker in workers:
            worker.join(30)
            if worker.is_alive():
                worker.kill()
    did = counted()
    assert (min(did.values()) >= of_each, len(killed)) == (True, KILLED), did
    assert [worker.exitcode for worker in workers if worker not in killed] == [0] * (PROCESSES - KILLED)
    right(db, brand)
    with db.read(brand=brand) as scope:
        out = scope.session.scalar(select(func.count()).select_from(Coupon).where(Coupon.state != "void"))
        offer = scope.session.get_one(Offer, (brand.id, offer_id))
        assert out == offer.issued <= 300
        assert (scope.session.scalar(select(func.sum(OfferDay.used))) or 0) == out
        steps = dict(
            scope.session.execute(select(CouponChange.state, func.count()).group_by(CouponChange.state)).all()
        )
        # what a process had committed when it was killed, but not counted, is there too: at most one each
        for part, state in zip(PARTS, ("issued", "void", "redeemed", "reversed"), strict=True):
            assert did[part] <= steps[state] <= did[part] + KILLED, (part, did, steps)


def _turn(
    db: Database,
    brand: BrandRef,
    clerk: Actor,
    offer_id: int,
    members: list[int],
    dice: random.Random,
    part: str,
    key: str,
) -> bool:
    """One thing that somebody does; whether it was done (and not refused, or nothing to do)."""
    if part == "take":
        member = dice.choice(members)
        taken = db.write(
            lambda scope: take(scope, offer_id, member, f"take-{key}"),
            brand=brand,
            actor=Actor("member", member),
        )
        return isinstance(taken, Coupon)
    with db.read(brand=brand) as scope:
        wanted = ("redeemed",) if part == "reverse" else ("claimed", "reversed")
        found = scope.session.execute(
            select(Coupon.id, Coupon.code)
            .where(Coupon.state.in_(wanted), Coupon.id >= _somewhere(scope, dice))
            .order_by(Coupon.id)
            .limit(1)
        ).one_or_none()
        if found is None:
            return False
        used = scope.session.scalar(select(Redemption.id).where(Redemption.open_coupon_id == found.id))
    work: dict[str, Callable[[Scope], bool]] = {
        "void": lambda scope: _void(scope, found.id),
        "redeem": lambda scope: isinstance(
            service.redeem(scope, typed=found.code, basket_minor=150_00, key=f"use-{key}"), Redemption
        ),
        "reverse": lambda scope: used is not None and _reverse(scope, used),
    }
    return db.write(work[part], brand=brand, actor=clerk)


def _somewhere(scope: Scope, dice: random.Random) -> int:
    last = scope.session.scalar(select(func.max(Coupon.id))) or 0
    return dice.randint(min(1000, last), last)


def _void(scope: Scope, coupon_id: int) -> bool:
    """Whether it was this unit that took it away."""
    before = scope.session.scalar(select(Coupon.state).where(Coupon.id == coupon_id).with_for_update())
    return not isinstance(service.void(scope, coupon_id), Refused) and before != "void"


def _reverse(scope: Scope, redemption_id: int) -> bool:
    coupon_id = scope.session.scalar(select(Redemption.coupon_id).where(Redemption.id == redemption_id))
    scope.session.scalar(select(Coupon.id).where(Coupon.id == coupon_id).with_for_update())
    before = scope.session.scalar(select(Redemption.reversed_at).where(Redemption.id == redemption_id))
    return not isinstance(service.reverse(scope, redemption_id), Refused) and before is None
