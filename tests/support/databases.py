"""Databases for tests: migrated and seeded once a run, copied for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support import pg, seed
from webapp.kernel import migrate, paths
from webapp.plugin_runtime import discover

# For tests that need a database and do not care which: `pytestmark = ONE_DATABASE`.
ONE_DATABASE = pytest.mark.parametrize("db_kind", ["sqlite"], indirect=True)

# For many cases of which the database sees few, such as a file's bad rows: PostgreSQL's turn is the drill
# (tests.ground sees to it).
OTHER_IN_DRILL = pytest.mark.other_in_drill


@dataclass(frozen=True, slots=True)
class Run:
    """One test run, shared by its workers. `folder` is gone when the run is; `pid` is the process that leads it."""

    folder: Path
    pid: int


def plugin_tables() -> list[migrate.Branch]:
    """The migrations of the plugins that ship; none of them is imported for it."""
    return [
        migrate.Branch(found.name, found.folder / "migrations")
        for found in discover.in_folder(paths.plugins_dir())
        if (found.folder / "migrations").is_dir()
    ]


def sqlite_template(run: Run, name: str, *, seeded: bool) -> Path:
    """A migrated file (with the sample brand when `seeded`), made by whichever worker asks first. Never opened again."""
    path = run.folder / f"{name}.sqlite3"
    with FileLock(f"{path}.lock", timeout=120):
        if not path.exists():
            making = path.with_suffix(".making")
            url = f"sqlite:///{making}"
            migrate.upgrade(url, plugin_tables())
            if seeded:
                seed.plant(url)
            making.rename(path)
    return path


def postgres_template(run: Run, name: str, *, seeded: bool) -> tuple[pg.Cluster, str]:
    """The same as a database that others are created from."""
    cluster = pg.shared(run.folder, run.pid)
    with FileLock(str(run.folder / f"{name}.pg.lock"), timeout=120):
        if not cluster.exists(name):
            making = cluster.create(name=f"{name}_making")
            url = cluster.url(making)
            migrate.upgrade(url, plugin_tables())
            if seeded:
                seed.plant(url)
            cluster.run(f'ALTER DATABASE "{making}" RENAME TO "{name}"')
    return cluster, name


@contextmanager
def clone(kind: str, run: Run, tmp_path: Path, *, seeded: bool = True) -> Iterator[str]:
    """The URL of a fresh migrated database, removed afterwards."""
    name = "seeded" if seeded else "migrated"
    if kind == "sqlite":
        file = tmp_path / "regulars.sqlite3"
        shutil.copyfile(sqlite_template(run, name, seeded=seeded), file)
        yield f"sqlite:///{file}"
        return
    cluster, template = postgres_template(run, name, seeded=seeded)
    database = cluster.create(template)
    try:
        yield cluster.url(database)
    finally:
        cluster.drop(database)


@contextmanager
def empty(kind: str, run: Run, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, for the tests of migrations."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    cluster = pg.shared(run.folder, run.pid)
    database = cluster.create()
    try:
        yield cluster.url(database)
    finally:
        cluster.drop(database)
