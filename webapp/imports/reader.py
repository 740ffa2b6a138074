"""Opening a CSV file: UTF-8 with or without a mark, a header, and rows that come in blocks, as columns.

A file that is something else (another encoding, a workbook, damaged) is refused with the place and the remedy. Memory
stays flat whatever the file holds: no line over LINE_LIMIT bytes, no quoted cell over CELL_LIMIT characters.

A block without quotation marks in which every line has as many commas as the header, which is nearly every block of what
tills and shop systems write, is cut up by two calls; any other goes through the csv module. Both give the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webapp.imports.problems import BadFile, shown

LINE_LIMIT = 1 << 20
CELL_LIMIT = 20_000
COLUMN_LIMIT = 500
BLOCK = 1 << 17  # bytes
_SAVE_AS = "Save it as “CSV UTF-8” and import that."
_NOT_MARKS = bytes(set(range(256)) - set(b",\n"))

Misshapen = Callable[[int, list[str]], None]
"""Told of a row that has too few or too many cells: its number and its cells."""


@dataclass(slots=True)
class Table:
    """An open file. columns: our name -> where it stands, -1 when it is not there; unknown: (place, name) of others."""

    name: str
    header: list[str]
    columns: dict[str, int]
    unknown: list[tuple[int, str]]
    _source: _Source

    @property
    def width(self) -> int:
        """Cells that each row must have."""
        return len(self.header)

    @property
    def ignored(self) -> tuple[str, ...]:
        """What the columns that are not ours are called."""
        return tuple(name or f"column {place + 1}" for place, name in self.unknown)

    def blocks(self, misshapen: Misshapen) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
        """(row numbers, all columns of the file) of a block of well-shaped rows, until the end. Raises BadFile.

        Rows are counted as a spreadsheet does, the header being row 1; lines without any cell are passed over.
        """
        row = 2
        while (rows := self._source.plain(self.width)) is not None:
            if rows:
                yield range(row, row + len(rows[0])), rows
                row += len(rows[0])
                continue
            records = self._source.records()
            good = [(at, cells) for at, cells in enumerate(records, row) if len(cells) == self.width]
            if len(good) < len(records):
                for at, cells in enumerate(records, row):
                    if cells and len(cells) != self.width:
                        misshapen(at, cells)
            row += len(records)
            if good:
                numbers, found = zip(*good, strict=True)
                yield numbers, [list(column) for column in zip(*found, strict=True)]

    def pick(self, columns: list[list[str]], names: Sequence[str]) -> list[list[str]]:
        """Those columns of a block that are ours; blanks for one that the file does not have."""
        return [
            columns[place] if (place := self.columns[name]) >= 0 else [""] * len(columns[0]) for name in names
        ]


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
    with path.open("rb", buffering=0) as file:
        source = _Source(path, file)
        header = source.first()
        if not header:
            raise BadFile(f"{path.name} is empty. Its first row must name the columns: {', '.join(ours)}.")
        names, columns, unknown = _resolve(path.name, header, ours, required, mapping, prefix)
        source.header = names
        yield Table(path.name, names, columns, unknown, source)


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


class _Source:
    """The bytes of a file, in blocks that end with a line, and the records of such blocks."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path, self._file = path, file
        self._rest = b""  # of a line that has not ended yet
        self._block: bytes | None = None  # the block at hand
        self._lines = 0  # before the block at hand
        self._ended = False
        self._begun = False
        self.header: list[str] = []

    def first(self) -> list[str] | None:
        """The header, None in an empty file."""
        self._fill()
        if not self._block:
            return None
        lines = _Lines(self)
        with self._faults(lines):
            header = next(csv.reader(lines, strict=True), None)
        self._block = lines.left()
        return header

    def plain(self, width: int) -> list[list[str]] | None:
        """The columns of the block at hand if it is plain; [] if it is not; None at the end of the file."""
        if not self._block:
            self._fill()
        block = self._block
        if not block:
            return None
        if width < 2 or b'"' in block:
            return []
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        count = block.count(b"\n")
        if b"\r" in block or block.translate(None, _NOT_MARKS) != (b"," * (width - 1) + b"\n") * count:
            return []
        cells = self._decode(block).replace("\n", ",").split(",")
        cells.pop()
        self._lines += count
        self._block = None
        return [cells[place::width] for place in range(width)]

    def records(self) -> list[list[str]]:
        """The rows of the block at hand, and of those that its last row runs on into."""
        found: list[list[str]] = []
        lines = _Lines(self)
        with self._faults(lines):
            for cells in csv.reader(lines, strict=True):
                found.append(cells)
                if lines.at_end:
                    break
        self._block = None
        return found

    def next_lines(self) -> list[str] | None:
        """The text of the block at hand, which is done with then, in lines as the csv module wants them."""
        if not self._block:
            self._fill()
        if not self._block:
            return None
        text = self._decode(self._block)
        self._block = None
        found = list(io.StringIO(text, newline=""))
        self._lines += len(found)
        return found

    def _fill(self) -> None:
        """Take the next block; nothing is at hand at the end of the file."""
        self._block = None
        while not self._ended and not self._block:
            try:
                data = self._file.read(BLOCK) or b""
            except OSError as why:
                raise BadFile(f"{self._path.name} cannot be read further: {why.strerror}.") from why
            if not self._begun:
                data, self._begun = data.removeprefix(b"\xef\xbb\xbf"), True
            if not data:
                self._ended = True
                if self._rest:
                    self._block, self._rest = self._rest + b"\n", b""
                return
            if (at := data.find(b"\0")) >= 0:
                line = self._lines + (self._rest + data)[: len(self._rest) + at].count(b"\n") + 1
                raise BadFile(
                    f"{self._path.name} line {line}: there is a NUL byte, so this is no text file, or it is damaged. "
                    f"{_SAVE_AS}"
                )
            data = self._rest + data
            cut = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1
            self._block, self._rest = data[:cut], data[cut:]
            if len(self._rest) > LINE_LIMIT:
                line = self._lines + self._block.count(b"\n") + 1
                raise BadFile(
                    f"{self._path.name} line {line}: it goes on for more than {LINE_LIMIT >> 20} MB. "
                    "Check that this is a CSV file with one row a line."
                )

    def _decode(self, block: bytes) -> str:
        try:
            return block.decode()
        except UnicodeDecodeError as why:
            begin = block.rfind(b"\n", 0, why.start) + 1
            line = block[begin:].split(b"\n", 1)[0]
            number = self._lines + block[:begin].count(b"\n") + 1
            raise BadFile(_not_utf8(self._path.name, number, line, self.header)) from why

    @contextmanager
    def _faults(self, lines: _Lines) -> Iterator[None]:
        try:
            yield
        except csv.Error as why:
            name, line = self._path.name, lines.number
            if "field limit" in str(why) or "unexpected end" in str(why):
                raise BadFile(
                    f"{name}, about line {line}: a cell has no end or over {CELL_LIMIT} characters. Look there or shortly "
                    "before for a quotation mark that is opened and not closed."
                ) from why
            raise BadFile(
                f"{name} line {line}: quotation marks that do not fit ({why}). Write a quotation mark within a cell "
                'twice, and the whole cell between two: "12"" pan".'
            ) from why


