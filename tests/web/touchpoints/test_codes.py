"""Codes on the staff's pages: made, changed, counted, printed, within one's stores."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select, update

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.brands import queries as brands
from webapp.brands.models import Brand
from webapp.kernel import links
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import Actor, BrandRef
from webapp.members import guides as member_guides
from webapp.members.models import Member
from webapp.staff.models import StaffRole, StaffStore
from webapp.touchpoints import figures, joining, pdf, queries, sheet
from webapp.touchpoints.models import Touchpoint

pytestmark = ONE_DATABASE
Point = Callable[..., Touchpoint]
MAY = datetime(2026, 5, 10, 4, tzinfo=UTC)


def store_ids(db: Database, brand: BrandRef) -> dict[str, int]:
    with db.read(brand=brand) as scope:
        return {one.code: one.id for one in brands.stores(scope)}


def test_made_changed_and_audited_with_the_same_address(app: Flask, client: Client, db: Database) -> None:
    client.submit(
        "/touchpoints/new",
        {"name": "Window", "place": "left", "serving": "one", "serves": str(seed.actor(db, "guide").id)},
    )
    with db.read() as scope:
        made = scope.session.scalars(select(Touchpoint)).one()
    page = client.get(f"/touchpoints/{made.id}")
    assert f"/t/{made.code}" in page.text and "Guide" in text_of(page.text) and "<svg" in page.text
    client.submit(f"/touchpoints/{made.id}/edit", {"name": "Till", "place": "till 2", "active": None})
    with db.read() as scope:
        now = scope.session.scalars(select(Touchpoint)).one()
        told = scope.session.scalars(select(Audit.detail).where(Audit.verb == "touchpoint.change")).one()
    assert (now.code, now.name, now.place, now.active) == (made.code, "Till", "till 2", False)
    assert told["changed"]["place"] == ["left", "till 2"]


def test_mistakes_stand_beside_their_field(app: Flask, client: Client, db: Database) -> None:
    got = client.submit("/touchpoints/new", {"name": " ", "place": "window"})
    assert got.status_code == 422 and "Give it a name" in got.text and 'value="window"' in got.text
    got = client.submit("/touchpoints/new", {"name": "X", "serving": "one", "serves": "0"})
    assert got.status_code == 422 and "Say who gets the new members." in got.text


def in_one_store(app: Flask, db: Database, brand: BrandRef, role: str, store_id: int) -> Client:
    """Somebody of a role whose work is in one store."""

    def unit(scope: object) -> None:
        held = scope.session.scalars(select(StaffRole).where(StaffRole.role == role)).one()  # type: ignore[attr-defined]
        scope.session.add(StaffStore(brand_id=brand.id, role_id=held.id, store_id=store_id))  # type: ignore[attr-defined]

    db.write(unit, brand=brand)
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser.sign_in(role)


def test_a_manager_stays_within_the_store(point: Point, app: Flask, db: Database, brand: BrandRef) -> None:
    stores = store_ids(db, brand)
    own, other = (point(name=code, store_id=id_) for code, id_ in sorted(stores.items()))
    whole = point(name="Everywhere")
    manager = in_one_store(app, db, brand, "manager", own.store_id or 0)
    listed = manager.get("/touchpoints").text
    assert own.name in listed and f"/touchpoints/{other.id}" not in listed and "Everywhere" not in listed
    for path in ("", "/edit", "/sheet", "/sheet.svg", "/qr.svg"):
        assert manager.get(f"/touchpoints/{own.id}{path}").status_code == 200
        assert manager.get(f"/touchpoints/{other.id}{path}").status_code == 404
        assert manager.get(f"/touchpoints/{whole.id}{path}").status_code == 404
    form = manager.get("/touchpoints/new").text
    assert f'value="{own.store_id}"' in form and f'<option value="{other.store_id}"' not in form
    sneaky = {
        "name": "X",
        "store": str(other.store_id),
        "key": "a-key-12345",
        "serving": "none",
        "ask": "phone",
    }
    assert manager.post("/touchpoints/new", data=sneaky).status_code == 422
    assert manager.post("/touchpoints/default", data={"store": other.store_id}).status_code == 404
    assert manager.post("/touchpoints/default").status_code == 404
    assert "limit_" not in manager.get("/touchpoints/guides").text  # nobody of this store takes members


def test_figures_and_their_rows(point: Point, client: Client, db: Database, brand: BrandRef) -> None:
    stores = store_ids(db, brand)
    guide = seed.actor(db, "guide").id
    window = point(name="Window", place="window", store_id=stores["xujiahui"], serving="one", serves_id=guide)
    till = point(name="Till", place="till", store_id=stores["nanjing-road"])

    def live(scope: object, where: Touchpoint, n: int) -> int:
        joining.scanned(scope, where, f"browser-{n}-of-somebody")  # type: ignore[arg-type]
        typed = joining.Joining(phone=f"139{n:08}", name=f"Person {n}")
        return joining.join(scope, where, typed, f"key-of-{n:05}").member_id  # type: ignore[arg-type,union-attr]

    ids = [
        db.write(lambda s, w=where, n=n: live(s, w, n), brand=brand, now=MAY)
        for n, where in enumerate((window, window, till))
    ]

    def bought(scope: object) -> None:
        first, second, _third = (scope.session.get_one(Member, (brand.id, id_)) for id_ in ids)  # type: ignore[attr-defined]
        make.make_orders(scope, first, [scope.today, scope.today])  # type: ignore[arg-type,attr-defined]
        make.make_order(scope, second, datetime(2026, 5, 1, tzinfo=UTC).date())  # type: ignore[arg-type]

    db.write(bought, brand=brand, now=MAY)  # the second one's order is older than the joining
    with db.read(brand=brand, now=MAY) as scope:
        sums = {by: figures.sums(scope, by, None) for by in figures.BY}
    assert sums["place"] == {"window": figures.Sums(2, 2, 1), "till": figures.Sums(1, 1, 0)}
    assert sums["store"][stores["xujiahui"]] == figures.Sums(2, 2, 1)
    assert sums["guide"] == {guide: figures.Sums(None, 2, 1), None: figures.Sums(None, 1, 0)}
    assert figures.total(sums["code"]) == figures.Sums(3, 3, 1)
    page = client.get("/touchpoints/figures?by=place&days=0")
    for what, expected in (("scans", 2), ("joins", 2), ("orders", 1)):
        href = re.search(rf'href="(/touchpoints/rows\?[^"]*what={what}[^"]*key=window[^"]*)"', page.text)
        assert href is not None, what
        rows = client.get(href[1].replace("&amp;", "&"))
        assert rows.status_code == 200 and rows.text.count('<th scope="row"') == expected, what
    nobody = client.get("/touchpoints/rows?what=joins&by=guide&key=&days=0")
    assert "Person 2" in nobody.text and "Person 1" not in nobody.text


def test_a_sheet_wears_the_brand_and_says_when_the_address_is_unchecked(
    point: Point, client: Client, db: Database, brand: BrandRef
) -> None:
    db.write(lambda s: s.session.execute(update(Brand).values(colour="#0a6a4a")), brand=brand)
    where = point(name="Window", place="橱窗")
    page = client.get(f"/touchpoints/{where.id}/sheet?title=扫码入会")
    assert "Nobody has checked this address" in page.text
    picture = client.get(f"/touchpoints/{where.id}/sheet.svg?title=扫码入会&size=a5")
    assert picture.mimetype == "image/svg+xml"
    for piece in ("#0a6a4a", "扫码入会", "橱窗", "Acme", f"/t/{where.code}", 'width="148mm"'):
        assert piece in picture.text, piece
    links.use("https://shop.example")
    try:
        page = client.get(f"/touchpoints/{where.id}/sheet")
        assert "Nobody has checked" not in page.text
        qr = client.get(f"/touchpoints/{where.id}/qr.svg")
        assert "attachment" in qr.headers["Content-Disposition"] and qr.text.startswith("<svg")
    finally:
        links.use(None)
    assert client.get(f"/touchpoints/{where.id}/sheet?size=poster").status_code == 404


def test_the_pdf_is_one_page_with_letters_drawn(point: Point, client: Client, db: Database) -> None:
    got = client.get(f"/touchpoints/{point(name='Window').id}/sheet.pdf?size=tent&title=立减二十元")
    assert got.mimetype == "application/pdf" and got.data.startswith(b"%PDF-") and b"/Count 1" in got.data
    plain = pdf.draw(sheet.lay(sheet.Words("A", "", "立减", "B", "C", "https://a.example/t/x"), "a4").plain())
    with_font = pdf.chinese_font() is not None
    assert (b"STSong" in plain) != with_font, "outlines where there is a font, else its name"


def test_who_looks_after_a_member_is_changed_by_a_manager(
    point: Point, app: Flask, client: Client, db: Database, brand: BrandRef
) -> None:
    member = db.write(lambda s: make.make_member(s, name="Li Lei").id, brand=brand)
    guide: Actor = seed.actor(db, "guide")
    client.submit(f"/members/{member}/guides", {"serves": str(guide.id)})
    assert "Guide" in text_of(client.get(f"/members/{member}").text)
    with db.read(brand=brand) as scope:
        assert member_guides.guide_of(scope, [member]) == {member: guide.id}
        assert scope.session.scalars(member_guides.members_of(scope, guide.id)).all() == [member]
        told = scope.session.scalars(select(Audit.detail).where(Audit.verb == "member.guide")).one()
    assert told == {"kind": "serves", "before": None, "staff": guide.id}
    client.submit(f"/members/{member}/guides", {"serves": "0"})
    with db.read(brand=brand) as scope:
        assert member_guides.guide_of(scope, [member]) == {}
    clerk: Client = app.test_client()  # type: ignore[assignment]
    assert clerk.sign_in("clerk").get(f"/members/{member}/guides").status_code == 403


def test_limits_of_guides(point: Point, client: Client, db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide").id
    got = client.submit("/touchpoints/guides", {f"limit_{guide}": "many"})
    assert got.status_code == 422
    client.submit("/touchpoints/guides", {f"limit_{guide}": "3", f"away_{guide}": "2026-05-10"})
    page = client.get("/touchpoints/guides").text
    assert 'value="3"' in page and 'value="2026-05-10"' in page
    with db.read(brand=brand, now=MAY) as scope:
        assert queries.all_of(scope) == []
