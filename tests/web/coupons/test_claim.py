"""An offer's public page: anybody takes one, a known browser at once, and nobody learns anything about a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from tests.web.coupons.claiming import HERS, HIS, all_of, count, issued, url
from webapp.coupons import conditions, service, wallet
from webapp.coupons.models import Coupon, Offer, OfferCode
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import confirming
from webapp.members.models import Consent, Member, MemberIdentity

pytestmark = ONE_DATABASE
NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
Page = Callable[..., Offer]
Phone = Callable[[], Client]


# -- taking one -------------------------------------------------------------------------------------------------------


def test_a_stranger_leaves_a_phone_and_has_the_coupon(page: Page, phone: Phone, db: Database) -> None:
    offer, visitor = page(), phone()
    seen = visitor.get(url(offer))
    assert seen.status_code == 200 and "noindex" in seen.headers["X-Robots-Tag"]
    assert "Spend CN¥100.00, save CN¥20.00" in text_of(seen.text) and " checked" not in seen.text
    got = visitor.submit(url(offer), {"phone": "138 0013 8000"})
    (coupon,) = all_of(db, Coupon)
    assert got.request.path == f"/c/{coupon.token}" and coupon.state == "claimed"
    assert coupon.code in got.text.replace(" ", "") and issued(db, offer) == 1
    (identity,) = all_of(db, MemberIdentity)
    assert (identity.value, identity.holder, identity.verified) == (f"+86{HIS}", None, False)
    assert not all_of(db, Consent), "a box that stays empty is no answer"
    assert "/p/" not in got.text and "/w/" not in got.text, "whoever typed a phone gets nobody's private link"


def test_double_tap_takes_one(page: Page, phone: Phone, db: Database) -> None:
    offer, visitor = page(per_person=5, stock=1), phone()
    key = re.search(r'name="key" value="([^"]+)"', visitor.get(url(offer)).text)
    assert key is not None
    data = {"phone": HIS, "key": key[1]}
    taps = [visitor.post(url(offer), data=data) for _ in range(2)]  # the second with the cookie of the first
    taps.append(phone().post(url(offer), data=data))  # and without: the first answer was lost
    assert len({one.headers["Location"] for one in taps}) == 1
    assert (count(db, Member), count(db, Coupon), issued(db, offer)) == (1, 1, 1)


def test_the_same_browser_is_known_and_held_to_its_share(page: Page, phone: Phone, db: Database) -> None:
    offer, other, visitor = page(), page(name="Summer"), phone()
    visitor.submit(url(offer), {"phone": HIS})
    (coupon,) = all_of(db, Coupon)
    seen = visitor.get(url(offer))
    assert f"/c/{coupon.token}" in seen.text and 'name="phone"' not in seen.text
    assert "Take another one" not in seen.text
    refused = visitor.post(url(offer), data={"key": "a-form-of-before"})
    assert refused.status_code == 409 and "as many of these as one person may have: 1" in text_of(
        refused.text
    )
    assert visitor.submit(url(other)).request.path.startswith("/c/")
    assert (count(db, Member), count(db, Coupon)) == (1, 2)
    visitor.submit(f"{url(offer)}?new=1", {"phone": HERS})
    assert (count(db, Member), count(db, Coupon)) == (2, 3)


def test_a_private_link_opened_before_takes_at_once(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    offer, visitor = page(), phone()
    member = db.write(lambda s: make.make_member(s, name="Han Mei", phone=HIS).id, brand=brand)
    visitor.get(wallet.path(brand.id, member))
    seen = visitor.get(url(offer))
    assert 'name="phone"' not in seen.text and "Han Mei" not in seen.text
    visitor.submit(url(offer))
    (coupon,) = all_of(db, Coupon)
    assert coupon.member_id == member and count(db, Member) == 1


def test_a_typed_membership_counts_for_its_browser_until_it_is_confirmed(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    """Somebody types another's phone first; its owner comes and staff confirm it: the first browser is nobody again."""
    offer, later, thief = page(), page(name="Summer"), phone()
    thief.submit(url(offer), {"phone": HIS})
    (member,) = all_of(db, Member)
    assert db.write(lambda s: confirming.confirm_phone(s, member.id), brand=brand) is True
    seen = thief.get(url(later))
    assert 'name="phone"' in seen.text and "/c/" not in thief.get(url(offer)).text
    thief.submit(url(later), {"phone": HIS})
    assert all_of(db, Coupon)[-1].member_id != member.id
    assert "/p/" not in thief.get(f"/c/{all_of(db, Coupon)[0].token}").text


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_nobody_joins_by_a_coupon_that_was_not_given(page: Page, phone: Phone, db: Database) -> None:
    offer = page(stock=1)
    late = phone()
    form = late.get(url(offer)).text
    phone().submit(url(offer), {"phone": HIS})
    key = re.search(r'name="key" value="([^"]+)"', form)
    assert key is not None
    got = late.post(url(offer), data={"phone": HERS, "key": key[1]})
    assert got.status_code == 409 and "All are taken." in text_of(got.text)
    sold = phone().get(url(offer))
    assert "sold out" in text_of(sold.text) and 'name="phone"' not in sold.text
    assert (count(db, Member), count(db, Coupon), issued(db, offer)) == (1, 1, 1)


