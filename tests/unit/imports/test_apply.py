"""What a file changes in the shop, and what it leaves alone; the same on both databases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.imports.conftest import Shell

pytestmark = OTHER_IN_DRILL

MONEY = "SELECT number, gross_minor, discount_minor, paid_minor FROM orders ORDER BY number"
LINES = (
    "SELECT o.number, l.position, l.product, l.category, l.quantity, l.amount_minor FROM order_line l "
    "JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id ORDER BY o.number, l.position"
)
DIRTY = "SELECT number, dirty_on, facts_seq FROM member ORDER BY number"


def dirty(shell: Shell) -> dict[str, tuple[date | None, int]]:
    return {
        number: (date.fromisoformat(str(day)) if day else None, seq) for number, day, seq in shell.rows(DIRTY)
    }


def clean(shell: Shell) -> None:
    """As the engine leaves members whom it has looked at."""
    shell.write("UPDATE member SET dirty_on = NULL")


def test_what_is_blank_follows_or_stays(shell: Shell) -> None:
    head = "number,ordered_at,gross,discount,paid\n"
    shell.orders(
        head
        + "a,2026-01-01,10,2,8\nb,2026-01-01,,2,8\nc,2026-01-01,10,,8\nd,2026-01-01,,,8\ne,2026-01-01,9,2,8.5\n"
    )
    first = [
        ("a", 1000, 200, 800),
        ("b", 1000, 200, 800),
        ("c", 1000, 200, 800),
        ("d", 800, 0, 800),
        ("e", 900, 200, 850),
    ]
    assert shell.rows(MONEY) == first
    assert shell.orders(head + "a,,,,\nb,,11,,\nc,,,3,\nd,,,,-7\n").counts == (0, 3, 1, 0)
    assert shell.rows(MONEY)[:4] == [
        ("a", 1000, 200, 800),
        ("b", 1100, 200, 800),
        ("c", 1000, 300, 800),
        ("d", 800, 0, -700),
    ]


def test_zero_and_negative_are_legal_and_numbers_are_kept(shell: Shell) -> None:
    shell.orders(
        "number,ordered_at,paid\n007,2026-01-01,0\n=7,2026-01-01,-12.05\n+7,2026-01-01,1\n7,2026-01-01,2\n"
    )
    assert shell.rows("SELECT number, paid_minor FROM orders ORDER BY paid_minor") == [
        ("=7", -1205),
        ("007", 0),
        ("+7", 100),
        ("7", 200),
    ]


def test_the_same_number_of_another_till_is_another_order(shell: Shell) -> None:
    file = "number,ordered_at,paid\n1,2026-01-01,5\n"
    assert shell.orders(file, "--source", "till 1").counts == (1, 0, 0, 0)
    assert shell.orders(file, "--source", "till 2").counts == (1, 0, 0, 0)
    assert shell.orders(file, "--source", "till 1").counts == (0, 0, 1, 0)


def test_a_second_time_changes_nothing_and_marks_nobody(shell: Shell) -> None:
    shell.members("number,name,tier\n1,Ada,gold\n")
    orders = "number,member,ordered_at,paid\na,1,2026-01-01T10:00:00,5\nb,1,2026-01-02T10:00:00,6.50\n"
    lines = "order,product,category,quantity,amount\na,Tea,Hot,1,5\nb,Tea,Hot,1,5\nb,Pot,,1,1.50\n"
    assert shell.orders(orders, lines=lines).counts == (2, 0, 0, 0)
    before = (dirty(shell), shell.rows(LINES))
    assert shell.orders(orders, lines=lines).counts == (0, 0, 2, 0)
    assert shell.orders(orders).counts == (0, 0, 2, 0)  # without lines: those that are stored stay
    as_other_program_writes = (
        "number,member,paid,ordered_at\na,1,5.00,2026/1/1 10:00\nb,1,6.5,2026-01-02T02:00:00Z\n"
    )
    assert shell.orders(as_other_program_writes).counts == (0, 0, 2, 0)
    assert shell.members("tier,number,name\ngold,1,Ada\n").counts == (0, 0, 1, 0)
    assert (dirty(shell), shell.rows(LINES)) == before


def test_lines_that_changed_are_replaced(shell: Shell) -> None:
    orders = "number,ordered_at,paid\na,2026-01-01,5\nb,2026-01-01,5\n"
    shell.orders(orders, lines="order,product,amount\na,Tea,5\nb,Tea,2\nb,Pot,3\n")
    said = shell.orders(orders, lines="order,product,amount\na,Tea,5\nb,Pot,3\nb,Tea,2\nb,Cup,0\n")
    assert said.counts == (0, 1, 1, 0) and said.told["lines"] == {"read": 4, "written": 3}
    assert [(row[0], row[2]) for row in shell.rows(LINES)] == [
        ("a", "Tea"),
        ("b", "Pot"),
        ("b", "Tea"),
        ("b", "Cup"),
    ]


def test_lines_may_stand_anywhere_and_hold_anything(shell: Shell) -> None:
    orders = "number,ordered_at,paid\n" + "".join(f"{n},2026-01-01,5\n" for n in ("a", "b", "c"))
    rows = ["a,Tea,1", 'b,"Pot, ""blue""",2', "a,Back\\slash\\n,3", "c,\\N,4", "b,=1+1,5", "a,茶,6"]
    head = "order,product,amount\n"
    shell.orders(orders, lines=head + "\n".join(rows))
    expected = [
        ("a", 1, "Tea", 100),
        ("a", 2, "Back\\slash\\n", 300),
        ("a", 3, "茶", 600),
        ("b", 1, 'Pot, "blue"', 200),
        ("b", 2, "=1+1", 500),
        ("c", 1, "\\N", 400),
    ]
    assert [(row[0], row[1], row[2], row[5]) for row in shell.rows(LINES)] == expected
    rows.sort(key=lambda row: row[0])  # grouped now, each order's own order the same
    assert shell.orders(orders, lines=head + "\n".join(rows)).counts == (0, 0, 3, 0)


