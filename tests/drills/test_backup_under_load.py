"""Backups while twenty clerks redeem: what had been answered before the snapshot is in the file, and nothing is half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import clerks, databases, seed
from tests.support.live import ROOT, LiveShop
from tests.support.waiting import wait_for

pytestmark = pytest.mark.drill

CLERKS = 20
COUPONS = 5000
BACKUPS = 2


def regulars(instance: Path, url: str, *words: str) -> dict[str, object]:
    """A command of another process; its last line as JSON."""
    told = subprocess.run(
        [sys.executable, "-m", "webapp.cli.main", *words, "--json"],
        cwd=ROOT,
        env=os.environ | {"REGULARS_INSTANCE": str(instance), "REGULARS_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    said: dict[str, object] = json.loads(told.stdout.splitlines()[-1])
    return said


def test_nothing_that_was_answered_is_missing(
    live: LiveShop, db_kind: str, run: databases.Run, tmp_path: Path
) -> None:
    codes = clerks.give_coupons(live.db, seed.brand(live.db), COUPONS)
    live.start()
    crew = clerks.Clerks(live, tmp_path / "clerks", codes, CLERKS)
    wait_for(lambda: len(crew.answers()) > 100, 60)
    files, spans = [], []
    for n in range(BACKUPS):
        file = tmp_path / f"{n}.backup"
        began = time.time()
        regulars(live.instance, live.environ["REGULARS_DATABASE_URL"], "backup", str(file))
        spans.append((began, time.time()))
        files.append(file)
        time.sleep(0.5)
    answers = crew.finish()
    assert len(answers) < COUPONS, "they were done before the backup was: more coupons are needed"
    live.stop()
    assert clerks.audit(live.db, answers) == len(answers)
    meanwhile = [one.took for one in answers if any(a <= one.at <= b for a, b in spans)]
    else_ = [one.took for one in answers if not any(a <= one.at <= b for a, b in spans)]
    print(
        f"{db_kind}: {len(answers)} redeemed; backups took {[round(b - a, 1) for a, b in spans]} s; the longest wait of a "
        f"clerk {max(meanwhile):.2f} s meanwhile, {max(else_, default=0):.2f} s otherwise"
    )
    for n, file in enumerate(files):
        there = tmp_path / f"there{n}"
        there.mkdir()
        with databases.empty(db_kind, run, there) as url:
            said = regulars(there / "instance", url, "restore", str(file))
            snapshot = datetime.fromisoformat(str(said["made_at"])).timestamp()
            copy = seed.database(url)
            before = [one for one in answers if one.at <= snapshot]
            assert before
            assert len(before) <= clerks.audit(copy, before) <= len(answers)
            copy.close()
            assert (there / "instance" / "secret.key").read_bytes() == (
                live.instance / "secret.key"
            ).read_bytes()
