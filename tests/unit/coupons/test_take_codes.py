"""Codes of offers: who has one takes a coupon, as often as the code is good; and the audit of what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.coupons.taking import NOON, Shop, begin
from webapp.coupons import auditing, codes, service
from webapp.coupons.models import Coupon, OfferCode, OfferDay
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import BrandRef, Scope


def test_only_whoever_has_a_code(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand, count=5, by_code=True, per_person=3)
    at = Shop(db, brand, offer_id)

    def make_codes(scope: Scope) -> tuple[str, list[str]]:
        word = codes.make_shared(scope, offer_id, "Spring-24", most=2)
        assert isinstance(word, OfferCode)
        batch = codes.make_batch(scope, offer_id, 3, "batch-key")
        assert codes.make_batch(scope, offer_id, 3, "batch-key") == batch
        return word.code, [code for code, good in codes.of_batch(scope, offer_id, batch) if good]

    word, printed = db.write(make_codes, brand=brand, now=NOON)
    assert word == "SPRING24" and len(printed) == len(set(printed)) == 3
    assert at.says(members[0], "k-none") == "code_needed"
    assert at.says(members[0], "k-wrong", code="summer24") == "code_unknown"
    assert at.says(members[0], "k-1", code=" ｓｐｒｉｎｇ 24 ") == "claimed"  # a Chinese keyboard's letters
    coupon = at.take(members[1], "k-2", code="SPRING-24")
    assert isinstance(coupon, Coupon)
    assert at.says(members[2], "k-3", code="spring24") == "code_used_up"
    assert at.says(members[3], "k-4", code=printed[0].lower()) == "claimed"
    assert at.says(members[4], "k-5", code=printed[0]) == "code_used_up"
    db.write(lambda scope: service.void(scope, coupon.id), brand=brand, now=NOON)
    assert at.says(members[2], "k-6", code="spring24") == "claimed"  # its place came back
    with db.read(brand=brand) as scope:
        (batch,) = codes.batches(scope, offer_id)
        assert (batch.codes, batch.used, batch.left) == (3, 1, 2)
        assert [(one.code, one.used, one.most) for one in codes.shared(scope, offer_id)] == [
            ("SPRING24", 2, 2)
        ]
    # a campaign's and the staff's coupons ask for no code
    given = db.write(
        lambda scope: service.give(scope, offer_id, members[0], "by-hand"), brand=brand, now=NOON
    )
    assert isinstance(given, Coupon)
    assert at.counted()["issued"] == 4


@OTHER_IN_DRILL
def test_a_code_of_another_offer_brings_nothing(db: Database, brand: BrandRef) -> None:
    offer_id, (member, *_) = begin(db, brand, by_code=True)
    other = db.write(lambda scope: make.make_offer(scope, name="Other").id, brand=brand)
    db.write(lambda scope: codes.make_shared(scope, other, "autumn"), brand=brand)
    assert Shop(db, brand, offer_id).says(member, "k-1", code="autumn") == "code_unknown"
    assert Shop(db, brand, other).says(member, "k-2", code="autumn") == "claimed"
    taken = db.write(lambda scope: codes.make_shared(scope, offer_id, "Autumn"), brand=brand)
    assert taken == Refused("word_taken")


@OTHER_IN_DRILL
def test_words_and_batches_are_stopped(db: Database, brand: BrandRef) -> None:
    offer_id, members = begin(db, brand, by_code=True)
    at = Shop(db, brand, offer_id)

    def work(scope: Scope) -> tuple[str, list[str]]:
        for n in (0, 10_001):
            with pytest.raises(ValueError, match="codes"):
                codes.make_batch(scope, offer_id, n, "bad-key")
        assert codes.make_shared(scope, offer_id, "ab") == Refused("word", {"least": 3, "most": 40})
        assert codes.make_shared(scope, offer_id, "abc", 0) == Refused(
            "most", {"least": 1, "most": 10_000_000}
        )
        assert isinstance(codes.make_shared(scope, offer_id, "abc"), OfferCode)
        batch = codes.make_batch(scope, offer_id, 1200, "batch-key")
        return batch, [code for code, _good in codes.of_batch(scope, offer_id, batch)]

    batch, printed = db.write(work, brand=brand, now=NOON)
    assert len(set(printed)) == 1200
    assert at.says(members[0], "k-1", code="abc") == "claimed"
    lower = db.write(lambda scope: codes.make_shared(scope, offer_id, "a b c", 5), brand=brand)
    assert isinstance(lower, OfferCode) and (lower.most, lower.used) == (5, 1)

    def stop(scope: Scope) -> list[int]:
        return [
            codes.stop(scope, offer_id, code_id=lower.id),
            codes.stop(scope, offer_id, batch=batch),
            codes.stop(scope, offer_id, batch=batch),
        ]

    assert db.write(stop, brand=brand) == [1, 1200, 0]
    assert at.says(members[1], "k-2", code="abc") == "code_used_up"
    assert at.says(members[1], "k-3", code=printed[7]) == "code_used_up"
    with db.read(brand=brand) as scope, pytest.raises(NotFound):
        list(codes.of_batch(scope, offer_id, "no-such-batch"))
    assert at.counted()["issued"] == 1


def test_counters_of_days_and_codes_that_were_bent_are_named(db: Database, brand: BrandRef) -> None:
    offer_id, (member, *_) = begin(db, brand, per_day=5)
    at = Shop(db, brand, offer_id)
    db.write(lambda scope: codes.make_shared(scope, offer_id, "spring", 3), brand=brand)
    assert at.says(member, "k-1", code="spring") == "claimed"
    for table, statement, named in (
        (OfferDay, update(OfferDay).values(used=OfferDay.used + 1), "day_counted"),
        (OfferDay, delete(OfferDay), "day_counted"),
        (OfferCode, update(OfferCode).values(used=OfferCode.used + 1), "code_counted"),
        (OfferCode, delete(OfferCode), "code_counted"),
    ):

        def bend(scope: Scope, one: Any = statement) -> set[str]:
            before = scope.session.begin_nested()
            scope.session.execute(one)
            found = {p.key for p in auditing.PROMISES if auditing.look(scope, p).broken}
            before.rollback()
            return found

        assert db.write(bend, brand=brand) == {named}, (table, named)
    assert at.counted()["issued"] == 1
