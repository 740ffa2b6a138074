"""From a shop's own file to its members and orders, by pages alone."""

from __future__ import annotations

from sqlalchemy import select

from tests.support.databases import ONE_DATABASE
from tests.support.web import text_of
from tests.web.imports.conftest import Desk
from webapp.imports.models import Import
from webapp.kernel.db import Database
from webapp.members.models import Consent, ConsentNow, Member, MemberIdentity
from webapp.orders.models import Order, OrderLine

pytestmark = ONE_DATABASE
MEMBERS = "会员卡号,姓名,手机号,生日,性别,身份证\n0017,张三,13800000001,1990-02-28,男,x\n0018,李四,13800000002,,女,y\n"


def test_a_list_with_chinese_headers_comes_in(desk: Desk, db: Database) -> None:
    page = desk.upload(MEMBERS.encode("gb18030"), name="会员.csv")
    assert page.request.path.endswith("/columns") and "GB18030" in page.text
    assert "nobody of this file may be written to" in page.text
    checked = desk.check(page, {"keep": None})
    text = text_of(checked.text)
    assert "Rows read 2" in text and "none of these people may be written to" in text
    with db.read() as scope:
        assert not scope.session.scalars(select(Member)).all()  # nothing before it is asked for
    done = text_of(desk.press(checked, "/apply").text)
    assert "brought in" in done and "New 2" in done
    with db.read() as scope:
        members = scope.session.scalars(select(Member).order_by(Member.number)).all()
        assert [(m.number, m.name, m.gender) for m in members] == [
            ("0017", "张三", "male"),
            ("0018", "李四", "female"),
        ]
        assert not scope.session.scalars(select(ConsentNow)).all()
    # the same columns again: matched as the last time
    assert "Matched as the last time." in desk.upload(MEMBERS).text
    assert text_of(desk.client.get("/imports").text).count("会员.csv") == 1


def test_consent_is_declared_for_a_file_and_a_no_stays_no(desk: Desk, db: Database) -> None:
    said = {"agreed": "email", "agreed_where": "form at the counter", "agreed_on": "2025-01-05"}
    desk.bring("number,email,consent_email\n1,a@x.example,no\n2,b@x.example,\n")
    page = desk.upload("number,name\n1,A\n2,B\n3,C\n")
    wrong = desk.check(page, said | {"agreed_where": ""})
    assert wrong.status_code == 422 and "Say where they agreed" in wrong.text
    done = desk.press(desk.check(page, said), "/apply")
    assert "1 answers stay no" in text_of(done.text)
    with db.read() as scope:
        now = scope.session.execute(
            select(Member.number, ConsentNow.granted)
            .join(ConsentNow, ConsentNow.member_id == Member.id)
            .order_by(Member.number)
        ).all()
        sources = scope.session.scalars(select(Consent.source).where(Consent.granted)).all()
    assert [tuple(row) for row in now] == [("1", False), ("2", True), ("3", True)]
    assert all(source.startswith("declared:") and source.endswith(":list.csv") for source in sources)


def test_bad_rows_are_told_taken_out_mended_and_brought_in(desk: Desk, db: Database) -> None:
    page = desk.upload("number,name,phone,birthday\n1,=1+1,,\n2,=cmd|x,12,\n3,C,,2001-02-31\n")
    checked = desk.check(page)
    text = text_of(checked.text)
    assert (
        "Bad rows 2" in text
        and "no phone number here (China)" in text
        and "no day between 1900 and today" in text
    )
    place = checked.request.path
    refused = desk.client.submit(place, {"good": None}, form="/apply")
    assert refused.status_code == 422 and "Some rows are bad" in refused.text
    done = desk.press(checked, "/apply", {"good": "1"})
    assert "New 1" in text_of(done.text)
    bad = desk.client.get(f"{place}/bad/file.csv")
    assert bad.data.startswith(b"\xef\xbb\xbfWhat is wrong,number,name,phone,birthday\r\n")
    assert "'=cmd|x" in bad.text and "Write it as 1990-02-28" in bad.text
    mended = bad.text.replace(",12,", ",13800000012,").replace("2001-02-31", "2001-02-28")
    done = desk.press(desk.check(desk.upload(mended.encode())), "/apply")
    assert "New 2" in text_of(done.text)
    with db.read() as scope:
        names = scope.session.scalars(select(Member.name).order_by(Member.number)).all()
    assert names == ["=1+1", "=cmd|x", "C"]


ORDERS = "小票号,会员卡号,手机,消费时间,实付\nA1,0017,,2026/1/3 10:00,12.50\nA2,,13900000009,2026-01-04 10:00,3\nA3,,,2026-01-05,1\n"
LINES = "小票号,商品,数量,金额\nA1,Tea,1,8.00\nA1,Pot,1,4.50\nA2,Tea,x,3\n"


def test_orders_with_lines_half_of_them_without_a_member(desk: Desk, db: Database) -> None:
    desk.bring(MEMBERS)
    checked = desk.check(desk.upload(ORDERS, kind="orders", lines=LINES, source="till 1"))
    text = text_of(checked.text)
    assert "1 orders without member and phone" in text and "1 orders with a phone only" in text
    assert "is no quantity" in text
    place = checked.request.path
    desk.press(checked, "/apply", {"good": "1"})
    bad = [desk.client.get(f"{place}/bad/{part}.csv").text for part in ("file", "lines")]
    assert "A2" in bad[0] and "A1" not in bad[0] and "A2,Tea,x,3" in bad[1]
    # mended, and both uploaded as they are
    again = desk.upload(bad[0], kind="orders", lines=bad[1].replace(",x,", ",2,"), source="till 1")
    assert "Changed 1" in text_of(desk.press(desk.check(again), "/apply").text)
    # another till may use the same number
    desk.bring("number,ordered_at,paid\nA1,2026-01-09,7\n", kind="orders", source="till 2")
    with db.read() as scope:
        assert len(scope.session.scalars(select(Order)).all()) == 4
        assert len(scope.session.scalars(select(OrderLine)).all()) == 3
        assert scope.session.scalars(select(MemberIdentity.value)).first()


def test_it_can_be_thrown_away_and_leaves_nothing(desk: Desk, db: Database) -> None:
    checked = desk.check(desk.upload(MEMBERS))
    gone = desk.press(checked, "/cancel")
    assert "thrown away" in gone.text and desk.client.get(f"{gone.request.path}/columns").status_code == 303
    with db.read() as scope:
        row = scope.session.scalars(select(Import)).one()
        assert row.state == "cancelled" and not scope.session.scalars(select(Member)).all()
    assert not [name for name in desk.left() if name.endswith(".in")]


def test_needed_columns_are_asked_for_beside_the_field(desk: Desk) -> None:
    page = desk.upload("foo,bar\n1,2\n")
    wrong = desk.check(page)
    assert wrong.status_code == 422 and 'id="file-number-error"' in wrong.text
    twice = desk.check(page, {"file-number": "foo", "file-name": "foo"})
    assert "is chosen for" in twice.text