def test_each_stage_is_said(page: Page, phone: Phone, db: Database, brand: BrandRef) -> None:
    with time_machine.travel(NOON, tick=False):
        window = {"claim_from": NOON + timedelta(hours=1), "claim_until": NOON + timedelta(hours=3)}
        offer = page(stock=20, per_day=1, **window)
        early = phone().get(url(offer))
        assert "You can take it from" in text_of(early.text) and 'name="phone"' not in early.text
        post = phone().post(url(offer), data={"phone": HIS, "key": "a-key-12345"})
        assert post.status_code == 409 and "You can take it from" in text_of(post.text)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        text = text_of(phone().get(url(offer)).text)
        assert "You can take it until" in text and "few left" not in text
        phone().submit(url(offer), {"phone": HIS})
        assert "There are more tomorrow." in text_of(phone().get(url(offer)).text)
        assert phone().post(url(offer), data={"phone": HERS, "key": "a-key-12346"}).status_code == 409
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        assert "It cannot be taken any more." in text_of(phone().get(url(offer)).text)
    few = page(stock=3)
    assert "few left" in text_of(phone().get(url(few)).text)
    db.write(lambda s: service.close_offer(s, few.id), brand=brand)
    assert "ended" in text_of(phone().get(url(few)).text)


def test_only_for_whom_it_is_meant(page: Page, phone: Phone, db: Database) -> None:
    offer = page(who={"all": [{"field": "tag", "in": ["1"]}]})
    got = phone().submit(url(offer), {"phone": HIS})
    assert got.status_code == 409 and count(db, Member) == 0


def test_by_code(page: Page, phone: Phone, db: Database, brand: BrandRef) -> None:
    offer = page(by_code=True)

    def coin(scope: Scope) -> None:
        scope.session.add(
            OfferCode(
                brand_id=brand.id, id=scope.new_id(), offer_id=offer.id, code="SPRING", batch="", most=1,
                used=0, created_at=scope.now,
            )
        )  # fmt: skip

    db.write(coin, brand=brand)
    none = phone().submit(url(offer), {"phone": HIS})
    assert none.status_code == 422 and "Type the code that you were given." in text_of(none.text)
    wrong = phone().submit(url(offer), {"phone": HIS, "code": "WINTER"})
    assert (
        wrong.status_code == 422 and "no such code" in text_of(wrong.text) and 'value="WINTER"' in wrong.text
    )
    assert phone().submit(url(offer), {"phone": HIS, "code": "spring"}).request.path.startswith("/c/")
    spent = phone().submit(url(offer), {"phone": HERS, "code": "SPRING"})
    assert spent.status_code == 422 and "as often as it can be" in text_of(spent.text)
    assert (count(db, Member), count(db, Coupon)) == (1, 1)


