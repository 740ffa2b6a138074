"""What a stranger learns and takes who types somebody's phone on an offer's public page: nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, Worker
from tests.web.coupons.claiming import HERS, HIS, NOBODYS, all_of, url
from webapp.coupons import service, wallet
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import service as members
from webapp.members.models import Consent, ConsentNow

pytestmark = ONE_DATABASE
Page = Callable[..., Offer]
Phone = Callable[[], Client]


def test_nothing_is_told_about_a_phone_or_an_address(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    """The same answers for what nobody has, a member holds, a member who said no to everything, and somebody typed before."""

    def people(scope: Scope) -> None:
        make.make_member(scope, name="Han Mei", phone=HIS, email="mei@acme.example")
        no = make.make_member(
            scope, name="Li Lei", phone=HERS, email="lei@acme.example", consents={"email": False}
        )
        for channel in ("sms", "task", "email"):
            members.set_consent(scope, no.id, channel, "marketing", False, "member")

    db.write(people, brand=brand)
    offer = page(per_person=1, stock=1000)

    def answer(**typed: str) -> list[Any]:
        """Every answer on the way: status, headers that matter, the names of cookies, the body without its random words."""
        visitor, told = phone(), []
        taken = {one.code for one in all_of(db, Coupon)}
        for got in (
            visitor.get(url(offer)),
            visitor.submit(url(offer), typed | {"consent_email_marketing": "y"}, follow_redirects=False),
            visitor.get(f"/c/{sorted(all_of(db, Coupon), key=lambda one: one.id)[-1].token}"),
            visitor.get(url(offer)),
            visitor.post(url(offer), data={"key": f"a-form-of-before-{len(taken)}"}),
        ):
            body = re.sub(r"(?s)<svg.*?</svg>", "", got.text)
            for code in {one.code for one in all_of(db, Coupon)} - taken:
                body = body.replace(code[:3] + " " + code[3:6] + " " + code[6:], "CODE")
            assert "Han" not in body and "Li Lei" not in body
            headers = {
                name: re.sub(r"(/c/|nonce-)[\w-]+", r"\1WORD", value)
                for name, value in got.headers
                if name not in ("Date", "Set-Cookie", "Content-Length", "Server-Timing", "X-Request-Id")
            }
            cookies = sorted(one.split("=")[0] for one in got.headers.getlist("Set-Cookie"))
            body = re.sub(r'/c/[\w-]+|name="\w+" value="[^"]*"', "", body)
            told.append((got.status_code, headers, cookies, body))
        return told

    fresh = answer(phone=NOBODYS)
    assert [one[0] for one in fresh] == [200, 303, 200, 200, 409]
    assert answer(phone=HIS) == fresh
    assert answer(phone=HERS) == fresh, "who said no to everything"
    assert answer(phone=NOBODYS) == fresh, "typed here before"
    mail = answer(email="new@acme.example")
    assert answer(email="mei@acme.example") == mail == answer(email="lei@acme.example")


def test_a_no_is_not_outweighed_by_a_box_that_anybody_can_tick(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    def no(scope: Scope) -> None:
        made = make.make_member(scope, phone=HIS, email="lei@acme.example")
        members.set_consent(scope, made.id, "email", "marketing", False, "member")

    db.write(no, brand=brand)
    offer = page()
    for address in ("lei@acme.example", "new@acme.example"):
        phone().submit(url(offer), {"email": address, "consent_email_marketing": "y"})
    Worker(db).run()
    said = [one for one in all_of(db, ConsentNow) if one.granted]
    assert len(said) == 1
    (source,) = {one.source for one in all_of(db, Consent) if one.granted}
    assert source == f"claim:{offer.id}"


def test_a_phone_uses_an_offer_as_often_as_one_person_may(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    offer = page(per_person=2)
    for typed in (HIS, f"+86 {HIS}", "138-0013-8000"):
        phone().submit(url(offer), {"phone": typed})
    phone().submit(url(offer), {"phone": HERS})
    clerk = seed.actor(db, "clerk")

    def use(coupon: Coupon, key: str) -> Any:
        return db.write(
            lambda s: service.redeem(s, typed=coupon.code, basket_minor=150_00, key=key),
            brand=brand,
            actor=clerk,
        )

    one, two, three, other = all_of(db, Coupon)
    first = use(one, "till-key-1")
    assert isinstance(first, Redemption) and isinstance(use(two, "till-key-2"), Redemption)
    refused = use(three, "till-key-3")
    assert isinstance(refused, Refused) and refused.code == "claim_used"
    assert isinstance(use(other, "till-key-4"), Redemption), "another phone"
    db.write(lambda s: service.reverse(s, first.id), brand=brand)
    assert isinstance(use(three, "till-key-5"), Refused), (
        "given back, it may be used again, and keeps its place"
    )
    assert isinstance(db.write(lambda s: service.void(s, one.id), brand=brand), Coupon)
    assert isinstance(use(three, "till-key-6"), Redemption), "taken away, it leaves its place"


def test_whoever_types_a_members_phone_takes_nothing_from_them(
    page: Page, phone: Phone, db: Database, brand: BrandRef
) -> None:
    offer, owner = page(), phone()
    member = db.write(lambda s: make.make_member(s, phone=HIS).id, brand=brand)
    phone().submit(url(offer), {"phone": HIS})  # a stranger, first
    owner.get(wallet.path(brand.id, member))
    owner.submit(url(offer))
    strangers, own = all_of(db, Coupon)
    assert own.member_id == member != strangers.member_id

    def use(coupon: Coupon, key: str) -> Any:
        return db.write(
            lambda s: service.redeem(s, typed=coupon.code, basket_minor=150_00, key=key), brand=brand
        )

    assert isinstance(use(own, "till-key-1"), Redemption)
    refused = use(strangers, "till-key-2")
    assert isinstance(refused, Refused) and refused.code == "claim_used", "what its owner used counts"
    assert strangers.code not in owner.get(wallet.path(brand.id, member)).text
