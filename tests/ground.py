"""The suite's ground: no skips where it counts, no world outside, both databases, real servers.

Fixtures that belong to one subject live beside its tests or in tests/factories; only what many subjects need is here.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis import Phase

from tests.support import compiled, databases, pg, sockets
from tests.support.need import MARK, STRICT

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from playwright.sync_api import Browser, Page

    from tests.support.live import LiveShop
    from tests.support.smtp import SmtpReceiver
    from tests.support.web import Client, Worker
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef

RUN = pytest.StashKey[databases.Run]()
MEMORY, ROOM = Path("/dev/shm"), 6 * 2**30  # bytes that must be free there

hypothesis.settings.register_profile(
    "fast",
    max_examples=40,
    deadline=None,
    derandomize=True,
    # The smallest example of a fault is looked for by the drill (--hypothesis-profile=drill); here it only has to be found.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "drill",
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fast")


# ----------------------------------------------------------------------------------------------------------- the run


def pytest_configure(config: pytest.Config) -> None:
    """Sockets are closed to the outside; all workers of a run share one folder and one PostgreSQL."""
    sockets.refuse_outside()
    compiled.share()
    work_in_memory()
    # What the person's own shell says about a shop is nobody's business here.
    for name in [
        n for n in os.environ if n.startswith("REGULARS_") and n not in ("REGULARS_STRICT", "REGULARS_SAMPLE")
    ] + ["REDIS_URL"]:
        os.environ.pop(name, None)
    shared: dict[str, Any] | None = getattr(config, "workerinput", None)
    if shared is None:
        config.stash[RUN] = databases.Run(Path(tempfile.mkdtemp(prefix="rg-run-")), os.getpid())
    else:
        config.stash[RUN] = databases.Run(Path(shared["run_folder"]), shared["run_pid"])


def work_in_memory() -> None:
    """Temporary folders, ours and those of the programs we start, in memory where there is room: a database is a thousand
    files, and copying it for a test costs the disk's file system five times the work."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell a worker which run it belongs to."""
    run = node.config.stash[RUN]
    node.workerinput |= {"run_folder": str(run.folder), "run_pid": run.pid}


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and RUN in config.stash:
        pg.stop_shared(config.stash[RUN].folder)
        shutil.rmtree(config.stash[RUN].folder, ignore_errors=True)


# ------------------------------------------------------------------------------------------------------ skips counted


def _refuse_skip(report: Any) -> None:
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        where = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"REGULARS_STRICT allows no skip: {where[2] if isinstance(where, tuple) else where}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report  # type: ignore[return-value]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was left out for want of a program, and how to have it."""
    remedies: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        what = reason.removeprefix("Skipped: ")
        if what.startswith(MARK):
            remedies[what] = remedies.get(what, 0) + 1
    if remedies:
        terminalreporter.section("not tested on this machine")
        for what, count in sorted(remedies.items()):
            terminalreporter.line(f"{count} tests: {what}")


# --------------------------------------------------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> databases.Run:
    """The test run, shared by its workers."""
    return request.config.stash[RUN]


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """OTHER_IN_DRILL: the fast suite has the case on SQLite, the drill on PostgreSQL."""
    for item in items:
        if item.get_closest_marker("other_in_drill") is not None and "postgres" in item.keywords:
            item.add_marker(pytest.mark.drill)


def pytest_collection_finish() -> None:
    """What was collected stays: a tenth of the suite's time went into looking through it again and again for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def db_kind(request: pytest.FixtureRequest) -> str:
    """Both databases: a test that asks for this, or for anything made from it, runs once on each.

    Where the database makes no difference (a page's words), a module says `pytestmark = ONE_DATABASE`
    (tests.support.databases); where it makes little, `pytestmark = OTHER_IN_DRILL`.
    """
    kind: str = request.param
    return kind


@pytest.fixture
def empty_url(db_kind: str, run: databases.Run, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    with databases.empty(db_kind, run, tmp_path) as url:
        yield url


@pytest.fixture
def migrated_url(db_kind: str, run: databases.Run, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with every table and no row of ours."""
    with databases.clone(db_kind, run, tmp_path, seeded=False) as url:
        yield url


@pytest.fixture
def db_url(db_kind: str, run: databases.Run, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with brand `acme` and its owner (tests/support/seed.py)."""
    with databases.clone(db_kind, run, tmp_path) as url:
        yield url


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A kernel Database on `db_url`, its bell silent."""
    from tests.support import seed

    database = seed.database(db_url)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """A shop's address that a test leaves in the process would be the next one's, whichever that is on this machine."""
    yield
    from webapp.kernel import links

    left = links._base
    links.use(None)
    assert left is None, f"this test left an address behind (links.use): {left}"


# ------------------------------------------------------------------------------------------------------- app in process


@pytest.fixture
def brand(db: Database) -> BrandRef:
    """`acme`."""
    from tests.support import seed

    return seed.brand(db)


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Flask:
    """The Flask app on `db`; who adds to it makes one of his own (tests.support.web.make_app)."""
    from tests.support import web

    return web.kept_app(tmp_path / "instance", db)


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser without JavaScript, signed in as the owner; `app.test_client()` is one that nobody knows."""
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser.sign_in()


@pytest.fixture
def worker(app: Flask, db: Database) -> Worker:
    """`worker.run()` does what has been rung for."""
    from tests.support import web

    return web.Worker(db)


# ---------------------------------------------------------------------------------------------------- servers, browser


@pytest.fixture
def live(db_url: str, tmp_path: Path) -> Iterator[LiveShop]:
    """`regulars up` in its own processes on a temporary instance; `live.start()` starts it."""
    from tests.support.live import live_shop

    with live_shop(tmp_path / "instance", db_url) as shop:
        yield shop


@pytest.fixture
def smtp_receiver(tmp_path: Path) -> Iterator[Callable[..., SmtpReceiver]]:
    """Make receivers with own settings: `smtp_receiver(tls=True, knobs=Knobs(login=("u", "p")))`."""
    from tests.support.smtp import SmtpReceiver

    made: list[SmtpReceiver] = []

    def make(**settings: Any) -> SmtpReceiver:
        made.append(SmtpReceiver(tmp_path / f"smtp{len(made)}", **settings))
        return made[-1]

    yield make
    for receiver in made:
        receiver.stop()


@pytest.fixture
def smtp(smtp_receiver: Callable[..., SmtpReceiver]) -> SmtpReceiver:
    """A plain receiver on 127.0.0.1 that takes everything."""
    return smtp_receiver()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for each worker."""
    from tests.support.browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(base_url, size=DESK, locale="zh-CN", dark=True, javascript=False)`: a page with its own cookies."""
    from contextlib import ExitStack

    from tests.support.browser import new_page

    with ExitStack() as open_ones:
        yield lambda *args, **kwargs: open_ones.enter_context(new_page(browser, *args, **kwargs))
