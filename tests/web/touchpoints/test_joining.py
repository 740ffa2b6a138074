"""Joining by a printed code: no sign-in, once, and nothing told about anybody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.brands import queries as brands
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef
from webapp.members import confirming
from webapp.members import queries as members
from webapp.members.models import Consent, Member, MemberGuide, MemberIdentity
from webapp.orders.models import Order
from webapp.touchpoints import service
from webapp.touchpoints.models import Touchpoint, TouchpointJoin, TouchpointScan

pytestmark = ONE_DATABASE
Point = Callable[..., Touchpoint]
Phone = Callable[[], Client]
HIS = "13800138000"


def count(db: Database, model: Any) -> int:
    with db.read() as scope:
        return scope.session.scalar(select(func.count()).select_from(model)) or 0


def all_of(db: Database, model: Any) -> list[Any]:
    with db.read() as scope:
        return list(scope.session.scalars(select(model)))


def codes(db: Database) -> list[str]:
    return [one.code for one in sorted(all_of(db, Coupon), key=lambda one: one.id)]


def test_a_stranger_joins_and_sees_the_coupon(point: Point, phone: Phone, db: Database) -> None:
    place = f"/t/{point(offer=True, welcome='Hello there', ask_birthday=True).code}"
    visitor = phone()
    page = visitor.get(place)
    text = text_of(page.text)
    assert (
        "Hello there" in text and "Acme" in text and "checked" not in page.text
    )  # no box is ticked for them
    got = visitor.submit(place, {"phone": "138 0013 8000", "name": "Li Lei", "birthday": "1990-02-28"})
    coupon = all_of(db, Coupon)[0]
    assert got.request.path == f"/c/{coupon.token}" and coupon.state == "claimed"
    assert "Hello there" in text_of(got.text) and coupon.code in got.text.replace(" ", "")
    (identity,) = all_of(db, MemberIdentity)
    assert (identity.value, identity.holder, identity.verified) == (f"+86{HIS}", None, False)
    assert not all_of(db, Consent), "a box that stays empty is no answer"
    (member,) = all_of(db, Member)
    assert member.name == "Li Lei" and member.birthday.isoformat() == "1990-02-28"


def test_what_is_ticked_is_kept_with_source_and_moment(point: Point, phone: Phone, db: Database) -> None:
    where = point(ask="both")
    boxes = {"consent_email_marketing": "y", "email": "li@acme.example"}
    phone().submit(f"/t/{where.code}", boxes)
    (said,) = all_of(db, Consent)
    assert (said.channel, said.purpose, said.granted) == ("email", "marketing", True)
    assert said.source == f"touchpoint:{where.code}" and said.at.tzinfo is not None


def test_an_unconfirmed_phone_shows_nobody_and_takes_no_orders(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    db.write(lambda s: make.make_order(s, None, s.today, phone=f"+86{HIS}").id, brand=brand)
    phone().submit(f"/t/{point().code}", {"phone": HIS, "name": ""})
    with db.read(brand=brand) as scope:
        assert members.find_by_phone(scope, HIS) is None
        member = scope.session.scalars(select(Member)).one()
        assert scope.session.scalars(select(Order.member_id)).one() is None
    clerk = phone().sign_in("clerk")
    page = clerk.get(f"/members/{member.id}")
    assert "The phone is not confirmed." in page.text
    clerk.submit(f"/members/{member.id}", form="confirm-phone")
    with db.read(brand=brand) as scope:
        found = members.find_by_phone(scope, HIS)
        assert found is not None and found.id == member.id
    assert "not confirmed" not in clerk.get(f"/members/{member.id}").text


def test_a_phone_that_somebody_holds_is_not_confirmed_twice(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    holder = db.write(lambda s: make.make_member(s, phone=HIS, number="M-7").id, brand=brand)
    phone().submit(f"/t/{point().code}", {"phone": HIS, "name": ""})
    with db.read(brand=brand) as scope:
        other = scope.session.scalars(select(Member).where(Member.id != holder)).one()
    told = phone().sign_in("clerk").submit(f"/members/{other.id}", form="confirm-phone")
    assert "M-7" in text_of(told.text)
    answer = db.write(lambda s: confirming.confirm_phone(s, other.id), brand=brand)
    assert isinstance(answer, Refused) and answer.facts["member_id"] == holder


def test_whoever_types_a_known_phone_learns_nothing(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    """The same answer for a number that nobody has, that a member holds, and that somebody has typed here before."""
    db.write(lambda s: make.make_member(s, name="Han Meimei", phone=HIS), brand=brand)
    place = f"/t/{point(offer=True).code}"

    def answer(number: str) -> tuple[int, str]:
        got = phone().submit(place, {"phone": number, "name": ""})
        page = re.sub(r"(?s)<svg.*?</svg>", "", got.text)
        assert "Han" not in page
        for code in codes(db):
            page = page.replace(code[:3] + " " + code[3:6] + " " + code[6:], "CODE")
        return got.status_code, re.sub(r'/[cp]/[\w-]+|name="\w+" value="[^"]*"', "", page)

    fresh = answer("13900139000")
    assert answer(HIS) == fresh
    assert answer("13900139000") == fresh, "typed here before"
    assert answer("+86 138-0013-8000") == fresh


def test_the_welcome_is_used_once_for_a_phone(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    place = f"/t/{point(offer=True).code}"
    for typed in (HIS, f"+86 {HIS}"):
        phone().submit(place, {"phone": typed, "name": ""})
    first, second = codes(db)
    clerk = seed.actor(db, "clerk")

    def use(code: str, key: str) -> Any:
        return db.write(
            lambda s: coupons.redeem(s, typed=code, basket_minor=150_00, key=key), brand=brand, actor=clerk
        )

    used = use(second, "till-key-1")
    assert isinstance(used, Redemption)
    refused = use(first, "till-key-2")
    assert isinstance(refused, Refused) and refused.code == "welcome_used"
    with db.read(brand=brand) as scope:
        store = brands.stores(scope)[0].id
    asked = {"code": first, "basket": "150", "store": store}
    page = phone().sign_in("clerk").get("/counter", query_string=asked)
    assert "has used this welcome already" in page.text
    db.write(lambda s: coupons.reverse(s, used.id), brand=brand)
    assert isinstance(use(second, "till-key-3"), Redemption), "given back, it is usable again"
    assert isinstance(use(first, "till-key-4"), Refused)


def test_double_tap_and_back_join_once(point: Point, phone: Phone, db: Database) -> None:
    place = f"/t/{point(offer=True).code}"
    visitor = phone()
    form = re.search(r'name="key" value="([^"]+)"', visitor.get(place).text)
    assert form is not None
    data = {"phone": HIS, "name": "Li", "key": form[1]}
    one = visitor.post(place, data=data)
    again = phone().post(place, data=data)  # the second tap left before the first one's cookie came back
    assert one.headers["Location"] == again.headers["Location"]
    back = visitor.post(place, data=data | {"phone": "13900139000"})  # back, another number, sent again
    assert back.headers["Location"] == place
    assert (count(db, Member), count(db, Coupon), count(db, TouchpointJoin)) == (1, 1, 1)


def test_a_known_members_scan_changes_nothing(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    people = {role: seed.actor(db, role).id for role in ("guide", "clerk", "manager")}
    first = point(offer=True, serving="one", serves_id=people["guide"], brought_by_id=people["clerk"])
    other = point(offer=True, name="Till", serving="one", serves_id=people["manager"])
    visitor = phone()
    visitor.submit(f"/t/{first.code}", {"phone": HIS, "name": ""})
    page = visitor.get(f"/t/{other.code}")
    (coupon,) = all_of(db, Coupon)
    assert f"/c/{coupon.token}" in page.text and '<form method="post" action="/t/' not in page.text
    visitor.post(f"/t/{other.code}", data={"phone": HIS, "key": "a-key-of-mine"})
    guides = {(one.kind, one.staff_id) for one in all_of(db, MemberGuide)}
    assert guides == {("serves", people["guide"]), ("brought_by", people["clerk"])}
    assert (count(db, Coupon), count(db, Member)) == (1, 1)
    # somebody else on the same phone says so
    visitor.submit(f"/t/{other.code}?new=1", {"phone": "13900139000", "name": ""})
    assert count(db, Member) == 2


def test_a_strangers_cookie_is_worth_nothing(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    where = point(offer=True)
    phone().submit(f"/t/{where.code}", {"phone": HIS, "name": ""})
    thief = phone()
    thief.set_cookie(f"rg_in_{brand.id}", f"[{brand.id},{all_of(db, Member)[0].id}].x")
    assert all_of(db, Coupon)[0].token not in thief.get(f"/t/{where.code}").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"phone": "", "name": "Li"}, "Please give a phone or an e-mail address"),
        ({"phone": "12", "name": "Li"}, "This is no phone number"),
        ({"phone": HIS, "name": "Li", "birthday": "2990-01-01"}, "not in the past"),
    ],
)
def test_mistakes_are_told_and_what_was_typed_stays(
    point: Point, phone: Phone, db: Database, typed: dict[str, str], said: str
) -> None:
    got = phone().submit(f"/t/{point(ask_birthday=True).code}", typed)
    assert got.status_code == 422 and said in text_of(got.text) and 'value="Li"' in got.text
    assert count(db, Member) == 0


def test_scans_are_counted_once_a_browser_and_day(point: Point, phone: Phone, db: Database) -> None:
    place = f"/t/{point(place='window').code}"
    visitor = phone()
    for _ in range(3):
        visitor.get(place)
    phone().get(place)
    phone().get(place, headers={"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
    phone().get(place, headers={"User-Agent": ""})
    assert count(db, TouchpointScan) == 2
    assert {one.place for one in all_of(db, TouchpointScan)} == {"window"}


def test_a_robot_in_the_trap_is_answered_and_joins_nobody(point: Point, phone: Phone, db: Database) -> None:
    got = phone().submit(f"/t/{point().code}", {"phone": HIS, "name": "", "website": "http://spam.example"})
    assert got.status_code == 200 and count(db, Member) == 0


def test_too_many_joins_are_limited_and_the_page_stays(point: Point, phone: Phone, db: Database) -> None:
    place = f"/t/{point().code}"
    answers = [
        phone().post(place, data={"phone": f"139001{n:05}", "key": f"robot-key-{n:04}"}).status_code
        for n in range(64)
    ]
    assert answers[:60] == [303] * 60 and answers[60:] == [429] * 4
    person = phone()
    assert person.get(place, environ_overrides={"REMOTE_ADDR": "198.51.100.7"}).status_code == 200
    fine = person.post(
        place,
        data={"phone": HIS, "key": "a-persons-key"},
        environ_overrides={"REMOTE_ADDR": "198.51.100.7"},
    )
    assert fine.status_code == 303


def test_one_phone_typed_again_and_again(point: Point, phone: Phone, db: Database) -> None:
    place = f"/t/{point().code}"
    answers = [phone().post(place, data={"phone": HIS, "key": f"a-key-{n:06}"}).status_code for n in range(5)]
    assert answers == [303, 303, 303, 429, 429]


def test_a_resting_code_says_so_and_a_change_needs_no_reprint(
    point: Point, phone: Phone, db: Database, brand: BrandRef
) -> None:
    where = point(offer=True)
    quiet = service.Details(name="Window", active=False)
    db.write(lambda s: service.change(s, where.id, quiet), brand=brand)
    got = phone().get(f"/t/{where.code}")
    assert got.status_code == 410 and "resting" in got.text
    assert phone().post(f"/t/{where.code}", data={"phone": HIS, "key": "some-key-1"}).status_code == 410
    loud = service.Details(name="Window", ask="email", welcome="New words")
    db.write(lambda s: service.change(s, where.id, loud), brand=brand)
    page = phone().get(f"/t/{where.code}")
    assert "New words" in page.text and 'name="phone"' not in page.text


def test_the_offer_may_be_sold_out(point: Point, phone: Phone, db: Database, brand: BrandRef) -> None:
    where = point(offer=True)
    db.write(lambda s: coupons.close_offer(s, where.offer_id or 0), brand=brand)
    got = phone().submit(f"/t/{where.code}", {"phone": HIS, "name": ""})
    assert got.request.path == f"/t/{where.code}/in" and count(db, Member) == 1


def test_every_brand_and_store_has_a_page_of_its_own(phone: Phone, db: Database, brand: BrandRef) -> None:
    one = phone().get("/join/acme", follow_redirects=True)
    two = phone().get("/join/acme", follow_redirects=True)
    store = phone().get("/join/acme/xujiahui", follow_redirects=True)
    assert one.request.path == two.request.path != store.request.path and store.status_code == 200
    assert phone().get("/join/acme/nowhere").status_code == 404 == phone().get("/join/nobody").status_code
    phone().submit(store.request.path, {"phone": HIS, "name": ""})
    with db.read(brand=brand) as scope:
        ids = {store.code: store.id for store in brands.stores(scope)}
    assert all_of(db, Member)[0].store_id == ids["xujiahui"]
    assert {one.slot for one in all_of(db, Touchpoint)} == {"brand", f"store:{ids['xujiahui']}"}


def test_an_unknown_word_leads_nowhere(phone: Phone) -> None:
    for word in ("x", "AAAAAAAAAAAAAAAA", "%00", "é"):
        assert phone().get(f"/t/{word}").status_code == 404


def test_guides_away_full_or_gone_are_passed_over(point: Point, db: Database, brand: BrandRef) -> None:
    from webapp.touchpoints import guides

    people = {role: seed.actor(db, role).id for role in ("guide", "clerk", "manager")}
    where = point(serving="one", serves_id=people["guide"], standin_id=people["clerk"])
    now = datetime(2026, 5, 10, 4, tzinfo=UTC)

    def chosen(at: datetime = now) -> int | None:
        return db.write(lambda s: guides.choose(s, where), brand=brand, now=at)

    db.write(lambda s: guides.set_duty(s, people["guide"], 2, None), brand=brand, now=now)
    assert [chosen() for _ in range(4)] == [people["guide"]] * 2 + [people["clerk"]] * 2
    assert chosen(now + timedelta(days=1)) == people["guide"], "a new day"
    db.write(lambda s: guides.set_duty(s, people["guide"], None, now.date()), brand=brand, now=now)
    db.write(lambda s: guides.set_duty(s, people["clerk"], 0, None), brand=brand, now=now)
    assert chosen() is None, "away, and the stand-in takes none"


def test_asked_into_the_chat_group(point: Point, phone: Phone, db: Database, brand: BrandRef) -> None:
    from webapp.groups import service as groups
    from webapp.groups.models import GroupStay

    def unit(scope: Any) -> int:
        made = groups.add(scope, groups.Details("Regulars of the window", link="https://chat.example/g/1"))
        assert not isinstance(made, Refused), made
        return made.id

    where = point(offer=True, group_id=db.write(unit, brand=brand))
    visitor = phone()
    got = visitor.submit(f"/t/{where.code}", {"phone": HIS, "name": ""})
    assert "https://chat.example/g/1" in got.text and f"/c/{all_of(db, Coupon)[0].token}" in got.text
    assert [one.source for one in all_of(db, GroupStay)] == [f"touchpoint:{where.id}"]
    assert "https://chat.example/g/1" in visitor.get(f"/t/{where.code}").text
    assert visitor.get(f"/t/{where.code}/group").status_code == 404, "it has no picture"
