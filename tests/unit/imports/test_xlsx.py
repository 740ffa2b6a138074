"""Workbooks: what a person sees in a cell is what comes in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from tests.support.xlsx import Zeros, workbook
from tests.unit.imports.conftest import Shell
from webapp.imports import formats
from webapp.imports.numbers import FROM_1904, number
from webapp.imports.problems import BadFile
from webapp.imports.xlsx import Workbook

DAY, MOMENT = date(2026, 1, 31), datetime.fromisoformat("2026-01-31 17:05:09")


@pytest.mark.parametrize("shared", [True, False])
def test_cells_as_they_are_seen(tmp_path: Path, shared: bool) -> None:
    rows = [
        ["number", "phone", "day", "at", "paid", "yes", "text"],
        [Zeros(17), 13800138000, DAY, MOMENT, 19.989999999999998, True, "=cmd|x"],
        [],
        ["0018", 1.3800138e10, None, None, 1000.0, False, " 张 <三> "],
    ]
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(rows, ("第二", [["x"], ["y"]]), shared=shared))
    book = Workbook(path)
    assert book.sheets == ["List", "第二"]
    assert list(book.rows()) == [
        (1, rows[0]),
        (2, ["00017", "13800138000", "2026-01-31", "2026-01-31 17:05:09", "19.99", "TRUE", "=cmd|x"]),
        (4, ["0018", "13800138000", "", "", "1000", "FALSE", " 张 <三> "]),
    ]
    assert list(book.rows("第二")) == [(1, ["x"]), (2, ["y"])]
    with pytest.raises(BadFile, match="has no sheet"):
        list(book.rows("third"))
    book.close()


def test_numbers() -> None:
    assert number("45000", ("date", 0)) == "2023-03-15" and number("1", ("date", 0)) == "1900-01-01"
    assert number("59", ("date", 0)) == "1900-02-28" and number("61", ("date", 0)) == "1900-03-01"
    assert (
        number("0", ("date", 0), FROM_1904) == "00:00:00"
        and number("1", ("date", 0), FROM_1904) == "1904-01-02"
    )
    assert number("45000.75", ("date", 0)) == "2023-03-15 18:00:00"
    assert number("-5.5") == "-5.5" and number("1E-3") == "0.001" and number("1e3") == "1000"
    assert (
        number("123456789012345678") == "1.23456789012346E+17"
    )  # its end is lost, so it is no number of an order
    assert number("x") == "x"


def test_a_workbook_comes_in_as_a_csv_file_does(shell: Shell) -> None:
    rows = [
        ["number", "name", "phone", "joined_at"],
        [Zeros(17), "张三", 13800000001, DAY],
        [18, "李四", None, MOMENT],
    ]
    assert shell.members(workbook(rows)).counts == (2, 0, 0, 0)
    assert shell.rows("SELECT number, name FROM member ORDER BY number") == [
        ("00017", "张三"),
        ("18", "李四"),
    ]
    assert shell.members(workbook(rows)).counts == (0, 0, 2, 0)
    lost = shell.orders(workbook([["number", "ordered_at", "paid"], [20240301123456789012, DAY, 5]]))
    assert lost.code == 2 and "a spreadsheet has rewritten it" in lost.errors[0]


def test_a_download_runs_nothing() -> None:
    for cell in ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "'=1"):
        assert formats.marked(cell).startswith("'")
    for cell in ("-5.00", "+8613800138000", "+86 138 0013 8000", "2026-01-01", "", "Tea"):
        assert formats.marked(cell) == cell
