"""The engine looks at few and ends with what looking at everybody would have given."""

from __future__ import annotations

from tests.unit.lifecycle.shop import new_shop
from webapp.kernel.db import Database


def test_a_member_passes_through_the_stages(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join",)])
    seen = []
    for days, orders in ((0, 0), (1, 0), (5, 1), (1, 0), (31, 0), (1, 4), (1, 0), (91, 0), (90, 0)):
        shop.live([("advance", days), *[("buy", 0)] * orders, ("run",)])
        seen.extend(shop.stages().values())
    assert seen == [
        ("introduction", "joined_today"),
        ("introduction", "no_order_yet"),
        ("introduction", "no_order_yet"),
        ("introduction", "first_order"),
        ("growth", "orders"),
        ("growth", "orders"),
        ("maturity", "orders"),
        ("dormancy", "no_order"),
        ("churn", "no_order"),
    ]
