"""Workbooks as tests want them: written by hand, so that what is read does not come from the code that reads it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
START = datetime.fromisoformat("1899-12-30")
STYLES = (
    f'<styleSheet {_NS}><numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts><cellXfs count="4">'
    '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>'
)


class Zeros(int):
    """A number that is shown with five digits."""


def workbook(
    rows: Sequence[Sequence[Any]], *more: tuple[str, Sequence[Sequence[Any]]], shared: bool = True
) -> bytes:
    """A workbook with a sheet "List" of these rows, and others by name. shared: texts in the table of texts."""
    sheets = [("List", rows), *more]
    strings: dict[str, int] = {}
    parts = [_sheet(rows, strings, shared) for _name, rows in sheets]
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, (name, _rows) in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="x" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    files = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f"<workbook {_NS} {_R}><sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>",
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": part for n, part in enumerate(parts, 1)},
    }
    if shared:
        texts = "".join(f"<si><t xml:space='preserve'>{escape(text)}</t></si>" for text in strings)
        files["xl/sharedStrings.xml"] = f"<sst {_NS}>{texts}</sst>"
    return zipped(files)


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip of these."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def _sheet(rows: Sequence[Sequence[Any]], strings: dict[str, int], shared: bool) -> str:
    out = []
    for at, cells in enumerate(rows, 1):
        told = "".join(_cell(f"{chr(65 + n)}{at}", cell, strings, shared) for n, cell in enumerate(cells))
        if told:
            out.append(f'<row r="{at}">{told}</row>')
    return f"<worksheet {_NS}><sheetData>{''.join(out)}</sheetData></worksheet>"


def _cell(place: str, cell: Any, strings: dict[str, int], shared: bool) -> str:
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, Zeros):
        return f'<c r="{place}" s="3"><v>{int(cell)}</v></c>'
    if isinstance(cell, (int, float)):
        return f'<c r="{place}"><v>{cell!r}</v></c>'
    if isinstance(cell, datetime):
        return f'<c r="{place}" s="2"><v>{(cell.replace(tzinfo=None) - START) / timedelta(days=1)!r}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{place}" s="1"><v>{(cell - date(1899, 12, 30)).days}</v></c>'
    if shared:
        return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
