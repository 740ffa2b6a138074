"""Strangers at the same moment, in real processes, on both databases: the stock holds, and so does a phone's share."""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import func, select

from tests import factories as make
from tests.support.together import together
from webapp.coupons import auditing, service
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members.models import Member
from webapp.touchpoints import claiming
from webapp.touchpoints.claiming import Claimed
from webapp.touchpoints.joining import Joining

STOCK, PROCESSES, EACH = 5, 4, 4


def check(db: Database, brand: BrandRef) -> None:
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}


def test_strangers_take_what_there_is_and_nobody_else_joins(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    offer_id = db.write(lambda s: make.make_offer(s, stock=STOCK).id, brand=brand)

    def work(db: Database, n: int) -> list[str]:
        said = []
        for m in range(EACH):
            typed = Joining(phone=f"1390{n:03}{m:04}")
            one = db.write(
                lambda s, typed=typed, m=m: claiming.claim_unknown(s, offer_id, typed, f"key-{n}-{m}"),
                brand=brand,
            )
            said.append("given" if isinstance(one, Claimed) else one.code)
        return said

    said = Counter(word for words in together(db.url, PROCESSES, work) for word in words)
    assert said == {"given": STOCK, "sold_out": PROCESSES * EACH - STOCK}
    with db.read(brand=brand) as scope:
        assert scope.session.scalar(select(func.count()).select_from(Member)) == STOCK
        assert scope.session.get_one(Offer, (brand.id, offer_id)).issued == STOCK
    check(db, brand)


def test_a_phones_coupons_at_several_tills_are_used_as_often_as_one_may(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    offer_id = db.write(lambda s: make.make_offer(s, per_person=2).id, brand=brand)
    typed = Joining(phone="13800138000")
    for n in range(PROCESSES):
        taken = db.write(
            lambda s, n=n: claiming.claim_unknown(s, offer_id, typed, f"key-{n:05}"), brand=brand
        )
        assert isinstance(taken, Claimed)
    with db.read(brand=brand) as scope:
        codes = list(scope.session.scalars(select(Coupon.code)))

    def use(db: Database, n: int) -> str:
        one = db.write(
            lambda s: service.redeem(s, typed=codes[n], basket_minor=150_00, key=f"till-{n:05}"), brand=brand
        )
        return "used" if isinstance(one, Redemption) else one.code

    assert Counter(together(db.url, PROCESSES, use)) == {"used": 2, "claim_used": PROCESSES - 2}
    check(db, brand)
