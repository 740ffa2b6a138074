"""Every number of what coupons brought is what one counts by hand from the rows, and opens to exactly those coupons."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests import factories as make
from tests.support import seed
from webapp.coupons import figures, queries, service
from webapp.coupons.figures import Ask, CouponFigures
from webapp.coupons.models import Coupon, CouponChange, Offer, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.lifecycle.models import StageChange
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.tags import service as tags
from webapp.tags.models import MemberTag

pytestmark = pytest.mark.drill

START = datetime(2026, 5, 1, 15, 50, tzinfo=UTC)  # ten minutes before midnight in the shop
TODAY = date(2026, 6, 20)
NOW = datetime(2026, 6, 20, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Asia/Shanghai")


def fill(db: Database, brand: BrandRef) -> None:
    """Some forty coupons in every state, by the services; the same on every run."""
    chance = random.Random(11)
    clerks = [seed.actor(db, role) for role in ("clerk", "manager")]

    def people(scope: Scope) -> tuple[list[Member], list[int], list[int]]:
        stores = [make.make_store(scope, code).id for code in ("nanjing-road", "xujiahui")]
        everyone = [
            make.make_member(scope, number=f"f{n:03}", store_id=[*stores, None][n % 3]) for n in range(12)
        ]
        group = tags.add_group(scope, "Taste")
        worn = [tags.add_tag(scope, group, name) for name in ("Tea", "Coffee")]
        for n, member in enumerate(everyone):
            for tag_id in worn[: n % 3]:
                tags.put(scope, member.id, tag_id)
            for back, stage in ((40, "growth"), (8, "maturity"))[: n % 3]:
                at = START + timedelta(days=10 - back)
                scope.session.add(
                    StageChange(
                        brand_id=scope.brand.id,
                        id=scope.new_id(),
                        member_id=member.id,
                        decided_on=at.date(),
                        from_stage=None,
                        stage=stage,
                        reason="orders",
                        at=at,
                    )
                )
        terms = {"per_person": 20, "valid_days": 20}
        offers = [make.make_offer(scope, name=f"Twenty off {n}", **terms).id for n in range(2)]
        cash = service.new_offer(
            scope,
            "cash",
            service.OfferDetails(name="Ten off", terms={"amount": 10_00}, **terms),
            state="open",
        )
        assert isinstance(cash, Offer)
        return everyone, stores, [*offers, cash.id]

    everyone, stores, offers = db.write(people, brand=brand, now=START - timedelta(days=60))
    given: list[Coupon] = []
    for n in range(42):
        member, offer_id = everyone[n % 12], chance.choice(offers)
        at = START + timedelta(minutes=15 * n) + timedelta(days=n // 12)
        if n % 5:
            work = lambda s, m=member, o=offer_id, n=n: service.issue(  # noqa: E731
                s, o, [(m.id, m.person_id)], occurrence=f"campaign:{n}", campaign_id=n % 3
            )[m.id]
            given.append(db.write(work, brand=brand, now=at))
        else:
            work = lambda s, m=member, o=offer_id, n=n: service.give(s, o, m.id, f"by-hand-{n:05}")  # noqa: E731
            given.append(db.write(work, brand=brand, now=at, actor=clerks[n % 2]))
    for n, coupon in enumerate(given):
        assert isinstance(coupon, Coupon), coupon
        if n % 7 == 6:
            db.write(lambda s, c=coupon: service.void(s, c.id), brand=brand, now=coupon.issued_at)
            continue
        if n % 2:
            db.write(lambda s, c=coupon: service.claim(s, c.id), brand=brand, now=coupon.issued_at + HOUR)
        for turn in range(chance.choice((0, 1, 1, 2, 3))):
            use(db, brand, coupon, turn, chance, clerks, stores)
    db.write(lambda s: orders(s, everyone), brand=brand, now=NOW)


def use(
    db: Database,
    brand: BrandRef,
    coupon: Coupon,
    turn: int,
    chance: random.Random,
    clerks: list[Actor],
    stores: list[int],
) -> None:
    """Used for the first time, undone, used again: the turns in this order."""
    at = coupon.issued_at + timedelta(
        hours=2 + 20 * turn + chance.randrange(9), seconds=chance.randrange(999)
    )
    clerk = chance.choice(clerks)
    if turn == 1:
        with db.read(brand=brand) as scope:
            last = scope.session.scalars(
                select(Redemption.id).where(Redemption.open_coupon_id == coupon.id)
            ).one()
        db.write(lambda s: service.reverse(s, last), brand=brand, now=at)
        return
    used = db.write(
        lambda s: service.redeem(
            s,
            typed=coupon.code,
            basket_minor=150_00,
            key=f"use-{coupon.id}-{turn}",
            store_id=chance.choice([*stores, None]),
            till_number="",
        ),
        brand=brand,
        actor=clerk,
        now=at,
    )
    assert isinstance(used, Redemption), used


def orders(scope: Scope, everyone: list[Member]) -> None:
    """Some redemptions have their order, two of them the same one; some handed over a gift."""
    made = [make.make_order(scope, member, TODAY, 100_00 + n).id for n, member in enumerate(everyone)]
    for n, used in enumerate(scope.session.scalars(select(Redemption.id).order_by(Redemption.id)).all()):
        values: dict[str, Any] = {
            "order_id": made[n % 12] if n % 3 else None,
            "gift": "" if n % 4 else "A cup",
        }
        scope.session.execute(update(Redemption).where(Redemption.id == used).values(**values))


# ---------------------------------------------------------------------------------------------------------------- by hand


@dataclass
class Facts:
    """All rows of the brand, as they are."""

    coupons: list[Coupon]
    used: dict[int, list[Redemption]]
    members: dict[int, Member]
    types: dict[int, str]
    stages: list[StageChange]
    tags: dict[int, list[int]]
    first: dict[int, CouponChange]
    paid: dict[int, int]


def read(scope: Scope) -> Facts:
    def every(model: Any) -> Any:
        return scope.session.scalars(select(model).where(model.brand_id == scope.brand.id)).all()

    used, worn = defaultdict(list), defaultdict(list)
    for one in every(Redemption):
        used[one.coupon_id].append(one)
    for tag in every(MemberTag):
        worn[tag.member_id].append(tag.tag_id)
    return Facts(
        every(Coupon),
        used,
        {one.id: one for one in every(Member)},
        {one.id: one.type_key for one in every(Offer)},
        sorted(every(StageChange), key=lambda one: (one.decided_on, one.id)),
        worn,
        {one.coupon_id: one for one in every(CouponChange) if one.from_state is None},
        {one.id: one.paid_minor for one in every(Order)},
    )


def keys(facts: Facts, by: str, coupon: Coupon, used: Redemption | None) -> list[Any]:
    """The groups that a coupon stands in."""
    first = facts.first[coupon.id]
    stages = [
        one.stage for one in facts.stages if one.member_id == coupon.member_id and one.at <= coupon.issued_at
    ]
    return {
        "offer": [coupon.offer_id],
        "type": [facts.types[coupon.offer_id]],
        "stage": stages[-1:] or [None],
        "tag": facts.tags.get(coupon.member_id) or [None],
        "home": [facts.members[coupon.member_id].store_id],
        "giver": [first.actor_id if first.actor_kind == "staff" else None],
        "store": [used and used.store_id],
        "staff": [used and used.staff_id],
        figures.ALL: [coupon.brand_id],
    }[by]


Counted = dict[Any, dict[str, list[tuple[Coupon, Any]]]]


def count(facts: Facts, ask: Ask, actor: Actor) -> Counted:
    """group -> what -> the coupons, with the redemption that made them count."""
    found: Counted = defaultdict(lambda: defaultdict(list))

    def inside(day: date) -> bool:
        return (ask.since is None or ask.since <= day) and (ask.until is None or day <= ask.until)

    for coupon in facts.coupons:
        member = facts.members[coupon.member_id]
        if coupon.state == "void" or (actor.stores is not None and member.store_id not in actor.stores):
            continue
        if ask.of == "issued" and not inside(coupon.issued_at.astimezone(ZONE).date()):
            continue
        mine = facts.used.get(coupon.id, [])
        stands = next((one for one in mine if one.reversed_at is None), None)
        if ask.cohort:
            for key in keys(facts, ask.by, coupon, stands):
                found[key]["issued"].append((coupon, stands))
                if coupon.claimed_at:
                    found[key]["claimed"].append((coupon, stands))
                if coupon.state != "redeemed" and coupon.valid_until and coupon.valid_until < TODAY:
                    found[key]["expired"].append((coupon, stands))
        for one in mine:
            if ask.of == "used" and not inside(one.redeemed_on):
                continue
            for key in keys(facts, ask.by, coupon, one):
                what = found[key]
                if one is not stands:
                    if all(other is not coupon for other, _used in what["reversed"]):
                        what["reversed"].append((coupon, one))
                    continue
                what["redeemed"].append((coupon, one))
                if one.order_id:
                    what["ordered"].append((coupon, one))
                if one.gift:
                    what["gifts"].append((coupon, one))
                if all(other.person_id != coupon.person_id for other, _used in what["people"]):
                    what["people"].append((coupon, one))
    return found


def summed(facts: Facts, what: dict[str, list[tuple[Coupon, Any]]]) -> CouponFigures:
    used = what["redeemed"]
    own_orders = {one.order_id for _coupon, one in what["ordered"]}
    took = [
        int(one.redeemed_at.timestamp()) - int(coupon.claimed_at.timestamp())
        for coupon, one in used
        if coupon.claimed_at
    ]
    return CouponFigures(
        issued=len(what["issued"]),
        claimed=len(what["claimed"]),
        redeemed=len(used),
        saved_minor=sum(one.saving_minor for _coupon, one in used),
        orders=len(own_orders),
        revenue_minor=sum(facts.paid[order] for order in own_orders),
        people=len(what["people"]),
        reversed=len(what["reversed"]),
        expired=len(what["expired"]),
        gifts=len(what["gifts"]),
        median_seconds=median(took) if took else None,
    )


def asks() -> list[Ask]:
    """Every grouping of either kind of days, and some with a period and an offer."""
    first, last = date(2026, 5, 2), date(2026, 5, 4)  # the first coupon was given on the evening before
    every = [Ask(by, of) for by in (*figures.BY, figures.ALL) for of in figures.OF]
    return [
        *every,
        Ask("stage", "issued", first, last),
        Ask("tag", "used", first, last),
        Ask("staff", "issued", None, last),
        Ask("offer", "used", first, None),
    ]


def test_every_number_is_counted_by_hand_and_opens_to_its_coupons(
    db: Database, brand: BrandRef, app: Flask
) -> None:
    fill(db, brand)
    manager = seed.actor(db, "manager")
    with db.read(brand=brand) as scope:
        home = next(one.store_id for one in scope.session.query(Member) if one.store_id)
    with db.read(brand=brand, now=NOW) as scope:
        facts = read(scope)
    assert {one.state for one in facts.coupons} == {"issued", "claimed", "redeemed", "reversed", "void"}
    for actor in (manager, replace(manager, stores=frozenset({home}))):
        with db.read(brand=brand, actor=actor, now=NOW) as scope:
            for ask in asks() if actor.stores is None else asks()[-4:]:
                by_hand = count(facts, ask, actor)
                told = figures.figures(scope, ask)
                assert told == {
                    key: summed(facts, what) for key, what in by_hand.items() if any(what.values())
                }, ask
                assert figures.report(scope, ask) == (told, figures.total(scope, ask)), ask
                if actor.stores is None and (ask.of == "issued" or ask.since):
                    check_rows(scope, ask, by_hand)
            assert figures.total(scope, Ask("tag")) == figures.total(scope, Ask())
            among = figures.behind(scope, Ask(), "people")
            assert (
                len(queries.coupons(scope, among=among, limit=500).rows) == figures.total(scope, Ask()).people
            )


def check_rows(scope: Scope, ask: Ask, by_hand: Counted) -> None:
    """Each number of each group opens to the coupons that were counted."""
    for key, what in by_hand.items():
        for name in figures.WHAT:
            if name in figures.UNUSED_TOO and not ask.cohort:
                with pytest.raises(ValueError, match=name):
                    figures.behind(scope, ask, name, key)
                continue
            among = figures.behind(scope, ask, name, key)
            mine = (Coupon.brand_id == scope.brand.id, queries.in_reach(scope), among)
            rows = scope.session.execute(select(Coupon.id, Coupon.person_id).where(*mine)).all()
            wanted = [coupon for coupon, _used in what[name]]
            if name == "people":  # one coupon of each
                assert {one.person_id for one in rows} == {one.person_id for one in wanted}, (ask, key)
            else:
                assert {one.id for one in rows} == {one.id for one in wanted}, (ask, key, name)
            assert len(rows) == len(wanted), (ask, key, name)


def test_a_shop_without_coupons_has_no_groups(db: Database, brand: BrandRef) -> None:
    with db.read(brand=brand) as scope:
        assert figures.figures(scope, Ask("stage")) == {}
        assert figures.total(scope, Ask(of="used", since=TODAY)) == CouponFigures()
        assert figures.offer_figures(scope, [1, 2]) == {1: CouponFigures(), 2: CouponFigures()}
        assert figures.coupon_figures(scope, 99) == CouponFigures()
