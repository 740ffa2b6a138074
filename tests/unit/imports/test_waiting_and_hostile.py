"""Orders that wait for their member, and files that are no files of ours."""

from __future__ import annotations

import pytest

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.imports.conftest import Shell

pytestmark = OTHER_IN_DRILL

WHOSE = "SELECT o.number, m.number FROM orders o LEFT JOIN member m ON m.id = o.member_id ORDER BY o.number"
ORDERS = "number,member,phone,ordered_at,paid\n1,M9,13900000009,2026-01-01,5\n2,,13900000010,2026-01-02,5\n3,,,2026-01-02,5\n"


def test_orders_wait_for_a_number_or_a_phone(shell: Shell) -> None:
    shell.orders(ORDERS)
    assert shell.rows(WHOSE) == [("1", None), ("2", None), ("3", None)]
    shell.members("number\nM9\n")  # by the number the next file finds it, unchanged as its rows are
    assert shell.orders(ORDERS).counts == (0, 1, 2, 0)
    shell.members("number,phone\nK,139-0000-0010\n")
    assert shell.rows(WHOSE) == [("1", "M9"), ("2", "K"), ("3", None)]
    assert shell.orders(ORDERS).counts == (0, 0, 3, 0)
    nobody = shell.orders("number,member,ordered_at,paid\n4,NOBODY,2026-01-01,5\n")
    assert nobody.code == 2 and nobody.told["bad_rows"][0]["column"] == "member"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("number,name\n1,é\n".encode("latin-1"), "line 2 is neither in UTF-8 nor in GB18030"),
        ("number,name\n1,张三李四王五\n2,".encode() + "赵六\n".encode("gb18030"), "line 3 is neither"),
        (b"number,name\n1,a\0b\n", "NUL"),
        (b"", "is empty"),
        (b"%PDF-1.4", "PDF"),
        (b"\x89PNG\r\n", "PNG"),
        (b"\xd0\xcf\x11\xe0", ".xls"),
        (b"name\nfoo\n", "no column number"),
        (b"number,name,NAME\n1,a,b\n", "two columns"),
        (b'number,name\n1,"abc\n2,b\n', "not closed"),
        (b"PK\x03\x04rest", "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(shell: Shell, content: bytes, said: str) -> None:
    ended = shell.members(content)
    assert ended.code == 2 and said in ended.errors[0]
    assert shell.rows("SELECT count(*) FROM member") == [(0,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_one_list_in_every_form(shell: Shell, encoding: str, divider: str) -> None:
    rows = (("number", "name", "phone"), ("0017", '张"三"', "13800000001"), ("18", "李四,王五\n赵六", ""))
    text = "\r\n".join(
        divider.join(
            '"' + cell.replace('"', '""') + '"' if '"' in cell or "," in cell else cell for cell in row
        )
        for row in rows
    )
    assert shell.members(text.encode(encoding)).counts == (2, 0, 0, 0)
    assert shell.rows("SELECT number, name FROM member ORDER BY number") == [
        ("0017", '张"三"'),
        ("18", "李四,王五 赵六"),
    ]
