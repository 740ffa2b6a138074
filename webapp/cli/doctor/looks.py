"""The looks themselves. Each gives findings and raises nothing; what stands on the database is left out where that is away."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Generator, Iterator
from importlib.metadata import version
from pathlib import Path

from webapp import config
from webapp.cli.doctor import running
from webapp.cli.doctor.finding import Finding, bad, ok, warn
from webapp.cli.doctor.inside import inside
from webapp.kernel.errors import UserError

LOW, TOO_LOW = 2 * 2**30, 200 * 2**20  # bytes


def all_of_them() -> Iterator[Finding]:
    """In the order in which one mends."""
    yield python()
    try:
        settings = config.load()
    except UserError as why:
        yield bad("settings", str(why), "Correct it where the shop is started.")
        return
    yield from folder(settings)
    if not settings.instance.is_dir():
        return
    yield disk(settings.instance)
    yield from running.queue(settings)
    reachable = yield from database(settings)
    if reachable:
        yield from inside(settings)
    yield from running.shop(settings)
    yield from running.clock_synchronised()


def python() -> Finding:
    """Which one, and which program."""
    return ok("python", f"{platform.python_version()} at {sys.executable}, Regulars {version('regulars')}")


def folder(settings: config.Settings) -> Iterator[Finding]:
    """Is the instance folder there, ours, and closed to others?"""
    path = settings.instance
    if not path.is_dir():
        yield bad(
            "folder",
            f"{path} does not exist",
            "Start the shop with `regulars up`, or name its folder in REGULARS_INSTANCE.",
        )
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield bad(
            "folder",
            f"{path} cannot be written to by {os.geteuid()}",
            f"Give it to the user who runs the shop: chown -R USER {path}",
        )
    else:
        yield ok("folder", str(path))
    open_ones = [file.name for file in (path / "secret.key", path / "regulars.db") if _others_read(file)]
    if "secret.key" in open_ones:
        yield bad(
            "keys",
            "secret.key can be read by others on this machine",
            f"chmod 600 {path / 'secret.key'}, then set new passwords for mail",
        )
    elif open_ones and _others_enter(path):
        yield warn("keys", "the database can be read by others on this machine", f"chmod 700 {path}")


def _others_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP))
    except OSError:
        return False


def _others_enter(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IXOTH | stat.S_IXGRP))


def disk(path: Path) -> Finding:
    """Room for the database, its journal and the backups."""
    free = shutil.disk_usage(path).free
    text = f"{free / 2**30:.1f} GB free for {path}"
    if free < TOO_LOW:
        return bad("disk", text, "Make room at once: nothing more can be written soon.")
    if free < LOW:
        return warn("disk", text, "Make room: backups and imports need some.")
    return ok("disk", text)


def database(settings: config.Settings) -> Generator[Finding, None, bool]:
    """Does it answer, and are its tables this program's? Returns whether the rest may look into it."""
    from sqlalchemy.engine import make_url

    from webapp.kernel import migrate
    from webapp.kernel.db import unreachable
    from webapp.plugin_runtime import runtime

    url = make_url(settings.database_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        yield bad(
            "database", f"{url.database} does not exist", "Start the shop once: `regulars up` makes it."
        )
        return False
    branches = runtime.branches(runtime.load_all(settings.instance / "plugins"))
    try:
        migrate.refuse_newer(settings.database_url, branches)
        behind = migrate.pending(settings.database_url, branches)
        empty = migrate.current(settings.database_url, migrate.core()) is None
    except UserError as why:
        yield bad("database", str(why), "Install the newer version again.")
        return False
    except Exception as fault:
        said = unreachable(fault) or f"{type(fault).__name__}: {fault}"
        yield bad(
            "database", f"{shown} does not answer: {said}", "Start it, or correct REGULARS_DATABASE_URL."
        )
        return False
    if empty:
        yield bad("database", f"{shown} has no tables", "`regulars up` makes them.")
        return False
    if behind:
        names = ", ".join(branch.plugin or "core" for branch in behind)
        yield warn(
            "database",
            f"its tables are older than this program ({names})",
            "Restart the shop: it upgrades them.",
        )
        return not any(not branch.plugin for branch in behind)
    yield ok("database", f"{shown}, revision {migrate.head(migrate.core())}")
    return True
