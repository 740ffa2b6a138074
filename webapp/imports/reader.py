"""Opening a CSV file: UTF-8 with or without a mark, a header, rows that come one by one.

A file that is something else (another encoding, a workbook, damaged) is refused with the place and the remedy. Memory
stays flat whatever the file holds: no line over LINE_LIMIT bytes, no cell over CELL_LIMIT characters.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.imports.problems import BadFile, shown

LINE_LIMIT = 1 << 20
CELL_LIMIT = 20_000
COLUMN_LIMIT = 500
_BLOCK = 1 << 16
_SAVE_AS = "Save it as “CSV UTF-8” and import that."


@dataclass(slots=True)
class Table:
    """An open file. columns: our name -> where it stands, -1 when it is not there; unknown: (place, name) of others.

    Cells are taken from rows to which a blank cell was appended, so that place -1 reads as blank.
    """

    name: str
    path: Path
    reader: Any
    header: list[str]
    columns: dict[str, int]
    unknown: list[tuple[int, str]]

    @property
    def width(self) -> int:
        """Cells that each row must have."""
        return len(self.header)

    @property
    def ignored(self) -> tuple[str, ...]:
        """What the columns that are not ours are called."""
        return tuple(name or f"column {place + 1}" for place, name in self.unknown)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Around the loop over `reader`: what breaks while reading becomes a BadFile that says where."""
        with _faults(self.path, self.reader, self.header):
            yield


