"""The file: a zip whose first entry says whose it is, and whose last is a manifest with a checksum of every other.

    REGULARS-BACKUP        "1"; stored, so that a file that was cut off is still known to be ours
    files/...              the instance folder: keys, uploaded files, own plugins
    database/...           one SQLite file, or the schema and a COPY text of each table of PostgreSQL
    manifest.json          format, version, kind, revisions, rows of each table, size and sha256 of each entry

Reading trusts nothing: every entry is checked against the manifest before anything of it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from webapp.kernel.errors import UserError

FORMAT = 1
MARK = "REGULARS-BACKUP"
MANIFEST = "manifest.json"
LEVEL = 1  # of deflate: the fastest; a higher one saves a tenth of the size for twice the time
PIECE = 1 << 20  # bytes


@dataclass(slots=True)
class Manifest:
    """What the file holds. revisions: "" is the core, others are plugins. rows: by table. entries: name -> [size, sha256]."""

    kind: str  # sqlite or postgresql
    version: str  # of the program that wrote it
    made_at: str  # ISO, UTC: when its snapshot was taken
    revisions: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    entries: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT


class BackupError(UserError):
    """The file, or the place for it, is not what it should be; one sentence says what to do."""


class Writer:
    """Entries one after another into an open file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=LEVEL)
        self.entries: dict[str, tuple[int, str]] = {}
        self._zip.writestr(MARK, f"{FORMAT}\n", zipfile.ZIP_STORED)

    @contextmanager
    def entry(self, name: str) -> Iterator[Entry]:
        """A new entry to be written to inside the block."""
        with self._zip.open(name, "w", force_zip64=True) as out:
            entry = Entry(out)
            yield entry
        self.entries[name] = (entry.size, entry.sha.hexdigest())

    def add(self, name: str, path: Path) -> None:
        """A file as it is now."""
        with path.open("rb") as source, self.entry(name) as out:
            while piece := source.read(PIECE):
                out.write(piece)

    def close(self, manifest: Manifest) -> None:
        """The manifest, and the end."""
        manifest.entries = self.entries
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True))
        self._zip.close()


class Entry:
    """What is written, counted and summed."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.size = 0
        self.sha = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> None:
        """Append."""
        self._out.write(data)
        self.size += len(data)
        self.sha.update(data)


class Reader:
    """A file that says it is ours. Raises BackupError, with its path in the sentence, for whatever is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        head = _head(path)
        if MARK.encode() not in head:
            raise BackupError(f"{path} is no backup of Regulars.")
        try:
            self._zip = zipfile.ZipFile(path)
        except Exception as why:
            raise BackupError(
                f"{path} is cut off: its end is missing. It was not copied or written to its end; take another one."
            ) from why
        with self._sound(MANIFEST):
            said = json.loads(self._zip.read(MANIFEST))
            newer = int(said["format"]) > FORMAT
        if newer:
            raise BackupError(
                f"{path} was made by a newer Regulars ({said.get('version')}) in a form that this one cannot read: "
                "install that version or a newer one, then restore."
            )
        with self._sound(MANIFEST):
            self.manifest = Manifest(**said)
            names = {info.filename for info in self._zip.infolist()} - {MARK, MANIFEST}
            if names != self.manifest.entries.keys() or not all(map(_safe, names)):
                raise ValueError("other entries than the manifest says")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, folder: str) -> list[str]:
        """Entries below `folder/`, without it."""
        return sorted(
            name.removeprefix(f"{folder}/") for name in self.manifest.entries if name.startswith(f"{folder}/")
        )

    def verify(self) -> None:
        """Read every entry and compare its size and sum."""
        for name in self.manifest.entries:
            for _piece in self.pieces(name):
                pass

    def pieces(self, name: str) -> Iterator[bytes]:
        """An entry's content; raises BackupError at its end when it is not what was written."""
        size, sha = 0, hashlib.sha256()
        with self._sound(name):
            source = self._zip.open(name)
        with source:
            while True:
                with self._sound(name):
                    piece = source.read(PIECE)
                    size += len(piece)
                    sha.update(piece)
                    if not piece and (size, sha.hexdigest()) != tuple(self.manifest.entries[name]):
                        raise ValueError("another checksum")
                if not piece:
                    return
                yield piece

    def read(self, name: str) -> bytes:
        """A small entry, whole."""
        return b"".join(self.pieces(name))

    def extract(self, name: str, target: Path) -> None:
        """Into a new file that its owner alone can read, safe on the disk."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new_file(target) as out:
            for piece in self.pieces(name):
                out.write(piece)

    @contextmanager
    def _sound(self, name: str) -> Iterator[None]:
        """Whatever goes wrong inside is the file's fault: zlib, zipfile and json raise a dozen kinds of exceptions."""
        try:
            yield
        except Exception as why:
            raise BackupError(
                f"{self.path} is damaged ({name} is not what was written into it): take another one."
            ) from why


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that was not there, 0600; on the disk when the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def read_manifest(path: Path) -> dict[str, Any]:
    """For people: what a file says of itself. Raises BackupError."""
    with Reader(path) as reader:
        return asdict(reader.manifest)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except FileNotFoundError:
        raise BackupError(f"There is no file {path}.") from None
    except OSError as why:
        raise BackupError(f"{path} cannot be read: {why.strerror}.") from why


def _safe(name: str) -> bool:
    """A path that stays below the folder it is put into."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
