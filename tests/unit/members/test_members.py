"""Members one by one: added and corrected at the counter, found in any way of writing, marked when facts change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import queries, service
from webapp.members.models import Consent, Member
from webapp.members.service import Details
from webapp.orders import jobs as order_jobs  # noqa: F401  (subscribes)
from webapp.orders import service as orders
from webapp.orders.models import Order

pytestmark = OTHER_IN_DRILL

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
TODAY = date(2026, 3, 1)


@pytest.fixture
def brand(db: Database) -> BrandRef:
    return seed.brand(db)


def add(db: Database, brand: BrandRef, **details: Any) -> Member | Refused:
    consents = details.pop("consents", None)
    return db.write(
        lambda scope: service.add_member(scope, Details(**details), consents=consents), brand=brand, now=NOW
    )


def correct(db: Database, brand: BrandRef, member: Member, **details: Any) -> Member | Refused:
    return db.write(
        lambda scope: service.correct_member(scope, member.id, Details(**details)), brand=brand, now=NOW
    )


def added(db: Database, brand: BrandRef, **details: Any) -> Member:
    member = add(db, brand, **details)
    assert isinstance(member, Member), member
    return member


def test_add_and_find(db: Database, brand: BrandRef) -> None:
    member = added(
        *(db, brand), number=" 0071 ", name=" Ada  Li ", phone="138 0013-8000", email="Ada@Shop.EXAMPLE", birthday="1990/2/8",
        gender="female", consents={"email": True, "sms": False},
    )  # fmt: skip
    assert (member.number, member.name, member.joined_on, member.dirty_on) == ("0071", "Ada Li", TODAY, TODAY)
    with db.read(brand=brand, now=NOW) as scope:
        for typed in ("0071", "+8613800138000", "13800138000", "Ada@shop.example"):
            assert (queries.find(scope, typed) or member).id == member.id, typed
        assert queries.find(scope, "71") is None and queries.find(scope, "") is None
        profile = queries.profile(scope, member.id)
        assert (profile.phone, profile.email) == ("+8613800138000", "Ada@shop.example")
        assert profile.consents == {("email", "marketing"): True, ("sms", "marketing"): False}
        assert profile.member.birthday == date(1990, 2, 8)


def test_a_number_is_made_up_and_an_address_may_be_shared(db: Database, brand: BrandRef) -> None:
    one, other = added(db, brand, email="a@shop.example"), added(db, brand, email="a@shop.example")
    assert one.number != other.number and one.number.isdecimal()
    with db.read(brand=brand, now=NOW) as scope:
        assert [m.id for m in queries.find_by_email(scope, "a@SHOP.example")] == [one.id, other.id]
        assert queries.find(scope, "a@shop.example") is None


@pytest.mark.parametrize(
    ("details", "code", "field"),
    [
        ({"number": "1"}, "number_taken", "number"),
        ({"number": "x" * 61}, "number_bad", "number"),
        ({"phone": "13800000001"}, "phone_taken", "phone"),
        ({"phone": "12"}, "phone_bad", "phone"),
        ({"email": "ada@"}, "email_bad", "email"),
        ({"birthday": "1990-02-31"}, "birthday_bad", "birthday"),
        ({"birthday": date(2026, 3, 2)}, "birthday_bad", "birthday"),
        ({"gender": "robot"}, "gender_bad", "gender"),
        ({"store_id": 7}, "store_unknown", "store"),
        ({"joined_on": date(2026, 3, 2)}, "joined_bad", "joined_on"),
        ({"name": "x" * 121}, "name_long", "name"),
    ],
)
def test_refusals_are_values(
    details: dict[str, Any], code: str, field: str, db: Database, brand: BrandRef
) -> None:
    holder = added(db, brand, number="1", phone="13800000001")
    other = added(db, brand, number="2")
    for answer in (add(db, brand, **details), correct(db, brand, other, **details)):
        assert isinstance(answer, Refused) and (answer.code, answer.facts["field"]) == (code, field)
        if code.endswith("taken"):
            assert answer.facts["member_id"] == holder.id
    with db.read(brand=brand, now=NOW) as scope:
        assert queries.count_members(scope) == 2


def test_correct_changes_what_is_said_and_clears_what_is_blank(db: Database, brand: BrandRef) -> None:
    member = added(
        db, brand, number="1", name="Ada", phone="13800000001", email="a@shop.example", birthday="1990-01-01"
    )
    same = correct(db, brand, member, number="1", name="Ada", phone="138 0000 0001")
    assert isinstance(same, Member) and same.updated_at == NOW
    after = correct(db, brand, member, phone="13800000002", email="", birthday="")
    assert isinstance(after, Member) and (after.name, after.birthday) == ("Ada", None)
    with db.read(brand=brand, now=NOW) as scope:
        assert queries.find_by_phone(scope, "13800000001") is None
        profile = queries.profile(scope, member.id)
        assert (profile.phone, profile.email) == ("+8613800000002", None)
    assert isinstance(added(db, brand, phone="13800000001"), Member)  # free again


def test_another_joining_day_marks_the_member(db: Database, brand: BrandRef) -> None:
    member = added(db, brand, number="1")
    db.write(
        lambda scope: setattr(scope.session.get_one(Member, (brand.id, member.id)), "dirty_on", None),
        brand=brand,
    )
    after = correct(db, brand, member, joined_on=date(2025, 1, 1))
    assert isinstance(after, Member)
    with db.read(brand=brand, now=NOW) as scope:
        stored = queries.get(scope, member.id)
        assert (stored.joined_on, stored.joined_given, stored.dirty_on) == (date(2025, 1, 1), True, TODAY)


def test_consent_is_appended_only_when_it_changes(db: Database, brand: BrandRef) -> None:
    member = added(db, brand, number="1", consents={"email": True})

    def say(granted: bool) -> bool:
        return db.write(
            lambda scope: service.set_consent(scope, member.id, "email", "marketing", granted, "counter"),
            brand=brand,
            now=NOW,
        )

    assert [say(True), say(False), say(False), say(True)] == [False, True, False, True]
    with db.read(brand=brand) as scope:
        said = [(row.granted, row.source) for row in scope.session.query(Consent).order_by(Consent.id)]
        assert said == [(True, "counter"), (False, "counter"), (True, "counter")]
        assert queries.consents(scope, member.id) == {("email", "marketing"): True}


def test_an_order_that_waits_joins_whoever_comes_to_hold_the_phone(db: Database, brand: BrandRef) -> None:
    def wait(scope: Scope) -> None:
        at = ("2026-01-05 04:00:00.000000", "2026-01-05")
        orders.record(
            scope, "till", [orders.OrderIn("a", "", "+8613800000001", None, *at, None, None, 500, 1, None)]
        )

    db.write(wait, brand=brand, now=NOW)
    from webapp.kernel import events

    member = added(db, brand, number="1")
    assert isinstance(correct(db, brand, member, phone="13800000001"), Member)
    events.deliver(db, brand.id)
    with db.read(brand=brand, now=NOW) as scope:
        order = scope.session.query(Order).one()
        assert (order.member_id, order.person_id, order.phone) == (member.id, member.id, None)
        assert queries.get(scope, member.id).dirty_on == TODAY


def test_marks_keep_the_earlier_day(db: Database, brand: BrandRef) -> None:
    ids = [added(db, brand, number=f"{n}").id for n in range(4)]

    def mark(scope: Scope) -> None:
        for member in scope.session.query(Member):
            member.dirty_on = None
        scope.session.flush()
        queries.touch(scope, ids[:1], date(2020, 1, 1))
        queries.touch_many(scope, {ids[1]: TODAY, ids[2]: date(2026, 3, 9)})
        queries.touch(scope, [ids[2]], date(2026, 3, 5))
        queries.touch(scope, [ids[1]], date(2026, 3, 9))

    db.write(mark, brand=brand, now=NOW)
    with db.read(brand=brand, now=NOW) as scope:
        marks = [queries.get(scope, id_).dirty_on for id_ in ids]
    assert marks == [TODAY, date(2026, 3, 2), date(2026, 3, 6), None]


def test_the_list_in_pages(db: Database, brand: BrandRef) -> None:
    for n in range(7):
        added(
            db,
            brand,
            number=f"A{n}",
            name=f"Ada {n}",
            phone=f"1380000000{n}" if n else "",
            email=f"m{n}@shop.example",
        )
    added(db, brand, number="B_1", name="100% Bo")
    with db.read(brand=brand, now=NOW) as scope:
        seen: list[str] = []
        after: int | None = None
        while True:
            page = queries.list_members(scope, after=after, limit=3)
            seen += [member.number for member in page.members]
            if (after := page.next) is None:
                break
        assert seen == ["B_1", "A6", "A5", "A4", "A3", "A2", "A1", "A0"]

        def found(text: str) -> list[str]:
            return [member.number for member in queries.list_members(scope, text=text).members]

        assert found("A3") == ["A3"] and found("ada 5") == ["A5"] and found("13800000004") == ["A4"]
        assert found("0004") == ["A4"] and found("m2@SHOP.example") == ["A2"] and found("b_") == ["B_1"]
        assert found("100%") == ["B_1"] and found("%") == ["B_1"] and found("nobody") == []


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+8613800138000", "+86•••••••8000"), ("+12015550100", "+12•••••0100"), ("123", "•••")],
)
def test_masked_phones(phone: str, shown: str) -> None:
    assert queries.mask_phone(phone) == shown


def test_masked_addresses() -> None:
    assert queries.mask_email("ada@shop.example") == "a•••@shop.example"
