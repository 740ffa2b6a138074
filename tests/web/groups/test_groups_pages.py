"""Groups by pages: made with a picture, members taken in, a list pasted, the picture served as one."""

from __future__ import annotations

from io import BytesIO

import pytest
from sqlalchemy import select

from tests.factories.members import make_member
from tests.support.databases import ONE_DATABASE
from tests.support.pictures import png
from tests.support.web import Client, text_of
from webapp.groups.models import Group, GroupPicture, GroupStay
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE


def the_group(db: Database) -> Group:
    with db.read() as scope:
        return scope.session.scalars(select(Group)).one()


@pytest.fixture
def owner(client: Client) -> Client:
    return client.sign_in("owner")


def make(owner: Client, **more: object) -> str:
    data = {"name": "Fans 粉丝群", "kind": "Fans", "capacity": "200"} | more
    page = owner.submit("/groups/new", data, content_type="multipart/form-data")
    return page.text


def test_from_an_empty_list_to_a_group_with_members(owner: Client, db: Database, brand: BrandRef) -> None:
    assert "No group yet" in text_of(owner.get("/groups").text)
    assert "Fans 粉丝群" in make(owner, picture=(BytesIO(png(30, 30)), "qr.png"), until="2020-01-01")
    group = the_group(db)
    page = text_of(owner.get(f"/groups/{group.id}").text)
    assert "The QR code is over" in page
    assert "QR codes to be replaced" in text_of(owner.get("/").text)
    shown = owner.get(f"/groups/{group.id}/picture")
    assert shown.mimetype == "image/png" and shown.data == png(30, 30)
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    db.write(lambda scope: make_member(scope, number="A1", name="Han Mei", phone="13800138000"), brand=brand)
    found = owner.get(f"/groups/{group.id}/members?q=13800138000")
    assert "Han Mei" in found.text
    page = owner.submit(f"/groups/{group.id}/members?q=13800138000", form="/members")
    assert "They are in the group now." in page.text and "Han Mei" in page.text
    page = owner.submit(f"/groups/{group.id}/members", form="/leave")
    assert "Noted: they left" in page.text
    page = owner.submit(f"/groups/{group.id}/list", {"list": "A1\n8000\n<script>"})
    words = text_of(page.text)
    assert "is in it now" in words and "nobody has this number or whole phone" in words
    assert "<script>" not in page.text.replace("<script src", "")
    with db.read() as scope:
        assert [one.source for one in scope.session.scalars(select(GroupStay).order_by(GroupStay.id))] == [
            "staff",
            "list",
        ]


def test_what_is_wrong_is_said_beside_its_field_and_kept(owner: Client) -> None:
    page = owner.submit(
        "/groups/new",
        {"name": "  ", "link": "https://wechat.example/g", "picture": (BytesIO(b"<svg/>"), "qr.png")},
        content_type="multipart/form-data",
    )
    assert page.status_code == 422
    assert "This is no whole PNG, JPEG or GIF picture." in page.text
    assert "https://wechat.example/g" in page.text
    page = owner.submit("/groups/new", {"name": ""}, content_type="multipart/form-data")
    assert page.status_code == 422 and "Give it a name of 1 to 80 characters." in page.text


def test_a_picture_is_replaced_and_taken_away(owner: Client, db: Database) -> None:
    make(owner, picture=(BytesIO(png()), "a.png"))
    url = f"/groups/{the_group(db).id}/edit"
    owner.submit(url, {"picture": (BytesIO(png(5, 5)), "b.png")}, content_type="multipart/form-data")
    with db.read() as scope:
        assert scope.session.scalars(select(GroupPicture.width)).one() == 5
    owner.submit(url, {"drop_picture": "y"}, content_type="multipart/form-data")
    assert owner.get(f"/groups/{the_group(db).id}/picture").status_code == 404


def test_types(owner: Client) -> None:
    page = owner.post("/groups/types", data={"name": "Mothers"}, follow_redirects=True)
    assert "Mothers" in page.text and "Beauty" in page.text
    assert owner.post("/groups/types", data={"name": "mothers"}).status_code == 422


def test_a_guide_sees_and_does_not_change(client: Client, owner: Client, db: Database) -> None:
    make(owner)
    group = the_group(db)
    clerk: Client = client.application.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")
    assert clerk.get(f"/groups/{group.id}").status_code == 403
