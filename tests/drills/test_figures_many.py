"""A hundred thousand coupons of twelve hundred offers: what they brought takes a handful of statements, and the
drill says how long each page took (nothing is asserted of that)."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client
from webapp.coupons import figures
from webapp.coupons.figures import Ask
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferTerms, Redemption
from webapp.kernel import bulk
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import StageChange
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.tags import service as tags
from webapp.tags.models import MemberTag

pytestmark = [pytest.mark.drill, ONE_DATABASE]
NOW = datetime(2026, 6, 20, 4, tzinfo=UTC)
PEOPLE, OFFERS, COUPONS = 10_000, 1_200, 100_000
A_DAY = timedelta(days=1)


def fill(scope: Scope) -> None:
    """Rows past the services: 30 in 100 coupons used, half of those with an order, 2 in 100 uses undone."""
    chance = random.Random(5)
    brand, clerk = scope.brand.id, seed.actor(scope.db, "clerk").id  # type: ignore[arg-type]
    stores = [make.make_store(scope, code).id for code in ("nanjing-road", "xujiahui")]
    people, offers, coupons = (list(scope.new_ids(n)) for n in (PEOPLE, OFFERS, COUPONS))
    bulk.insert(
        scope, Member,
        ("brand_id", "id", "person_id", "number", "name", "gender", "store_id", "joined_on", "joined_given", "draw",
         "facts_seq", "created_at", "updated_at"),
        [(brand, id_, id_, f"n{id_}", "", "", stores[id_ % 2], NOW.date(), True, id_ % 2**31, 0, NOW, NOW) for id_ in people],
    )  # fmt: skip
    bulk.insert(
        scope, Offer,
        ("brand_id", "id", "code", "name", "type_key", "terms_version", "state", "issued", "per_person", "saved_minor",
         "place", "created_at"),
        [(brand, id_, f"c{id_}", f"Offer {id_}", ("spend_and_save", "cash", "percent")[id_ % 3], 1, "open", 0, 1, 0, 0, NOW)
         for id_ in offers],
    )  # fmt: skip
    bulk.insert(
        scope, OfferTerms,
        ("brand_id", "id", "offer_id", "version", "type_version", "terms", "conditions", "valid_days", "created_at"),
        [(brand, id_, offer, 1, 1, {"amount": 1000}, {}, 30, NOW) for id_, offer in zip(scope.new_ids(OFFERS), offers, strict=True)],
    )  # fmt: skip
    taste = tags.add_group(scope, "Taste")
    worn = [tags.add_tag(scope, taste, name) for name in ("Tea", "Coffee")]  # type: ignore[arg-type]
    bulk.insert(
        scope, MemberTag, ("brand_id", "member_id", "tag_id", "source", "at"),
        [(brand, id_, tag, "hand", NOW) for tag in worn for id_ in people if chance.random() < 0.4],
    )  # fmt: skip
    moves = [
        (back, stage, id_)
        for back, stage in ((200, "growth"), (60, "maturity"), (20, "dormancy"))
        for id_ in people
    ]
    bulk.insert(
        scope, StageChange, ("brand_id", "id", "member_id", "decided_on", "stage", "reason", "at"),
        [(brand, id_, who, (NOW - back * A_DAY).date(), stage, "orders", NOW - back * A_DAY)
         for id_, (back, stage, who) in zip(scope.new_ids(len(moves)), moves, strict=True)],
    )  # fmt: skip
    orders = list(scope.new_ids(PEOPLE))
    bulk.insert(
        scope, Order,
        ("brand_id", "id", "source", "number", "member_id", "person_id", "ordered_at", "ordered_on", "gross_minor",
         "discount_minor", "paid_minor", "digest", "lines_digest"),
        [(brand, id_, "till", str(id_), who, who, NOW, NOW.date(), 100_00, 0, 90_00, 1, 0)
         for id_, who in zip(orders, people, strict=True)],
    )  # fmt: skip
    given, changes, used = [], [], []
    ids = iter(scope.new_ids(3 * COUPONS))
    for n, id_ in enumerate(coupons):
        who, at = people[n % PEOPLE], NOW - timedelta(minutes=n)
        redeemed = chance.random() < 0.3
        claimed = at + timedelta(minutes=7) if redeemed or n % 2 else None
        state = "redeemed" if redeemed else "claimed" if claimed else "issued"
        given.append((brand, id_, offers[n % OFFERS], who, who, f"campaign:{n}", 1, f"t{id_}", f"c{id_}"[-12:], state,
                      at.date(), (at + 30 * A_DAY).date(), at, claimed, at + A_DAY if redeemed else None))  # fmt: skip
        changes.append((brand, next(ids), id_, "issued", at, "staff" if n % 10 == 0 else "system", clerk, {}))
        turns = [False, True] if redeemed and n % 50 == 0 else [True] if redeemed else []
        for stands in turns:
            later = at + timedelta(minutes=chance.randrange(9, 9999))
            used.append((brand, next(ids), id_, id_ if stands else None, stores[n % 2], clerk, 100_00, 10_00,
                         orders[n % PEOPLE] if n % 2 else None, "", later, later.date(), None if stands else later))  # fmt: skip
    bulk.insert(
        scope, Coupon,
        ("brand_id", "id", "offer_id", "member_id", "person_id", "occurrence", "terms_version", "token", "code", "state",
         "valid_from", "valid_until", "issued_at", "claimed_at", "redeemed_at"),
        given,
    )  # fmt: skip
    bulk.insert(
        scope, CouponChange, ("brand_id", "id", "coupon_id", "state", "at", "actor_kind", "actor_id", "detail"), changes
    )  # fmt: skip
    bulk.insert(
        scope, Redemption,
        ("brand_id", "id", "coupon_id", "open_coupon_id", "store_id", "staff_id", "basket_minor", "saving_minor", "order_id",
         "gift", "redeemed_at", "redeemed_on", "reversed_at"),
        used,
    )  # fmt: skip


def test_a_hundred_thousand_coupons(db: Database, brand: BrandRef, app: Flask, client: Client) -> None:
    statements: list[str] = []
    event.listen(db.reader, "before_cursor_execute", lambda *told: statements.append(told[2]))

    db.write(fill, brand=brand, now=NOW)
    for by in figures.BY:
        address = f"/offers/figures?by={by}"
        assert client.get(address).status_code == 200  # its template is compiled once
        statements.clear()
        began, worked = time.perf_counter(), time.thread_time()
        answer = client.get(address)
        took, worked = time.perf_counter() - began, time.thread_time() - worked
        print(
            f"{address}: {took:.2f} s, {worked:.2f} s of processor, {len(statements)} statements, {len(answer.data) / 1000:.0f} kB"
        )
        assert 0 < len(statements) < 25, statements
    with db.read(brand=brand, now=NOW) as scope:
        whole = figures.total(scope, Ask())
    assert whole.issued == COUPONS and whole.people <= PEOPLE
