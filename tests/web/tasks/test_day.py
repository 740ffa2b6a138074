"""The guide's day by its pages: from a campaign or a manager to a call, and what is left of it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Client, Worker, text_of
from webapp.campaigns import service as campaigns
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import MemberStage
from webapp.members import guides
from webapp.members import service as members
from webapp.members.models import Consent, Member
from webapp.outbox import service as outbox
from webapp.outbox.models import Delivery
from webapp.segments.rules import Rule
from webapp.tasks import service
from webapp.tasks.models import Task, TaskMove

pytestmark = OTHER_IN_DRILL


def people(scope: Scope, count: int = 3, *, agreed: bool = True) -> list[Member]:
    found = make.make_members(scope, count, consents={"task": agreed})
    for n, member in enumerate(found):
        members.correct_member(scope, member.id, members.Details(phone=f"1380013800{n}"))
    return found


def send_campaign(db: Database, brand: BrandRef, worker: Worker) -> int:
    def write(scope: Scope) -> int:
        made = campaigns.create(scope, name="Come back", channel="task", offer_id=None)
        assert not isinstance(made, Refused)
        campaigns.set_audience(scope, made.id, Rule(()))
        texts = {"subject": "Say hello", "text": "Hello {{ member.name }}!"}
        wrong = campaigns.set_content(scope, made.id, texts)
        assert not isinstance(wrong, Refused), wrong
        sent = campaigns.send(scope, made.id)
        assert not isinstance(sent, Refused), sent
        return made.id

    campaign_id = db.write(write, brand=brand)
    worker.run()
    return campaign_id


def tasks(db: Database, brand: BrandRef) -> list[Task]:
    with db.read(brand=brand) as scope:
        return list(scope.session.scalars(select(Task).order_by(Task.id)))


def test_a_campaign_becomes_one_task_for_each_and_what_came_of_it_comes_back(
    client: Client, db: Database, brand: BrandRef, worker: Worker
) -> None:
    guide = seed.actor(db, "guide")

    def plant(scope: Scope) -> None:
        first, second, third = people(scope)
        guides.assign(scope, first.id, guide.id)
        guides.assign(scope, second.id, guide.id)
        members.withdraw(scope, third.id, "task", "test")

    db.write(plant, brand=brand)
    campaign_id = send_campaign(db, brand, worker)
    made = tasks(db, brand)
    assert [(one.staff_id, one.text) for one in made] == [
        (guide.id, "Hello Member 1!"),
        (guide.id, "Hello Member 2!"),
    ]
    client.sign_in("guide")
    listed = client.get("/tasks").text
    assert text_of(listed).count("Say hello") == 2
    first = client.get(f"/tasks/{made[0].id}?show=today").text
    assert 'href="tel:+8613800138000"' in first
    assert "138001" not in text_of(first)  # masked, as the role sees phones everywhere
    assert "Hello Member 1!" in first
    answer = client.submit(
        f"/tasks/{made[0].id}?show=today", {"what": "done", "note": "will come"}, form="/end"
    )
    assert f"/tasks/{made[1].id}" in answer.request.url  # the next one
    client.submit(f"/tasks/{made[1].id}", {"what": "declined"}, form="/end")
    assert "Nothing to do today" in client.get("/tasks").text
    client.sign_in("owner")
    shown = text_of(client.get(f"/campaigns/{campaign_id}").text)
    assert "Done 1" in shown and "Asked not to be contacted 1" in shown
    assert "Member 1" in client.get(f"/campaigns/{campaign_id}/messages?show=done").text
    with db.read(brand=brand) as scope:
        said = scope.session.scalars(select(Consent).where(Consent.source.like("task:%"))).all()
        assert [(one.channel, one.granted) for one in said] == [("task", False)]


def test_a_call_tried_again_and_a_message_sent_again_make_no_second_task(
    client: Client, db: Database, brand: BrandRef, worker: Worker
) -> None:
    db.write(lambda scope: people(scope, 1), brand=brand)
    send_campaign(db, brand, worker)
    with db.read(brand=brand) as scope:
        delivery = scope.session.scalars(select(Delivery)).one()

    def lose(scope: Scope) -> None:  # as if the worker had died before it wrote the answer
        scope.session.get_one(Delivery, (brand.id, delivery.id)).state = "unknown"
        scope.session.flush()
        assert outbox.resolve_unknown(scope, delivery.id, arrived=False) is None

    db.write(lose, brand=brand)
    worker.run()
    assert len(tasks(db, brand)) == 1
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(Delivery.state)).one() == "sent"


def by_hand(db: Database, brand: BrandRef, **more: object) -> int:
    values: dict[str, object] = {"key": "k1", "title": "Ring", "text": "Hi"} | more
    return db.write(lambda scope: service.add(scope, **values), brand=brand)  # type: ignore[arg-type]


def test_a_stores_task_is_taken_once_and_the_second_is_told_who_has_it(
    client: Client, db: Database, brand: BrandRef
) -> None:
    def plant(scope: Scope) -> tuple[int, int]:
        [member] = people(scope, 1)
        return member.id, service.add(scope, key="k", title="Ring", text="", member_id=member.id)

    _member, task_id = db.write(plant, brand=brand)
    client.sign_in("guide")
    assert "tel:" not in client.get(f"/tasks/{task_id}").text  # the number is for whoever took it
    assert "It is yours." in client.submit(f"/tasks/{task_id}", form="/take").text
    assert "tel:" in client.get(f"/tasks/{task_id}").text
    client.sign_in("clerk")
    seen = client.get(f"/tasks/{task_id}").text
    assert "Guide has it." in seen and "tel:" not in seen and "What came of it" in seen
    late = client.post(f"/tasks/{task_id}/take", follow_redirects=True)  # from a page opened before
    assert "Guide has taken this one." in late.text
    form = {"what": "done", "tries": "0", "show": "store", "key": "from-an-old-page"}
    late = client.post(f"/tasks/{task_id}/end", data=form, follow_redirects=True)
    assert "Guide has taken this one." in late.text
    assert tasks(db, brand)[0].state == "open"


def test_a_tap_that_comes_twice_counts_once(client: Client, db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide")
    task_id = by_hand(db, brand, staff_id=guide.id)
    client.sign_in("guide")
    form = {"what": "unreached", "tries": "0", "show": "today", "key": "one-and-the-same"}
    for _ in range(2):
        assert client.post(f"/tasks/{task_id}/end", data=form).status_code == 303
    client.post(f"/tasks/{task_id}/end", data=form | {"key": "another-tab-of-it"})
    [task] = tasks(db, brand)
    assert (task.state, task.tries) == ("open", 1)
    with db.read(brand=brand) as scope:
        assert list(scope.session.scalars(select(TaskMove.what).order_by(TaskMove.id))) == [
            "made",
            "unreached",
        ]


def test_nobody_is_reached_three_times_and_it_ends(client: Client, db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide")
    task_id = by_hand(db, brand, staff_id=guide.id)
    client.sign_in("guide")
    for _ in range(3):
        client.submit(f"/tasks/{task_id}", {"what": "unreached"}, form="/end")
    assert tasks(db, brand)[0].state == "unreached"


def test_consent_withdrawn_elsewhere_holds_for_a_task_that_waits(
    client: Client, db: Database, brand: BrandRef
) -> None:
    guide = seed.actor(db, "guide")

    def plant(scope: Scope) -> tuple[int, int]:
        [member] = people(scope, 1)
        return member.id, service.add(
            scope, key="k", title="Ring", text="", member_id=member.id, staff_id=guide.id, purpose="marketing"
        )

    member_id, task_id = db.write(plant, brand=brand)
    client.sign_in("guide")
    assert "tel:" in client.get(f"/tasks/{task_id}").text
    db.write(lambda scope: members.withdraw(scope, member_id, "task", "preferences"), brand=brand)
    page = client.get(f"/tasks/{task_id}").text
    assert "tel:" not in page and "Not to be contacted" in page
    assert "Nothing to do today" in client.get("/tasks").text


def test_a_manager_gives_moves_and_cancels(client: Client, db: Database, brand: BrandRef) -> None:
    [member] = db.write(lambda scope: people(scope, 1, agreed=False), brand=brand)
    guide = seed.actor(db, "guide")
    client.sign_in("manager")
    wanted = {"member": member.number, "title": "Repair is ready", "whose": f"staff:{guide.id}"}
    refused = client.submit("/tasks/new", wanted | {"about": "marketing"})
    assert refused.status_code == 422 and "has not agreed" in refused.text
    board = client.submit("/tasks/new", wanted)
    assert board.status_code == 200 and "Guide" in board.text
    [task] = tasks(db, brand)
    assert "Repair is ready" in client.get(f"/tasks/board/{guide.id}/open").text
    client.submit(f"/tasks/{task.id}", {"staff": str(seed.actor(db, "clerk").id)}, form="/give")
    assert tasks(db, brand)[0].staff_id == seed.actor(db, "clerk").id
    client.submit(f"/tasks/{task.id}", form="/cancel")
    assert tasks(db, brand)[0].state == "cancelled"
    client.sign_in("guide")
    for url in ("/tasks/board", "/tasks/new", "/tasks/signs"):
        assert client.get(url).status_code == 403


def test_todays_card_counts_what_waits(client: Client, db: Database, brand: BrandRef) -> None:
    by_hand(db, brand, staff_id=seed.actor(db, "guide").id)
    client.sign_in("guide")
    assert "My tasks" in client.get("/").text
    listed = client.get("/members?guide=me")
    assert listed.status_code == 200


def test_early_signs_make_exactly_the_tasks_that_the_page_promised(
    client: Client, db: Database, brand: BrandRef
) -> None:
    def plant(scope: Scope) -> None:
        for n, member in enumerate(people(scope, 3)):
            if n == 2:
                members.withdraw(scope, member.id, "task", "test")
            turning = {"stage": "growth", "reason": "x", "next_stage": "dormancy", "policy": "p"}
            day = scope.today + timedelta(days=3)
            stage = MemberStage(member_id=member.id, since=scope.today, recheck_on=day, **turning)
            stage.brand_id = brand.id
            scope.session.add(stage)

    db.write(plant, brand=brand)
    client.sign_in("manager")
    page = client.get("/tasks/signs")
    seen = text_of(page.text)
    assert "About to go 3" in seen and "Make 2 tasks" in seen and "1 have not agreed" in seen
    wrong = client.submit("/tasks/signs", {"expected": "3"}, form="/signs")
    assert wrong.status_code == 422 and "another number" in wrong.text
    done = client.submit("/tasks/signs", {"text": "Hi {name}"}, form="/signs")
    assert "2 tasks were made." in done.text
    assert [one.text for one in tasks(db, brand)] == ["Hi Member 1", "Hi Member 2"]
