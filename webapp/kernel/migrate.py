"""Bring a database to the schema of the code: one branch for the core, one for each plugin that has tables.

Each branch has its own version table, so that a plugin whose folder is gone leaves every other branch able to upgrade.
A migration is one transaction on both databases and waits for a lock at most LOCK_WAIT on PostgreSQL, so that it never
stands in the shop's way: it gives up, and is tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from webapp.kernel import paths
from webapp.kernel.errors import UserError

log = logging.getLogger("regulars.migrate")

LOCK_WAIT = "4s"
LOCK_TIMEOUT = "55P03"
ATTEMPTS = 5
PLUGIN_PREFIX = "plg_"


@dataclass(frozen=True, slots=True)
class Branch:
    """Revisions that are counted apart. plugin: "" for the core; folder: where the revision files are."""

    plugin: str
    folder: Path

    @property
    def version_table(self) -> str:
        """Where this branch's revision is written."""
        return f"alembic_version_{self.plugin}" if self.plugin else "alembic_version"

    def owns(self, table: str) -> bool:
        """Whether a table of the database belongs to this branch."""
        if self.plugin:
            return table.startswith(f"{PLUGIN_PREFIX}{self.plugin}_")
        return not table.startswith((PLUGIN_PREFIX, "alembic_version", "sqlite_"))


def core() -> Branch:
    """The core's own branch."""
    return Branch("", paths.migrations_dir() / "versions")


def upgrade(url: str, plugins: Sequence[Branch] = ()) -> list[str]:
    """Upgrade the core, then the plugins in order; returns the revisions that were applied ("core 0001").

    Raises UserError for a database that a newer program has made, before anything is changed; else what the migration
    raised. A plugin's fault leaves the core and the other plugins as they are.
    """
    refuse_newer(url, plugins)
    applied: list[str] = []
    for branch in (core(), *plugins):
        before = current(url, branch)
        _run(url, branch)
        after = current(url, branch)
        if after != before:
            applied.append(f"{branch.plugin or 'core'} {after}")
    return applied


def current(url: str, branch: Branch) -> str | None:
    """The revision that the database has, None when it has none of this branch."""
    return _currents(url, [branch])[branch]


def head(branch: Branch) -> str | None:
    """The newest revision that the code has, None when the branch has no revision yet."""
    return _known(branch)[0]


def pending(url: str, plugins: Sequence[Branch] = ()) -> list[Branch]:
    """Branches whose database is not at the code's revision. A server that starts looks here first."""
    return [branch for branch, is_at in _currents(url, [core(), *plugins]).items() if is_at != head(branch)]


def knows(branch: Branch, revision: str) -> bool:
    """Whether this program has heard of a revision."""
    return revision in _known(branch)[1]


def newer(url: str, plugins: Sequence[Branch] = ()) -> list[tuple[Branch, str]]:
    """Branches whose database has a revision that this program has never heard of, with that revision."""
    found = _currents(url, [core(), *plugins])
    return [
        (branch, is_at) for branch, is_at in found.items() if is_at is not None and not knows(branch, is_at)
    ]


def refuse_newer(url: str, plugins: Sequence[Branch] = ()) -> None:
    """Raises UserError where a newer program has upgraded this database: an older one would write it wrong."""
    for branch, revision in newer(url, plugins):
        what = f"The plugin {branch.plugin}'s tables were" if branch.plugin else "This shop's database was"
        which = f"the plugin {branch.plugin}" if branch.plugin else "Regulars"
        raise UserError(
            f"{what} made by a newer version (revision {revision}; this one knows {head(branch) or 'none'}). "
            f"Nothing was changed. Install that version of {which} again, or bring back the backup made before the upgrade."
        )


def require_current(url: str, plugins: Sequence[Branch] = ()) -> None:
    """Raises UserError unless the database's tables are those of this program: what every process looks at first."""
    if current(url, core()) is None:
        raise UserError("this shop's database has no tables yet: run `regulars db upgrade` first")
    refuse_newer(url, plugins)
    if behind := pending(url, plugins):
        which = ", ".join(branch.plugin or "core" for branch in behind)
        raise UserError(
            f"this shop's database is older than this program ({which}): `regulars up` upgrades it, and so does "
            "`regulars db upgrade`"
        )


def differences(url: str, branch: Branch, metadata: MetaData) -> list[Any]:
    """How the database differs from the models, in Alembic's words; empty when it does not. For the tests."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            options: dict[str, Any] = {
                "version_table": branch.version_table,
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _parents: kind != "table" or branch.owns(name),
                "include_object": lambda thing, name, kind, _r, _c: kind != "table" or branch.owns(name),
            }
            return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
    finally:
        engine.dispose()


def _currents(url: str, branches: Sequence[Branch]) -> dict[Branch, str | None]:
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return {
                branch: MigrationContext.configure(
                    connection, opts={"version_table": branch.version_table}
                ).get_current_revision()
                for branch in branches
            }
    finally:
        engine.dispose()


def _known(branch: Branch) -> tuple[str | None, frozenset[str]]:
    """(newest, all) of the revisions that the code has."""
    files = tuple(sorted(file.name for file in branch.folder.glob("*.py")))
    return _read(branch, files)


@lru_cache(maxsize=100)
def _read(branch: Branch, _files: tuple[str, ...]) -> tuple[str | None, frozenset[str]]:
    """Every revision file is run to be read, so that is done once for the files that are there."""
    script = ScriptDirectory.from_config(_config(branch))
    return script.get_current_head(), frozenset(one.revision for one in script.walk_revisions())


def _config(branch: Branch, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(paths.migrations_dir()).replace("%", "%%"))
    config.set_main_option("version_locations", str(branch.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, branch=branch)
    return config


def _run(url: str, branch: Branch) -> None:
    """Upgrade one branch. A lock that is not had in time is tried again; so is losing a race to another machine."""
    engine = _engine(url)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            before = current(url, branch)
            try:
                with engine.connect() as connection:
                    command.upgrade(_config(branch, connection), "head")
                return
            except (DBAPIError, CommandError) as fault:
                late = getattr(getattr(fault, "orig", None), "sqlstate", None) == LOCK_TIMEOUT
                if attempt == ATTEMPTS or not (late or current(url, branch) != before):
                    raise
                log.warning(
                    "%s; trying again", "a lock was held too long" if late else "another one migrates as well"
                )
                time.sleep(attempt if late else 0.1)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    """An engine for migrations alone: no pool, short lock waits, and on SQLite foreign keys off.

    SQLite alters a table by copying it; with foreign keys on, dropping the old copy would delete the rows that point to
    it. env.py checks the keys before the copy is committed.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options = f"-c timezone=UTC -c lock_timeout={LOCK_WAIT}"
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args={"options": options}
        )
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is part of the transaction
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
