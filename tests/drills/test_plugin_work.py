"""Work of a plugin in a real shop (`regulars up`): one piece of it kills its worker, the supervisor is killed besides, and
every other piece is done once all the same."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support import seed
from tests.support.live import LiveShop
from tests.support.waiting import wait_for
from webapp.kernel import clock
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context, runtime
from webapp.plugin_runtime.models import PluginWork
from webapp.staff import queries as staff
from webapp.tasks.models import Task

pytestmark = pytest.mark.drill
COUNT = 40


@pytest.fixture(autouse=True)
def plugins(live: LiveShop) -> Iterator[None]:
    shutil.copytree(Path(seed.__file__).parent / "coupon_probe", live.instance / "plugins" / "coupon_probe")
    runtime.load_all(live.instance / "plugins")
    yield
    runtime.load_all()


def notes(live: LiveShop, brand: BrandRef) -> int:
    with live.db.read(brand=brand) as scope:
        return len(scope.session.scalars(select(Task.id).where(Task.title.startswith("noted"))).all())


def test_work_is_done_whatever_is_killed(live: LiveShop) -> None:
    brand = seed.brand(live.db)
    with live.db.read() as scope:
        owner = staff.by_email(scope, seed.email("owner"))
        assert owner is not None
    context.use_secrets_of(live.instance)
    begins = clock.now() + timedelta(seconds=2)

    def plan(scope: object) -> None:
        ctx = context.inside(scope, "coupon_probe")  # type: ignore[arg-type]
        for number in range(COUNT):
            key = f"note-{number}"
            at = begins + timedelta(seconds=number / 4)
            ctx.later("note", {"staff": f"staff:{owner.id}", "key": key}, key=key, at=at)
        ctx.later("die", {"staff": f"staff:{owner.id}", "key": "die"}, key="die", at=begins)

    live.db.write(plan, brand=brand)
    live.start()
    wait_for(lambda: notes(live, brand) >= 5, 60)
    assert live.process is not None
    os.killpg(live.process.pid, signal.SIGKILL)
    live.process.wait(20)
    live.start()
    wait_for(lambda: notes(live, brand) == COUNT, 90)
    with live.db.read(brand=brand) as scope:
        rows = {row.key: row for row in scope.session.scalars(select(PluginWork))}
    died = rows.pop("die")
    assert died.state == "waiting" and died.tries >= 1, "it took its worker with it, and is counted"
    # One that the kill met between its count and its unit is done in its second try.
    assert {row.state for row in rows.values()} == {"done"} and max(row.tries for row in rows.values()) <= 3
    assert notes(live, brand) == COUNT
    assert live.stop() == 0
