"""A member takes a coupon: given and taken at once, once a key, a refusal kept as well as a coupon."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.coupons.taking import NOON, Shop, begin
from webapp.coupons import codes, holds, service
from webapp.coupons import take as taking
from webapp.coupons.models import Coupon, CouponChange, OfferCode, OfferDay, Redemption
from webapp.coupons.take import take
from webapp.kernel import idempotency
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused, UserError
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_runtime import context
from webapp.plugin_runtime.runtime import registry
from webapp.segments.rules import Condition, Rule

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop(db: Database, brand: BrandRef) -> tuple[Shop, list[int]]:
    offer_id, members = begin(db, brand, stock=2)
    return Shop(db, brand, offer_id), members


def test_given_and_taken_at_once(shop: tuple[Shop, list[int]]) -> None:
    at, (member, *_) = shop
    coupon = at.take(member, "first-key")
    assert isinstance(coupon, Coupon)
    assert (coupon.state, coupon.member_id, coupon.claimed_at, coupon.issued_at) == (
        "claimed",
        member,
        NOON,
        NOON,
    )
    assert (coupon.valid_from, coupon.valid_until) == (
        date(2026, 5, 10),
        date(2026, 6, 8),
    )  # 30 days, today counted
    with at.db.read(brand=at.brand) as scope:
        read = scope.session.scalars(select(Coupon)).one()
        columns = [column.key for column in Coupon.__table__.columns]
        assert {name: getattr(read, name) for name in columns} == {
            name: getattr(coupon, name) for name in columns
        }
        steps = scope.session.execute(
            select(CouponChange.from_state, CouponChange.state, CouponChange.actor_kind).order_by(
                CouponChange.id
            )
        ).all()
        assert [tuple(step) for step in steps] == [
            (None, "issued", "member"),
            ("issued", "claimed", "member"),
        ]
    assert at.counted() == {"coupons": 1, "steps": 2, "issued": 1, "persons": 1}


def test_the_same_key_gets_the_same_answer_and_a_refusal_stays_one(shop: tuple[Shop, list[int]]) -> None:
    at, (one, two, three) = shop
    first, again = at.take(one, "key-of-one"), at.take(one, "key-of-one")
    assert isinstance(first, Coupon) and isinstance(again, Coupon) and first.id == again.id
    assert at.says(one, "another-key") == "per_person"
    assert at.says(two, "key-of-two") == "claimed"
    assert at.take(three, "key-of-three") == Refused("sold_out")
    at.db.write(lambda scope: service.void(scope, first.id), brand=at.brand)
    assert at.take(three, "key-of-three") == Refused("sold_out")  # what was said stays said
    assert at.says(three, "three-once-more") == "claimed"
    assert at.says(one, "key-of-one") == "void"
    with pytest.raises(UserError):
        at.take(two, "key-of-one")
    assert at.counted() == {"coupons": 3, "steps": 7, "issued": 2, "persons": 2}


def test_a_key_older_than_what_is_remembered_gets_its_coupon(shop: tuple[Shop, list[int]]) -> None:
    at, (member, *_) = shop
    first = at.take(member, "old-key")
    at.change(per_person=2)
    at.db.write(lambda scope: scope.session.execute(delete(idempotency.Idempotency)), brand=at.brand)
    again = at.take(member, "old-key", now=NOON + timedelta(days=20))
    assert isinstance(first, Coupon) and isinstance(again, Coupon) and again.id == first.id
    assert at.counted()["issued"] == 1


@OTHER_IN_DRILL
def test_why_not(shop: tuple[Shop, list[int]]) -> None:
    at, (one, two, _) = shop

    def why(**values: Any) -> Refused:
        at.change(**values)
        answer = at.take(one, f"key-{'-'.join(values)}")
        at.change(**dict.fromkeys(values))
        assert isinstance(answer, Refused)
        return answer

    def why_closed() -> Refused:
        at.change(state="closed")
        answer = at.take(one, "key-closed")
        at.change(state="open")
        assert isinstance(answer, Refused)
        return answer

    assert why_closed() == Refused("not_open", {"state": "closed"})
    later = NOON + MINUTE
    assert why(claim_from=later) == Refused("too_early", {"from": later.isoformat()})
    assert why(claim_until=NOON) == Refused("too_late", {"until": NOON.isoformat()})
    assert why(who={"all": [{"field": "orders", "min": 1}]}) == Refused("not_for_you")
    assert why(by_code=True) == Refused("code_needed")
    at.db.write(lambda scope: context.switch(scope, "coupon_spend_and_save", on=False), brand=at.brand)
    assert at.says(one, "key-parked") == "parked"
    at.db.write(lambda scope: context.switch(scope, "coupon_spend_and_save", on=True), brand=at.brand)
    at.change(per_day=1)
    assert (at.says(one, "key-day-1"), at.says(two, "key-day-2")) == ("claimed", "per_day")
    assert at.says(two, "key-day-3", now=NOON + timedelta(days=1)) == "claimed"
    for offer_id, member_id in ((1, two), (at.offer_id, 1)):
        with pytest.raises(NotFound):
            at.db.write(
                lambda s, o=offer_id, m=member_id: take(s, o, m, "nobody"),  # type: ignore[misc]
                brand=at.brand,
            )
    assert at.counted() == {"coupons": 2, "steps": 4, "issued": 2, "persons": 2}


def test_the_person_counts_not_the_member(shop: tuple[Shop, list[int]]) -> None:
    at, (one, two, _) = shop
    at.db.write(
        lambda scope: scope.session.execute(update(Member).where(Member.id == two).values(person_id=one)),
        brand=at.brand,
    )
    coupon = at.take(two, "by-the-other")
    assert isinstance(coupon, Coupon) and (coupon.member_id, coupon.person_id) == (two, one)
    assert at.says(one, "by-oneself") == "per_person"


FULL: dict[str, tuple[str, str]] = {
    "per_person": (
        "INSERT INTO offer_allowance (brand_id, offer_id, person_id, used) SELECT brand_id, {offer}, {member}, 1 FROM offer",
        "DELETE FROM offer_allowance",
    ),
    "per_day": (
        "INSERT INTO offer_day (brand_id, offer_id, day, used) SELECT brand_id, {offer}, '2026-05-10', 5 FROM offer",
        "DELETE FROM offer_day",
    ),
    "code_used_up": ("UPDATE offer_code SET used = 3", "UPDATE offer_code SET used = 0"),
    "sold_out": ("UPDATE offer SET issued = 2", "UPDATE offer SET issued = 0"),
    "not_open": ("UPDATE offer SET state = 'closed'", "UPDATE offer SET state = 'open'"),
}


@pytest.mark.parametrize("why", FULL)
def test_what_a_counter_refuses_leaves_no_row(
    shop: tuple[Shop, list[int]], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Others were faster between the look and the count: the answer is no, and whatever was counted is given back."""
    at, (member, *_) = shop
    at.change(per_day=5)
    at.db.write(lambda scope: codes.make_shared(scope, at.offer_id, "spring", 3), brand=at.brand)
    fill, empty = (text(one.format(offer=at.offer_id, member=member)) for one in FULL[why])
    look = taking._look

    def then_others(scope: Scope, *args: int) -> Any:
        facts = look(scope, *args)
        scope.session.execute(fill)
        return facts

    with monkeypatch.context() as patch:
        patch.setattr(taking, "_look", then_others)
        answer = at.take(member, "unlucky-key", code="spring")
    assert isinstance(answer, Refused) and answer.code == why
    at.db.write(lambda scope: scope.session.execute(empty), brand=at.brand)
    assert at.take(member, "unlucky-key", code="spring") == answer
    assert at.counted() == {"coupons": 0, "steps": 0, "issued": 0, "persons": 0}
    with at.db.read(brand=at.brand) as scope:
        assert sum(scope.session.scalars(select(OfferDay.used))) == 0
        assert sum(scope.session.scalars(select(OfferCode.used))) == 0
    assert at.says(member, "lucky-key", code="spring") == "claimed"