@contextmanager
def open_table(
    path: Path,
    ours: Sequence[str],
    required: Sequence[str],
    mapping: Mapping[str, str],
    prefix: str | None = None,
) -> Iterator[Table]:
    """Open a file and read its header. mapping: our name -> what the file calls it. Raises BadFile.

    prefix: any column that begins so is ours, too (consent_).
    """
    csv.field_size_limit(CELL_LIMIT)
    _look(path)
    with path.open("rb", buffering=0) as raw:
        checked = io.BufferedReader(_Checked(raw), _BLOCK)
        with io.TextIOWrapper(checked, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            with _faults(path, reader, []):
                header = next(reader, None)
            if not header:
                raise BadFile(
                    f"{path.name} is empty. Its first row must name the columns: {', '.join(ours)}."
                )
            yield Table(
                path.name, path, reader, *_resolve(path.name, header, ours, required, mapping, prefix)
            )


def cells_told(have: int, expected: int) -> tuple[str, str]:
    """Reason and remedy for a row with too few or too many cells."""
    many = "more" if have > expected else "fewer"
    return (
        f"it has {have} cells, {many} than the {expected} of the header",
        'Put a cell that holds a comma into quotation marks: "a, b".'
        if have > expected
        else "Complete the row.",
    )


def _resolve(
    name: str,
    header: list[str],
    ours: Sequence[str],
    required: Sequence[str],
    mapping: Mapping[str, str],
    prefix: str | None,
) -> tuple[list[str], dict[str, int], list[tuple[int, str]]]:
    names = [cell.strip() for cell in header]
    if len(names) > COLUMN_LIMIT:
        raise BadFile(f"{name} has {len(names)} columns; at most {COLUMN_LIMIT} are read. Remove some.")
    places: dict[str, int] = {}
    for place, cell in enumerate(names):
        if cell and places.setdefault(cell.casefold(), place) != place:
            raise BadFile(
                f"{name} row 1: two columns are called {shown(cell)} ({places[cell.casefold()] + 1} and {place + 1}). "
                "Rename or remove one."
            )
    columns: dict[str, int] = {}
    for our in (*ours, *(m for m in mapping if prefix and m.startswith(prefix))):
        theirs = mapping.get(our, our)
        columns[our] = places.get(theirs.casefold(), -1)
        if our in mapping and columns[our] < 0:
            raise BadFile(
                f"--map {our}={theirs}: {name} has no column {shown(theirs)}. It has {_told(names)}."
            )
    taken = {place for place in columns.values() if place >= 0}
    for cell, place in places.items():
        if prefix and cell.startswith(prefix) and place not in taken:
            columns[cell] = place
            taken.add(place)
    if missing := [our for our in required if columns[our] < 0]:
        one = missing[0]
        hint = ""
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            hint = " Its cells seem to be divided by something else: save it with commas between them."
        raise BadFile(
            f"{name} row 1: there is no column {' and no column '.join(missing)}. It has {_told(names)}. "
            f"Rename the column, or say what it is called: --map {one}=NAME.{hint}"
        )
    return names, columns, [(place, cell) for place, cell in enumerate(names) if place not in taken]


def _told(names: Sequence[str]) -> str:
    told = ", ".join(shown(name) for name in names[:20])
    return told + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _look(path: Path) -> None:
    """Refuse at once what is no text of ours."""
    if not path.exists():
        raise BadFile(f"there is no file {path}. Check its name and folder.")
    if not path.is_file():
        raise BadFile(f"{path} is no file. Name the CSV file itself.")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as why:
        raise BadFile(f"{path} cannot be read: {why.strerror}.") from why
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadFile(f"{path.name} is in UTF-16 (“Unicode text”). {_SAVE_AS}")
    if start == b"PK\x03\x04":
        raise BadFile(f"{path.name} is a workbook or an archive, not a CSV file. {_SAVE_AS}")
    if start[:2] == b"\x1f\x8b":
        raise BadFile(f"{path.name} is compressed. Unpack it first.")


class _Damaged(Exception):
    """Found below the text layer; the place is looked for afterwards."""


class _Checked(io.RawIOBase):
    """Hands bytes on, and stops at a NUL and at a line without an end."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer)) or b""
        if b"\0" in data:
            raise _Damaged("nul")
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = self._line + len(data) if end < 0 else len(data) - end - 1
        if self._line > LINE_LIMIT:
            raise _Damaged("line")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _faults(path: Path, reader: Any, header: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as why:
        raise BadFile(_not_utf8(path, header)) from why
    except _Damaged as why:
        if str(why) == "nul":
            line = _first_line(path, lambda data: b"\0" in data)
            raise BadFile(
                f"{path.name} line {line}: there is a NUL byte, so this is no text file, or it is damaged. {_SAVE_AS}"
            ) from why
        raise BadFile(
            f"{path.name} after line {reader.line_num}: a line goes on for more than {LINE_LIMIT >> 20} MB. "
            "Check that this is a CSV file with one row a line."
        ) from why
    except csv.Error as why:
        line = max(reader.line_num, 1)
        if "field limit" in str(why) or "unexpected end" in str(why):
            raise BadFile(
                f"{path.name}, about line {line}: a cell has no end or over {CELL_LIMIT} characters. Look there or "
                "shortly before for a quotation mark that is opened and not closed."
            ) from why
        raise BadFile(
            f"{path.name} line {line}: quotation marks that do not fit ({why}). Write a quotation mark within a cell "
            'twice, and the whole cell between two: "12"" pan".'
        ) from why
    except OSError as why:
        raise BadFile(f"{path.name} cannot be read further: {why.strerror}.") from why


def _first_line(path: Path, wrong: Any) -> int:
    """The number of the first line that is `wrong` (a second look, only once something is known to be)."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), 1):
            if wrong(line):
                return number
    return 0


def _not_utf8(path: Path, header: Sequence[str]) -> str:
    found = b""

    def wrong(line: bytes) -> bool:
        nonlocal found
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            found = line
            return True
        return False

    number = _first_line(path, wrong)
    guess = ""
    for encoding, name in (
        ("gb18030", "GB18030, as Chinese spreadsheets save it"),
        ("cp1252", "Windows Western"),
    ):
        try:
            found.decode(encoding)
        except UnicodeDecodeError:
            continue
        guess = f" It may be in {name}."
        break
    column = ""
    try:
        row = next(csv.reader([found.decode("utf-8", "replace")]), [])
    except csv.Error:
        row = []
    for place, cell in enumerate(row):
        if "\N{REPLACEMENT CHARACTER}" in cell and place < len(header):
            column = f", column {header[place] or place + 1}: {shown(cell)}"
            break
    return f"{path.name} line {number}{column} is not in UTF-8.{guess} {_SAVE_AS}"
