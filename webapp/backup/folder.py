"""The instance folder: what of it belongs into a backup, and how the old one is kept aside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

# Top-level names that are of this machine and this moment: sockets, locks and logs; files on their way in; the backups
# themselves.
RUN_TIME = {"run", "staged", "backups"}
ASIDE = "replaced-"  # what a restore kept
STAGE = "restoring-"  # what a restore has not finished


def database_file(url: str) -> Path | None:
    """SQLite's file; None for PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "").resolve()


def database_files(url: str) -> list[Path]:
    """SQLite's file and those beside it."""
    main = database_file(url)
    return (
        [] if main is None else [main.with_name(main.name + end) for end in ("", "-wal", "-shm", "-journal")]
    )


def kept(instance: Path, url: str) -> Iterator[str]:
    """Files of the instance folder that a backup holds, as paths below it: everything that is not run-time."""
    leave = set(database_files(url))
    for top in sorted(instance.iterdir()) if instance.is_dir() else ():
        if top.name in RUN_TIME or top.name.startswith((ASIDE, STAGE)):
            continue
        for path in _files(top):
            if path.resolve() not in leave and not path.name.endswith((".part", ".backup")):
                yield path.relative_to(instance).as_posix()


def _files(top: Path) -> Iterator[Path]:
    if top.is_dir() and not top.is_symlink():
        for folder, below, names in os.walk(top):
            below[:] = sorted(one for one in below if one != "__pycache__")
            yield from (Path(folder, name) for name in sorted(names) if _plain(Path(folder, name)))
    elif _plain(top):
        yield top


def _plain(path: Path) -> bool:
    """A file, or a link to one; no socket, no pipe, nothing that is gone again."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def set_aside(instance: Path, url: str, stamp: str) -> list[Path]:
    """Move everything but the run-time into `replaced-STAMP` of the same folder; where the old is now.

    A database that is kept elsewhere stays there under another name: it may be on another disk.
    """
    aside, moved = instance / f"{ASIDE}{stamp}", []
    for top in sorted(instance.iterdir()) if instance.is_dir() else ():
        if top.name not in RUN_TIME and not top.name.startswith((ASIDE, STAGE)):
            aside.mkdir(mode=0o700, exist_ok=True)
            top.rename(aside / top.name)
            moved = [aside]
    for path in database_files(url):
        if path.exists():
            moved.append(path.rename(path.with_name(f"{ASIDE}{stamp}-{path.name}")))
    return moved
