"""A whole import is taken back while nothing has been built on it; then the shop is as it was."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text

from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import text_of
from tests.web.imports.conftest import Desk
from webapp.kernel.db import Database
from webapp.members import service as members
from webapp.members.models import Member

pytestmark = OTHER_IN_DRILL

TABLES = ("member", "member_identity", "consent_now", "member_attribute", "orders", "order_line")
VOLATILE = ("dirty_on", "facts_seq")


def state(db: Database) -> dict[str, Any]:
    with db.engine.connect() as connection:
        return {
            table: sorted(
                repr({k: v for k, v in row._mapping.items() if k not in VOLATILE})
                for row in connection.execute(text(f"SELECT * FROM {table}"))
            )
            for table in TABLES
        }


def undone(desk: Desk, page: Any) -> str:
    return text_of(desk.press(page, "/undo").text)


def test_members_and_orders_are_taken_back(desk: Desk, db: Database) -> None:
    desk.bring(
        "number,name,phone,email,consent_email,tier\n1,Ada,13800000001,a@x.example,no,gold\n2,Bo,,,,\n"
    )
    desk.bring(
        "number,member,phone,ordered_at,paid\nA,1,,2025-01-01,5\nB,,13800000009,2025-01-02,6\n",
        kind="orders",
        lines="order,product,amount\nA,Tea,3\nA,Pot,2\n",
    )
    before = state(db)
    more = desk.bring(
        "number,name,phone,email,consent_email,tier\n1,Eva,13800000007,b@x.example,,silver\n2,Bo,,,yes,tin\n3,Cy,13800000009,,yes,\n"
    )
    changed = desk.bring(
        "number,member,phone,ordered_at,paid\nA,2,,2025-01-03,7\nC,1,,2024-01-02,6\n",
        kind="orders",
        lines="order,product,amount\nA,Tea,7\nC,Tea,6\n",
    )
    assert state(db) != before
    assert "1 order of these members" not in undone(desk, changed)
    assert "taken back" in desk.client.get(changed.request.path).text
    told = undone(desk, more)
    assert "1 removed, 3 as they were before" in told or "1 removed, 2 as they were before" in told, told
    assert state(db) == before


def test_what_something_was_built_on_stays(desk: Desk, db: Database) -> None:
    first = desk.bring("number,name\n1,Ada\n2,Bo\n")
    desk.bring("number,member,ordered_at,paid\nA,1,2025-01-01,5\n", kind="orders")
    before = state(db)
    told = undone(desk, first)
    assert "cannot be taken back" in told and "1 order of these members" in told
    assert state(db) == before
    second = desk.bring("number,name\n3,Cy\n")

    def correct(scope: Any) -> None:
        member = scope.session.scalars(select(Member).where(Member.number == "3")).one()
        members.correct_member(scope, member.id, members.Details(name="Cyd"))

    db.write(correct, brand=seed.brand(db))
    assert "1 member was corrected since" in undone(desk, second)
