"""Rows of a workbook (XLSX), one after the other in flat memory: a zip of XML files, of which four are looked at.

Formulas are never looked at: what the spreadsheet has last shown for them stands in the file as well. Sizes are read in
the zip's directory before anything is unpacked, and what is unpacked is counted again (docs/decisions/files-and-xlsx.md).
"""

from __future__ import annotations

import posixpath
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

from webapp.imports.numbers import FROM_1900, FROM_1904, Format, number, read_format
from webapp.imports.problems import N_, BadFile

SHEET_LIMIT = 512 << 20  # bytes of a sheet, unpacked; it streams
STRINGS_LIMIT = 64 << 20  # of the table of texts, which is held in memory
RATIO_LIMIT = 200  # unpacked bytes a packed one: a sheet that people made stays below 50
RATIO_FROM = 16 << 20
ROWS_LIMIT = 1_048_576  # no spreadsheet shows more
CELLS_LIMIT = 20_000_000
CELL_LIMIT = 20_000  # characters, as in a CSV file
COLUMNS_LIMIT = 500
TOKEN_LIMIT = 1 << 20  # bytes without a single tag: no XML of a spreadsheet
CHUNK = 1 << 16
_DAMAGED = (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError, RuntimeError)
_FAULTS = (*_DAMAGED, KeyError, ValueError, IndexError, OSError, struct.error, OverflowError, LookupError)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Workbook:
    """An open workbook. sheets: their names, as the tabs stand."""

    def __init__(self, path: Path) -> None:
        """Raises BadFile."""
        self._name = path.name
        with self._faults():
            self._zip = zipfile.ZipFile(path)
            try:
                self._begin()
            except BaseException:
                self._zip.close()
                raise

    def _begin(self) -> None:
        parts = {info.filename: info for info in self._zip.infolist()}
        if "xl/workbook.xml" not in parts:
            raise BadFile(
                N_(
                    "%(file)s is an archive, not a workbook that can be read here. Save it as “Excel workbook (.xlsx)” or as "
                    "“CSV UTF-8” and import that."
                ),
                file=self._name,
            )
        self._parts = parts
        self._strings: list[str] = []
        self._formats: list[Format] = []
        relations = self._relations("xl/_rels/workbook.xml.rels")
        found: list[tuple[str, str]] = []
        self._epoch = FROM_1900

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "sheet":
                relation = next((v for k, v in attributes.items() if _local(k) == "id"), "")
                found.append((attributes.get("name", ""), relations.get(relation, "")))
            elif tag == "workbookPr" and attributes.get("date1904", "0") in ("1", "true"):
                self._epoch = FROM_1904

        self._parse("xl/workbook.xml", STRINGS_LIMIT, start)
        self._sheets = [(name, part) for name, part in found if part in parts]
        if not self._sheets:
            raise BadFile(N_("%(file)s holds no sheet with rows."), file=self._name)
        self.sheets = [name for name, _part in self._sheets]

    def close(self) -> None:
        """Give the file back."""
        self._zip.close()

    def rows(self, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
        """(row number as the spreadsheet shows it, its cells as text) of a sheet, of the first without a name.

        Rows without anything are left out. Raises BadFile.
        """
        part = dict(reversed(self._sheets)).get(sheet) if sheet else self._sheets[0][1]
        if part is None:
            raise BadFile(
                N_("%(file)s has no sheet %(sheet)s. It has %(sheets)s."),
                file=self._name,
                sheet=sheet[:60],
                sheets=", ".join(name[:60] for name in self.sheets[:20]),
            )
        with self._faults():
            if not self._strings and "xl/sharedStrings.xml" in self._parts:
                self._read_strings("xl/sharedStrings.xml")
            if not self._formats and "xl/styles.xml" in self._parts:
                self._read_formats("xl/styles.xml")
            cells = _Cells(self._name, self._strings, self._formats, self._epoch)
            for _chunk in self._feed(part, SHEET_LIMIT, cells.start, cells.end, cells.text):
                while cells.ready:
                    yield cells.ready.popleft()
            while cells.ready:
                yield cells.ready.popleft()

    # -- parts of the zip ------------------------------------------------------------------------------------------------

    def _relations(self, part: str) -> dict[str, str]:
        """Relation's id -> part it points to."""
        found: dict[str, str] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship":
                target = attributes.get("Target", "")
                place = (
                    target.lstrip("/")
                    if target.startswith("/")
                    else posixpath.normpath(posixpath.join("xl", target))
                )
                found[attributes.get("Id", "")] = place

        self._parse(part, STRINGS_LIMIT, start)
        return found

    def _read_strings(self, part: str) -> None:
        strings = self._strings
        texts: list[str] = []
        reading = phonetic = False

        def start(tag: str, _attributes: dict[str, str]) -> None:
            nonlocal reading, phonetic
            if tag == "si":
                texts.clear()
            elif tag == "rPh":
                phonetic = True
            reading = tag == "t" and not phonetic

        def end(tag: str) -> None:
            nonlocal reading, phonetic
            reading = False
            if tag == "rPh":
                phonetic = False
            elif tag == "si":
                strings.append(_unescaped("".join(texts)))

        def text(data: str) -> None:
            if reading:
                texts.append(data)

        self._parse(part, STRINGS_LIMIT, start, end, text)

    def _read_formats(self, part: str) -> None:
        codes: dict[int, str] = {}
        found: list[Format] = []
        inside = False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal inside
            if tag == "numFmt":
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
            elif tag == "cellXfs":
                inside = True
            elif tag == "xf" and inside:
                found.append(read_format(int(attributes.get("numFmtId", "0")), codes))

        def end(tag: str) -> None:
            nonlocal inside
            if tag == "cellXfs":
                inside = False

        self._parse(part, STRINGS_LIMIT, start, end)
        self._formats = found

    def _parse(
        self,
        part: str,
        limit: int,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] = lambda tag: None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        for _chunk in self._feed(part, limit, start, end, text):
            pass

    def _feed(
        self,
        part: str,
        limit: int,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        text: Callable[[str], None] | None,
    ) -> Iterator[None]:
        """Read a part piece by piece; what is asked for it is called on the way."""
        info = self._parts[part]
        swollen = info.file_size > RATIO_FROM and info.file_size > RATIO_LIMIT * max(info.compress_size, 1)
        if info.file_size > limit or swollen:
            raise BadFile(
                N_(
                    "%(file)s swells to %(size)s MB when it is unpacked, which is more than is read. Save the sheet as “CSV "
                    "UTF-8” and import that."
                ),
                file=self._name,
                size=info.file_size >> 20,
            )
        quiet = 0

        def on_start(name: str, attributes: dict[str, str]) -> None:
            nonlocal quiet
            quiet = 0
            start(_local(name), attributes)

        def on_end(name: str) -> None:
            nonlocal quiet
            quiet = 0
            end(_local(name))

        def declared(*_: Any) -> None:
            raise ValueError("a document type")

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
        if text is not None:
            parser.CharacterDataHandler = text
        with self._zip.open(info) as stream:
            while data := stream.read(CHUNK):
                quiet += len(data)
                parser.Parse(data, False)
                if quiet > TOKEN_LIMIT:
                    raise ValueError("no tag for a megabyte")
                yield
            parser.Parse(b"", True)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as why:
            raise BadFile(
                N_(
                    "%(file)s is damaged, or no workbook that can be read here (%(why)s). Open it in the spreadsheet and save "
                    "it anew, or as “CSV UTF-8”."
                ),
                file=self._name,
                why=type(why).__name__,
            ) from why


class _Cells:
    """Puts the rows of a sheet together from what the parser tells. ready: (number, cells), to be taken."""

    def __init__(self, name: str, strings: Sequence[str], formats: Sequence[Format], epoch: datetime) -> None:
        self._name, self._strings, self._formats, self._epoch = name, strings, formats, epoch
        self.ready: deque[tuple[int, list[str]]] = deque()
        self._row = self._column = 0
        self._cells: list[str] = []
        self._kind = "n"
        self._format: Format = ("", 0)
        self._texts: list[str] = []
        self._length = self._seen = self._all = 0
        self._reading = self._phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag opens."""
        if tag == "row":
            number = int(attributes.get("r") or self._row + 1)
            if number <= self._row:
                raise ValueError("rows out of order")
            self._seen += 1
            self._row, self._cells, self._column = number, [], 0
            if number > ROWS_LIMIT or self._seen > ROWS_LIMIT:
                raise BadFile(
                    N_(
                        "%(file)s has more than %(rows)s rows. Save the sheet as “CSV UTF-8” and import that."
                    ),
                    file=self._name,
                    rows=ROWS_LIMIT,
                )
        elif tag == "c":
            where = attributes.get("r", "")
            self._column = _column(where) if where else self._column + 1
            self._kind = attributes.get("t", "n")
            style = int(attributes.get("s", "0"))
            self._format = self._formats[style] if style < len(self._formats) else ("", 0)
            self._texts.clear()
            self._length = 0
        elif tag == "rPh":
            self._phonetic = True
        self._reading = tag == "v" or (tag == "t" and not self._phonetic)

    def text(self, data: str) -> None:
        """Characters between tags."""
        if self._reading:
            self._length += len(data)
            if self._length > CELL_LIMIT:
                raise BadFile(
                    N_("%(file)s row %(row)s: a cell has over %(most)s characters. Shorten it."),
                    file=self._name,
                    row=self._row,
                    most=CELL_LIMIT,
                )
            self._texts.append(data)

    def end(self, tag: str) -> None:
        """A tag closes."""
        self._reading = False
        if tag == "rPh":
            self._phonetic = False
        elif tag == "c" and self._texts:
            self._put(self._shown("".join(self._texts)))
        elif tag == "row" and any(self._cells):
            self.ready.append((self._row, self._cells))

    def _put(self, value: str) -> None:
        if not value:
            return
        self._all += 1
        if self._column > COLUMNS_LIMIT or self._all > CELLS_LIMIT:
            raise BadFile(
                N_(
                    "%(file)s has more than %(columns)s columns or %(cells)s cells. Remove what is not needed, or save the sheet "
                    "as “CSV UTF-8”."
                ),
                file=self._name,
                columns=COLUMNS_LIMIT,
                cells=CELLS_LIMIT,
            )
        self._cells.extend([""] * (self._column - len(self._cells)))
        self._cells[self._column - 1] = value

    def _shown(self, text: str) -> str:
        """A cell as text."""
        if self._kind == "s":
            return self._strings[int(text)]
        if self._kind in ("str", "inlineStr"):
            return _unescaped(text)
        if self._kind == "b":
            return "TRUE" if text.strip() == "1" else "FALSE"
        if self._kind == "d":
            return text.replace("T", " ")
        if self._kind == "n":
            return number(text.strip(), self._format, self._epoch)
        return text  # an error, such as #N/A


def _column(where: str) -> int:
    """ "AB12" is 28."""
    found = 0
    for mark in where:
        if not "A" <= mark <= "Z":
            break
        found = found * 26 + ord(mark) - 64
    if not 0 < found <= 16_384:
        raise ValueError("no cell's place")
    return found


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _unescaped(text: str) -> str:
    """Characters that XML cannot hold are written _x000D_."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text
