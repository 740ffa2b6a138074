"""A real year of orders with all their lines: in flat memory, and the second time nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest

from tests.drills.importing import Shop
from tests.support.databases import ONE_DATABASE
from tests.support.sample import sample_package

# The database that a shop begins with; PostgreSQL takes large files in `regulars bench import`.
pytestmark = [pytest.mark.drill, ONE_DATABASE]
MOST_MEMORY = 200 * 2**20


@pytest.fixture
def shop(db_url: str, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(db_url, tmp_path)
    yield made
    made.db.close()


def test_the_sample_year_in_flat_memory(shop: Shop, tmp_path: Path) -> None:
    """1.47 million lines: under 200 MB; a second time creates and updates nothing."""
    from webapp.cli.sample import write_sample

    written = write_sample(
        sample_package(), tmp_path / "sample", today=date(2026, 3, 1), timezone="Asia/Shanghai"
    )
    shop.run("members", written.members, "--make-stores")
    process = shop.start("orders", written.orders, "--lines", written.lines, "--make-stores")
    watched, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            most = max(
                most, sum(one.memory_info().rss for one in (watched, *watched.children(recursive=True)))
            )
        except psutil.Error:
            break
        time.sleep(0.05)
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    said = json.loads(out.splitlines()[-1])
    assert (said["created"], said["lines"]["written"]) == (written.counts["orders"], written.counts["lines"])
    assert shop.totals()[3] == written.paid_minor
    assert most < MOST_MEMORY, f"{most / 2**20:.0f} MB"
    again = shop.run("orders", written.orders, "--lines", written.lines, "--make-stores")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, written.counts["orders"])
