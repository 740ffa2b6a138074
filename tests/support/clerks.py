"""Clerks at their tills: processes that redeem coupons over HTTP in a running shop, and note what they were answered.

A clerk whose request is not answered (the shop was killed) sends it again with the same key, as a browser does, until it is:
so at the end each code has been answered, and `audit` compares the answers with the rows.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import func, select

from tests.factories.offers import make_offer
from tests.support import mailing, seed
from tests.support.live import LiveShop
from webapp.brands import queries as brands
from webapp.coupons.issue import issue
from webapp.coupons.models import Coupon, CouponChange, Redemption
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_runtime import runtime

BASKET, SAVING = "150.00", 20_00
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A redemption that a clerk was told of. at: seconds since 1970, when the answer was there; took: seconds."""

    code: str
    redemption: int
    at: float
    took: float


def give_coupons(db: Database, brand: BrandRef, count: int, *, plant: bool = True) -> list[str]:
    """Codes of so many members' coupons, issued."""
    runtime.load_all()
    if plant:
        mailing.plant_members(db, brand, count, "email")
    offer_id = db.write(lambda scope: make_offer(scope).id, brand=brand, actor=seed.actor(db))
    with db.read(brand=brand) as scope:
        people = scope.session.execute(select(Member.id, Member.person_id).limit(count)).all()

    def unit(scope: Scope, chunk: list[Any]) -> list[str]:
        found = issue(scope, offer_id, [(row.id, row.person_id) for row in chunk], occurrence="till")
        return [coupon.code for coupon in found.values() if isinstance(coupon, Coupon)]

    codes: list[str] = []
    for first in range(0, len(people), CHUNK):
        chunk = list(people[first : first + CHUNK])
        codes += db.write(lambda scope, chunk=chunk: unit(scope, chunk), brand=brand)  # type: ignore[misc]
    return codes


class Clerks:
    """So many at once; their answers are lines of files in `folder`. `shop` may be stopped and started meanwhile."""

    def __init__(self, shop: LiveShop, folder: Path, codes: list[str], count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shop, self.folder, self.codes = shop, folder, codes
        self.where = folder / "address"
        cookie = shop.cookie("clerk")
        with shop.db.read(brand=seed.brand(shop.db)) as scope:
            store = brands.stores(scope)[0].id
        fork = multiprocessing.get_context("fork")
        self.enough: Event = fork.Event()
        self.moved()
        shop.db.close()  # what the children inherit is closed
        self.processes = [
            fork.Process(
                target=_clerk,
                args=(n, self.where, folder / f"clerk{n}", codes[n::count], cookie, store, self.enough),
                daemon=True,
            )
            for n in range(count)
        ]
        for process in self.processes:
            process.start()

    def moved(self) -> None:
        """The shop has another address: it was started again."""
        draft = self.where.with_suffix(".new")
        draft.write_text(self.shop.address)
        draft.rename(self.where)

    def answers(self) -> list[Answer]:
        """What was answered until now."""
        found = []
        for file in self.folder.glob("clerk*"):
            whole = file.read_text().rpartition("\n")[0]
            found += [Answer(*json.loads(line)) for line in whole.splitlines()]
        return found

    def finish(self, seconds: float = 120) -> list[Answer]:
        """Let each end with what is at hand, or with its codes; all that was answered."""
        self.enough.set()
        for process in self.processes:
            process.join(seconds)
            assert process.exitcode == 0, "a clerk hangs, or was refused: see its output"
        return self.answers()


def _clerk(
    n: int, where: Path, log: Path, codes: list[str], cookie: dict[str, str], store: int, enough: Event
) -> None:
    headers = {
        "Cookie": f"{cookie['name']}={cookie['value']}",
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    line: http.client.HTTPConnection | None = None
    with log.open("a") as out:
        for code in codes:
            if enough.is_set():
                return
            body = urlencode({"key": f"clerk-{n}-{code}", "code": code, "basket": BASKET, "store": store})
            began, given_up = time.monotonic(), time.monotonic() + 90
            while True:
                assert time.monotonic() < given_up, f"{code} was not answered in 90 s"
                try:
                    line = line or http.client.HTTPConnection(urlsplit(where.read_text()).netloc, timeout=20)
                    line.request("POST", "/counter/redeem", body, headers)
                    answer = line.getresponse()
                    answer.read()
                    break
                except (OSError, http.client.HTTPException):
                    if line is not None:
                        line.close()
                    line = None
                    time.sleep(0.05)
            assert answer.status == 303, (code, answer.status)
            redemption = int(urlsplit(answer.headers["Location"]).path.rpartition("/")[2])
            out.write(json.dumps([code, redemption, time.time(), time.monotonic() - began]) + "\n")
            out.flush()


def audit(db: Database, answers: list[Answer], *, only_whole: bool = False) -> int:
    """Each answer has its row and each row is whole; how many redemptions there are.

    only_whole: the rows may be older or newer than the answers (a restored copy): what is there must be whole.
    """
    with db.read(brand=seed.brand(db)) as scope:
        rows = scope.session.execute(
            select(Redemption, Coupon).join(
                Coupon, (Coupon.brand_id == Redemption.brand_id) & (Coupon.id == Redemption.coupon_id)
            )
        ).all()
        changed = Counter(
            scope.session.scalars(select(CouponChange.coupon_id).where(CouponChange.state == "redeemed"))
        )
        used = scope.session.scalar(
            select(func.count()).select_from(Coupon).where(Coupon.state == "redeemed")
        )
        for redemption, coupon in rows:
            assert redemption.open_coupon_id == coupon.id and coupon.state == "redeemed", coupon.code
            assert (redemption.saving_minor, changed[coupon.id]) == (SAVING, 1), coupon.code
            assert redemption.redeemed_at <= clock.now() and coupon.redeemed_at is not None
        assert len({coupon.id for _, coupon in rows}) == len(rows) == used == len(changed)
        by_code = {coupon.code: redemption.id for redemption, coupon in rows}
    if not only_whole:
        missing = [one.code for one in answers if by_code.get(one.code) != one.redemption]
        assert not missing, f"{len(missing)} were answered and are not there: {missing[:5]}"
        assert len(answers) == len({one.code for one in answers})
    return len(rows)


def kill_tree(shop: LiveShop) -> None:
    """The plug: every process of the shop at the same moment, and none is asked."""
    assert shop.process is not None
    processes = shop.processes()
    for process in processes:
        try:
            os.kill(process.pid, 9)
        except ProcessLookupError:
            pass
    shop.process.wait()
    for process in processes[1:]:
        try:
            process.wait(10)
        except Exception:  # reaped by init already
            pass
