"""A member takes a coupon: given and taken at once, once a key, a refusal kept as well as a coupon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from tests import factories as make
from webapp.coupons import auditing, codes, holds, service
from webapp.coupons import take as taking
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, OfferCode, OfferDay, Redemption
from webapp.coupons.take import take
from webapp.kernel import idempotency
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused, UserError
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_runtime import context
from webapp.plugin_runtime.runtime import registry
from webapp.segments.rules import Condition, Rule

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def begin(db: Database, brand: BrandRef, count: int = 3, **offer: Any) -> tuple[int, list[int]]:
    def unit(scope: Scope) -> tuple[int, list[int]]:
        return make.make_offer(scope, **offer).id, [one.id for one in make.make_members(scope, count)]

    return db.write(unit, brand=brand, now=NOON)


class Shop:
    """Takes in a unit each, as an edge does."""

    def __init__(self, db: Database, brand: BrandRef, offer_id: int) -> None:
        self.db, self.brand, self.offer_id = db, brand, offer_id

    def take(self, member_id: int, key: str, *, code: str = "", now: datetime = NOON) -> Coupon | Refused:
        return self.db.write(
            lambda scope: take(scope, self.offer_id, member_id, key, code=code),
            brand=self.brand,
            actor=Actor("member", member_id),
            now=now,
        )

    def says(self, member_id: int, key: str, **more: Any) -> str:
        answer = self.take(member_id, key, **more)
        return answer.code if isinstance(answer, Refused) else answer.state

    def change(self, **values: Any) -> None:
        self.db.write(
            lambda scope: scope.session.execute(
                update(Offer).where(Offer.id == self.offer_id).values(**values)
            ),
            brand=self.brand,
        )

    def counted(self) -> dict[str, int]:
        """Rows and counters, while every promise holds."""
        assert [one.promise.key for one in auditing.check(self.db, self.brand) if one.broken] == []
        with self.db.read(brand=self.brand) as scope:
            asked = {
                "coupons": select(func.count()).select_from(Coupon),
                "steps": select(func.count()).select_from(CouponChange),
                "issued": select(Offer.issued).where(Offer.id == self.offer_id),
                "persons": select(func.coalesce(func.sum(OfferAllowance.used), 0)),
            }
            return {name: scope.session.scalar(query) or 0 for name, query in asked.items()}


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


# ------------------------------------------------------------------------------------------------------------------ codes


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


def test_a_code_of_another_offer_brings_nothing(db: Database, brand: BrandRef) -> None:
    offer_id, (member, *_) = begin(db, brand, by_code=True)
    other = db.write(lambda scope: make.make_offer(scope, name="Other").id, brand=brand)
    db.write(lambda scope: codes.make_shared(scope, other, "autumn"), brand=brand)
    assert Shop(db, brand, offer_id).says(member, "k-1", code="autumn") == "code_unknown"
    assert Shop(db, brand, other).says(member, "k-2", code="autumn") == "claimed"
    taken = db.write(lambda scope: codes.make_shared(scope, offer_id, "Autumn"), brand=brand)
    assert taken == Refused("word_taken")


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
