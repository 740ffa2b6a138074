"""A group buy as people see it: from the offer's page to the counter, with strangers, refusals and the shop's own list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.coupon_group_buy.models import TEAM
from tests import factories as make
from tests.factories.offers import make_group_buy
from tests.support.databases import ONE_DATABASE
from tests.support.smtp import SmtpReceiver
from tests.support.web import Client, Worker, text_of
from webapp.coupons import public_page, service
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel import clock, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_runtime import context
from webapp.touchpoints import service as touchpoints

pytestmark = ONE_DATABASE
Published = Callable[..., str]


@pytest.fixture
def published(app: Flask, db: Database, brand: BrandRef) -> Published:
    """`published(stock=5)`: a group buy with its page; the address that the shop hands out."""

    def made(**details: Any) -> str:
        def unit(scope: Scope) -> str:
            token = public_page.publish(scope, make_group_buy(scope, **details).id).token
            assert token is not None
            return public_page.path(token)

        return db.write(unit, brand=brand)

    return made


def stranger(app: Flask) -> Client:
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser


def acts(browser: Client, url: str, phone: str = "", form: int | str = 0, **more: str) -> Any:
    """Press the page's button; whoever is not known leaves a phone (and more) first, comes back to the page and presses it
    again."""
    answer = browser.submit(url, form=form)
    if not answer.request.path.startswith("/t/"):
        return answer
    assert phone, answer.request.path
    back = browser.submit(answer.request.full_path, {"phone": phone, **more})
    assert back.request.path == url, "back where they came from"
    return browser.submit(url, form=form)


def test_a_team_from_the_offers_page_to_the_counter(
    app: Flask, db: Database, brand: BrandRef, published: Published, client: Client
) -> None:
    address = published(stock=5)
    ada, bob, cyd = (stranger(app) for _ in range(3))
    seen = ada.get(address, follow_redirects=True)
    own = seen.request.path
    assert own.startswith("/x/coupon_group_buy/") and "For each of a team of 3" in text_of(seen.text)
    assert ada.post(address, data={"phone": "13800138000"}).headers["Location"] == own, (
        "no way around the teams"
    )
    team = acts(ada, own, "13800138000")
    url = team.request.path
    assert url.endswith("/team") and "2 more and it is full" in text_of(team.text)
    assert f"{url}" in team.text and 'data-countdown="3600"' in team.text and "Leave the team" in team.text
    outside = bob.get(url)
    assert "Share the link" not in outside.text and "a member" in text_of(outside.text)
    acts(bob, url, "13900139000")
    with db.read() as scope:
        held = scope.session.scalars(select(Coupon)).all()
    assert [one.state for one in held] == ["held", "held"]
    waiting = text_of(bob.get(f"/c/{held[0].token}").text)
    assert "not good yet" in waiting and held[0].code[:3] not in waiting
    full = acts(cyd, url, "13700137000")
    assert "everybody's coupon is good now" in text_of(full.text) and "made it" in full.text
    mine = re.search(r'href="(/c/[^"]+)"', full.text)
    assert mine is not None and "Show this at the till" in cyd.get(mine[1]).text
    assert text_of(ada.get(own).text).count("made it") == 1, "her teams stand on the offer's page"
    with db.read() as scope:
        coupon = scope.session.scalars(select(Coupon).order_by(Coupon.id)).first()
    assert coupon is not None and coupon.state == "claimed"
    used = db.write(
        lambda s: service.redeem(s, typed=coupon.code, basket_minor=50_00, key="till-1"), brand=brand
    )
    assert isinstance(used, Redemption) and used.saving_minor == 20_00
    listed = client.get("/plugins/coupon_group_buy")
    assert "0 waiting, 1 made it, 0 not filled" in text_of(listed.text) and own in listed.text
    rows = client.get(re.search(r'href="(/plugins/coupon_group_buy\?offer=\d+)"', listed.text)[1])  # type: ignore[index]
    assert "3 of 3" in text_of(rows.text) and url in rows.text
    assert client.get("/plugins/coupon_group_buy?offer=1").status_code == 404


def test_late_left_and_sold_out_are_told_and_change_nothing(
    app: Flask, db: Database, published: Published, worker: Worker
) -> None:
    own = stranger(app).get(published(stock=2)).headers["Location"]
    ada, bob, cyd = (stranger(app) for _ in range(3))
    url = acts(ada, own, "13800138000").request.path
    acts(bob, url, "13900139000")
    late = cyd.get(url)
    assert "Nobody can join just now" in text_of(late.text) and "Join the team" not in late.text
    assert "sold out" in ada.get(own).text and "Nobody can join just now" in text_of(ada.get(url).text)
    left = bob.submit(url)  # the page's one form: to leave
    assert "You have left the team" in text_of(left.text) and "2 more and it is full" in text_of(left.text)
    assert "Join the team" in left.text
    page = bob.get(url).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    with clock.fixed(clock.now() + timedelta(minutes=61)):
        refused = bob.post(url, data={"do": "join", "key": key[1]})
        assert refused.status_code == 409 and "The time of this team is over" in text_of(refused.text)
        gone = text_of(ada.get(url).text)
        assert "This team was not filled in time" in gone and "There were 1 of 3" in gone
        with db.read() as scope:
            assert scope.session.execute(select(TEAM.c.state)).scalars().all() == ["open"]
        worker.run()
        with db.read() as scope:
            assert scope.session.execute(select(TEAM.c.state)).scalars().all() == ["failed"]
        assert "This team was not filled in time" in text_of(ada.get(url).text)
        again = acts(ada, own)
        assert again.request.path not in (own, url), "she may open another one at once"


def test_somebody_with_a_private_link_joins_as_themselves(
    app: Flask, db: Database, brand: BrandRef, published: Published
) -> None:
    from webapp.coupons import wallet

    own = stranger(app).get(published()).headers["Location"]
    member = db.write(lambda s: make.make_member(s, name="Ada Byron").id, brand=brand)
    ada = stranger(app)
    assert ada.get(wallet.path(brand.id, member)).status_code == 200
    team = acts(ada, own)
    assert "A•• B••" in text_of(team.text) and "Byron" not in team.text
    assert "A•• B••" in text_of(stranger(app).get(team.request.path).text)
    twice = acts(ada, own)
    assert twice.status_code == 409 and "No team this time" in text_of(twice.text)


def test_who_leaves_an_address_is_told_by_mail_how_it_ended(
    app: Flask,
    db: Database,
    brand: BrandRef,
    published: Published,
    worker: Worker,
    smtp: SmtpReceiver,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the joining page's box to the mail server: a real message, whose link opens the coupon; and the profile tells."""
    mail = {"host": "127.0.0.1", "port": smtp.port, "security": "none", "from_address": "shop@acme.example"}

    def ready(scope: Scope) -> None:
        assert context.save_settings(scope, "channel_email", mail) == {}
        touchpoints.default(scope).ask = "both"

    db.write(ready, brand=brand)
    monkeypatch.setattr(links, "_base", "https://shop.example")
    own = stranger(app).get(published()).headers["Location"]
    ada, bob, cyd = (stranger(app) for _ in range(3))
    yes = {"consent_email_service": "y"}
    url = acts(ada, own, "13800138000", email="ada@example.com", **yes).request.path
    acts(bob, url, "13900139000", email="bob@example.com")  # leaves the box blank
    full = acts(cyd, url, "13700137000", email="cyd@example.com", **yes)
    assert "everybody's coupon is good now" in text_of(full.text)
    worker.run()
    assert smtp.addresses() == {"ada@example.com": 1, "cyd@example.com": 1}
    one = next(mail for mail in smtp.messages() if mail["To"] == "ada@example.com")
    assert one["Subject"] == "Your team is complete: Tea for three"
    address = re.search(r"https://shop\.example(/c/\S+)", one.get_content())
    assert address is not None and "Show this at the till" in ada.get(address[1]).text
    with db.read() as scope:
        member = scope.session.scalars(select(Coupon.person_id).order_by(Coupon.id)).first()
    assert "Your team is complete: Tea for three" in text_of(client.get(f"/members/{member}").text)
    settings = client.get("/settings/plugins/coupon_group_buy")
    assert "Tell members how their team ended" in text_of(settings.text), settings.status_code
