"""Members, clerks and time at random over HTTP, while web workers are killed: 500 coupons and more are taken, as many holds
end by themselves, as many redemptions are made, and as many undone; and twenty times a process that answers pages is killed.

Whoever gets no answer asks again with the same Idempotency-Key. In the end what was answered and what is written down are the
same, one for one: no key had two effects, and no answer is missing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.live import LiveShop
from tests.support.pages import Pages, pages
from tests.support.tills import HttpTill, audit
from tests.support.waiting import wait_for
from tests.web.api.tills import new_key
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, Redemption
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_runtime import context, runtime

pytestmark = pytest.mark.drill

OF_EACH, KILLS, CLIENTS = 500, 20, 16
KEYS = 4  # of a client: none may ask more than 600 times a minute
PEOPLE, CHUNK = 200, 100
STOCK = {"kept": 200, "taken": 60}  # coupons that are kept for a moment, and ones that stay
PER_PERSON = 2
PARTS = {"kept": 36, "taken": 6, "redeem": 32, "reverse": 30}  # how often each is tried
OF_KEPT = 0.3  # how often a use may be of a kept one: were it always, all of the stock could be used before enough holds have ended
TWICE = 0.05  # of what was answered is asked once more
LIMIT = 400.0  # seconds; a bound of a hang
PLUGIN = Path(seed.__file__).parent / "coupon_moment"


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    yield
    runtime.load_all()


@pytest.fixture
def offers(live: LiveShop) -> dict[str, int]:
    """One whose coupons are kept for a moment, one whose coupons stay; and people numbered p00000 and on."""
    shutil.copytree(PLUGIN, live.instance / "plugins" / "coupon_moment")
    runtime.load_all(live.instance / "plugins")
    context.use_secrets_of(live.instance)
    brand = seed.brand(live.db)
    for first in range(0, PEOPLE, CHUNK):
        live.db.write(
            lambda scope, a=first: [  # type: ignore[misc]
                make.make_member(scope, number=f"p{n:05}", name=f"Member {n}") for n in range(a, a + CHUNK)
            ],
            brand=brand,
        )
    terms: dict[str, tuple[str, dict[str, Any]]] = {
        "kept": ("moment", {"save": 1_00}),
        "taken": ("spend_and_save", {"mode": "steps", "steps": [{"spend": 100_00, "save": 20_00}]}),
    }

    def begin(scope: Scope, kind: str) -> int:
        type_key, said = terms[kind]
        return make.make_offer(scope, said, type_key=type_key, stock=STOCK[kind], per_person=PER_PERSON).id

    return {kind: live.db.write(lambda scope, kind=kind: begin(scope, kind), brand=brand) for kind in terms}  # type: ignore[misc]


def test_whatever_is_asked_and_whatever_is_killed(
    live: LiveShop, offers: dict[str, int], tmp_path: Path
) -> None:
    brand, url = seed.brand(live.db), live.db.url
    secrets = [new_key(live.db, brand, name=f"Till {n}") for n in range(CLIENTS * KEYS)]
    fork = multiprocessing.get_context("fork")
    enough = fork.Event()
    with pages(live) as gunicorn:
        doors = (live.start(seconds=90).address, gunicorn.ready().address)
        live.db.close()
        clients = [
            fork.Process(
                target=_client,
                args=(
                    n,
                    doors[n % 2],
                    secrets[n::CLIENTS],
                    url,
                    brand,
                    offers,
                    enough,
                    tmp_path / f"client{n}",
                ),
                daemon=True,
            )
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        began = time.monotonic()
        try:
            killed = _kill(live, gunicorn, brand, clients)
        finally:
            enough.set()
            for client in clients:
                client.join(100)
        took = time.monotonic() - began
        assert [client.exitcode for client in clients] == [0] * CLIENTS
        wait_for(lambda: _held(live.db, brand) == 0, 30)  # the last ones end without anybody's asking
        heard = [json.loads((tmp_path / f"client{n}").read_text()) for n in range(CLIENTS)]
        said = Counter((part, word or "done") for one in heard for part, word, _ in one["heard"])
        lost = sum(one["lost"] for one in heard)
        print(
            f"{took:.0f} s, killed {killed}, lost answers {lost}, told to wait {sum(one['waited'] for one in heard)}, "
            f"taken, used, undone, ended by themselves {_did(live.db, brand)}: {dict(sorted(said.items()))}"
        )
        assert "Traceback" not in gunicorn.log
    assert sum(killed.values()) == KILLS and lost > 0
    audit(live)
    _compare(live.db, brand, offers, [tuple(one) for client in heard for one in client["heard"]])
    assert live.stop() == 0
    assert not [line for line in live.log.splitlines() if " ERROR " in line or "Traceback" in line]


def _kill(live: LiveShop, gunicorn: Pages, brand: BrandRef, clients: list[Any]) -> Counter[str]:
    """Until enough of each was done: now and then a worker of gunicorn, or the shop's own web process, is gone at once."""
    dice, killed, until = random.Random(1), Counter[str](), time.monotonic() + LIMIT
    gone: set[int] = set()
    while (reached := min(_did(live.db, brand))) < OF_EACH or sum(killed.values()) < KILLS:
        assert time.monotonic() < until, (reached, killed)
        assert all(client.is_alive() for client in clients), "a client ended early: see its output"
        time.sleep(dice.uniform(0.1, 0.4))
        if sum(killed.values()) < KILLS and reached >= sum(killed.values()) * OF_EACH // (KILLS + 1):
            where = "web" if sum(killed.values()) % 4 == 3 else "gunicorn"
            found = [pid for pid in ([_web(live)] if where == "web" else gunicorn.pids()) if pid not in gone]
            if found:  # else it is being started again
                gone.add(victim := dice.choice(found))
                os.kill(victim, signal.SIGKILL)
                killed[where] += 1
    return killed


