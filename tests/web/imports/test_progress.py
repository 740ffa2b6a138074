"""While a file is checked, brought in or taken back: its page tells it to everybody, ends at the result, and it is done once."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.support.together import together
from tests.support.web import Client, forms_of, text_of
from tests.web.imports.conftest import Desk
from webapp.imports import checking, undo, uploads
from webapp.imports.models import Import
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import Ring
from webapp.members.models import Member

pytestmark = OTHER_IN_DRILL

MEMBERS = "number,name\n1,Ada\n2,Bo\n"


def audited(db: Database, action: str) -> int:
    with db.read() as scope:
        return scope.session.scalar(select(func.count()).where(Audit.verb == action)) or 0


def members(db: Database) -> int:
    with db.read() as scope:
        return scope.session.scalar(select(func.count()).select_from(Member)) or 0


def somebody(desk: Desk) -> Client:
    """Another phone."""
    browser: Client = desk.client.application.test_client()  # type: ignore[assignment]
    return browser.sign_in("operator")


def live(page: TestResponse) -> bool:
    """Does it ask again by itself, and offer a link to who has no JavaScript?"""
    asks, link = "hx-trigger=" in page.text, ">Look again</a>" in page.text
    assert asks == link
    assert not asks or f'href="{page.request.path}"' in page.text
    return asks


@ONE_DATABASE
def test_the_page_lives_until_the_result_and_is_the_same_for_everybody(desk: Desk) -> None:
    other = somebody(desk)
    place = re.sub("/columns$", "", desk.upload(MEMBERS).request.path)
    steps = (("/columns", "being checked", "Good 2"), ("/apply", "being brought in", "New 2"))
    for action, meanwhile, result in (*steps, ("/undo", "being taken back", "2 removed")):
        at = f"{place}/columns" if action == "/columns" else place
        shown = desk.client.submit(at, form=action)
        assert shown.request.path == place
        # closed and opened again, by somebody else, as a fragment
        for seen in (shown, desk.client.get(place), other.get(place), other.fragment(place)):
            assert meanwhile in text_of(seen.text) and live(seen), action
        desk.worker.run()
        for seen in (desk.client.get(place), other.get(place), other.fragment(place)):
            assert result in text_of(seen.text) and not live(seen), action


@ONE_DATABASE
def test_two_people_press_the_same_button(desk: Desk, db: Database) -> None:
    other = somebody(desk)
    place = desk.check(desk.upload(MEMBERS)).request.path
    for action, after in (("/apply", "brought in"), ("/undo", "taken back")):
        forms = [_form(one, place, action) for one in (desk.client, other)]
        shown = [one.post(place + action, data=data, follow_redirects=True) for one, data in forms]
        assert [page.status_code for page in shown] == [200, 200]
        desk.worker.run()
        _, late = forms[1]
        assert after in text_of(other.post(place + action, data=late, follow_redirects=True).text)
    assert audited(db, "import.members") == audited(db, "import.undo") == audited(db, "import.undone") == 1
    assert members(db) == 0


def _form(client: Client, place: str, action: str) -> tuple[Client, dict[str, Any]]:
    forms = forms_of(client.get(place).text)
    return client, next(one for one in forms if one.action == place + action).fields


def test_in_the_same_moment(desk: Desk, db: Database) -> None:
    page = desk.check(desk.upload(MEMBERS))
    import_id = int(page.request.path.rsplit("/", 1)[-1])
    asked: dict[str, Callable[[Any], Any]] = {
        "apply": lambda scope: uploads.ask_apply(scope, desk.folder / "staged", import_id, skip_bad=False),
        "undo": lambda scope: undo.ask(scope, import_id),
    }
    for ask in asked.values():
        told = together(
            db.url,
            3,
            lambda own, n, ask=ask: own.write(ask, brand=seed.brand(own)) is None,  # type: ignore[misc]
        )
        assert any(told)
        desk.worker.rung.clear()  # whoever rang is gone
        desk.worker.run(sweep=False)
        _ring(desk, import_id)
        desk.worker.run(sweep=False)
    assert audited(db, "import.members") == audited(db, "import.undo") == audited(db, "import.undone") == 1
    assert members(db) == 0


def _ring(desk: Desk, import_id: int) -> None:
    ids = {"brand_id": seed.brand(desk.worker.db).id, "import_id": import_id}
    desk.worker.rung.extend(Ring(job, ids) for job in ("imports.resume", "imports.undo", "imports.undo"))


@ONE_DATABASE
def test_a_check_that_always_ends_its_process_is_given_up_and_killed_ones_leave_nothing(
    desk: Desk, db: Database
) -> None:
    staged = desk.folder / "staged"
    shown = desk.client.submit(desk.upload(MEMBERS).request.path, form="/columns")
    brand = seed.brand(db)
    for name in ("dead.stage", "dead.stage-journal"):
        (staged / f"{brand.id}-{name}").touch()
    for name, age in (("old.in", 2 * uploads.STRAY), ("new.in", 0)):
        (staged / f"{brand.id}-{name}").mkdir()
        os.utime(staged / f"{brand.id}-{name}", times=(time.time() - age,) * 2)

    def died(scope: Any) -> None:
        row = scope.session.scalars(select(Import)).one()
        row.progress = {**row.progress, "begun": checking.DEATHS}

    db.write(died, brand=brand)
    desk.worker.run()
    page = desk.client.get(shown.request.path)
    assert "Divide the file" in text_of(page.text) and not live(page)
    assert len(desk.left()) == 2 and f"{brand.id}-new.in" in desk.left()
    # once more, because somebody asks for it
    desk.client.submit(page.request.path, form="/again")
    assert "Good 2" in text_of(desk.check(desk.client.get(f"{page.request.path}/columns")).text)
    desk.press(desk.client.get(page.request.path), "/cancel")
    assert desk.left() == [f"{brand.id}-new.in"]
