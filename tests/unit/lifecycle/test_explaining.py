"""Why a member is where they are, in the reader's language, with figures counted now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.databases import ONE_DATABASE
from tests.unit.lifecycle.shop import PLUGIN, START, new_shop
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.lifecycle import explaining
from webapp.lifecycle.explaining import Explanation
from webapp.plugin_api import Amount
from webapp.plugin_runtime import context


def test_a_reason_with_figures_and_the_next_turn(db: Database) -> None:
    shop = new_shop(db)
    shop.live(
        [("join", 300), ("buy", 0, -100, 900_00), ("buy", 0, -10, 120_05), ("buy", 0, -9, 120_00), ("run",)]
    )
    with shop.now(), db.read(brand=shop.brand) as scope:
        why = explaining.explain(scope, shop.members[0], "en")
    assert why == Explanation(
        "dormancy",
        "basket_drop",
        "Spent CN¥120.03 an order in the last 90 days and CN¥900.00 an order in the 90 days before: 60 % or more below.",
        START,
        START + timedelta(days=-100 + 181),  # the dear order leaves the window before
        "growth",
        settled=True,
    )


def test_what_was_not_written_yet_is_said_so(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 300), ("run",), ("buy", 0, -2)])
    with shop.now(), db.read(brand=shop.brand) as scope:
        why = explaining.explain(scope, shop.members[0], "en")
    assert isinstance(why, Explanation)
    assert (why.stage, why.reason, why.since, why.settled) == ("introduction", "first_order", None, False)
    assert why.sentence == "Bought for the first time on Feb 27, 2025."
    assert (why.turns_on, why.turns_to) == (START + timedelta(days=-2 + 31), "growth")


@ONE_DATABASE
def test_somebody_gone_for_good_is_not_looked_at_again(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 900), ("buy", 0, -800), ("buy", 0, -700), ("run",)])
    with shop.now(), db.read(brand=shop.brand) as scope:
        why = explaining.explain(scope, shop.members[0], "en")
    assert isinstance(why, Explanation)
    assert (why.stage, why.turns_on, why.turns_to) == ("churn", None, None)
    assert why.sentence == "Last bought on Apr 1, 2023, 700 days ago; the limit is 180 days."


@ONE_DATABASE
def test_without_a_policy_or_a_member(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join",)])
    with shop.now(), db.read(brand=shop.brand) as scope, pytest.raises(NotFound):
        explaining.explain(scope, 5, "en")
    db.write(lambda scope: context.switch(scope, PLUGIN, on=False), brand=shop.brand)
    with shop.now(), db.read(brand=shop.brand) as scope:
        assert explaining.explain(scope, shop.members[0], "en") == Refused("no_policy")


def test_figures_are_written_as_a_person_reads_them() -> None:
    figures = {"recent": Amount(-1234_50), "last": START, "orders": 12345}
    assert explaining.shown(figures, "CNY", "zh_CN") == {
        "recent": "-¥1,234.50",
        "last": "2025年3月1日",
        "orders": "12,345",
    }