def _web(live: LiveShop) -> int:
    return int(re.findall(r"regulars\.supervisor\[\d+\] web started \(process (\d+)\)", live.log)[-1])


def _did(db: Database, brand: BrandRef) -> tuple[int, ...]:
    """How many were taken, used, undone, and ended by themselves."""
    with db.read(brand=brand) as scope:
        steps = Counter[str]()
        for before, state, count in scope.session.execute(
            select(CouponChange.from_state, CouponChange.state, func.count()).group_by(
                CouponChange.from_state, CouponChange.state
            )
        ):
            steps["ended" if (before, state) == ("held", "void") else state] += count
    return tuple(steps[state] for state in ("issued", "redeemed", "reversed", "ended"))


def _held(db: Database, brand: BrandRef) -> int:
    with db.read(brand=brand) as scope:
        return scope.session.scalar(select(func.count()).where(Coupon.state == "held")) or 0


# ------------------------------------------------------------------------------------------------------------- a client


def _client(
    n: int,
    door: str,
    secrets: list[str],
    url: str,
    brand: BrandRef,
    offers: dict[str, int],
    enough: Any,
    out: Path,
) -> None:
    """Asks at random until it is enough, and writes down what it was told: part, refusal, id."""
    db, till, dice, turn = seed.database(url), HttpTill(door), random.Random(n), 0
    heard: list[tuple[str, str, int]] = []
    while not enough.is_set():
        [part] = dice.choices(list(PARTS), list(PARTS.values()))
        ask = _ask(db, brand, offers, dice, part)
        if ask is None:
            time.sleep(0.02)
            continue
        turn += 1
        secret, once = secrets[turn % len(secrets)], f"{part}-{n}-{turn}"
        said = till.post(*ask, secret, once)
        assert said.status in (200, 201, 409), (ask, said)
        if dice.random() < TWICE:
            again = till.post(*ask, secret, once)
            assert (again.status, again.text, again.again) == (said.status, said.text, True), (said, again)
        id_ = 0
        if said.status < 400:
            told = said.body
            if part == "redeem":
                id_ = int(told["redemptions"][0]["id"])
            else:
                id_ = int(told["redemption"]["id"] if part == "reverse" else told["id"])
        heard.append((part, said.word, id_))
    out.write_text(json.dumps({"heard": heard, "lost": till.lost, "waited": till.waited}))


def _ask(
    db: Database, brand: BrandRef, offers: dict[str, int], dice: random.Random, part: str
) -> tuple[str, Any] | None:
    """A path and a body; None: there is nothing that it could be asked of."""
    if part in offers:
        return f"/offers/{offers[part]}/claims", {"member": {"number": f"p{dice.randrange(PEOPLE):05}"}}
    with db.read(brand=brand) as scope:
        if part == "redeem":
            usable = Coupon.state.in_(("claimed", "reversed"))
            if dice.random() < OF_KEPT:
                usable |= (Coupon.state == "held") & (Coupon.held_until > clock.now())
            codes = scope.session.scalars(select(Coupon.code).where(usable).limit(100)).all()
            if not codes:
                return None
            return "/redemptions", {"currency": "CNY", "codes": [dice.choice(codes)], "total_minor": 150_00}
        used = scope.session.scalars(
            select(Redemption.id).where(Redemption.open_coupon_id.is_not(None)).limit(100)
        ).all()
        return (f"/redemptions/{dice.choice(used)}/reverse", None) if used else None


# --------------------------------------------------------------------------------------------------------------- the end


def _compare(db: Database, brand: BrandRef, offers: dict[str, int], heard: list[tuple[Any, ...]]) -> None:
    """What was answered, and what there is."""
    told = {part: [id_ for one, _, id_ in heard if one == part and id_] for part in PARTS}
    with db.read(brand=brand) as scope:
        session = scope.session
        for part, offer_id in offers.items():
            rows = session.execute(
                select(Coupon.id, Coupon.person_id, Coupon.state).where(Coupon.offer_id == offer_id)
            ).all()
            assert sorted(told[part]) == sorted(row.id for row in rows), "a key, a coupon; a coupon, a key"
            granted = Counter(row.person_id for row in rows if row.state != "void")
            offer = session.get_one(Offer, (brand.id, offer_id))
            assert offer.stock == STOCK[part] and offer.issued == granted.total() <= STOCK[part]
            assert max(granted.values(), default=0) <= PER_PERSON
            allowed = select(OfferAllowance.person_id, OfferAllowance.used).where(
                OfferAllowance.offer_id == offer_id, OfferAllowance.used > 0
            )
            assert {one.person_id: one.used for one in session.execute(allowed)} == granted
        redemptions = session.execute(select(Redemption.id, Redemption.reversed_at)).all()
        assert sorted(told["redeem"]) == sorted(row.id for row in redemptions)
        undone = {row.id for row in redemptions if row.reversed_at is not None}
        assert set(told["reverse"]) == undone
    coupons = len(told["kept"]) + len(told["taken"])
    did = _did(db, brand)
    assert did[:3] == (coupons, len(redemptions), len(undone))
    assert min(did) >= OF_EACH
