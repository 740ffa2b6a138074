"""Units of orders that are written side by side, on PostgreSQL: what one does, the one beside it has not read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.imports.conftest import Shell
from webapp.members import bulk as members
from webapp.members.bulk import MemberIn
from webapp.orders import service as orders

pytestmark = [
    pytest.mark.parametrize(
        "db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
    ),
    pytest.mark.usefixtures("small_units"),
]


def test_a_member_of_many_units_joined_with_the_first_order(shell: Shell) -> None:
    """Two units that are made side by side have orders of the same member: the later does not undo what the earlier has
    learnt."""
    shell.members("number,phone\n1,13800000001\n2,13800000002\n")
    orders = "".join(f"{n:03},{1 + n // 50},2025-01-{1 + n % 50 // 2:02},1\n" for n in range(100))
    assert shell.orders("number,member,ordered_at,paid\n" + orders).counts == (100, 0, 0, 0)
    joined = "SELECT number, CAST(joined_on AS VARCHAR(10)) FROM member ORDER BY number"
    assert shell.rows(joined) == [("1", "2025-01-01"), ("2", "2025-01-01")]
    payloads = shell.rows("SELECT first_id, last_id FROM import_made ORDER BY first_id")
    ids = [row[0] for row in shell.rows("SELECT id FROM orders ORDER BY id")]
    covered = [id_ for first, last in payloads for id_ in range(first, last + 1)]
    assert set(ids) <= set(covered) and len(covered) == len(set(covered))  # so all of it can be undone


def test_a_first_order_that_moves_does_not_hide_the_one_that_is_first_now(shell: Shell) -> None:
    """The earlier unit moves the joining day to a later one, while the one beside it brings an order from between."""
    shell.members("number,name\n1,Ada\n")
    head, rest = "number,member,ordered_at,paid\n", [f"f{n:02},1,2025-04-01,5\n" for n in range(30)]
    shell.orders(head + "a,1,2025-01-01,5\n" + "".join(rest))
    said = shell.orders(head + "a,1,2025-03-01,5\n" + "".join([*rest[:5], "z,1,2025-02-01,5\n", *rest[5:]]))
    assert said.counts == (1, 1, 30, 0)
    joined = "SELECT CAST(joined_on AS VARCHAR(10)) FROM member"
    assert shell.rows(joined) == [("2025-02-01",)]


def test_whoever_gets_a_phone_meanwhile_gets_the_orders_that_wait_for_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clerk takes a member in after the unit has looked for the phone and before it is committed."""
    looked = orders._owners

    def look(scope: Any, some: Any) -> Any:
        found = looked(scope, some)
        if not taken:
            taken.append(True)
            phone = MemberIn("W", None, "+8613900000009", None, None, None, None, None, {}, {})
            shell.looking.write(lambda other: members.record(other, "import:x", [phone]), brand=scope.brand)
        return found

    taken: list[bool] = []
    monkeypatch.setattr(orders, "_owners", look)
    shell.orders("number,phone,ordered_at,paid\nw,13900000009,2025-04-01,5\n")
    assert shell.rows("SELECT count(*), count(member_id), count(phone) FROM orders") == [(1, 1, 0)]
