"""The page of backups, and the newest one's age on Today."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.backup import service
from webapp.backup.archive import Manifest
from webapp.backup.make import Made
from webapp.kernel import clock

pytestmark = ONE_DATABASE


def made(client: Client, days: float, file: Path) -> None:
    then = clock.now() - timedelta(days=days)
    outcome = Made(file, 2_000_000, Manifest("sqlite", "0", ""))
    client.db.write(lambda scope: service.record(scope, then, outcome, planned=True), now=then)


def test_today_says_how_old_the_newest_is(client: Client, tmp_path: Path) -> None:
    assert "There is no backup yet" in text_of(client.get("/").text)
    made(client, 5, tmp_path / "old")
    page = text_of(client.get("/").text)
    assert "5 days" in page and "too old" in page
    made(client, 0.25, tmp_path / "new")
    page = text_of(client.get("/").text)
    assert "6 hours" in page and "too old" not in page
    assert "Backup" not in text_of(client.sign_in("clerk").get("/").text)


def test_the_plan_is_kept_and_one_is_made_on_demand(client: Client, tmp_path: Path) -> None:
    page = client.get("/settings/backups")
    assert "There is no backup yet" in page.text
    folder = tmp_path / "usb"
    answer = client.submit("/settings/backups", {"hour": "22", "keep": "3", "folder": str(folder)}, form=1)
    assert "Saved." in answer.text
    with client.db.read() as scope:
        assert service.plan(scope) == service.Plan(True, 22, 3, str(folder))
    client.submit("/settings/backups", {"daily": None, "keep": "3", "folder": ""}, form=1)
    with client.db.read() as scope:
        assert not service.plan(scope).daily and not service.due(scope)
    assert "is being made" in client.submit("/settings/backups", form="now").text
    with client.db.read() as scope:
        assert service.due(scope)


def test_mistakes_stand_beside_their_fields(client: Client) -> None:
    answer = client.submit("/settings/backups", {"keep": "0", "folder": "usb"}, form=1)
    assert answer.status_code == 422 and 'value="usb"' in answer.text
    answer = client.submit("/settings/backups", {"keep": "1", "folder": "usb"}, form=1)
    assert answer.status_code == 422 and "from the root on" in answer.text


def test_the_list_says_what_became_of_each(client: Client, tmp_path: Path) -> None:
    there, gone = tmp_path / "there.backup", tmp_path / "gone.backup"
    there.touch()
    made(client, 2, gone)
    made(client, 1, there)
    client.db.write(lambda scope: service.record(scope, scope.now, "The disk is full.", planned=True))
    page = text_of(client.get("/settings/backups").text)
    assert "The disk is full." in page and str(there) in page
    assert f"Not there {gone}" in page and "Not made" in page
