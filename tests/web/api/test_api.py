"""A till's day by JSON: offers, taking, looking, quoting, using, undoing; each thing once; what is not allowed, and why."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from limits.storage import MemoryStorage
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.support.web import Client
from tests.web.api.tills import Till, give, new_key, said, why
from webapp.api import door, keys
from webapp.api.models import ApiKey
from webapp.coupons.models import Coupon, CouponChange, Redemption
from webapp.kernel import limits, secrets
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

BASKET = {"currency": "CNY", "total_minor": 150_00}


@pytest.fixture
def till(app: Flask, db: Database, brand: BrandRef) -> Till:
    return Till(app, new_key(db, brand))


@pytest.fixture
def store(db: Database, brand: BrandRef) -> str:
    return str(db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand))


def test_from_the_offer_to_the_undone_redemption(
    till: Till, db: Database, brand: BrandRef, store: str
) -> None:
    def unit(scope: Scope) -> tuple[int, int]:
        make.make_member(scope, number="m00017", phone="13800138000", name="Ada Byron")
        make.make_offer(scope, name="A draft", state="draft")
        return make.make_offer(scope, stock=5).id, make.make_offer(scope, name="Closed", state="draft").id

    offer_id, draft = db.write(unit, brand=brand)
    status = said(till.get("/status"))
    assert status["currency"] == "CNY" and status["key"]["scopes"] == list(keys.SCOPES)
    assert {one["id"] for one in status["stores"]} >= {store}
    [shown] = said(till.get("/offers"))["offers"]
    assert shown["id"] == str(offer_id) and shown["left"] == 5 and shown["stage"] == "open" and shown["says"]
    assert said(till.get(f"/offers/{offer_id}")) == shown
    assert why(till.get(f"/offers/{draft}"), 404) == ("not_found", "")

    claim = {"member": {"phone": "138 0013 8000"}}
    first = till.post(f"/offers/{offer_id}/claims", claim, once="claim-0001")
    coupon = said(first, 201)
    again = till.post(f"/offers/{offer_id}/claims", claim, once="claim-0001")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    other = till.post(f"/offers/{offer_id}/claims", {"member": {"number": "m00017"}}, once="claim-0001")
    assert why(other, 409) == ("idempotency_key_reused", "Idempotency-Key")
    refused = till.post(f"/offers/{offer_id}/claims", claim, once="claim-0002")
    assert why(refused, 409) == ("per_person", "")
    assert till.post(f"/offers/{offer_id}/claims", claim, once="claim-0002").data == refused.data
    assert said(till.get(f"/offers/{offer_id}"))["left"] == 4

    seen = said(till.get(f"/coupons/{coupon['code']}"))
    assert seen["member"] == "A•• B••" and seen["usable"] and seen["why"] is None
    asked = BASKET | {"codes": [coupon["code"]], "store": store}
    quote = said(till.post("/quote", asked, once=None))
    assert (quote["saving_minor"], quote["to_pay_minor"]) == (20_00, 130_00)
    assert why(till.post("/redemptions", asked | {"quote": "0" * 32}), 409) == ("quote_changed", "")
    used = said(till.post("/redemptions", asked | {"quote": quote["quote"], "till_number": "R-1"}), 201)
    [redemption] = used["redemptions"]
    assert (used["to_pay_minor"], used["store"], used["till_number"]) == (130_00, store, "R-1")
    twice = till.post("/redemptions", asked)
    assert why(twice, 409) == ("used", "codes[0]")
    assert twice.json["error"]["facts"]["id"] == redemption["id"]  # type: ignore[index]
    assert said(till.get(f"/coupons/{coupon['code']}"))["why"]["code"] == "used"

    back = said(till.post(f"/redemptions/{redemption['id']}/reverse"))
    assert back["redemption"]["reversed_at"] and back["coupon"]["state"] == "reversed"
    assert said(till.post(f"/redemptions/{redemption['id']}/reverse")) == back
    assert said(till.get(f"/coupons/{coupon['code']}"))["usable"]

    owner = seed.actor(db).id
    with db.read() as scope:
        row = scope.session.scalars(select(Redemption)).one()
        key = scope.session.scalars(select(ApiKey)).one()
        assert (row.staff_id, row.reversed_by, row.store_id) == (owner, owner, int(store))
        assert key.last_used_on is not None
        acted = {(one.verb, one.actor_kind, one.actor_id) for one in scope.session.scalars(select(Audit))}
        assert {(f"coupon.{verb}", "api", key.id) for verb in ("redeem", "reverse")} <= acted
        assert ("api.claim", "api", key.id) in acted
        kinds = {(one.state, one.actor_kind) for one in scope.session.scalars(select(CouponChange))}
        assert {("claimed", "api"), ("redeemed", "api"), ("reversed", "api")} <= kinds


@OTHER_IN_DRILL
def test_all_codes_or_none_and_lines_to_the_last_cent(till: Till, db: Database, brand: BrandRef) -> None:
    joins = db.write(lambda s: _joining(s), brand=brand)
    lines = [{"amount_minor": 99_99, "quantity": 3, "product": "6901"}, {"amount_minor": 50_02}]
    asked: dict[str, Any] = {"currency": "CNY", "lines": lines, "codes": joins}
    quote = said(till.post("/quote", asked, once=None))
    assert [sum(one["lines_minor"]) for one in quote["applied"]] == [20_00, 20_00]
    nobody = secrets.typed_code()
    assert why(till.post("/redemptions", asked | {"codes": [joins[0], nobody]}), 409) == (
        "unknown",
        "codes[1]",
    )
    assert why(till.post("/redemptions", asked | {"codes": ["AAAA", *joins]}), 409) == (
        "mistyped",
        "codes[0]",
    )
    used = said(till.post("/redemptions", asked), 201)
    assert [one["lines_minor"] for one in used["redemptions"]] == [
        one["lines_minor"] for one in quote["applied"]
    ]
    assert used["saving_minor"] == quote["saving_minor"] == 40_00


def _joining(scope: Scope) -> list[str]:
    from webapp.coupons import service
    from webapp.coupons.conditions import Conditions

    made = []
    member = make.make_member(scope)
    for n in range(2):
        offer = make.make_offer(scope, name=f"Joins {n}", conditions=Conditions(joins=True), place=n)
        one = service.give(scope, offer.id, member.id, f"joins-{n}-key")
        assert isinstance(one, Coupon)
        made.append(one.code)
    return made


@ONE_DATABASE
def test_the_door(till: Till, app: Flask, db: Database, brand: BrandRef, store: str, client: Client) -> None:
    [coupon] = give(db, brand)
    for header in ("", "Bearer", "Bearer rgk_x", f"Basic {till.secret}", f"Bearer {till.secret[:-1]}x"):
        answer = till.get("/status", Authorization=header)
        assert why(answer, 401) == ("key_needed", "") and answer.headers["WWW-Authenticate"]
    assert client.get("/api/v1/status").status_code == 401  # a signed-in browser is nobody here
    looks = Till(app, new_key(db, brand, "coupons"))
    said(looks.get("/status"))
    assert why(looks.get("/offers"), 403) == ("scope", "")
    asked = BASKET | {"codes": [coupon.code], "store": store}
    assert why(looks.post("/redemptions", asked), 403) == ("scope", "")
    other = str(db.write(lambda s: make.make_store(s, "nanjing-road").id, brand=brand))
    here = Till(app, new_key(db, brand, store_id=int(store)))
    assert [one["id"] for one in said(here.get("/status"))["stores"]] == [store]
    assert why(here.post("/redemptions", asked | {"store": other}), 409) == ("store_unknown", "store")
    used = said(till.post("/redemptions", asked | {"store": other}), 201)
    reverse = f"/redemptions/{used['redemptions'][0]['id']}/reverse"
    assert why(here.post(reverse), 403) == ("forbidden", "")

    elsewhere = db.write(lambda s: make.make_brand(s, "other"))

    def key_elsewhere(scope: Scope) -> str:
        made = keys.make(
            scope, name="Theirs", scopes=tuple(keys.SCOPES), store_id=None, key="a-form-of-theirs"
        )
        return made[1]  # type: ignore[index]

    theirs = Till(app, db.write(key_elsewhere, brand=elsewhere, actor=seed.actor(db)))
    assert said(theirs.get("/offers"))["offers"] == []
    assert why(theirs.get(f"/offers/{coupon.offer_id}"), 404)[0] == "not_found"
    assert why(theirs.get(f"/coupons/{coupon.code}"), 404)[0] == "unknown"
    assert why(theirs.post(reverse), 404)[0] == "not_found"
    assert why(theirs.post("/redemptions", BASKET | {"codes": [coupon.code]}), 409)[0] == "unknown"
    assert why(theirs.post(f"/offers/{coupon.offer_id}/claims", {"member": {"number": "m00001"}}), 404)

    with db.read(brand=brand) as scope:
        mine = [row.key.id for row in keys.listed(scope)]
    for key_id in mine:
        assert db.write(lambda s, id_=key_id: keys.revoke(s, id_), brand=brand, actor=seed.actor(db))  # type: ignore[misc]
    assert why(till.get("/status"), 401)[0] == why(here.get("/status"), 401)[0] == "key_needed"
    said(theirs.get("/status"))


@ONE_DATABASE
def test_what_does_not_fit_is_told_before_anything_is_done(till: Till, db: Database, brand: BrandRef) -> None:
    [coupon] = give(db, brand)
    good: dict[str, Any] = BASKET | {"codes": [coupon.code]}
    deep = b'{"codes":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    wrong: list[tuple[Any, dict[str, str], int, tuple[str, str]]] = [
        (good, {"Content-Type": "text/plain"}, 415, ("not_json", "")),
        (
            {"codes": coupon.code},
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            ("not_json", ""),
        ),
        (b"", {}, 400, ("bad_json", "")),
        (b'{"codes": [', {}, 400, ("bad_json", "")),
        (b"\xff\xfe", {}, 400, ("bad_json", "")),
        (deep, {}, 400, ("too_deep", "")),
        (b"[" * 10_000, {}, 400, ("too_deep", "")),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {}, 400, ("too_deep", "")),
        (b" " * (door.BODY + 1), {}, 413, ("too_large", "")),
        ([], {}, 422, ("invalid", "")),
        (good | {"colour": "red"}, {}, 422, ("invalid", "")),
        (good | {"total_minor": -1}, {}, 422, ("invalid", "total_minor")),
        (good | {"total_minor": 1.5}, {}, 422, ("invalid", "total_minor")),
        (good | {"total_minor": 10**13}, {}, 422, ("invalid", "total_minor")),
        (good | {"codes": []}, {}, 422, ("invalid", "codes")),
        (good | {"codes": ["a\0b"]}, {}, 422, ("invalid", "codes[0]")),
        (good | {"till_number": "x" * 81}, {}, 422, ("invalid", "till_number")),
        (good | {"lines": [{"amount_minor": 1, "price": 2}]}, {}, 422, ("invalid", "lines[0]")),
        ({"currency": "CNY", "codes": ["x"]}, {}, 422, ("invalid", "")),
        (good | {"currency": "EUR"}, {}, 409, ("currency", "currency")),
        (good | {"lines": [{"amount_minor": 1}]}, {}, 409, ("lines_do_not_sum", "total_minor")),
        (good | {"store": "9223372036854775808"}, {}, 409, ("store_unknown", "store")),
    ]
    for body, headers, status, told in wrong:
        answer = till.post("/redemptions", body, once="the-same-key", **headers)
        assert why(answer, status) == told, (str(body)[:80], answer.text)
    assert why(till.post("/redemptions", good, once=None), 400) == ("idempotency_key", "Idempotency-Key")
    assert why(till.post("/redemptions", good, once="short"), 400) == ("idempotency_key", "Idempotency-Key")
    assert why(till.get("/nothing"), 404)[0] == "not_found"
    assert why(till.get(f"/offers/{10**30}"), 404)[0] == "not_found"
    assert why(till.get("/offers?limit=0"), 422) == ("invalid", "limit")
    assert why(till.get("/offers?colour=red"), 422) == ("invalid", "")
    answer = till.get("/redemptions")
    assert why(answer, 405)[0] == "method_not_allowed" and "POST" in answer.headers["Allow"]
    assert why(till.open("POST", f"/offers/{coupon.offer_id}", b"{}"), 405)[0] == "method_not_allowed"
    said(till.post("/redemptions", good, once="the-same-key"), 201)  # what did not fit has spent no key


@ONE_DATABASE
def test_too_much_is_refused_for_a_while(
    till: Till, db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_memory", MemoryStorage())
    [coupon] = give(db, brand)
    monkeypatch.setattr(door, "GUESSES", 4)
    path, nobody = f"/offers/{coupon.offer_id}/claims", {"member": {"number": "nobody"}}
    for _ in range(6):  # one guess, however often it is sent
        assert why(till.post(path, nobody, once="nobody-01"), 409) == ("member_unknown", "member")
    for _ in range(3):
        assert why(till.get("/coupons/AAAAAAAAA"), 404)[0] == "mistyped"  # costs nothing
        assert why(till.get(f"/coupons/{secrets.typed_code()}"), 404)[0] == "unknown"
    assert why(till.get(f"/coupons/{coupon.code}"), 429)[0] == "too_many_guesses"
    claim = till.post(f"/offers/{coupon.offer_id}/claims", {"member": {"phone": "13800138009"}})
    assert why(claim, 429)[0] == "too_many_guesses" and claim.headers["Retry-After"]
    again = till.post(path, nobody, once="nobody-01")  # what was answered is answered again
    assert why(again, 409)[0] == "member_unknown" and again.headers["Idempotency-Replayed"] == "true"
    monkeypatch.setattr(door, "PER_MINUTE", 12)
    monkeypatch.setattr(limits, "_memory", MemoryStorage())
    assert [till.get("/status").status_code for _ in range(14)] == [200] * 12 + [429] * 2
