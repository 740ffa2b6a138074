"""Files as shops have them, made into the one form that the reader takes: UTF-8, commas, no byte before the header.

A file that has this form already, as tills write them, is read where it lies. Any other is written anew, row for row, so
that the rows of the shop's own file are told of.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from webapp.imports.headers import REASONS
from webapp.imports.problems import N_, BadFile
from webapp.imports.reader import CELL_LIMIT, LINE_LIMIT, bad_quotes
from webapp.imports.xlsx import Workbook

DIVIDERS = (",", ";", "\t")
_CHUNK = 1 << 20
_MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "RIFF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3", "SQLite"),
    (b"<!DOCTYPE", "HTML"),
    (b"<html", "HTML"),
)
Watch = Callable[[int, int], None]
"""Told how many bytes of a file have been dealt with since the last call, and how many rows of it read. May raise, to stop."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a file is. kind: csv or xlsx. sheets: of a workbook. encoding, divider: of a CSV file. returned: it is a file of
    bad rows that was downloaded here, so its first column is ours."""

    kind: str
    encoding: str = ""
    divider: str = ","
    sheets: tuple[str, ...] = ()
    returned: bool = False

    @property
    def plain(self) -> bool:
        """Can the reader take it as it is?"""
        return (self.kind, self.encoding, self.divider, self.returned) == ("csv", "utf-8", ",", False)


def look(path: Path) -> Form:
    """What kind of file this is. Raises BadFile for one that is none of ours."""
    if not path.exists():
        raise BadFile(N_("there is no file %(file)s. Check its name and folder."), file=str(path))
    if not path.is_file():
        raise BadFile(N_("%(file)s is no file. Name the CSV file itself."), file=str(path))
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as why:
        raise BadFile(
            N_("%(file)s cannot be read: %(why)s."), file=str(path), why=why.strerror or ""
        ) from why
    if start.startswith(b"PK\x03\x04"):
        book = Workbook(path)
        book.close()
        return Form("xlsx", sheets=tuple(book.sheets))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadFile(
            N_(
                "%(file)s is a workbook of the old kind (.xls), or one with a password. Save it as “Excel workbook (.xlsx)” "
                "without a password, or as “CSV UTF-8”, and import that."
            ),
            file=path.name,
        )
    for magic, called in _MAGIC:
        if start.startswith(magic):
            raise BadFile(
                N_(
                    "%(file)s is a %(kind)s file, not a list of rows. Export the list as “Excel workbook (.xlsx)” or as “CSV "
                    "UTF-8”."
                ),
                file=path.name,
                kind=called,
            )
    encoding = _encoding(path, start)
    header = _header(path, encoding)
    divider = max(DIVIDERS, key=lambda mark: len(_cells(header, mark)))
    cells = _cells(header, divider)
    return Form("csv", encoding, divider, returned=bool(cells) and cells[0].strip() in REASONS)


def prepared(path: Path, into: Path, form: Form, *, sheet: str = "", watch: Watch | None = None) -> Path:
    """The file as the reader takes it: itself, or one of the same name in `into` (made when it is needed). Raises BadFile."""
    if form.plain:
        return path
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = into / path.name
    csv.field_size_limit(CELL_LIMIT)
    with made.open("w", encoding="utf-8", newline="") as out:
        if form.kind == "xlsx":
            _from_workbook(path, out, sheet, watch)
        else:
            _from_text(path, out, form, watch)
    return made


def _from_workbook(path: Path, out: TextIO, sheet: str, watch: Watch | None) -> None:
    """Rows are as long as the header; a row that says nothing is an empty line."""
    book = Workbook(path)
    writer = csv.writer(out, lineterminator="\n")
    try:
        at, width, drop = 1, 0, 0
        for row, cells in book.rows(sheet):
            out.write("\n" * (row - at))
            at = row + 1
            if watch is not None and row % 1000 == 0:
                watch(0, 0)
            if row == 1:
                drop = int(cells[0].strip() in REASONS)
                width = len(cells)
            cells += [""] * (width - len(cells))
            told = [_unmarked(cell) for cell in cells[1:]] if drop else cells
            writer.writerow([cell.replace("\0", "\N{REPLACEMENT CHARACTER}") for cell in told])
    finally:
        book.close()


def _from_text(path: Path, out: TextIO, form: Form, watch: Watch | None) -> None:
    writer = csv.writer(out, lineterminator="\n")
    line = 0

    def lines() -> Iterator[str]:
        nonlocal line
        with path.open(
            encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, newline=""
        ) as file:
            told = 0
            while text := file.readline(LINE_LIMIT):
                line += 1
                if len(text) >= LINE_LIMIT:
                    raise BadFile(
                        N_(
                            "%(file)s line %(line)s: it goes on for more than %(size)s MB. Check that this is a CSV file with "
                            "one row a line."
                        ),
                        file=path.name,
                        line=line,
                        size=LINE_LIMIT >> 20,
                    )
                if watch is not None and line % 2000 == 0:
                    at = file.buffer.tell()  # type: ignore[attr-defined]  # it is a BufferedReader
                    watch(at - told, 0)
                    told = at
                yield text

    try:
        for cells in csv.reader(lines(), delimiter=form.divider, strict=True):
            writer.writerow([_unmarked(cell) for cell in cells[1:]] if form.returned else cells)
    except csv.Error as why:
        raise bad_quotes(path.name, line, str(why)) from why
    except UnicodeError as why:
        raise BadFile(
            N_(
                "%(file)s line %(line)s: it is not in %(encoding)s throughout. Save it as “CSV UTF-8” and import that."
            ),
            file=path.name,
            line=line + 1,
            encoding=form.encoding.upper(),
        ) from why


# --- what it is written in ------------------------------------------------------------------------------------------


def _encoding(path: Path, start: bytes) -> str:
    """UTF-8 if all of it is; else GB18030, as Chinese spreadsheets save it, if all of it is that. Raises BadFile."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    fault, before = _first_fault(path, "utf-8")
    if fault < 0:
        return "utf-8"
    marked = start.startswith(codecs.BOM_UTF8)
    if not marked and before < 3 and _first_fault(path, "gb18030")[0] < 0:
        return "gb18030"
    line, text = _line_at(path, fault)
    told = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text[:60])
    # a file with good UTF-8 before the fault is damaged UTF-8: read as GB18030 it would be another's names
    raise BadFile(
        N_(
            "%(file)s line %(line)s is neither in UTF-8 nor in GB18030: “%(text)s”. Save it as “CSV UTF-8” and import that."
        ),
        file=path.name,
        line=line,
        text=told,
    )


