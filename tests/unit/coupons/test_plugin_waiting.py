"""What plugins keep until a moment, what is taken on their pages alone, and tables of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, literal_column, select, text

from plugins.coupon_group_buy.models import PLACE, TEAM
from tests import factories as make
from tests.factories.offers import make_flash_sale, make_group_buy
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import auditing, redeem, service
from webapp.coupons.models import Coupon
from webapp.coupons.take import take
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_api import CouponView, PluginContext, Refusal, own_table, own_tables
from webapp.plugin_runtime import context
from webapp.plugin_runtime.tables import BoundTables

Ask = Callable[..., Any]


@pytest.fixture
def ask(app: Flask, db: Database, brand: BrandRef) -> Ask:
    """`ask(lambda ctx: ...)`: in a unit of its own, as a plugin."""

    def ask(question: Callable[[PluginContext], Any], plugin: str = "coupon_flash_sale") -> Any:
        return db.write(lambda scope: question(context.inside(scope, plugin)), brand=brand)

    return ask


def test_kept_until_it_is_granted_let_go_or_over(ask: Ask, db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, list[str]]:
        offer = make_flash_sale(scope, minutes=None, stock=5, valid_days=3)
        return offer.id, [f"member:{one.id}" for one in make.make_members(scope, 3)]

    offer_id, people = db.write(fill, brand=brand)
    until = clock.now() + timedelta(hours=30)
    views = [ask(lambda c, p=p: c.coupons.take(offer_id, p, "k", until=until)) for p in people]
    assert [(one.state, one.held_until) for one in views] == [("held", until)] * 3
    assert ask(lambda c: c.coupons.left(offer_id)) == 2
    assert ask(lambda c: c.coupons.take(offer_id, people[0], "later")).code == "per_person"
    with db.read(brand=brand) as scope:
        code = scope.session.get_one(Coupon, (brand.id, views[0].id)).code
    said = db.write(lambda s: service.quote(s, code, 99_00), brand=brand)
    assert isinstance(said, Refused) and said.code == "waiting"
    soon = clock.now() + timedelta(hours=1)
    assert ask(lambda c: c.coupons.hold(views[0].id, soon)).code == "waiting"
    ids = [one.id for one in views]
    granted = [ask(lambda c: c.coupons.grant(ids[:1])) for _ in range(2)]
    assert granted[0] == granted[1] and granted[0][0].state == "claimed"
    assert isinstance(db.write(lambda s: service.quote(s, code, 99_00), brand=brand), redeem.Quoted)
    assert [one.state for one in ask(lambda c: c.coupons.let_go(ids[:2]))] == ["claimed", "void"]
    assert ask(lambda c: c.coupons.left(offer_id)) == 3
    assert ask(lambda c: c.coupons.grant(ids)) == Refusal("void", {"coupon": ids[1]})
    assert ask(lambda c: c.coupons.state(ids[2])).state == "held", "all of them, or none"
    assert ask(lambda c: c.coupons.grant(ids), "coupon_cash") == Refusal("unknown")
    with clock.fixed(until):
        assert ask(lambda c: c.coupons.grant(ids[2:])).code == "void", "its time is over, with nobody's help"
    week = clock.now() + timedelta(days=32)
    assert ask(lambda c: c.coupons.take(offer_id, people[1], "far", until=week)).code == "until"
    assert {one.promise.key for one in auditing.check(db, brand) if one.broken} == set()


@OTHER_IN_DRILL
def test_what_has_its_own_page_is_taken_there_alone(ask: Ask, db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, int]:
        return make_group_buy(scope).id, make.make_member(scope).id

    offer_id, member = db.write(fill, brand=brand)
    for way in (
        lambda s: take(s, offer_id, member, "a-key"),
        lambda s: take(s, offer_id, member, "b-key", through="coupon_flash_sale"),
        lambda s: service.give(s, offer_id, member, "c-key"),
        lambda s: service.issue_for_campaign(s, offer_id, [(member, member)], 7)[member],
    ):
        answer = db.write(way, brand=brand)
        assert isinstance(answer, Refused) and answer.code == "own_page"
    there = ask(lambda c: c.coupons.take(offer_id, f"member:{member}", "d"), "coupon_group_buy")
    assert isinstance(there, CouponView)


@OTHER_IN_DRILL
def test_a_plugin_reaches_rows_of_its_own_tables_in_its_own_brand(
    ask: Ask, db: Database, brand: BrandRef
) -> None:
    mine = "coupon_group_buy"
    other = db.write(lambda s: make.make_brand(s, "other"))

    def there(question: Callable[[PluginContext], Any]) -> Any:
        return db.write(lambda s: question(context.inside(s, mine)), brand=other)

    def add(ctx: PluginContext, word: str = "w") -> int | None:
        row = {"offer_id": 1, "size": 5, "members": 1, "joined": 1, "state": "open"}
        return ctx.tables.add(TEAM, word=word, opened_at=ctx.now, ends_at=ctx.now, **row)

    team = ask(add, mine)
    assert isinstance(team, int) and ask(add, mine) is None, "a unique key has it already"
    assert there(add) not in (None, team), "the same word in another brand"
    T = TEAM.c
    assert there(lambda c: [one["brand_id"] for one in c.tables.rows(TEAM)]) == [other.id]
    assert there(lambda c: c.tables.change(TEAM, T.id == team, members=5)) == 0
    assert there(lambda c: c.tables.remove(TEAM, T.id == team)) == 0
    more = {"members": T.members + 1}
    taken = [
        ask(lambda c: c.tables.change(TEAM, T.members < T.size, T.id == team, **more), mine) for _ in range(5)
    ]
    assert taken == [1, 1, 1, 1, 0]
    [row] = ask(lambda c: c.tables.rows(TEAM, T.state.in_(["open"]), order=(T.opened_at.desc(),)), mine)
    assert (row["members"], row["ends_at"].tzinfo is not None) == (5, True)
    assert (there(lambda c: c.tables.count(TEAM)), ask(lambda c: c.tables.count(TEAM), mine)) == (1, 1)
    assert ask(lambda c: c.tables.remove(TEAM, T.id == team), mine) == 1
    with db.read(brand=brand) as scope, pytest.raises(RuntimeError):
        context.inside(scope, mine, looking=True).tables.add(TEAM, word="x")


def test_statements_that_could_reach_further_are_refused() -> None:
    own = BoundTables(None, "coupon_group_buy")
    T = TEAM.c
    for where in (
        text("1 = 1"),
        literal_column("1"),
        T.id == PLACE.c.team_id,
        T.id.in_(select(PLACE.c.team_id)),
        T.opened_at < func.now(),
        T.id.op("; --")(1),
    ):
        with pytest.raises(ValueError, match="only its own columns"):
            own.rows(TEAM, where)  # type: ignore[arg-type]
    for table in (Coupon.__table__, own_table("plg_coupon_flash_sale_x", own_tables())):
        with pytest.raises(ValueError, match="not this plugin's"):
            own.count(table)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be set"):
        own.change(TEAM, brand_id=7)
    for value in (Member.facts_seq, Member.__table__.c.facts_seq, select(Member.id).scalar_subquery()):
        with pytest.raises(ValueError, match="only its own columns"):
            own.change(TEAM, T.id == 1, members=value)