# --------------------------------------------------------------------------------------------------- kept for minutes only


@pytest.fixture
def kept(shop: tuple[Shop, list[int]], monkeypatch: pytest.MonkeyPatch) -> tuple[Shop, list[int]]:
    """Two coupons, each kept for ten minutes."""
    impl = registry().coupon_types["spend_and_save"][1]
    monkeypatch.setattr(type(impl), "keeps", lambda self, terms: 10)
    return shop


def test_kept_for_its_minutes_and_to_be_had_again_after_them(kept: tuple[Shop, list[int]]) -> None:
    at, (one, two, three) = kept
    first = at.take(one, "key-of-one")
    assert isinstance(first, Coupon)
    assert (first.state, first.held_until, first.claimed_at) == ("held", NOON + 10 * MINUTE, None)
    assert at.says(two, "key-of-two", now=NOON + MINUTE) == "held"
    assert at.says(three, "too-soon", now=NOON + 9 * MINUTE) == "sold_out"
    assert at.counted()["issued"] == 2
    assert at.says(three, "in-time", now=NOON + 10 * MINUTE) == "held"  # no sweep has been by
    assert at.says(one, "a-minute-early", now=NOON + 10 * MINUTE) == "sold_out"
    assert at.says(one, "once-more", now=NOON + 11 * MINUTE) == "held"
    assert at.says(two, "too-late", now=NOON + 11 * MINUTE) == "sold_out"
    assert at.says(one, "key-of-one") == "void"
    assert at.counted() == {"coupons": 4, "steps": 10, "issued": 2, "persons": 2}
    at.db.write(lambda scope: holds.end(scope, at.offer_id), brand=at.brand, now=NOON + timedelta(hours=1))
    assert at.counted() == {"coupons": 4, "steps": 12, "issued": 0, "persons": 0}


