"""What a browser is given where a proxy ends TLS, and what it is told while the database is away."""

from __future__ import annotations

import errno
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.support import web
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp import create_app
from webapp.imports import uploads
from webapp.kernel.db import Database

pytestmark = ONE_DATABASE


def test_strict_cookies_are_all_for_https(db: Database, tmp_path: Path) -> None:
    app = create_app(web.settings(tmp_path / "instance", db.url, strict_cookies=True), db)
    app.test_client_class = Client
    browser: Any = app.test_client()
    answers = [
        browser.get("/sign-in"),
        browser.post("/preferences", data={"lang": "zh_CN", "theme": "dark", "next": "//["}),
    ]
    cookies = [one for answer in answers for one in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) == 3 and all("Secure" in one and "HttpOnly" in one for one in cookies), cookies


def test_a_database_that_is_away_is_told_plainly(client: Client, tmp_path: Path) -> None:
    client.application.extensions["regulars.db"] = Database(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    for answer in (client.get("/members"), client.post("/members/new", data={"key": "12345678"})):
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert "That went wrong on our side" in answer.text and "Traceback" not in answer.text


def test_a_full_disk_is_told_with_its_remedy(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads, "new_folder", full)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    sent = {"key": "12345678", "kind": "members", "file": (BytesIO(b"a,b"), "members.csv")}
    answer = client.post("/imports/new", data=sent)
    assert answer.status_code == 507 and "Make room on it, then send it again." in text_of(answer.text)
    assert "Nothing was half done" not in answer.text
