"""What `regulars import` promises whoever types it: all bad rows told, all or nothing, and again changes nothing."""

from __future__ import annotations

from datetime import date

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.imports.conftest import Shell

pytestmark = OTHER_IN_DRILL

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


def test_an_assumed_joining_day_follows_the_orders(shell: Shell) -> None:
    """Blank joined_at: the earlier of the import's day and the first order's, also once that order is corrected."""
    shell.members("number,joined_at\n1,\n2,\n3,2026-02-20\n4,\n")
    imported = date(2026, 3, 1)
    orders = "number,member,ordered_at,paid\na,1,2016-02-10,5\nb,1,2026-02-12,5\nc,2,2026-02-14,5\nd,3,2026-02-01,5\n"
    shell.orders(orders)
    given = date(2026, 2, 20)
    assert days(shell.rows(JOINED)) == {
        "1": date(2016, 2, 10),
        "2": date(2026, 2, 14),
        "3": given,
        "4": imported,
    }
    # a wrong year is corrected, in a file that names no member; another order gets another member; one moves back
    assert shell.orders("number,ordered_at,paid\na,2026-02-15,5\n").counts == (0, 1, 0, 0)
    shell.orders("number,member,ordered_at,paid\nc,4,2026-02-14,5\n")
    shell.orders("number,ordered_at,paid\nd,2025-02-01,5\n")
    assert days(shell.rows(JOINED)) == {
        "1": date(2026, 2, 12),
        "2": imported,
        "3": given,
        "4": date(2026, 2, 14),
    }
    shell.orders("number,ordered_at,paid\nb,2025-12-31,5\n")
    assert days(shell.rows(JOINED))["1"] == date(2025, 12, 31)


def test_lifecycle_counts_follow_a_corrected_day(shell: Shell) -> None:
    """What the run wrote and what is counted are the same, before and after."""
    shell.members("number\n1\n")
    shell.orders("number,member,ordered_at,paid\na,1,2016-02-10,5\n")
    counts = ("lifecycle", "counts", "--brand", "shop", "--as-of", "2026-02-13", "--members", "--json")
    assert shell.run(*counts).told["member_stages"] == {"1": {"stage": "churn", "reason": "no_order"}}
    shell.orders("number,ordered_at,paid\na,2026-02-14,5\n")
    assert shell.run(*counts).told["members"] == 0
    shell.run("lifecycle", "run", "--brand", "shop")
    assert shell.rows("SELECT stage, reason FROM member_stage") == [("introduction", "first_order")]


CONSENTS = "SELECT channel, granted FROM consent_now ORDER BY channel"


def test_no_file_overrides_a_withdrawal(shell: Shell) -> None:
    """Blank: no for somebody new, and keeps what is stored. A yes that was taken back stays so."""
    first = "number,consent_email,consent_sms,consent_post\n1,yes,no,\n"
    shell.members(first)
    assert [(channel, bool(granted)) for channel, granted in shell.rows(CONSENTS)] == [
        ("email", True),
        ("sms", False),
    ]
    assert shell.members("number,consent_email\n1,\n").counts == (0, 0, 1, 0)
    assert shell.members("number,consent_email,consent_sms\n1,no,yes\n").counts == (0, 1, 0, 0)
    again = shell.members("number,consent_email\n1,yes\n")  # an older file once more
    assert again.counts == (0, 0, 1, 0) and again.told["consents_kept_withdrawn"] == 1
    assert [(channel, bool(granted)) for channel, granted in shell.rows(CONSENTS)] == [
        ("email", False),
        ("sms", True),
    ]
    shell.members("number,consent_sms\n1,no\n", "--source", "crm")
    assert (
        shell.members("number,consent_sms\n1,yes\n", "--source", "crm").told["consents_kept_withdrawn"] == 1
    )


def test_each_bad_row_is_told(shell: Shell) -> None:
    """However many there are."""
    rows = "".join(f"{n},2026-02-30,1\n" for n in range(1500))
    said = shell.orders("number,ordered_at,paid\n" + rows)
    assert said.code == 2 and said.counts == (0, 0, 0, 1500)
    told = [line for line in said.errors if 'column ordered_at: "2026-02-30" is no date' in line]
    assert [line.split(",")[0] for line in told] == [f"file1.csv row {n}" for n in range(2, 1502)]