def test_old_and_new_persons_are_marked_from_the_earlier_day(shell: Shell) -> None:
    shell.members("number,joined_at\n1,2020-01-01\n2,2020-01-01\n3,2020-01-01\n")
    clean(shell)
    head = "number,member,ordered_at,paid\n"
    shell.orders(head + "a,1,2026-01-01,5\nb,3,2026-03-01,5\n")
    today, tomorrow = date(2026, 3, 1), date(2026, 3, 2)
    marked = dirty(shell)
    assert (
        marked["1"][0] == today and marked["2"][0] is None and marked["3"][0] == tomorrow
    )  # seen a day later
    clean(shell)
    seqs = {number: seq for number, (_, seq) in dirty(shell).items()}
    shell.orders(head + "a,2,2026-03-01,5\n")
    marked = dirty(shell)
    assert marked["1"][0] == today and marked["2"][0] == today and marked["3"][0] is None
    assert [marked[number][1] > seqs[number] for number in "123"] == [True, True, False]


def test_an_order_of_the_future_is_looked_at_the_day_after_it(shell: Shell) -> None:
    shell.members("number,joined_at\n1,2020-01-01\n")
    clean(shell)
    shell.orders("number,member,ordered_at,paid\na,1,2026-03-10,5\n")
    assert dirty(shell)["1"][0] == date(2026, 3, 11)
    shell.orders("number,member,ordered_at,paid\nb,1,2026-03-05,5\n")
    assert dirty(shell)["1"][0] == date(2026, 3, 6)  # the earlier day wins


def test_unknown_columns(shell: Shell) -> None:
    said = shell.orders(
        "number,ordered_at,paid,cashier,\n1,2026-01-01,5,Bo,x\n",
        lines="order,product,amount,shelf\n1,Tea,5,9\n",
    )
    assert said.told["ignored_columns"] == ["cashier", "column 5", "shelf"]
    said = shell.members("number,tier,points,since,code,\n1,gold,12,2020-02-02,007,\n2,,3.5,,8,\n")
    assert said.told["ignored_columns"] == ["column 6"]
    kinds = dict(shell.rows("SELECT key, kind FROM attribute_definition"))
    assert kinds == {"tier": "text", "points": "number", "since": "date", "code": "text"}
    values: list[Any] = shell.rows(
        "SELECT m.number, d.key, a.text, a.number FROM member_attribute a JOIN member m ON m.id = a.member_id "
        "JOIN attribute_definition d ON d.id = a.attribute_id ORDER BY m.number, d.key"
    )
    assert [row for row in values if row[0] == "2"] == [
        ("2", "code", "8", None),
        ("2", "points", "3.5", 3500),
    ]
    assert shell.members("number,tier,points\n1,silver,\n2,,n/a\n").counts == (0, 2, 0, 0)
    values = shell.rows("SELECT text, number FROM member_attribute ORDER BY text")
    assert ("12", 12000) in values and ("n/a", None) in values and ("silver", None) in values


