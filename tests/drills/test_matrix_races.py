"""Coupons by a matrix, given by several processes at once while others are taken away: no offer beyond its stock, nobody with
two for one occurrence, every counter right."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support.together import together
from webapp.coupons import auditing
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon, Offer
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.matrix import service
from webapp.segments.rules import Condition, Rule

pytestmark = pytest.mark.drill
PEOPLE, PROCESSES, ROUNDS, STOCK = 90, 6, 12, 60


def test_by_a_matrix_at_the_same_moment(db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, list[int], list[int]]:
        people = make.make_members(scope, PEOPLE)
        for n, one in enumerate(people):
            for day in range(n % 3):
                make.make_order(scope, one, scope.today - timedelta(days=day + 1))
        offers = [
            make.make_offer(scope, name=f"O{n}", stock=STOCK, per_person=3, per_day=STOCK - n).id
            for n in range(3)
        ]
        made = service.new(scope, "By orders")
        assert not isinstance(made, Refused)
        # the later the row, the earlier the offer's id: units meet the offers in another order than the rows'
        for least, offer in ((2, offers[2]), (1, offers[1]), (0, offers[0])):
            service.add_row(scope, made.id, Rule((Condition("orders", least=least),)), offer)
        return made.id, [one.id for one in people], offers

    matrix_id, people, offers = db.write(fill, brand=brand)

    def away(scope: Scope, coupon_id: int) -> None:
        coupons.void(scope, coupon_id)

    def give(scope: Scope, some: list[int], turn: int) -> list[str]:
        answers = service.issue(scope, matrix_id, [(one, one) for one in some], occurrence=f"round:{turn}")
        return [one.code if isinstance(one, Refused) else "given" for one in answers.values()]

    def work(db: Database, n: int) -> Counter[str]:
        dice, said = random.Random(n), Counter[str]()
        for turn in range(ROUNDS):
            if n == PROCESSES - 1:
                with db.read(brand=brand) as scope:
                    out = list(
                        scope.session.scalars(select(Coupon.id).where(Coupon.state == "issued").limit(50))
                    )
                for id_ in dice.sample(out, min(3, len(out))):
                    db.write(partial(away, coupon_id=id_), brand=brand)
            else:
                some = dice.sample(people, 25)
                said.update(db.write(partial(give, some=some, turn=turn), brand=brand))
        return said

    said = sum(together(db.url, PROCESSES, work), Counter[str]())
    assert set(said) <= {"given", "sold_out", "per_person", "per_day"}, said
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}
    with db.read(brand=brand) as scope:
        twice = (
            select(Coupon.member_id).group_by(Coupon.member_id, Coupon.occurrence).having(func.count() > 1)
        )
        assert scope.session.scalars(twice).all() == []
        issued = dict(scope.session.execute(select(Offer.id, Offer.issued)).all())
        standing = dict(
            scope.session.execute(
                select(Coupon.offer_id, func.count()).where(Coupon.state != "void").group_by(Coupon.offer_id)
            ).all()
        )
    assert issued == standing and all(issued[one] <= STOCK for one in offers)
