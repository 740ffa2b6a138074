"""The life cycle on pages: counts that open to members, a run by hand, the reason on the profile, a filter and a badge."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, Worker, text_of
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member
from webapp.plugin_runtime import context

pytestmark = ONE_DATABASE
PLUGIN = "lifecycle_five_stage"


@pytest.fixture
def four(db: Database, brand: BrandRef) -> dict[str, int]:
    """One who is new, one who grows, one who sleeps, one who is gone."""

    def unit(scope: Scope) -> dict[str, int]:
        def member(name: str, *days: int) -> Member:
            made = make.make_member(scope, name=name, joined_on=scope.today - timedelta(days=400))
            make.make_orders(scope, made, [scope.today - timedelta(days=back) for back in days])
            return made

        new = make.make_member(scope, name="Nina")
        return {
            "new": new.id,
            "growing": member("Greta", 10, 60).id,
            "asleep": member("Doris", 100, 200).id,
            "gone": member("Carl", 300).id,
        }

    return db.write(unit, brand=brand)


def test_the_page_teaches_while_there_is_nobody(client: Client) -> None:
    page = client.get("/lifecycle")
    assert page.status_code == 200
    assert "Once there are members" in text_of(page.text) and "/lifecycle/run" not in page.text


def test_new_members_are_looked_at_within_moments_and_each_count_opens_its_members(
    client: Client, worker: Worker, four: dict[str, int]
) -> None:
    page = text_of(client.get("/lifecycle").text)
    assert "4 members by stage" in page and "4 members have not been looked at yet" in page
    assert "lifecycle.run" in worker.run()
    page = text_of(client.get("/lifecycle").text)
    assert "have not been looked at" not in page and "Five stages" in page
    assert "Introduction 1 25%" in page and "Maturity 0 0%" in page
    asleep = text_of(client.get("/members?stage=dormancy").text)
    assert "Doris" in asleep and "Carl" not in asleep and "Dormancy" in asleep
    assert "Carl" in text_of(client.get("/members?stage=churn").text)
    today = text_of(client.get("/").text)
    assert "Life cycle" in today and "All stages" in today


def test_who_will_turn_soon_is_told(client: Client, worker: Worker, db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        made = make.make_member(scope, joined_on=scope.today - timedelta(days=400))
        make.make_orders(scope, made, [scope.today - timedelta(days=back) for back in (85, 300)])

    db.write(unit, brand=brand)
    worker.run()
    assert "1 to Dormancy" in text_of(client.get("/lifecycle").text)


def test_a_run_by_hand_is_rung_for_and_audited(client: Client, worker: Worker, four: dict[str, int]) -> None:
    answer = client.submit("/lifecycle", form="/lifecycle/run")
    assert answer.status_code == 200 and "being looked at" in text_of(answer.text)
    assert "lifecycle.run" in worker.run(sweep=False)
    assert "Looked at last" in text_of(client.get("/lifecycle").text)


def test_the_profile_says_why(client: Client, worker: Worker, four: dict[str, int]) -> None:
    before = text_of(client.get(f"/members/{four['gone']}").text)
    assert "lists and campaigns follow within moments" in before
    worker.run()
    gone = text_of(client.get(f"/members/{four['gone']}").text)
    assert "Churn" in gone and "300 days ago; the limit is 180 days" in gone and "when they buy" in gone
    growing = text_of(client.get(f"/members/{four['growing']}").text)
    assert "Orders in the last 90 days: 2. Maturity begins at 5." in growing
    assert "Then, if nothing more happens" in growing
    assert "Joined today." in text_of(client.get(f"/members/{four['new']}").text)


def test_in_chinese(client: Client, worker: Worker, four: dict[str, int]) -> None:
    worker.run()
    for url in ("/lifecycle", f"/members/{four['asleep']}"):
        assert client.get(url, headers={"Accept-Language": "zh-CN"}).status_code == 200


def test_a_policy_that_is_off_is_said_on_both_pages(
    client: Client, worker: Worker, db: Database, brand: BrandRef, four: dict[str, int]
) -> None:
    worker.run()
    db.write(lambda scope: context.switch(scope, PLUGIN, on=False), brand=brand)
    worker.run()
    for url in ("/lifecycle", f"/members/{four['asleep']}"):
        assert "No life-cycle policy is switched on" in text_of(client.get(url).text)
    assert "Dormancy" in text_of(client.get(f"/members/{four['asleep']}").text)


def test_a_clerk_sees_why_but_not_the_whole(app: Flask, four: dict[str, int]) -> None:
    clerk: Client = app.test_client().sign_in("clerk")  # type: ignore[attr-defined]
    assert "Where they are" in text_of(clerk.get(f"/members/{four['asleep']}").text)
    assert clerk.get("/lifecycle").status_code == 403
    assert clerk.post("/lifecycle/run").status_code == 403