def test_codes_are_not_found_by_trying(page: Page, phone: Phone) -> None:
    offer = page(by_code=True)
    tries = [
        phone()
        .post(url(offer), data={"phone": HIS, "code": f"CODE{n}", "key": f"robot-key-{n:04}"})
        .status_code
        for n in range(33)
    ]
    assert tries[:30] == [422] * 30 and tries[30:] == [429] * 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Please give a phone or an e-mail address"),
        ({"phone": "12"}, "This is no phone number"),
        ({"email": "no address"}, "This is no e-mail address"),
    ],
)
def test_mistakes_stand_beside_their_field(
    page: Page, phone: Phone, db: Database, typed: dict[str, str], said: str
) -> None:
    got = phone().submit(url(page()), typed)
    assert got.status_code == 422 and said in text_of(got.text) and count(db, Member) == 0
    assert all(f'value="{value}"' in got.text for value in typed.values())


def test_robots_are_slowed_while_persons_are_served(page: Page, phone: Phone, db: Database) -> None:
    offer = page()
    trap = phone().submit(url(offer), {"phone": HIS, "website": "http://spam.example"})
    assert trap.status_code == 200 and count(db, Member) == 0
    statuses = [
        phone().post(url(offer), data={"phone": f"139001{n:05}", "key": f"robot-key-{n:04}"}).status_code
        for n in range(62)
    ]
    assert statuses.count(303) == 59 and statuses[-1] == 429, "the one in the trap counts"
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
    fine = phone().post(url(offer), data={"phone": HIS, "key": "a-persons-key"}, **elsewhere)
    assert fine.status_code == 303
    assert phone().get(url(offer)).status_code == 200


def test_a_draft_and_a_word_of_nobodys_lead_nowhere(page: Page, phone: Phone) -> None:
    draft = page(state="draft")
    for path in (url(draft), "/get/x", "/get/AAAAAAAAAAAAAAAA", "/get/%00", "/get/é", "/get/" + "x" * 200):
        assert phone().get(path).status_code == 404
        assert phone().post(path, data={"phone": HIS, "key": "a-key-12345"}).status_code == 404


# -- words, and staff --------------------------------------------------------------------------------------------------


def test_conditions_stand_in_words_before_and_after(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    said = conditions.dump(
        conditions.Conditions(
            weekdays=(0, 1, 2, 3), hours=(840, 1020), categories=("tea",), least_minor=50_00, joins=True
        )
    )
    visitor = phone()
    offer = page(said=said)
    text = text_of(visitor.get(url(offer)).text)
    for sentence in (
        "Good on Monday to Thursday.",
        "Good from 2:00",
        "Good for: tea.",
        "CN¥50.00",
        "together",
    ):
        assert sentence in text
    coupon = text_of(visitor.submit(url(offer), {"phone": HIS}).text)
    assert "Good on Monday to Thursday." in coupon
    chinese = phone().get(url(offer), headers={"Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in chinese.text and "Good on" not in chinese.text


def test_staff_make_the_page_and_take_it_down(
    app: Flask, client: Client, phone: Phone, db: Database, brand: BrandRef
) -> None:
    offer = db.write(lambda s: make.make_offer(s), brand=brand)
    assert f"/offers/{offer.id}/page" in client.get(f"/offers/{offer.id}").text
    client.submit(f"/offers/{offer.id}/page", form="/page")
    (made,) = all_of(db, Offer)
    shown = client.get(f"/offers/{offer.id}/page")
    assert f"/get/{made.token}" in shown.text and "<svg" in shown.text.split('class="qr"')[1]
    client.post(f"/offers/{offer.id}/page")
    assert all_of(db, Offer)[0].token == made.token, "pressed twice it is the same page"
    assert phone().get(url(made)).status_code == 200
    client.submit(f"/offers/{offer.id}/page", form="/page/down")
    assert phone().get(url(made)).status_code == 404
    clerk = phone().sign_in("clerk")
    assert clerk.get(f"/offers/{offer.id}/page").status_code == 403