def test_other_names_for_columns(shell: Shell) -> None:
    said = shell.members(
        "Kundennummer,Name,Mail ok\n1,Ada,yes\n",
        "--map",
        "number=kundennummer",
        "--map",
        "consent_email=Mail ok",
    )
    assert said.counts == (1, 0, 0, 0) and said.told["ignored_columns"] == []
    assert shell.rows("SELECT name FROM member") == [("Ada",)]
    assert len(shell.rows("SELECT * FROM consent_now")) == 1
    said = shell.orders(
        "nr,when,sum\na,2026-01-01,5\n", "--map", "number=nr", "--map", "ordered_at=when", "--map", "paid=sum"
    )
    assert said.counts == (1, 0, 0, 0) and said.told["ignored_columns"] == []


def test_stores_are_made_only_when_asked(shell: Shell) -> None:
    assert shell.orders("number,ordered_at,paid,store\n1,2026-01-01,5,North\n", "--make-stores").code == 0
    assert shell.members("number,store\n1,North\n2,South\n").code == 2
    assert shell.members("number,store\n1,North\n2,South\n", "--make-stores").counts == (2, 0, 0, 0)
    assert shell.rows("SELECT code, name FROM store ORDER BY code") == [
        ("North", "North"),
        ("South", "South"),
    ]


def test_headers_alone_are_an_empty_import(shell: Shell) -> None:
    assert shell.members("number\n").counts == (0, 0, 0, 0)
    said = shell.orders("number,ordered_at,paid\n\n\n", lines="order,product,amount\n")
    assert said.code == 0 and said.counts == (0, 0, 0, 0) and said.told["read"] == 0


@pytest.mark.usefixtures("small_units")
def test_many_units_and_mixed_batches(shell: Shell) -> None:
    """New ones, known ones, changed ones side by side, each once."""
    numbers = [f"{n:03}" for n in range(60)]
    shell.members("number\n" + "".join(f"{n % 7}\n" for n in range(7)))
    head, line_head = "number,member,ordered_at,paid\n", "order,product,amount\n"

    def order(n: str, paid: int = 5) -> str:
        return f"{n},{int(n) % 7},2026-01-{1 + int(n) % 28:02},{paid}\n"

    def lines(n: str) -> str:
        return "".join(f"{n},P{k},1\n" for k in range(int(n) % 5))

    half = numbers[::2]
    shell.orders(head + "".join(map(order, half)), lines=line_head + "".join(map(lines, half)))
    every = "".join(order(n, 6 if int(n) % 6 == 0 else 5) for n in numbers)
    said = shell.orders(head + every, lines=line_head + "".join(map(lines, reversed(numbers))))
    assert said.counts == (30, 10, 20, 0)
    assert [row[:3] for row in shell.rows(LINES)] == [
        (n, k + 1, f"P{k}") for n in numbers for k in range(int(n) % 5)
    ]
    assert [row[3] for row in shell.rows(MONEY)] == [600 if int(n) % 6 == 0 else 500 for n in numbers]
    assert shell.rows("SELECT count(*) FROM orders WHERE member_id IS NULL") == [(0,)]


def test_coupons_hear_of_each_batch_once(shell: Shell) -> None:
    from webapp.kernel import events

    events.SUBSCRIBERS.setdefault("orders.recorded", {})["test"] = lambda scope, payload: None
    try:
        shell.orders("number,ordered_at,paid\na,2026-01-01,5\nb,2026-01-01,5\n")
        shell.orders("number,ordered_at,paid\na,2026-01-01,6\nb,2026-01-01,5\nc,2026-01-01,5\n")
        shell.orders("number,ordered_at,paid\na,2026-01-01,6\nb,2026-01-01,5\nc,2026-01-01,5\n")
        payloads = [
            row[0] for row in shell.rows("SELECT payload FROM event WHERE subscriber = 'test' ORDER BY id")
        ]
    finally:
        del events.SUBSCRIBERS["orders.recorded"]["test"]
    assert len(payloads) == 2
