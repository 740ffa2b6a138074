"""Making the file, while the shop runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from webapp.backup import folder, postgres, sqlite
from webapp.backup.archive import BackupError, Manifest, Reader, Writer, new_file
from webapp.config import Settings
from webapp.kernel import clock

END = ".backup"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file. size: bytes."""

    file: Path
    size: int
    manifest: Manifest


def default_folder(settings: Settings) -> Path:
    """Where files go when nobody says otherwise."""
    return settings.instance / "backups"


def file_name(moment: datetime) -> str:
    """A name that sorts by time (UTC)."""
    return f"regulars-{moment:%Y%m%d-%H%M%S}{END}"


def program() -> str:
    """The version of this program."""
    try:
        return version("regulars")
    except PackageNotFoundError:
        return "0"


def make(settings: Settings, target: Path) -> Made:
    """Write the shop into the new file `target`, 0600, and read it back; a folder is given a name in it.

    Raises BackupError when the file is there already, the place cannot be written to, there is no shop, or another backup
    is being made. Whatever happens, no half file is left under that name.
    """
    moment = clock.now()
    if target.is_dir():
        target = target / file_name(moment)
    if target.exists():
        raise BackupError(f"{target} is there already: name another file.")
    with _alone(settings.instance):
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)  # of one that was killed
            manifest = _write(settings, part, moment)
            with Reader(part) as reader:
                reader.verify()
            part.rename(target)
            _settle(target.parent)
        except OSError as why:
            raise BackupError(
                f"The backup could not be written to {target.parent}: {why.strerror or why}."
            ) from why
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return Made(target, target.stat().st_size, manifest)


def _write(settings: Settings, part: Path, moment: datetime) -> Manifest:
    database = folder.database_file(settings.database_url)
    if database is not None and not database.is_file():
        raise BackupError(
            f"There is no shop in {settings.instance} (REGULARS_INSTANCE): its database is missing."
        )
    with new_file(part) as out:
        writer = Writer(out)
        done: set[str] = set()
        # Files that the rows name may come or go meanwhile: those before the snapshot, and those that are new after it.
        _files(settings, writer, done)
        if database is not None:
            kind = "sqlite"
            rows, revisions = sqlite.dump(database, writer, part.with_suffix(".database"))
        else:
            kind = "postgresql"
            rows, revisions = postgres.dump(settings.database_url, writer)
        _files(settings, writer, done)
        if not rows.get("brand"):
            raise BackupError("There is no brand in this shop yet, so there is nothing to back up.")
        manifest = Manifest(kind, program(), moment.isoformat(timespec="milliseconds"), revisions, rows)
        writer.close(manifest)
    return manifest


def _files(settings: Settings, writer: Writer, done: set[str]) -> None:
    for name in list(folder.kept(settings.instance, settings.database_url)):
        if name in done:
            continue
        try:
            writer.add(f"files/{name}", settings.instance / name)
        except FileNotFoundError:
            continue  # gone between the look and the read
        done.add(name)


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """One at a time; the kernel lets go of the lock when this process ends, however it ends."""
    run = instance / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(run / "backup.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError("Another backup of this shop is being made just now.") from None
    finally:
        os.close(descriptor)


def _settle(path: Path) -> None:
    """The new name is on the disk, too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
