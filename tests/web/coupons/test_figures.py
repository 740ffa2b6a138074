"""The page of what coupons brought: every number leads to as many coupons as it says; the file is safe to open."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape

import pytest

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import figures, service
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import Actor, BrandRef, Scope

pytestmark = ONE_DATABASE
NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
LINK = re.compile(r'<a href="(/offers/figures/rows\?[^"]+)">([^<]+)</a>')


@pytest.fixture
def offer_id(client: Client, db: Database, brand: BrandRef) -> int:
    """Seven coupons of two offers: four used (one of them after an undoing), one undone, one taken away; and an order."""
    clerk = seed.actor(db, "clerk")

    def give(scope: Scope) -> tuple[int, list[Coupon]]:
        joins = Conditions(joins=True)  # several on one receipt
        one, two = (
            make.make_offer(scope, name=name, per_person=9, conditions=joins) for name in ("=1+1", "Spring")
        )
        store = make.make_store(scope, "xujiahui").id
        people = make.make_members(scope, 4, store_id=store)
        make.make_order(scope, people[0], NOON.date(), 120_00, number="77")
        given = [service.give(scope, one.id, member.id, f"one-{member.id}") for member in people]
        given += [service.give(scope, two.id, member.id, f"two-{member.id}") for member in people[:3]]
        assert all(isinstance(coupon, Coupon) for coupon in given)
        return one.id, given  # type: ignore[return-value]

    def use(scope: Scope, coupon: Coupon, turn: int = 1) -> int:
        used = service.redeem(
            scope, typed=coupon.code, basket_minor=150_00, key=f"use-{coupon.id}-{turn}", till_number="77"
        )
        assert isinstance(used, Redemption), used
        return used.id

    def act(scope: Scope) -> None:
        for coupon in (given[0], given[4], given[5]):
            use(scope, coupon)
        for coupon in given[1:3]:
            service.reverse(scope, use(scope, coupon))
        use(scope, given[1], 2)
        service.void(scope, given[6].id)

    found, given = db.write(give, brand=brand, now=NOON)
    db.write(act, brand=brand, now=NOON, actor=clerk)
    return found


@pytest.mark.parametrize("of", figures.OF)
def test_every_number_leads_to_as_many_coupons(client: Client, offer_id: int, of: str) -> None:
    for by in figures.BY:
        page = client.get(f"/offers/figures?by={by}&of={of}")
        assert page.status_code == 200
        assert "How it was counted" in page.text
        seen = 0
        for href, number in {(unescape(href), number) for href, number in LINK.findall(page.text)}:
            if number.isdecimal():  # money, shares and days stand on the same rows as a count
                seen += 1
                rows = client.get(href)
                assert len(re.findall(r'href="/coupons/\d+"', rows.text)) == int(number), (href, number)
        assert seen >= 4, by


def test_one_offer_and_a_period(client: Client, offer_id: int) -> None:
    shown = text_of(client.get(f"/offers/figures?by=store&offer={offer_id}").text)
    assert "=1+1" in shown and "By offer" not in shown
    day = client.get("/offers/figures?since=2026-05-10&until=2026-05-10")
    assert "Spring" in day.text
    other = client.get("/offers/figures?since=2026-05-11")
    assert other.status_code == 200 and "Nothing in this time" in other.text
    wrong = client.get("/offers/figures?since=2026-05-11&until=2026-05-01")
    assert wrong.status_code == 422 and "The last day is before the first." in wrong.text
    assert 'value="2026-05-11"' in wrong.text  # what was typed is kept
    far = client.get("/offers/figures?until=9999-12-31")
    assert far.status_code == 422 and "Between 2000 and 2999." in text_of(far.text)


NOWHERE = (
    "/offers/figures?by=weather",
    "/offers/figures?offer=99",
    f"/offers/figures?offer={2**63}",
    "/offers/figures/rows?by=offer&what=weather",
    "/offers/figures/rows?by=offer&what=issued&key=abc",
    f"/offers/figures/rows?by=offer&what=issued&key={2**63}",
    "/offers/figures/rows?by=store&what=issued&key=1",
    "/offers/figures.csv?by=offer&since=2026-05-11&until=2026-05-01",
)


def test_an_address_that_means_nothing_leads_nowhere(client: Client) -> None:
    assert [client.get(address).status_code for address in NOWHERE] == [404] * len(NOWHERE)


def test_the_file_has_every_group_and_runs_nothing(client: Client, offer_id: int) -> None:
    answer = client.get("/offers/figures.csv")
    assert answer.mimetype == "text/csv" and answer.text.startswith("\ufeff")
    heads, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    table = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert set(table) == {"'=1+1", "Spring"}  # no spreadsheet takes the name for a formula
    one = table["'=1+1"]
    assert (one["Given"], one["Used"], one["Undone"], one["Saved"]) == ("4", "2", "2", "40.00")
    used_only = csv.reader(
        io.StringIO(client.get("/offers/figures.csv?by=staff").text.removeprefix("\ufeff"))
    )
    assert [row[:4] for row in used_only][1:] == [["Clerk", "", "", "4"]]


def test_a_manager_sees_the_members_of_their_stores(
    client: Client, db: Database, brand: BrandRef, offer_id: int
) -> None:
    from webapp.staff.models import StaffRole

    manager: Actor = seed.actor(db, "manager")

    def move(scope: Scope) -> None:
        here = make.make_store(scope, "nanjing-road").id
        role = scope.session.query(StaffRole).filter(StaffRole.staff_id == manager.id).one()
        role.store_id = here

    db.write(move, brand=brand)
    client.sign_in("manager")
    page = client.get("/offers/figures")
    assert page.status_code == 200 and "Nothing in this time" in page.text
