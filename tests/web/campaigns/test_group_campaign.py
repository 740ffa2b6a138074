"""A campaign to groups, from the first page to what each group's link brought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.factories.members import make_member
from tests.factories.offers import make_offer
from tests.factories.orders import make_orders
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.pictures import png
from tests.support.web import Client, Worker, text_of
from tests.unit.groups.test_groups import make_group
from webapp.campaigns import group_results, landing
from webapp.campaigns import service as campaigns
from webapp.campaigns.models import Campaign, CampaignGroup, GroupVisit, GroupVisitor
from webapp.coupons.models import Coupon
from webapp.kernel import links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox.models import Delivery
from webapp.tasks import service as tasks
from webapp.tasks.models import Task

pytestmark = ONE_DATABASE
PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0"}


@dataclass
class Shop:
    app: Flask
    db: Database
    brand: BrandRef
    owner: Client
    worker: Worker
    offer: int
    groups: list[int]

    @property
    def campaign(self) -> Campaign:
        with self.db.read() as scope:
            return scope.session.scalars(select(Campaign)).one()

    def link(self, group: int = 0) -> str:
        with self.db.read() as scope:
            found = scope.session.scalars(
                select(CampaignGroup.token).where(CampaignGroup.group_id == self.groups[group])
            ).one()
        return f"/g/{found}"

    def browser(self) -> Client:
        client: Client = self.app.test_client()  # type: ignore[assignment]
        return client

    def come(self, who: str | None, group: int = 0) -> str:
        """Somebody opens a group's link and answers; who None: goes on without. What they read at the end."""
        person, url = self.browser(), self.link(group)
        page = person.get(url, headers=PHONE)
        assert page.status_code == 200 and "Your phone or e-mail" in page.text
        data = {"without": "1"} if who is None else {"who": who}
        page = person.post(url, data=data, headers=PHONE, follow_redirects=True)
        assert page.status_code == 200
        return text_of(page.text)

    def result(self, group: int = 0) -> group_results.GroupResult:
        with self.db.read(brand=self.brand) as scope:
            found = group_results.results(scope, self.campaign.id)
        return next(one for one in found if one.group.id == self.groups[group])

    def count(self, model: Any) -> int:
        with self.db.read() as scope:
            return scope.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def shop(app: Flask, db: Database, brand: BrandRef, client: Client, worker: Worker) -> Any:
    links.use("http://localhost")
    clerk = seed.actor(db, "clerk").id

    def fill(scope: Scope) -> tuple[int, list[int]]:
        make_member(scope, number="A1", name="Han Mei", phone="13800138000", email="mei@example.com")
        ids = [make_group(scope, f"Group {n}", owner_id=clerk).id for n in (1, 2)]
        return make_offer(scope).id, [*ids, make_group(scope, "Nobody's").id]

    offer, groups = db.write(fill, brand=brand, actor=seed.actor(db))
    yield Shop(app, db, brand, client.sign_in("owner"), worker, offer, groups)
    links.use(None)


def send(shop: Shop, *, offer: bool = True, url: str = "") -> None:
    """By pages alone."""
    owner = shop.owner
    data = {"name": "Weekend", "offer": str(shop.offer if offer else 0)}
    page = owner.submit("/campaigns/new?for=groups", data)
    assert "Which groups" in page.text
    id_ = shop.campaign.id
    refused = owner.submit(f"/campaigns/{id_}/groups", {"group": None})
    assert refused.status_code == 422 and "Choose at least one group." in refused.text
    page = owner.submit(f"/campaigns/{id_}/groups", {"group": [str(one) for one in shop.groups]})
    assert "What is posted" in page.text
    wrong = owner.submit(
        f"/campaigns/{id_}/post",
        {"x_text": "{{ member.name }}", "picture": (BytesIO(b"no"), "a.png")},
        content_type="multipart/form-data",
    )
    assert wrong.status_code == 422 and "There is no placeholder" in wrong.text
    page = owner.submit(
        f"/campaigns/{id_}/post",
        {"x_text": "Come to {{ group.name }}!", "x_url": url, "picture": (BytesIO(png()), "a.png")},
        content_type="multipart/form-data",
    )
    assert "Come to Group 1!" in page.text and shop.link() in page.text and shop.link(1) in page.text
    review = owner.get(f"/campaigns/{id_}/review")
    assert "Give it to the owners of 2 groups" in review.text and "Nobody owns the group" in review.text
    page = owner.submit(f"/campaigns/{id_}/review", form="/send")
    assert page.status_code == 200
    shop.worker.run()


def test_each_owner_gets_a_task_and_what_they_did_is_seen(shop: Shop) -> None:
    assert shop.browser().get("/g/nosuchword").status_code == 404
    send(shop)
    with shop.db.read() as scope:
        made = scope.session.scalars(select(Task).order_by(Task.group_id)).all()
        states = dict(scope.session.execute(select(Delivery.recipient_id, Delivery.state)).all())
        kinds = set(scope.session.scalars(select(Delivery.recipient_kind)))
    assert [task.group_id for task in made] == shop.groups[:2]
    assert [states[id_] for id_ in shop.groups] == ["sent", "sent", "left_out"]
    assert kinds == {"group"}
    clerk = seed.actor(shop.db, "clerk")
    assert {task.staff_id for task in made} == {clerk.id}
    assert shop.link() in made[0].text and made[0].link.endswith(f"/post/{shop.groups[0]}")
    poster = shop.browser()
    poster.sign_in("clerk")
    page = poster.get(made[0].link.removeprefix("http://localhost"))
    assert page.status_code == 200 and shop.link() in page.text and "Keep the picture" in page.text
    assert shop.count(Coupon) == 0, "nobody has a coupon before they came"
    assert shop.result().posted is None
    done = shop.db.write(lambda scope: tasks.end(scope, made[0].id, "done"), brand=shop.brand, actor=clerk)
    assert done == "done"
    assert shop.result().posted is True and shop.result(1).posted is None
    page = text_of(shop.owner.get(f"/campaigns/{shop.campaign.id}").text)
    assert "waits for its owner" in page and "posted" in page
    assert "Weekend" in shop.owner.get(f"/groups/{shop.groups[0]}").text


