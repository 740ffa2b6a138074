"""The member's own page: yes and no, stop everything, their data, their language, and what a stranger learns of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories.members import make_member
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import pages
from webapp.members import queries as members
from webapp.members.models import Consent, Member
from webapp.plugin_runtime import context

pytestmark = ONE_DATABASE


@dataclass
class Own:
    db: Database
    brand: BrandRef
    member: Member
    page: Client
    staff: Client

    @property
    def url(self) -> str:
        return pages.path(self.brand.id, self.member.id)

    def said(self) -> dict[tuple[str, str], bool]:
        with self.db.read(brand=self.brand) as scope:
            return members.consents(scope, self.member.id)

    def now(self) -> members.Profile:
        with self.db.read(brand=self.brand) as scope:
            return members.profile(scope, self.member.id)


@pytest.fixture
def own(app: Flask, db: Database, brand: BrandRef, client: Client) -> Own:
    member = db.write(
        lambda scope: make_member(
            scope,
            number="A1",
            name="Han Mei",
            phone="13800138000",
            email="mei@example.com",
            consents={"email": True},
        ),
        brand=brand,
    )
    person: Client = app.test_client()  # type: ignore[assignment]
    return Own(db, brand, member, person, client.sign_in("owner"))


def test_looking_changes_nothing_and_shows_little(own: Own) -> None:
    page = own.page.get(own.url)
    assert page.status_code == 200
    assert "Han Mei" in page.text and "13800138000" not in page.text and "mei@example.com" not in page.text
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert own.said() == {("email", "marketing"): True}
    for word in ("x", own.url[3:-1], own.url[3:] + "A", "A" * 200, pages.token(own.brand.id, 5)):
        assert own.page.get(f"/p/{word}").status_code == 404
    assert own.page.get(f"/p/{pages.token(999, own.member.id)}").status_code == 404


def test_each_answer_by_itself(own: Own) -> None:
    page = own.page.submit(own.url, {"agree": ["task:marketing"]}, form="/consents")
    assert "It holds from now on" in page.text
    assert own.said() == {("email", "marketing"): False, ("task", "marketing"): True}
    own.page.post(f"{own.url}/consents", data={"agree": "email:marketing"})
    assert own.said()[("email", "marketing")] is False, "what the form did not show is not said"
    own.page.post(
        f"{own.url}/consents", data={"shown": ["sms:marketing", "x", ":"], "agree": "sms:marketing"}
    )
    assert ("sms", "marketing") not in own.said(), "a channel that the shop has not is none"
    with own.db.read() as scope:
        rows = scope.session.scalars(select(Consent).order_by(Consent.id)).all()
        verbs = set(scope.session.scalars(select(Audit.verb)))
    assert [row.source for row in rows] == ["test", "member", "member"]
    assert {"consent.given", "consent.withdrawn"} <= verbs


def test_stop_everything_with_one_press(own: Own) -> None:
    own.db.write(lambda scope: context.switch(scope, "channel_task", on=True), brand=own.brand)
    page = own.page.submit(own.url, form="/stop")
    assert "nothing is sent to you any more" in page.text
    assert own.said() == {("email", "marketing"): False, ("task", "marketing"): False}
    assert "checked" not in own.page.get(own.url).text
    own.page.submit(own.url, form="/stop")
    with own.db.read() as scope:
        assert len(scope.session.scalars(select(Consent)).all()) == 3, "saying it again is no new row"


def test_data_are_corrected_and_a_contact_waits(own: Own) -> None:
    changed = {
        "name": "Han Meimei",
        "birthday": "1990-02-28",
        "phone": "139 0013 9000",
        "email": "new@example.com",
    }
    page = own.page.submit(own.url, changed, form="/data")
    assert "once the shop has confirmed it" in page.text
    card = own.now()
    assert (card.member.name, card.member.birthday.isoformat() if card.member.birthday else "") == (
        "Han Meimei",
        "1990-02-28",
    )
    assert (card.phone, card.email) == ("+8613800138000", "mei@example.com"), "as they were, until confirmed"
    profile = own.staff.get(f"/members/{own.member.id}")
    assert "Another phone, typed by the member" in profile.text and own.url in profile.text
    confirms = [one for one in forms_of(profile.text) if "/contact/" in one.action]
    assert len(confirms) == 4
    for one in confirms:
        if "yes" in one.fields:
            own.staff.post(one.action, data=one.fields)
    card = own.now()
    assert (card.phone, card.email) == ("+8613900139000", "new@example.com")
    again = own.staff.post(confirms[0].action, data=confirms[0].fields, follow_redirects=True)
    assert "Somebody has settled this already." in again.text


def test_what_others_hold_is_not_said(own: Own) -> None:
    other = "13900139000"
    free = text_of(own.page.submit(own.url, {"phone": other}, form="/data").text)
    own.db.write(lambda scope: make_member(scope, number="B2", phone=other), brand=own.brand)
    taken = text_of(own.page.submit(own.url, {"phone": other}, form="/data").text)
    assert free == taken
    profile = own.staff.get(f"/members/{own.member.id}")
    [yes] = [one for one in forms_of(profile.text) if "/contact/" in one.action and "yes" in one.fields]
    answer = own.staff.post(yes.action, data=yes.fields, follow_redirects=True)
    assert "Another member holds this phone" in answer.text
    assert own.now().phone == "+8613800138000"


def test_mistakes_are_said_beside_their_fields_and_kept(own: Own) -> None:
    page = own.page.submit(own.url, {"phone": "12", "email": "no address", "name": "X"}, form="/data")
    assert page.status_code == 422
    assert "This is no phone number" in page.text and "This is no e-mail address" in page.text
    assert 'value="no address"' in page.text and 'href="#phone"' in page.text
    page = own.page.submit(own.url, {"birthday": "1990-02-31"}, form="/data")
    assert page.status_code == 422 and "There is no such day" in page.text


def test_the_language_is_the_members_choice(own: Own) -> None:
    assert 'lang="zh-CN"' in own.page.get(own.url, headers={"Accept-Language": "zh-CN"}).text
    own.page.submit(own.url, {"language": "zh_CN"}, form="/language")
    other: Client = own.page.application.test_client()  # type: ignore[assignment]
    assert 'lang="zh-CN"' in other.get(own.url, headers={"Accept-Language": "en"}).text
    assert own.page.post(f"{own.url}/language", data={"language": "xx"}).status_code == 400


def test_a_robot_is_slowed_down(own: Own) -> None:
    statuses = [own.page.post(f"{own.url}/consents", data={}).status_code for _ in range(45)]
    assert statuses[0] == 303 and statuses[-1] == 429