class _Lines:
    """Lines for the csv module, from one block and, while a cell is open, from the next ones."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._found: list[str] = []
        self._at = 0
        self._before = source._lines

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._at >= len(self._found):
            self._before += len(self._found)
            found = self._source.next_lines()
            if found is None:
                raise StopIteration
            self._found, self._at = found, 0
        self._at += 1
        return self._found[self._at - 1]

    @property
    def at_end(self) -> bool:
        """Of a block: when a record ends here, the next block begins with a record."""
        return self._at >= len(self._found)

    @property
    def number(self) -> int:
        """Of the line that was given last."""
        return self._before + self._at

    def left(self) -> bytes | None:
        """What has not been given, handed back."""
        rest = self._found[self._at :]
        self._source._lines -= len(rest)
        return "".join(rest).encode() or None


def _not_utf8(name: str, number: int, line: bytes, header: Sequence[str]) -> str:
    """What is wrong with a line, where in it, and what it may be instead."""
    guess = ""
    for encoding, told in (
        ("gb18030", "GB18030, as Chinese spreadsheets save it"),
        ("cp1252", "Windows Western"),
    ):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            continue
        guess = f" It may be in {told}."
        break
    column = ""
    try:
        row = next(csv.reader([line.decode("utf-8", "replace")]), [])
    except csv.Error:
        row = []
    for place, cell in enumerate(row):
        if "\N{REPLACEMENT CHARACTER}" in cell and place < len(header):
            column = f", column {header[place] or place + 1}: {shown(cell)}"
            break
    return f"{name} line {number}{column} is not in UTF-8.{guess} {_SAVE_AS}"