def _first_fault(path: Path, encoding: str) -> tuple[int, int]:
    """Where the first byte stands that is not in an encoding (-1: none does), and how many characters beyond ASCII are
    before it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = several = 0
    with path.open("rb") as file:
        while True:
            data = file.read(_CHUNK)
            if data and data.isascii() and not decoder.getstate()[0]:
                done += len(data)
                continue
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as why:
                good = why.object[: why.start].decode(encoding, "ignore")
                several += sum(not mark.isascii() and mark != "\ufeff" for mark in good)
                return done - held + why.start, several
            if not data:
                return -1, several
            several += sum(not mark.isascii() for mark in text) if several < 3 else 0
            done += len(data)


def _line_at(path: Path, place: int) -> tuple[int, str]:
    """(number, beginning) of the line in which a byte stands."""
    line, begin, done = 1, 0, 0
    with path.open("rb") as file:
        while done < place and (data := file.read(min(_CHUNK, place - done))):
            line += data.count(b"\n")
            last = data.rfind(b"\n")
            begin = done + last + 1 if last >= 0 else begin
            done += len(data)
        file.seek(max(begin, place - 40))
        return line, file.readline(200).decode("utf-8", "replace").strip()


def _header(path: Path, encoding: str) -> str:
    """The first lines, in which the header ends unless it is endless."""
    with path.open("rb") as file:
        data = file.read(1 << 16)
    return data.decode(encoding, "ignore").removeprefix("\ufeff")


def _cells(header: str, divider: str) -> list[str]:
    try:
        return next(csv.reader(header.splitlines(keepends=True), delimiter=divider), [])
    except csv.Error:
        return []


# --- cells that a spreadsheet would run -----------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?\d[\d .,()/:-]*", re.ASCII)


def marked(cell: str) -> str:
    """A cell as it may stand in a download: what a spreadsheet would take for a formula begins with an apostrophe."""
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "'") and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _unmarked(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@", "\t", "\r", "'") else cell
