"""`ctx.coupons`: a plugin's own types alone, the core's limits, safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from flask import Flask

from tests import factories as make
from tests.factories.offers import make_flash_sale
from webapp.coupons import auditing, public_page
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_api import Coupons, CouponView, Refusal
from webapp.plugin_runtime import context

T = TypeVar("T")


@pytest.fixture
def ask(app: Flask, db: Database, brand: BrandRef) -> Callable[..., Any]:
    """`ask(lambda coupons: ...)`: in a unit of its own, as the flash sale's plugin."""

    def ask(question: Callable[[Coupons], T], plugin: str = "coupon_flash_sale") -> T:
        return db.write(lambda scope: question(context.inside(scope, plugin).coupons), brand=brand)

    return ask


def test_taken_once_a_key_and_never_more_than_there_are(
    ask: Callable[..., Any], db: Database, brand: BrandRef
) -> None:
    def fill(scope: Scope) -> tuple[int, list[str]]:
        return make_flash_sale(scope, stock=2).id, [f"member:{one.id}" for one in make.make_members(scope, 3)]

    offer_id, people = db.write(fill, brand=brand)
    first, again = (ask(lambda c: c.take(offer_id, people[0], "one")) for _ in range(2))
    assert isinstance(first, CouponView) and first == again
    assert (first.state, ask(lambda c: c.left(offer_id))) == ("held", 1)
    assert ask(lambda c: c.take(offer_id, people[0], "two")) == Refusal("per_person", {"limit": 1})
    second = ask(lambda c: c.take(offer_id, people[1], "one"))
    assert isinstance(second, CouponView) and second.id != first.id
    assert ask(lambda c: c.take(offer_id, people[2], "one")) == Refusal("sold_out")
    assert ask(lambda c: c.offers())[0].stage == "sold_out"
    with clock.fixed(clock.now() + timedelta(minutes=31)):
        late = ask(lambda c: c.take(offer_id, people[2], "later"))
        assert isinstance(late, CouponView), "what nobody bought in time is the next one's"
        assert ask(lambda c: c.state(first.id)).state == "void"
        assert {one.promise.key for one in auditing.check(db, brand) if one.broken} == set()


def test_held_released_and_taken_away(ask: Callable[..., Any], db: Database, brand: BrandRef) -> None:
    offer_id, who = db.write(
        lambda s: (make_flash_sale(s, minutes=None, stock=5).id, f"member:{make.make_member(s).id}"),
        brand=brand,
    )
    coupon = ask(lambda c: c.take(offer_id, who, "k"))
    assert coupon.state == "claimed"
    until = clock.now() + timedelta(hours=1)
    assert ask(lambda c: c.hold(coupon.id, until)).state == "held"
    assert ask(lambda c: c.release(coupon.id)).state == ask(lambda c: c.release(coupon.id)).state == "claimed"
    assert isinstance(ask(lambda c: c.hold(coupon.id, clock.now() - timedelta(1))), Refusal)
    assert [ask(lambda c: c.void(coupon.id, "gone")).state for _ in range(2)] == ["void", "void"]
    assert ask(lambda c: c.left(offer_id)) == 5


def test_what_is_anothers_is_not_there(ask: Callable[..., Any], db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, int, str, str]:
        mine, theirs = make_flash_sale(scope).id, make.make_offer(scope).id
        word = public_page.publish(scope, theirs).token
        assert word is not None
        return mine, theirs, word, f"member:{make.make_member(scope).id}"

    mine, theirs, word, who = db.write(fill, brand=brand)
    other = "coupon_spend_and_save"
    assert [one.id for one in ask(lambda c: c.offers())] == [mine]
    assert ask(lambda c: c.offer(word)) is None
    assert ask(lambda c: c.offer(word), other).id == theirs
    assert ask(lambda c: c.left(theirs)) == 0
    assert ask(lambda c: c.take(theirs, who, "k")) == Refusal("unknown")
    coupon = ask(lambda c: c.take(theirs, who, "k"), other)
    assert ask(lambda c: c.state(coupon.id)) is None
    for verb in (lambda c: c.void(coupon.id), lambda c: c.release(coupon.id)):
        assert ask(verb) == Refusal("unknown")
    assert ask(lambda c: c.take(mine, "member:1", "k")) == Refusal("nobody")
    assert ask(lambda c: c.take(mine, "staff:1", "k")) == Refusal("nobody")
    elsewhere = db.write(lambda s: make.make_brand(s, "other"))
    with db.read(brand=elsewhere) as scope:
        there = context.inside(scope, "coupon_flash_sale", looking=True).coupons
        assert (there.offers(), there.left(mine), there.offer(word)) == ([], 0, None)
        with pytest.raises(RuntimeError):
            there.take(mine, who, "k")
