"""The engine killed again and again ends where it would have; and it takes at most so many times as long as reading and
writing alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from tests.unit.lifecycle import naive, test_property
from tests.unit.lifecycle.shop import Shop, member_row, order_row
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import StageChange

pytestmark = pytest.mark.drill
# Many more histories than `make test` tries (the drills' profile).
test_histories = test_property.test_the_engine_ends_with_what_a_full_evaluation_gives
REGULARS = [sys.executable, "-m", "webapp.cli.main"]


def settled(command: list[str], env: dict[str, str], **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*REGULARS, *command], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_killed_again_and_again_it_ends_with_everybody_decided_once(
    db: Database, brand: BrandRef, tmp_path: Path
) -> None:
    members, chance = 6000, Random(3)

    def fill(scope: Scope) -> None:
        for member_id in scope.new_ids(members // 20):
            scope.session.add(
                member_row(scope, member_id, scope.today - timedelta(days=chance.randint(1, 300)))
            )
            scope.session.flush()
            scope.session.add_all(
                order_row(
                    scope,
                    order_id,
                    member_id,
                    scope.today - timedelta(days=chance.randint(-3, 300)),
                    100 + chance.randrange(900),
                )
                for order_id in scope.new_ids(chance.randrange(12))
            )

    for _ in range(20):
        db.write(fill, brand=brand)
    env = os.environ | {"REGULARS_INSTANCE": str(tmp_path / "shop"), "REGULARS_DATABASE_URL": db.url}
    env["REGULARS_LOG_JSON"] = "0"

    def decided() -> int:
        with db.read() as scope:
            return scope.session.scalar(select(func.count()).select_from(StageChange)) or 0

    kills = 0
    for seed in range(12):
        before, run = decided(), settled(["lifecycle", "run", "--brand", brand.code], env)
        deadline = time.monotonic() + 60
        while run.poll() is None and decided() == before and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(Random(seed).random() * 0.15)
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            kills += 1
        run.communicate()
        if decided() >= members:
            break
    assert kills >= 2, "it was never caught at work"
    last = settled(["lifecycle", "run", "--brand", brand.code, "--json"], env)
    out, _ = last.communicate(timeout=120)
    assert last.returncode == 0, out
    assert decided() == members
    with db.read(brand=brand) as scope:
        shop = Shop(db, brand, dict(naive.DEFAULTS), day=(scope.today - Shop(db, brand, {}).today).days)
    shop.check()


def test_the_bench_gives_its_figures(empty_url: str, tmp_path: Path) -> None:
    """That it measures, not how fast: a busy machine fails nothing."""
    told = subprocess.run(
        [*REGULARS, "bench", "engine", "--members", "1000", "--json", "--database-url", empty_url],
        env=os.environ | {"REGULARS_INSTANCE": str(tmp_path / "shop")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["ratio"] > 0
    assert found["worst_unit_ms"] > 0
