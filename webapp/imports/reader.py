"""Opening a CSV file: UTF-8 with or without a mark, a header, and rows that come in blocks, as columns.

A file that is something else (another encoding, a workbook) is made into one of these first (formats.py); one that is
damaged is refused with the place and the remedy. Memory stays flat whatever the file holds: no line over LINE_LIMIT bytes, no quoted cell over CELL_LIMIT characters.

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

from webapp.imports.headers import resolve
from webapp.imports.problems import N_, BadFile

LINE_LIMIT = 1 << 20
CELL_LIMIT = 20_000
BLOCK = 1 << 17  # bytes
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
    watch: Callable[[int, int], None] | None = None,
) -> Iterator[Table]:
    """Open a file and read its header. mapping: our name -> what the file calls it, "" when it is not there. Raises BadFile.

    prefix: any column that begins so is ours, too (consent_). watch: told how many bytes and lines of the file each block
    has.
    """
    csv.field_size_limit(CELL_LIMIT)
    with path.open("rb", buffering=0) as file:
        source = _Source(path, file, watch)
        header = source.first()
        if not header:
            raise BadFile(
                N_("%(file)s is empty. Its first row must name the columns: %(columns)s."),
                file=path.name,
                columns=", ".join(ours),
            )
        names, columns, unknown = resolve(path.name, header, ours, required, mapping, prefix)
        source.header = names
        yield Table(path.name, names, columns, unknown, source)


class _Source:
    """The bytes of a file, in blocks that end with a line, and the records of such blocks."""

    def __init__(self, path: Path, file: io.FileIO, watch: Callable[[int, int], None] | None = None) -> None:
        self._path, self._file, self._watch = path, file, watch
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
                raise BadFile(
                    N_("%(file)s cannot be read further: %(why)s."),
                    file=self._path.name,
                    why=why.strerror or "",
                ) from why
            if self._watch is not None:
                self._watch(len(data), data.count(b"\n"))
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
                    N_(
                        "%(file)s line %(line)s: there is a NUL byte, so this is no text file, or it is damaged. Save it as "
                        "“CSV UTF-8” and import that."
                    ),
                    file=self._path.name,
                    line=line,
                )
            data = self._rest + data
            cut = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1
            self._block, self._rest = data[:cut], data[cut:]
            if len(self._rest) > LINE_LIMIT:
                line = self._lines + self._block.count(b"\n") + 1
                raise BadFile(
                    N_(
                        "%(file)s line %(line)s: it goes on for more than %(size)s MB. Check that this is a CSV file with "
                        "one row a line."
                    ),
                    file=self._path.name,
                    line=line,
                    size=LINE_LIMIT >> 20,
                )

    def _decode(self, block: bytes) -> str:
        try:
            return block.decode()
        except UnicodeDecodeError as why:
            raise BadFile(
                N_(
                    "%(file)s line %(line)s: it is not in %(encoding)s throughout. Save it as “CSV UTF-8” and import that."
                ),
                file=self._path.name,
                line=self._lines + block[: why.start].count(b"\n") + 1,
                encoding="UTF-8",
            ) from why

    @contextmanager
    def _faults(self, lines: _Lines) -> Iterator[None]:
        try:
            yield
        except csv.Error as why:
            raise bad_quotes(self._path.name, lines.number, str(why)) from why


def bad_quotes(name: str, line: int, why: str) -> BadFile:
    """What the csv module could not read, in words."""
    if "field limit" in why or "field larger" in why or "unexpected end" in why:
        return BadFile(
            N_(
                "%(file)s, about line %(line)s: a cell has no end or over %(most)s characters. Look there or shortly before "
                "for a quotation mark that is opened and not closed."
            ),
            file=name,
            line=line,
            most=CELL_LIMIT,
        )
    return BadFile(
        N_(
            "%(file)s line %(line)s: quotation marks that do not fit (%(why)s). Write a quotation mark within a cell twice, "
            'and the whole cell between two: "12"" pan".'
        ),
        file=name,
        line=line,
        why=why,
    )


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
