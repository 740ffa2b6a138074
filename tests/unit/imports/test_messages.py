"""Each bad row is told with row, column, value, reason and remedy, and nothing is left behind."""

from __future__ import annotations

import pytest

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.imports.conftest import Shell

pytestmark = OTHER_IN_DRILL

MEMBERS = "number,name,phone,email,birthday,gender,joined_at,store,consent_email,tier"
ORDERS = "number,member,phone,store,ordered_at,gross,discount,paid"
LINES = "order,product,category,quantity,amount"


def nothing_left(shell: Shell) -> None:
    for table in (
        "member",
        "member_identity",
        "orders",
        "order_line",
        "store",
        "attribute_definition",
        "import",
        "step_run",
    ):
        assert shell.rows(f'SELECT count(*) FROM "{table}"') == [(0,)], table
    assert not list(shell.folder.glob("instance/staged/*.stage*"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("  ,Ada,,,,,,,,", 'column number: "  " is blank. Fill it in, or remove the row.'),
        (f"{'9' * 61},,,,,,,,,", "column number"),
        (f"1,{'A' * 121},,,,,,,,", "has 121 characters. Shorten it to 120."),
        (
            "1,,12,,,,,,,",
            'column phone: "12" is no phone number here (China). Write all its digits, or +, country code and number',
        ),
        ("1,,1.38E+10,,,,,,,", "A spreadsheet has rewritten it: format the column as text."),
        ("1,,,ada@,,,,,,", 'column email: "ada@" is no e-mail address. Write one such as ada@shop.example'),
        (
            "1,,,,1990-02-31,,,,,",
            'column birthday: "1990-02-31" is no day between 1900 and today. Write it as 1990-02-28',
        ),
        ("1,,,,,robot,,,,", 'column gender: "robot" is none of female, male, other.'),
        ("1,,,,,,2026-03-02,,,", 'column joined_at: "2026-03-02" is in the future.'),
        ("1,,,,,,soon,,,", 'column joined_at: "soon" is no date and time.'),
        (
            "1,,,,,,,Moon,,",
            'column store: "Moon" is no store of this shop. Correct it, or let new stores be made (--make-stores).',
        ),
        (
            "1,,,,,,,,maybe,",
            'column consent_email: "maybe" is neither yes nor no. Write yes or no; blank means no.',
        ),
        (f"1,,,,,,,,,{'x' * 301}", "has 301 characters. Shorten it to 300."),
        ("1,,,,,,,,", "row 2: it has 9 cells, fewer than the 10 of the header. Complete the row."),
        (
            "1,,,,,,,,,,",
            "row 2: it has 11 cells, more than the 10 of the header. Put a cell that holds a comma into quotation",
        ),
    ],
)
def test_bad_members(shell: Shell, row: str, said: str) -> None:
    ended = shell.members(f"{MEMBERS}\n{row}\n2,Bo,,,,,,,,gold\n")
    assert ended.code == 2 and ended.counts == (0, 0, 0, 1) and ended.told["read"] == 2
    assert ended.errors[0].startswith("file1.csv row 2") and said in ended.errors[0], ended.errors[0]
    assert [bad["row"] for bad in ended.told["bad_rows"]] == [2]
    nothing_left(shell)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",,,,2026-01-01,,,5", "column number: (blank) is blank."),
        (
            "7,,,,2026-02-31,,,5",
            'column ordered_at: "2026-02-31" is no date and time. Write it as 2026-02-28 17:05:00',
        ),
        ("7,,,,1026-01-01,,,5", "lies outside the years 1900 to 2199. Check the date."),
        ("7,,,,,,,5", "column ordered_at: (blank) is blank, and the order is new. Fill it in."),
        ("7,,,,2026-01-01,,,", "column paid: (blank) is blank, and the order is new. Fill it in."),
        (
            "7,,,,2026-01-01,,,5.005",
            'column paid: "5.005" has more than 2 decimals. Round it in the file: CNY has 2.',
        ),
        ('7,,,,2026-01-01,,,"1,000"', 'column paid: "1,000" is no amount. Write digits with a decimal point'),
        ("7,,,,2026-01-01,x,,5", 'column gross: "x" is no amount.'),
        ("7,,,,2026-01-01,,x,5", 'column discount: "x" is no amount.'),
        ("7,,12,,2026-01-01,,,5", 'column phone: "12" is no phone number here (China).'),
        (
            "7,,,Moon,2026-01-01,,,5",
            'column store: "Moon" is no store of this shop. Correct it, or let new stores be made (--make-stores).',
        ),
        (
            "7,M1,,,2026-01-01,,,5",
            'column member: "M1" is no member\'s number, and there is no phone by which the order could wait. Import the member',
        ),
    ],
)
def test_bad_orders(shell: Shell, row: str, said: str) -> None:
    ended = shell.orders(f"{ORDERS}\n8,,,,2026-01-01,,,5\n{row}\n", lines=f"{LINES}\n8,Tea,,,5\n")
    assert ended.code == 2 and ended.counts == (0, 0, 0, 1) and ended.told["read"] == 2
    assert ended.errors[0].startswith("file2.csv row 3, ") and said in ended.errors[0], ended.errors[0]
    nothing_left(shell)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",Tea,,1,5", "column order: (blank) is blank."),
        ("7,,,1,5", "column product: (blank) is blank."),
        (f"7,{'T' * 121},,1,5", "has 121 characters. Shorten it to 120."),
        (
            "7,Tea,,x,5",
            'column quantity: "x" is no quantity. Write digits with a decimal point, such as 2 or 0.455.',
        ),
        ("7,Tea,,0.0001,5", "has more than 3 decimals. Round it in the file to thousandths."),
        ("7,Tea,,1,", "column amount: (blank) is no amount."),
        ("9,Tea,,1,5", 'column order: "9" is no order of file2.csv. Add the order, or remove the line.'),
        ("7,Tea,,1", "row 3: it has 4 cells, fewer than the 5 of the header."),
    ],
)
def test_bad_lines(shell: Shell, row: str, said: str) -> None:
    ended = shell.orders(
        f"{ORDERS}\n7,,,,2026-01-01,,,5\n", lines=f"{LINES}\n7,Pot,,1,5\n{row}\n7,Cup,,1,5\n"
    )
    assert ended.code == 2 and ended.counts == (0, 0, 0, 1) and ended.told["lines"]["read"] == 3
    assert ended.errors[0].startswith("file1.csv row 3") and said in ended.errors[0], ended.errors[0]
    nothing_left(shell)


