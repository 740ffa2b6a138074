"""Tags by hand and notes: defined, put on and off, found in the list and by campaigns; the last four digits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Client, text_of
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import queries as members
from webapp.members.models import MemberIdentity
from webapp.segments.compile import conditions
from webapp.segments.rules import Condition, Rule
from webapp.tags import queries, service
from webapp.tags.models import Tag

pytestmark = OTHER_IN_DRILL


def test_a_tag_is_defined_put_on_found_and_taken_off(client: Client, db: Database, brand: BrandRef) -> None:
    one, _two = db.write(lambda s: make.make_members(s, 2), brand=brand)
    client.sign_in("manager")
    assert "No tags yet" in client.get("/tags").text
    assert client.submit("/tags", {"group": "Taste", "tag": "green tea"}).status_code == 200
    again = client.submit("/tags", {"group": "taste", "tag": "Green Tea"}, form=1)
    assert (
        again.status_code == 422
        and "has this tag already" in again.text
        and 'value="Green Tea"' in again.text
    )
    with db.read(brand=brand) as scope:
        tag_id = scope.session.scalars(select(Tag.id)).one()
    client.sign_in("guide")
    assert client.post("/tags", data={"group": "a", "tag": "b"}).status_code == 403
    page = client.submit(f"/members/{one.id}", {"tag": str(tag_id)}, form=f"/members/{one.id}/tags")
    assert "green tea" in text_of(page.text)
    found = text_of(client.get(f"/members?tag={tag_id}").text)
    assert "Member 1" in found and "Member 2" not in found
    rule = Rule((Condition("tag", values=(str(tag_id),)),))
    with db.read(brand=brand) as scope:
        assert members.count_members(scope, *conditions(scope, rule, scope.today)) == 1
    client.submit(f"/members/{one.id}", form=f"/tags/{tag_id}/off")
    with db.read(brand=brand) as scope:
        assert queries.of_member(scope, one.id) == []


def test_a_tag_that_expired_counts_no_more(db: Database, brand: BrandRef) -> None:
    def plant(scope: Scope) -> tuple[int, int]:
        [member] = make.make_members(scope, 1)
        group = service.add_group(scope, "Taste")
        assert isinstance(group, int)
        tag = service.add_tag(scope, group, "tea")
        assert isinstance(tag, int)
        assert service.put(scope, member.id, tag, until=scope.today) is None
        return member.id, tag

    member_id, tag_id = db.write(plant, brand=brand)
    with db.read(brand=brand) as scope:
        assert members.count_members(scope, queries.has(scope, [tag_id])) == 1
        now = scope.now
    with db.read(brand=brand, now=now + timedelta(days=2)) as scope:
        assert members.count_members(scope, queries.has(scope, [tag_id])) == 0
        assert queries.of_member(scope, member_id) == []


def test_a_note_stands_with_who_wrote_it_and_only_they_take_it_back(
    client: Client, db: Database, brand: BrandRef
) -> None:
    [one] = db.write(lambda s: make.make_members(s, 1), brand=brand)
    client.sign_in("guide")
    page = client.submit(f"/members/{one.id}", {"note": "Allergic to <nuts>"}, form="/notes")
    assert "Allergic to &lt;nuts&gt;" in page.text and "Guide" in page.text
    client.sign_in("clerk")
    seen = client.get(f"/members/{one.id}").text
    assert "Allergic" in seen and "Take back" not in seen
    client.sign_in("guide")
    assert "Allergic" not in client.submit(f"/members/{one.id}", form="/drop").text


def test_the_last_four_digits_find_a_member(client: Client, db: Database, brand: BrandRef) -> None:
    def plant(scope: Scope) -> None:
        for n in (1, 2):
            make.make_member(scope, name=f"Member {n}", phone=f"1380013800{n}")

    db.write(plant, brand=brand)
    with db.read(brand=brand) as scope:
        assert sorted(scope.session.scalars(select(MemberIdentity.tail))) == ["8001", "8002"]
    found = text_of(client.get("/members?q=8002").text)
    assert "Member 2" in found and "Member 1" not in found
