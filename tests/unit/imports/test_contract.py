"""What `regulars import` promises whoever types it: all bad rows told, all or nothing, and again changes nothing."""

from __future__ import annotations

from datetime import date

from tests.unit.imports.conftest import Shell

JOINED = "SELECT number, joined_on FROM member ORDER BY number"


def days(rows: list[tuple[object, ...]]) -> dict[object, date]:
    """SQLite gives days as text where it is asked in SQL."""
    return {number: date.fromisoformat(str(day)) for number, day in rows}


def test_a_number_twice_in_one_file_is_a_bad_row(shell: Shell) -> None:
    said = shell.members("number,name\n01,Ada\n02,Bo\n01,Cy\n")
    assert said.code == 2 and said.counts == (0, 0, 0, 1)
    assert said.errors[0].startswith('file1.csv row 4, column number: "01" stands in row 2 already.')
    assert shell.members("number\n01\n02\n01\n", "--skip-bad").counts == (2, 0, 0, 1)

    lines = "order,product,amount\n7,tea,3\n7,pot,2\n8,tea,1\n"
    orders = "number,member,ordered_at,paid\n7,01,2026-02-01,5\n8,02,2026-02-01,1\n7,02,2026-02-02,6\n"
    said = shell.orders(orders, lines=lines)
    assert said.code == 2 and [(bad["row"], bad["column"]) for bad in said.told["bad_rows"]] == [
        (4, "number")
    ]
    assert shell.rows("SELECT count(*) FROM orders") == [(0,)]
    assert shell.orders(orders, "--skip-bad", lines=lines).counts == (2, 0, 0, 1)
    assert shell.rows("SELECT count(*) FROM order_line") == [(3,)]
