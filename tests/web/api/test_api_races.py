"""Tills in several processes at the same moment, with one code: it is used once, and every other till is told so."""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import select

from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together
from tests.web.api.tills import Till, give, new_key
from webapp.coupons import auditing
from webapp.coupons.models import Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

TILLS, CODES = 3, 2


def test_one_code_at_several_tills_is_used_once(app: Flask, db: Database, brand: BrandRef) -> None:
    codes = [one.code for one in give(db, brand, members=CODES)]
    secret = new_key(db, brand)

    def work(_db: Database, n: int) -> list[tuple[int, str]]:
        till = Till(app, secret)
        answers = [
            till.post(
                "/redemptions",
                {"currency": "CNY", "codes": [code], "total_minor": 150_00},
                once=f"till-{n}-{code}",
            )
            for code in codes
        ]
        return [(one.status_code, (one.json or {}).get("error", {}).get("code", "")) for one in answers]

    told = Counter(one for answers in together(db.url, TILLS, work) for one in answers)
    assert told == {(201, ""): CODES, (409, "used"): CODES * (TILLS - 1)}
    with db.read(brand=brand) as scope:
        assert len(scope.session.scalars(select(Redemption)).all()) == CODES
    assert [one.promise.key for one in auditing.check(db, brand) if one.broken] == []


@OTHER_IN_DRILL
def test_one_till_that_asks_again_and_again_has_one_answer(app: Flask, db: Database, brand: BrandRef) -> None:
    """A lost answer, a double tap, a proxy that repeats: the same key."""
    [coupon] = give(db, brand)
    secret = new_key(db, brand)

    def work(_db: Database, n: int) -> tuple[int, bytes]:
        body = {"currency": "CNY", "codes": [coupon.code], "total_minor": 150_00}
        answer = Till(app, secret).post("/redemptions", body, once="the-same-key")
        return answer.status_code, answer.data

    [only] = set(together(db.url, TILLS, work))
    assert only[0] == 201
    with db.read(brand=brand) as scope:
        assert len(scope.session.scalars(select(Redemption)).all()) == 1
