"""Five hundred people at fifty teams of five, while the teams' time runs out, on both databases; teams ended by workers that
are killed at it. Each who was in is told once."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from plugins.coupon_group_buy import teams
from tests.support import seed
from tests.support.teams import Teams, storm
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import work

pytestmark = pytest.mark.drill
HOUR = timedelta(hours=1)
KILLS = 15


def test_five_hundred_people_storm_fifty_teams(app: Flask, db: Database, brand: BrandRef) -> None:
    shop = Teams(db, brand)
    shop.can_tell()
    counts = storm(shop, 500, 50, 16, stock=230)
    assert sum(counts.values()) == 50 and counts.get("open", 0) == 0, counts
    assert counts.get("complete", 0) > 0 and counts.get("failed", 0) > 0, "both happened"


def test_and_so_do_teams_that_may_succeed_at_their_end(app: Flask, db: Database, brand: BrandRef) -> None:
    counts = storm(Teams(db, brand), 120, 20, 8, enough=3)
    assert counts.get("complete", 0) > 0 and counts.get("open", 0) == 0, counts


def _ends(url: str, brand: BrandRef, now: datetime) -> None:
    """What a worker does with teams whose time is up."""
    with closing(seed.database(url)) as db, clock.fixed(now):
        work.do_due(db, brand.id)


def _fills(url: str, brand: BrandRef, missing: list[tuple[Any, int]], now: datetime) -> None:
    """What the web does when the last ones join, each perhaps once more."""
    with closing(seed.database(url)) as db:
        mine = Teams(db, brand)
        for team, member in missing:
            answer = mine.join(team, member, now=now)
            assert not isinstance(answer, teams.No) or answer.code in ("in_already", "full"), answer


def test_teams_ended_by_processes_that_are_killed_are_whole_and_told_once(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    shop = Teams(db, brand)
    shop.can_tell()
    offer_id, members = shop.shop(130, size=4, enough=3, minutes=100)
    begins, left = clock.now(), iter(members)
    late, open_ones, missing = begins + 2 * HOUR, [], []
    for n in range(24):  # half of them with enough when their time is up
        team = shop.open(offer_id, next(left), now=begins)
        for _ in range(2 if n % 2 else 1):
            shop.join(team, next(left), now=begins)
        open_ones.append(team)
    next_day = begins + 24 * HOUR
    for _ in range(16):  # all but the last place is taken
        team = shop.open(offer_id, next(left), now=next_day)
        for _ in range(2):
            shop.join(team, next(left), now=next_day)
        missing.append((team, next(left)))
        open_ones.append(team)
    fork, dice, hit = multiprocessing.get_context("fork"), random.Random(7), 0
    for kill in range(KILLS):
        now = late + kill * HOUR / 2  # whoever was killed at it is tried again by then
        dice.shuffle(missing)
        some = [
            fork.Process(target=_ends, args=(db.url, brand, now)),
            fork.Process(target=_fills, args=(db.url, brand, missing, next_day)),
        ]
        for one in some:
            one.start()
        time.sleep(dice.uniform(0.02, 0.25))
        for one in some:
            one.kill()
            one.join(30)
            hit += one.exitcode == -signal.SIGKILL
        if kill % 5 == 4:
            shop.right(offer_id)
    assert hit, "none was at it when it was killed"
    _fills(db.url, brand, missing, next_day)
    for hour in (12, 13, 14):
        with clock.fixed(late + hour * HOUR):
            work.do_due(db, brand.id)
    shop.right(offer_id)
    assert Counter(shop.now(team)["state"] for team in open_ones) == {"complete": 28, "failed": 12}
