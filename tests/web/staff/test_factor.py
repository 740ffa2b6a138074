"""The second factor: begun, confirmed, asked for, taken once; recovery codes; and one's own account around it."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask
from werkzeug.test import TestResponse

from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.cli import context
from webapp.cli.staff import staff
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.staff import factor, queries, service
from webapp.staff.models import StaffFactor, StaffRecovery

pytestmark = ONE_DATABASE
PASSWORD = "a good sentence"


def stranger(app: Flask) -> Client:
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def owner(app: Flask, db: Database, brand: BrandRef) -> Client:
    """Signed in by password."""
    hashed = service.hash_password(PASSWORD)
    assert not isinstance(hashed, Refused)

    def work(scope: Scope) -> None:
        staff = queries.by_email(scope, seed.email("owner"))
        assert staff is not None
        service.set_password(scope, staff, hashed)

    db.write(work, brand=brand)
    browser = stranger(app)
    assert sign_in(browser).status_code == 200
    return browser


def sign_in(browser: Client) -> TestResponse:
    return browser.submit("/sign-in", {"email": seed.email("owner"), "password": PASSWORD})


def switch_on(owner: Client) -> tuple[pyotp.TOTP, list[str]]:
    """As a person does; the app, and the recovery codes."""
    page = owner.submit("/account/second-factor", {"now": PASSWORD}, form="begin").text
    secret = re.search(r'<span class="code">([A-Z2-7]{32})</span>', page)
    assert secret and "<svg" in page
    app = pyotp.TOTP(secret[1])
    shown = owner.submit("/account/second-factor", {"code": app.now()}, form="confirm").text
    codes = re.findall(r"<li>(\w{5}-\w{5})</li>", shown)
    assert len(codes) == factor.RECOVERY_CODES
    return app, codes


def test_after_the_password_the_code_is_asked_for_and_taken_once(
    app: Flask, owner: Client, db: Database
) -> None:
    with time_machine.travel(clock.now(), tick=False) as time:
        key, codes = switch_on(owner)
        with db.read() as scope:
            kept = scope.session.query(StaffFactor).one()
            assert key.secret not in kept.secret  # sealed
            assert not {row.digest for row in scope.session.query(StaffRecovery)} & set(codes)

        browser = stranger(app)
        asked = browser.submit("/sign-in", {"email": seed.email("owner"), "password": PASSWORD})
        assert asked.request.path == "/sign-in/code"
        assert browser.get("/members").status_code == 303  # not in yet
        replay = browser.post("/sign-in/code", data={"code": key.now()})
        assert replay.status_code == 422  # the code that confirmed it
        time.shift(timedelta(seconds=30))
        assert browser.post("/sign-in/code", data={"code": key.now()}).status_code == 303
        assert browser.get("/members").status_code == 200

        second = stranger(app)
        sign_in(second)
        assert second.post("/sign-in/code", data={"code": key.now()}).status_code == 422


def test_a_recovery_code_is_good_once_and_however_it_is_typed(app: Flask, owner: Client) -> None:
    _key, codes = switch_on(owner)
    browser = stranger(app)
    sign_in(browser)
    typed = codes[0].lower().replace("-", " ")
    assert browser.post("/sign-in/code", data={"code": typed}).status_code == 303
    assert "Recovery codes left: 7." in text_of(browser.get("/account/second-factor").text)
    again = stranger(app)
    sign_in(again)
    assert again.post("/sign-in/code", data={"code": codes[0]}).status_code == 422


def test_tries_are_few_and_the_first_step_does_not_last(app: Flask, owner: Client) -> None:
    key, _codes = switch_on(owner)
    browser = stranger(app)
    sign_in(browser)
    answers = [browser.post("/sign-in/code", data={"code": "000000"}).status_code for _ in range(7)]
    assert answers[-1] == 429 and set(answers[:-1]) <= {422, 429}
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        late = browser.post("/sign-in/code", data={"code": key.now()})
        assert late.status_code == 303 and "/sign-in?" in late.location  # the password again


def test_nobody_reaches_the_code_page_without_the_password(app: Flask, owner: Client) -> None:
    switch_on(owner)
    assert stranger(app).get("/sign-in/code").location == "/sign-in"
    assert "/sign-in" in stranger(app).post("/sign-in/code", data={"code": "123456"}).location


def test_a_one_time_link_does_not_go_round_it(
    app: Flask, owner: Client, db: Database, brand: BrandRef
) -> None:
    switch_on(owner)

    def link(scope: Scope) -> str:
        staff = queries.by_email(scope, seed.email("owner"))
        assert staff is not None
        return service.new_link(scope, staff.id)

    token = db.write(link, brand=brand)
    answer = stranger(app).post(f"/welcome/{token}", data={"password": "another sentence"})
    assert answer.location.startswith("/sign-in/code")


def test_it_goes_off_with_the_password_and_only_with_it(app: Flask, owner: Client) -> None:
    switch_on(owner)
    wrong = owner.post("/account/second-factor/off", data={"now": "not this one"})
    assert wrong.status_code == 422 and "This is not your password." in text_of(wrong.text)
    assert owner.post("/account/second-factor/off", data={"now": PASSWORD}).status_code == 303
    browser = stranger(app)
    sign_in(browser)
    assert browser.get("/members").status_code == 200


def test_sessions_are_listed_and_ended_one_by_one_or_all_others(app: Flask, owner: Client) -> None:
    phone, tablet = stranger(app), stranger(app)
    for browser, agent in (
        (phone, "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 MicroMessenger/8.0"),
        (tablet, "Mozilla/5.0 (iPad; CPU OS 17_0) AppleWebKit/605 Version/17 Safari/604"),
    ):
        browser.post(
            "/sign-in",
            data={"email": seed.email("owner"), "password": PASSWORD},
            headers={"User-Agent": agent},
        )
    page = owner.get("/account").text
    assert "WeChat, Android" in page and "Safari, iPad" in page and "127.0.0.1" in page
    key = re.search(r"/account/sessions/([0-9a-f]{16})/end", page)
    assert key
    owner.post(f"/account/sessions/{key[1]}/end")
    assert sorted(b.get("/members").status_code for b in (phone, tablet)) == [200, 303]
    owner.post("/account/sessions/end-others")
    assert [b.get("/members").status_code for b in (phone, tablet, owner)] == [303, 303, 200]


def test_nobody_ends_somebody_elses_session(app: Flask, owner: Client) -> None:
    page = owner.get("/account").text
    clerk = stranger(app).sign_in("clerk")
    owner_key = "0" * 16  # whatever they try, only their own are looked at
    assert clerk.post(f"/account/sessions/{owner_key}/end").status_code == 303
    assert clerk.post("/account/sessions/end-others").status_code == 303
    assert owner.get("/members").status_code == 200
    assert "this browser" in text_of(page)


def test_a_new_password_keeps_this_browser_and_ends_the_others(app: Flask, owner: Client) -> None:
    other = stranger(app)
    sign_in(other)
    wrong = owner.post("/account/password", data={"now": "not this", "password": "another sentence"})
    assert wrong.status_code == 422 and other.get("/members").status_code == 200
    assert (
        owner.post("/account/password", data={"now": PASSWORD, "password": "another sentence"}).status_code
        == 303
    )
    assert owner.get("/members").status_code == 200
    assert other.get("/members").status_code == 303


def test_name_and_language_are_ones_own(owner: Client) -> None:
    page = owner.submit("/account", {"name": "Olivia", "language": "zh_CN"}, form=0)
    assert '<html lang="zh-CN"' in page.text and "Olivia" in page.text


def test_the_command_switches_off_the_second_factor_alone(
    app: Flask, owner: Client, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a phone and recovery codes that are gone: the password stays."""
    switch_on(owner)
    monkeypatch.setattr(context, "database", lambda: db)
    run = CliRunner().invoke
    assert "with the password alone" in run(staff, ["reset", seed.email("owner"), "--second-factor"]).output
    assert "has no second factor" in run(staff, ["reset", seed.email("owner"), "--second-factor"]).output
    browser = stranger(app)
    sign_in(browser)
    assert browser.get("/members").status_code == 200