def test_used_in_time_it_is_theirs(kept: tuple[Shop, list[int]]) -> None:
    at, (one, *_) = kept
    coupon = at.take(one, "key-of-one")
    assert isinstance(coupon, Coupon)

    def use(scope: Scope, key: str) -> Redemption | Refused:
        return service.redeem(scope, typed=coupon.code, basket_minor=150_00, key=key)

    used = at.db.write(lambda scope: use(scope, "use-it"), brand=at.brand, now=NOON + 9 * MINUTE)
    assert isinstance(used, Redemption)
    at.db.write(lambda scope: holds.end(scope), brand=at.brand, now=NOON + timedelta(hours=1))
    assert at.counted()["issued"] == 1
    with at.db.read(brand=at.brand) as scope:
        assert scope.session.scalars(select(Coupon.state)).one() == "redeemed"


@OTHER_IN_DRILL
def test_after_its_minutes_it_cannot_be_used(kept: tuple[Shop, list[int]]) -> None:
    at, (one, *_) = kept
    coupon = at.take(one, "key-of-one")
    assert isinstance(coupon, Coupon)
    used = at.db.write(
        lambda scope: service.redeem(scope, typed=coupon.code, basket_minor=150_00, key="use-it"),
        brand=at.brand,
        now=NOON + 10 * MINUTE,
    )
    assert isinstance(used, Refused) and used.code == "void"
    assert at.counted()["issued"] == 0


@OTHER_IN_DRILL
def test_a_rule_asks_about_the_person(db: Database, brand: BrandRef) -> None:
    offer_id, (one, two, _) = begin(db, brand)

    def unit(scope: Scope) -> None:
        service.set_who(scope, offer_id, Rule((Condition("orders", least=1),)))
        make.make_order(scope, scope.session.get_one(Member, (brand.id, one)), date(2026, 5, 1))
        scope.session.execute(update(Member).where(Member.id == two).values(person_id=one))

    db.write(unit, brand=brand, now=NOON)
    at = Shop(db, brand, offer_id)
    assert at.says(two, "k-1") == "claimed"  # the person has ordered, by another of their members
    assert at.counted()["issued"] == 1
