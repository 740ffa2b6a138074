"""The worker is killed with -9 while it checks a file that came in by the pages, and while it takes one back: the next one
takes it up, nothing is half or twice, and the page of the file says what is true at each moment.

The quiet after which somebody is thought to be gone (jobs.QUIET) is shortened by writing an older moment into the row.
"""

from __future__ import annotations

import os
import re
import signal
import urllib.parse
import urllib.request
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.support import seed
from tests.support.live import LiveShop
from tests.support.waiting import wait_for
from tests.support.web import forms_of, text_of
from tests.web.imports.test_live_upload import PART, form
from tests.web.imports.test_undo import state
from webapp.imports import jobs
from webapp.imports.models import Import, ImportBefore, ImportMade
from webapp.kernel import clock
from webapp.kernel.audit import Audit
from webapp.kernel.steps import StepRun
from webapp.members.models import Member

pytestmark = pytest.mark.drill
ROWS, BAD = 80_000, 1_000  # of the file that is checked
OLD, NEW = 480, 1_200  # members whom the file changes, and makes


class Desk:
    """The owner at the pages of a shop that runs."""

    def __init__(self, shop: LiveShop) -> None:
        self.shop, self.brand = shop, seed.brand(shop.db)
        cookie = shop.cookie()
        self._open = urllib.request.build_opener()
        self._open.addheaders = [
            ("Cookie", f"{cookie['name']}={cookie['value']}"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Accept-Language", "en"),
        ]

    def ask(self, path: str, data: bytes | None = None, kind: str = "") -> tuple[str, str]:
        """(where it ended, the page)."""
        asked = urllib.request.Request(self.shop.address.rstrip("/") + path, data)
        if kind:
            asked.add_header("Content-Type", kind)
        with self._open.open(asked, timeout=20) as answer:
            return urllib.parse.urlsplit(answer.url).path, answer.read().decode()

    def press(self, path: str, action: str, **more: str) -> None:
        """A button of a page."""
        chosen = next(one for one in forms_of(self.ask(path)[1]) if action in one.action)
        self.ask(chosen.action, urllib.parse.urlencode(chosen.fields | more, doseq=True).encode())

    def upload(self, content: str) -> tuple[str, int]:
        """Up to its being checked: its page, its id."""
        place, _ = self.ask(
            "/imports/new", form(content.encode(), "list.csv"), f"multipart/form-data; boundary={PART}"
        )
        self.press(place, "/columns")
        place = place.removesuffix("/columns")
        return place, int(place.rsplit("/", 1)[-1])

    def says(self, place: str, *words: str, seconds: float = 30) -> str:
        """The page, once it says all of these."""
        page = ""

        def said() -> bool:
            nonlocal page
            page = self.ask(place)[1]
            return all(word in text_of(page) for word in words)

        try:
            wait_for(said, seconds, every=0.1)
        except TimeoutError:
            raise AssertionError(text_of(page) + self.shop.log[-3000:]) from None
        return page

    def row(self, import_id: int) -> Import:
        with self.shop.db.read(brand=self.brand) as scope:
            return scope.session.get_one(Import, (self.brand.id, import_id))

    def count(self, model: Any, *where: Any) -> int:
        with self.shop.db.read() as scope:
            return scope.session.scalar(select(func.count()).select_from(model).where(*where)) or 0

    def kill_worker(self) -> None:
        """Once another has taken its place."""
        old = worker(self.shop)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: worker(self.shop) != old, 20)

    def quiet(self, import_id: int) -> None:
        """As if QUIET had passed."""
        past = clock.now() - jobs.QUIET * 2

        def unit(scope: Any) -> None:
            row = scope.session.get_one(Import, (self.brand.id, import_id))
            row.progress = {**(row.progress or {}), "at": past.isoformat()}

        self.shop.db.write(unit, brand=self.brand)

    def staged(self) -> set[str]:
        return {path.name for path in (self.shop.instance / "staged").iterdir() if path.suffix != ".lock"}


def worker(shop: LiveShop) -> int:
    """The worker's process, as the supervisor last said."""
    return int(re.findall(r"\] worker started \(process (\d+)\)", shop.log)[-1])