def test_the_answer_is_the_same_for_every_number(shop: Shop) -> None:
    send(shop)
    told = {
        shop.come(who) for who in ("138 0013 8000", "13900139000", "mei@example.com", "x@y.example", "8000")
    }
    told.add(shop.come(None))
    assert len(told) == 1, told
    text = told.pop()
    assert "Han Mei" not in text and "13800138000" not in text
    shop.worker.run()
    found = shop.result()
    assert (found.visits, found.identified, found.unidentified, found.claims) == (6, 1, 4, 1)
    assert shop.result(1).visits == 0
    with shop.db.read() as scope:
        coupon = scope.session.scalars(select(Coupon)).one()
    assert coupon.campaign_id == shop.campaign.id and coupon.state == "issued"
    page = shop.owner.get(f"/campaigns/{shop.campaign.id}/groups/{shop.groups[0]}")
    assert "Han Mei" in page.text


def test_asked_once_a_browser_counted_once_a_day(shop: Shop) -> None:
    send(shop)
    person = shop.browser()
    for _ in range(3):
        person.get(shop.link(), headers=PHONE)
    person.post(shop.link(), data={"who": "13800138000"}, headers=PHONE)
    again = person.get(shop.link(1), headers=PHONE)
    assert "Your phone or e-mail" not in again.text, "another group's link of the same brand asks no more"
    assert (shop.result().visits, shop.result(1).visits) == (1, 1)
    assert shop.result(1).identified == 1
    person.post(shop.link(), data={"who": "nobody@example.com"}, headers=PHONE)
    assert shop.result().identified == 1, "an answer stays"


def test_programs_and_looks_are_not_counted(shop: Shop) -> None:
    send(shop)
    for agent in ("Googlebot/2.1", "facebookexternalhit/1.1", "curl/8.0", ""):
        answer = shop.browser().get(shop.link(), headers={"User-Agent": agent})
        assert answer.status_code == 200 and "rg_v_" not in str(answer.headers)
    shop.browser().head(shop.link(), headers=PHONE)
    assert shop.count(GroupVisit) == 0
    assert shop.count(GroupVisitor) == 0


def test_a_cookie_of_another_brand_or_hand_is_none(shop: Shop) -> None:
    mine = landing.seal(shop.brand.id, 77)
    assert landing.unseal(shop.brand.id, mine) == 77
    assert landing.unseal(shop.brand.id + 1, mine) is None
    for n in range(len(mine)):
        forged = mine[:n] + ("A" if mine[n] != "A" else "B") + mine[n + 1 :]
        assert landing.unseal(shop.brand.id, forged) in (None, 77)  # the last letter carries spare bits
    assert landing.unseal(shop.brand.id, "x" * 40) is None


def test_without_an_offer_it_leads_on(shop: Shop) -> None:
    send(shop, offer=False, url="https://mall.example/spring?a=1")
    assert "Go on to the shop's page" in shop.come("13800138000")
    person = shop.browser()
    person.post(shop.link(), data={"without": "1"}, headers=PHONE)
    onward = person.get(shop.link(), headers=PHONE)
    assert (onward.status_code, onward.location) == (303, "https://mall.example/spring?a=1")


def test_orders_of_the_identified(shop: Shop) -> None:
    send(shop)
    shop.come("13800138000")

    def buy(scope: Scope) -> None:
        from webapp.members import queries as members

        mei = members.find_by_number(scope, "A1")
        assert mei is not None
        days = [scope.today + timedelta(days=n) for n in (-1, 0, 6, 7)]
        make_orders(scope, mei, days)

    shop.db.write(buy, brand=shop.brand)
    assert shop.result().orders == 2


def test_what_is_taken_back_gives_nothing(shop: Shop) -> None:
    send(shop)
    shop.db.write(lambda scope: campaigns.cancel(scope, shop.campaign.id), brand=shop.brand)
    state = shop.campaign.state
    page = shop.browser().get(shop.link(), headers=PHONE)
    if state == "cancelled":
        assert "This is over" in page.text
        shop.browser().post(shop.link(), data={"who": "13800138000"}, headers=PHONE)
        shop.worker.run()
        assert shop.count(Coupon) == 0
    assert shop.browser().get(shop.link() + "/picture").mimetype == "image/png"


def test_a_browser_known_by_the_members_own_page_comes_to_its_coupon(shop: Shop) -> None:
    send(shop)
    person = shop.browser()
    person.get(shop.link(), headers=PHONE)
    with shop.db.read() as scope:
        visitor = scope.session.scalars(select(GroupVisit.visitor)).one()

    def know(scope: Scope) -> None:
        from webapp.members import queries as members

        mei = members.find_by_number(scope, "A1")
        assert mei is not None
        landing.remember(scope, visitor, mei.id, known=True)

    shop.db.write(know, brand=shop.brand)
    answer = person.get(shop.link(), headers=PHONE)
    assert answer.status_code == 303 and answer.location.startswith("/c/")
    assert person.get(shop.link(), headers=PHONE).location == answer.location
    assert shop.count(Coupon) == 1
