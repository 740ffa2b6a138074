"""The factories give what the shop would have: rows on both databases, facts marked for the engine."""

from __future__ import annotations

from datetime import date

from flask import Flask

from tests import factories as make
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope


def test_a_member_with_orders_and_an_offer(app: Flask, db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, int]:
        store = make.make_store(scope)
        member = make.make_member(
            scope, email="li@example.com", consents={"email": True}, joined_on=date(2026, 1, 1)
        )
        first, second = make.make_orders(scope, member, [date(2026, 1, 2), (date(2026, 1, 3), 55_00)])
        waiting = make.make_order(scope, None, date(2026, 1, 4), phone="+8613800138000", store_id=store.id)
        assert (first.person_id, second.paid_minor, waiting.person_id) == (member.id, 55_00, None)
        assert member.dirty_on is not None
        return make.make_offer(scope).id, len(make.make_members(scope, 3))

    offer_id, count = db.write(fill, brand=brand)
    assert offer_id
    assert count == 3


def test_another_brand(db: Database) -> None:
    other = db.write(lambda scope: make.make_brand(scope, "other"))
    with db.read(brand=other) as scope:
        assert scope.brand.code == "other"