def test_an_order_of_endless_lines_is_refused(shell: Shell) -> None:
    lines = "7,Tea,,1,5\n" * 5001
    ended = shell.orders(f"{ORDERS}\n7,,,,2026-01-01,,,5\n", lines=f"{LINES}\n{lines}")
    assert ended.code == 2 and 'column order: "7" has 5001 lines. Divide it: at most 5000' in ended.errors[0]
    nothing_left(shell)


def test_phones_belong_to_one_member(shell: Shell) -> None:
    shell.members("number,phone\n1,13800000001\n2,13800000002\n")
    ended = shell.members(
        "number,phone\n3,+86 138 0000 0001\n4,13800000004\n5,138-0000-0004\n1,13800000001\n"
    )
    assert ended.code == 2 and ended.counts == (0, 0, 0, 2)
    assert sorted(ended.errors[:2]) == [
        'file2.csv row 2, column phone: "+8613800000001" is the phone of member 1. Correct that member first, or leave the '
        "phone blank here.",
        'file2.csv row 4, column phone: "+8613800000004" is the phone of the member in row 3, too. A phone belongs to one '
        "member: correct it or leave it blank.",
    ]
    assert shell.rows("SELECT count(*) FROM member") == [(2,)]
    swapped = shell.members("number,phone\n1,13800000002\n2,13800000001\n")
    assert swapped.code == 2 and swapped.counts == (0, 0, 0, 2)


def test_several_problems_of_a_row_are_all_told_and_the_row_counts_once(shell: Shell) -> None:
    ended = shell.orders(f"{ORDERS}\n7,,12,,soon,x,,y\n")
    assert ended.counts == (0, 0, 0, 1)
    assert [bad["column"] for bad in ended.told["bad_rows"]] == ["phone", "ordered_at", "gross", "paid"]


def test_skip_bad_takes_the_good_rows_and_leaves_out_the_lines_of_bad_orders(shell: Shell) -> None:
    orders = f"{ORDERS}\n7,,,,2026-01-01,,,5\n8,,,,2026-02-31,,,5\n9,,,,2026-01-02\n"
    lines = f"{LINES}\n7,Tea,,1,5\n8,Tea,,1,5\n9,Tea,,1,5\n7,Pot,,x,5\n7,Cup,,2,1\n"
    ended = shell.orders(orders, "--skip-bad", lines=lines)
    assert ended.code == 0 and ended.counts == (1, 0, 0, 3)
    assert ended.told["lines"] == {"read": 5, "written": 2}
    assert shell.rows("SELECT position, product, quantity FROM order_line ORDER BY position") == [
        (1, "Tea", 1000),
        (2, "Cup", 2000),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--map", "paid=total"),
            '--map paid=total: file1.csv has no column "total". It has "number", "ordered_at", "sum".',
        ),
        (("--map", "price=sum"), "--map price=...: there is no column price. Ours are number, member,"),
        (("--map", "paid"), "write OURS=THEIRS"),
        (("--map", "paid=sum", "--map", "paid=total"), "paid is given twice"),
        (("--source", " " * 41), "--source: give 1 to 40 characters"),
        (
            (),
            'there is no column paid. It has "number", "ordered_at", "sum". Rename the column, or say what it is called: --map',
        ),
    ],
)
def test_options_that_cannot_stand(shell: Shell, words: tuple[str, ...], said: str) -> None:
    ended = shell.orders("number,ordered_at,sum\n7,2026-01-01,5\n", *words)
    assert ended.code == 2 and any(said in line for line in ended.errors), ended.errors
    nothing_left(shell)


def test_cells_divided_by_something_else(shell: Shell) -> None:
    assert shell.orders("number;ordered_at;paid\n7;2026-01-01;5\n").counts == (1, 0, 0, 0)
    assert shell.orders("number\tordered_at\tpaid\n8\t2026-01-01\t5\n").counts == (1, 0, 0, 0)
    ended = shell.orders("number|ordered_at|paid\n7|2026-01-01|5\n")
    assert 'It has "number|ordered_at|paid".' in ended.errors[0]


def test_no_such_file_and_no_such_brand(shell: Shell) -> None:
    missing = shell.run("import", "members", shell.folder / "gone.csv", "--brand", "shop")
    assert missing.code == 2 and "there is no file" in missing.errors[0]
    folder = shell.run("import", "members", shell.folder, "--brand", "shop")
    assert folder.code == 2 and "is no file" in folder.errors[0]
    brand = shell.run("import", "members", shell.file("number\n1\n"), "--brand", "acme")
    assert brand.code == 2 and "no brand 'acme'" in brand.errors[0]
