"""Files that are not what they seem: each told in words, and nothing left behind."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.support.databases import ONE_DATABASE
from tests.support.web import text_of
from tests.support.xlsx import zipped
from tests.web.imports.conftest import Desk
from webapp.imports.models import Import
from webapp.kernel.db import Database

pytestmark = ONE_DATABASE
BOMB = {
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<R><Relationship Id="r1" Target="worksheets/sheet1.xml"/></R>',
}
MANY = "<worksheet><sheetData>" + "<row/>" * 1_100_000 + "</sheetData></worksheet>"
HUGE = b"<worksheet>" + b" " * (40 << 20) + b"</worksheet>"
ENTITIES = '<!DOCTYPE a [<!ENTITY b "bb">]><worksheet>&b;</worksheet>'


def bomb(sheet: str | bytes) -> bytes:
    return zipped({**BOMB, "xl/worksheets/sheet1.xml": sheet})


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"%PDF-1.7 ...", "list.pdf", "is a PDF file"),
        (b"\x89PNG\r\n\x1a\n", "list.csv", "is a PNG file"),
        (zipped({"a.txt": "x"}), "list.xlsx", "is an archive, not a workbook"),
        (b"PK\x03\x04 cut off", "list.xlsx", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list.xls", "old kind"),
        (bomb(HUGE), "list.xlsx", "swells to 40 MB"),
        (bomb(MANY), "list.xlsx", "more than 1048576 rows"),
        (bomb(ENTITIES), "list.xlsx", "is damaged"),
        (b"number,name\n1,Zo\xeb\n", "list.csv", "line 2 is neither in UTF-8 nor in GB18030"),
        (b"", "list.csv", "is empty"),
        (b"\n\n", "list.csv", "is empty"),
        (b"number,name\n", "list.csv", "no row below it"),
        (b"number,Name,NAME\n1,a,b\n", "list.csv", "two columns are called"),
        (b"number,name\n1," + b"x" * (3 << 20), "list.csv", "a cell has no end or over 20000 characters"),
        (b"number,name\n" + b"x" * (3 << 20), "list.csv", "a cell has no end or over 20000 characters"),
        (b"number," * 600 + b"\n1\n", "list.csv", "at most 500 are read"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_it_is_refused_at_the_door(desk: Desk, db: Database, content: bytes, name: str, said: str) -> None:
    page = desk.upload(content, name=name)
    assert page.status_code == 422 and said in text_of(page.text), text_of(page.text)
    with db.read() as scope:
        assert not scope.session.scalars(select(Import)).all()
    assert not desk.left()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"number,name\n1,a\0b\n", "NUL byte"),
        (b'number,name\n1,"abc\n2,b\n', "quotation mark"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_it_is_refused_when_it_is_read(desk: Desk, db: Database, content: bytes, said: str) -> None:
    shown = desk.check(desk.upload(content))
    text = text_of(shown.text)
    assert said in text and "Nothing was changed" in text
    desk.press(shown, "/cancel")
    assert not desk.left()


def test_too_large_a_file_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = desk.client.application.extensions["regulars.settings"]
    small = type(settings)(settings.instance, settings.database_url, None, None, False, False, 0, 1)
    monkeypatch.setitem(desk.client.application.extensions, "regulars.settings", small)
    assert "larger than 1 MB" in text_of(desk.upload(b"number\n" + b"1\n" * 600_000).text)
    assert desk.upload(b"number\n" + b"1\n" * 1_200_000).status_code == 413
    assert not desk.left()


def test_nobody_else_may_send_a_large_file(desk: Desk) -> None:
    clerk = desk.client.application.test_client().sign_in("clerk")  # type: ignore[attr-defined]
    answer = clerk.post("/imports/new", data={"source": "x" * (3 << 20)})
    assert answer.status_code == 413