def test_the_worker_is_killed_at_a_file(live: LiveShop) -> None:
    desk = Desk(live.start())
    while_it_checks(desk)
    while_it_takes_back(desk)
    assert "Traceback" not in live.log


def while_it_checks(desk: Desk) -> None:
    content = "number,name,phone\n" + "".join(
        f"{n},Member {n},{'12' if n % (ROWS // BAD) == 0 else ''}\n" for n in range(ROWS)
    )
    place, import_id = desk.upload(content)
    for _ in range(2):
        wait_for(lambda: (desk.row(import_id).progress or {}).get("rows"), 30)
        desk.kill_worker()
        assert desk.row(import_id).state == "checking", "it was over before: more rows are needed"
        rows = (desk.row(import_id).progress or {})["rows"]
        page = desk.says(
            place, "being checked", "rows read", "You can close this page", "Stop and throw it away"
        )
        assert "Good" not in text_of(page) and 0 < rows < ROWS and not desk.row(import_id).stage
        desk.quiet(import_id)
        wait_for(lambda: (desk.row(import_id).progress or {}).get("rows", 0) < rows, 20)  # noqa: B023  # it begins anew
    page = desk.says(place, f"Rows read {ROWS:,}", f"Good {ROWS - BAD:,}", f"Bad rows {BAD:,}", seconds=60)
    assert "being checked" not in text_of(page) and "hx-trigger" not in page
    lines = desk.ask(f"{place}/bad/file.csv")[1].splitlines()
    assert len(lines) == BAD + 1 and len(set(lines)) == BAD + 1
    row = desk.row(import_id)
    assert {row.stage, (row.told or {})["folder"]} == desk.staged()  # of the killed ones nothing
    assert desk.count(Member) == 0 and (row.progress or {})["begun"] == 3
    desk.press(place, "/cancel")
    desk.says(place, "thrown away")
    assert not desk.staged()


def while_it_takes_back(desk: Desk) -> None:
    head = "number,name,phone\n"
    first = head + "".join(f"{n},Old {n},1380000{n:04}\n" for n in range(OLD))
    second = head + "".join(f"{n},New {n},1390000{n:04}\n" for n in range(OLD + NEW))
    bring(desk, first)
    before = state(desk.shop.db)
    place, import_id = bring(desk, second)
    assert desk.count(Member) == OLD + NEW and state(desk.shop.db) != before
    desk.press(place, "/undo")
    for part, least in (("restored", 1), ("removed", NEW // 3)):
        wait_for(lambda: cursor(desk, import_id).get(part, 0) >= least, 30, every=0.002)  # noqa: B023
        desk.kill_worker()
        assert desk.row(import_id).state == "undoing", "it was over before: more rows are needed"
        done = cursor(desk, import_id)
        # what the page says is what is there
        assert desk.count(Member) == OLD + NEW - done["removed"] and done["kept"] == 0
        assert desk.count(ImportBefore, ImportBefore.import_id == import_id) == OLD - done["restored"]
        page = desk.says(place, "being taken back", "You can close this page")
        assert f"{done['removed'] + done['restored']:,}" in text_of(page) and "/undo" not in page
        desk.quiet(import_id)
    page = desk.says(place, "taken back", f"{NEW:,} removed, {OLD:,} as they were before, 0 left", seconds=60)
    assert "hx-trigger" not in page and state(desk.shop.db) == before
    assert not desk.count(ImportMade, ImportMade.import_id == import_id)
    for verb in ("import.undo", "import.undone"):
        assert desk.count(Audit, Audit.verb == verb) == 1


def bring(desk: Desk, content: str) -> tuple[str, int]:
    place, import_id = desk.upload(content)
    desk.says(place, "Bring all")
    desk.press(place, "/apply")
    desk.says(place, "brought in", "New")
    return place, import_id


def cursor(desk: Desk, import_id: int) -> dict[str, int]:
    with desk.shop.db.read() as scope:
        found = scope.session.scalars(
            select(StepRun).where(StepRun.name == "import.undo", StepRun.key == str(import_id))
        ).one_or_none()
        return dict(found.cursor or {}) if found else {}
