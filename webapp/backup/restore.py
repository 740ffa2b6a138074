"""Bringing a shop back from its file: everything is verified before anything is touched, and audited before it counts."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webapp.backup import folder, postgres, sqlite
from webapp.backup.archive import BackupError, Manifest, Reader
from webapp.config import Settings
from webapp.kernel import clock, migrate
from webapp.plugin_runtime import runtime

WORDS = {"sqlite": "SQLite (the built-in database)", "postgresql": "PostgreSQL"}


@dataclass(slots=True)
class Restored:
    """What came back. aside: where the old shop is, if there was one; held: campaigns that were under way."""

    manifest: Manifest
    aside: list[str] = field(default_factory=list)
    held: int = 0


def check(settings: Settings, file: Path) -> Manifest:
    """Read the whole file, change nothing. Raises BackupError with one sentence on what is wrong with it."""
    with Reader(file) as reader:
        _known(settings, reader)
        reader.verify()
        return reader.manifest


def restore(settings: Settings, file: Path, *, replace: bool = False) -> Restored:
    """Put the shop of `file` into the instance folder and database of `settings`; nobody may be running them.

    replace: there may be a shop; it is kept aside. Raises BackupError and leaves everything as it was: a file that is not
    sound, one of another kind of database or of a newer program, a place that is not empty.
    """
    with Reader(file) as reader:
        _known(settings, reader)
        kind = "sqlite" if folder.database_file(settings.database_url) else "postgresql"
        if reader.manifest.kind != kind:
            raise BackupError(
                f"{file} holds a shop on {WORDS.get(reader.manifest.kind, reader.manifest.kind)}, and this place is for "
                f"{WORDS[kind]}: set REGULARS_DATABASE_URL accordingly. A file is restored to the kind it came from."
            )
        if not replace and (what := _occupied(settings)):
            raise BackupError(
                f"There is a shop already ({what}). Name an empty folder in REGULARS_INSTANCE, or say --replace: "
                "the old one is kept aside then."
            )
        reader.verify()
        stamp = f"{clock.now():%Y%m%d-%H%M%S}"
        settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        stage = settings.instance / f"{folder.STAGE}{stamp}"
        try:
            for name in reader.names("files"):
                reader.extract(f"files/{name}", stage / name)
            return (_sqlite if kind == "sqlite" else _postgres)(settings, reader, stage, stamp)
        except OSError as why:
            raise BackupError(
                f"The shop could not be written to {settings.instance}: {why.strerror or why}."
            ) from why
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _sqlite(settings: Settings, reader: Reader, stage: Path, stamp: str) -> Restored:
    target = folder.database_file(settings.database_url)
    assert target is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{folder.STAGE}{stamp}-{target.name}")
    try:
        _sound(reader, sqlite.load(reader, fresh))
        with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
            done = Restored(
                reader.manifest, held=_calm(lambda words: connection.execute(words).rowcount, reader)
            )
        done.aside = [str(path) for path in folder.set_aside(settings.instance, settings.database_url, stamp)]
        _move_in(stage, settings.instance)
        fresh.rename(target)  # the shop is there once this is
    finally:
        fresh.unlink(missing_ok=True)
    return done


def _postgres(settings: Settings, reader: Reader, stage: Path, stamp: str) -> Restored:
    opened = postgres.engine(settings.database_url)
    done = Restored(reader.manifest)
    with opened.connect() as held:
        connection: Any = held.connection.driver_connection
        try:
            with connection.transaction():  # all of it or nothing
                aside = postgres.set_aside(connection, stamp)
                _sound(reader, postgres.load(reader, connection))
                done.held = _calm(lambda words: connection.execute(words).rowcount, reader)
            connection.execute("ANALYZE")
        except BackupError:
            raise
        except Exception as fault:
            if (said := postgres.refused(fault)) is None:
                raise
            raise said from fault
    done.aside = [str(path) for path in folder.set_aside(settings.instance, settings.database_url, stamp)]
    if aside:
        done.aside.append(f"the database's schema {aside}")
    _move_in(stage, settings.instance)
    return done


def _move_in(stage: Path, instance: Path) -> None:
    for path in sorted(stage.iterdir()) if stage.is_dir() else ():
        path.rename(instance / path.name)


def _sound(reader: Reader, wrong: list[str]) -> None:
    if wrong:
        raise BackupError(
            f"{reader.path} does not hold together ({'; '.join(wrong[:3])}). Nothing was changed; take another one."
        )


def _calm(run: Callable[[str], int], reader: Reader) -> int:
    """What a shop that wakes up later, perhaps beside the one it was copied from, must not do by itself: how many
    campaigns were under way and are held.

    What was sent after the snapshot is not known here, so nothing is sent before a person says so: a campaign that was
    sending is paused, one whose audience was still being laid is cancelled. Which files are whose backups is forgotten:
    the old shop's are not this one's to remove.
    """
    held = 0
    if "campaign" in reader.manifest.rows:
        held += run("UPDATE campaign SET state = 'paused' WHERE state = 'sending'")
        held += run("UPDATE campaign SET state = 'cancelled' WHERE state = 'laying'")
    if "backup_run" in reader.manifest.rows:
        run("DELETE FROM backup_run")
        run("UPDATE backup_plan SET tried_at = NULL")
    return held


def _known(settings: Settings, reader: Reader) -> None:
    """Raises BackupError for the revision of a newer program. Plugins that are not here are no obstacle."""
    here = [migrate.core(), *runtime.branches(runtime.load_all(settings.instance / "plugins"))]
    for branch in here:
        revision = reader.manifest.revisions.get(branch.plugin)
        if revision is not None and not migrate.knows(branch, revision):
            what = f"a newer version of the plugin {branch.plugin}" if branch.plugin else "a newer Regulars"
            raise BackupError(
                f"{reader.path} was made by {what} ({reader.manifest.version}, tables {revision}): install that version "
                "or a newer one, then restore."
            )


def _occupied(settings: Settings) -> str | None:
    """What stands in the place, None if it is empty or nothing but an empty shop that was started once."""
    database = folder.database_file(settings.database_url)
    if database is not None:
        if not database.exists():
            return None
        with closing(sqlite3.connect(database)) as opened:
            try:
                found = "brand" in sqlite.tables(opened) and sqlite.count(opened)["brand"]
            except sqlite3.DatabaseError:
                return str(database)
        return str(database) if found else None
    with postgres.engine(settings.database_url).connect() as held:
        connection: Any = held.connection.driver_connection
        names = postgres.table_names(connection)
        if not names or ("brand" in names and not postgres.count(connection, ["brand"])["brand"]):
            return None
        return "the database has tables"
