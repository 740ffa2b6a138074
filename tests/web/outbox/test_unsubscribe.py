"""Links in messages: leaving in one click or by the page, coming back, the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories.members import make_members
from tests.factories.outbox import PlainSource, make_campaign
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.kernel import links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import queries as members
from webapp.members import service as member_service
from webapp.members.models import Consent
from webapp.outbox import sources, tokens
from webapp.outbox.models import Delivery, Receipt

pytestmark = ONE_DATABASE


@dataclass
class Letter:
    """One delivery, and what its recipient can do with it."""

    db: Database
    brand: BrandRef
    member_id: int
    delivery_id: int

    def word(self, purpose: tokens.Purpose = "unsubscribe") -> str:
        return tokens.token(purpose, self.brand.id, self.delivery_id)

    @property
    def agreed(self) -> bool:
        with self.db.read(brand=self.brand) as scope:
            return members.consents(scope, self.member_id).get(("email", "marketing"), False)

    def kinds(self) -> list[str]:
        with self.db.read() as scope:
            return list(scope.session.scalars(select(Receipt.kind).order_by(Receipt.id)))


@pytest.fixture
def letter(app: Flask, db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch) -> Letter:
    monkeypatch.setattr(sources, "SOURCES", {"plain": PlainSource()})

    def unit(scope: Scope) -> tuple[int, int]:
        [member] = make_members(scope, 1)
        campaign = make_campaign(scope, [member])
        found = scope.session.scalar(select(Delivery.id).where(Delivery.campaign_id == campaign.id))
        assert found is not None
        return member.id, found

    return Letter(db, brand, *db.write(unit, brand=brand))


@pytest.fixture
def reader(app: Flask) -> FlaskClient:
    """A mail reader that nobody knows: no cookies, says nothing of where it comes from."""
    return app.test_client()


def test_a_link_that_is_followed_changes_nothing(letter: Letter, reader: FlaskClient) -> None:
    for _ in range(2):
        page = reader.get(f"/u/{letter.word()}")
        assert page.status_code == 200
        assert "No more offers from Acme?" in text_of(page.text)
    assert reader.head(f"/u/{letter.word()}").status_code == 200
    assert letter.agreed
    assert letter.kinds() == []


def test_one_click(letter: Letter, reader: FlaskClient) -> None:
    for _ in range(2):
        answer = reader.post(
            f"/u/{letter.word()}",
            data="List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
            headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"},
        )
        assert answer.status_code == 200
        assert answer.mimetype == "text/plain"
    assert not letter.agreed
    assert letter.kinds() == ["unsubscribed"]
    with letter.db.read() as scope:
        newest = scope.session.scalars(select(Consent).order_by(Consent.id.desc())).first()
    assert newest is not None
    assert (newest.granted, newest.source) == (False, "unsubscribe")


def test_the_page_and_back_again(letter: Letter, app: Flask) -> None:
    person: Client = app.test_client()  # type: ignore[assignment]
    page = person.submit(f"/u/{letter.word()}", form="/u/")
    assert "You are unsubscribed" in text_of(page.text)
    assert not letter.agreed
    page = person.submit(f"/u/{letter.word()}", form="/back")
    assert "No more offers from Acme?" in text_of(page.text)
    assert letter.agreed


def test_the_page_speaks_chinese(letter: Letter, reader: FlaskClient) -> None:
    page = reader.get(f"/u/{letter.word()}", headers={"Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in page.text
    assert "电子邮件" in page.text, "the channel's name comes from the plugin's own words"


def test_what_was_said_elsewhere_is_not_undone_by_an_old_link(letter: Letter, app: Flask) -> None:
    letter.db.write(
        lambda scope: member_service.withdraw(scope, letter.member_id, "email", "counter"), brand=letter.brand
    )
    person: Client = app.test_client()  # type: ignore[assignment]
    page = person.get(f"/u/{letter.word()}")
    assert "You are unsubscribed" in text_of(page.text)
    assert not [one for one in forms_of(page.text) if one.action.endswith("/back")]
    answer = person.post(f"/u/{letter.word()}/back", follow_redirects=True)
    assert "ask in the shop" in text_of(answer.text)
    assert not letter.agreed


def test_coming_back_is_no_one_elses_to_ask(letter: Letter, reader: FlaskClient) -> None:
    reader.post(f"/u/{letter.word()}")
    forged = reader.post(f"/u/{letter.word()}/back", headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 400
    assert not letter.agreed


@pytest.mark.parametrize("path", ["/u/{}", "/o/{}", "/u/{}/back"])
def test_other_words_lead_nowhere(letter: Letter, app: Flask, path: str) -> None:
    person = app.test_client()
    wrong = "open" if path.startswith("/u") else "unsubscribe"
    for word in ("nonsense", letter.word(wrong), tokens.token("open", letter.brand.id, 987654)):  # type: ignore[arg-type]
        assert (
            person.open(path.format(word), method="POST" if path.endswith("back") else "GET").status_code
            == 404
        )
    assert person.post(f"/u/{letter.word('open')}").status_code == 404
    assert letter.agreed


def test_opening_counts_once(letter: Letter, reader: FlaskClient) -> None:
    for _ in range(3):
        picture = reader.get(f"/o/{letter.word('open')}")
        assert picture.status_code == 200
        assert picture.mimetype == "image/gif"
        assert picture.data.startswith(b"GIF89a")
        assert "no-store" in picture.headers["Cache-Control"]
    assert letter.kinds() == ["opened"]


# -- a trial -----------------------------------------------------------------------------------------------------------


def test_a_trial_message(client: Client, smtp: object, set_up_mail: Callable[..., None]) -> None:
    refused = client.submit("/settings/channels/email/try", {"to": "me@example.com"}, form="")
    assert refused.status_code == 422
    assert "Name the mail server" in text_of(refused.text)
    set_up_mail()
    done = client.submit("/settings/channels/email/try", {"to": "me@example.com"}, form="")
    assert "Sent. Look whether it arrived." in text_of(done.text)
    bad = client.submit("/settings/channels/email/try", {"to": "me at home"}, form="")
    assert bad.status_code == 422
    assert "The address does not exist" in text_of(bad.text)


@pytest.fixture
def set_up_mail(db: Database, brand: BrandRef, smtp: object) -> Callable[..., None]:
    from webapp.plugin_runtime import context

    def unit(scope: Scope) -> None:
        wrong = context.save_settings(
            scope,
            "channel_email",
            {
                "host": "127.0.0.1",
                "port": smtp.port,  # type: ignore[attr-defined]
                "security": "none",
                "from_address": "news@acme.example",
            },
        )
        assert wrong == {}

    return lambda: db.write(unit, brand=brand)


def test_links_know_their_address(app: Flask) -> None:
    links.fall_back(None)  # what a shop that was served in this process before has left
    links.watch(None)
    with app.test_request_context(base_url="http://192.168.1.7:8040"):
        links.use(None)
        assert links.absolute(None, "/c/x") == "http://192.168.1.7:8040/c/x"
        links.use("https://shop.example/")
        assert links.absolute(None, "/c/x") == "https://shop.example/c/x"
    links.use(None)
    with pytest.raises(Exception, match="REGULARS_PUBLIC_URL"):
        links.base()
