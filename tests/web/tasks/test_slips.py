"""A slip of the finger is undone, once, that day; and who took consent back is on nobody's list any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together
from tests.support.web import Client, Worker, text_of
from tests.web.tasks.test_day import people, send_campaign
from webapp.brands.models import Store
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.members import guides
from webapp.members import queries as known
from webapp.members import service as members
from webapp.members.models import Consent, ConsentNow
from webapp.outbox.models import Receipt
from webapp.preferences import service as preferences
from webapp.tasks import queries, service
from webapp.tasks.models import Task, TaskMove

pytestmark = OTHER_IN_DRILL

AGREED = ("task", "marketing")


def consent(db: Database, brand: BrandRef, member_id: int) -> list[object]:
    """All that is kept of what a member said, as rows, and what counts."""
    with db.read(brand=brand) as scope:
        said = scope.session.execute(
            select(Consent.channel, Consent.purpose, Consent.granted, Consent.source, Consent.at)
            .where(Consent.member_id == member_id)
            .order_by(Consent.at, Consent.id)
        ).all()
        now = scope.session.execute(
            select(ConsentNow.channel, ConsentNow.purpose, ConsentNow.granted, ConsentNow.at).where(
                ConsentNow.member_id == member_id
            )
        ).all()
        return [*map(tuple, said), *map(tuple, now)]


def plant(db: Database, brand: BrandRef, guide: Actor, **more: object) -> tuple[int, int]:
    """A member who agreed, and a marketing task about them that is one day late."""

    def unit(scope: Scope) -> tuple[int, int]:
        [member] = people(scope, 1, agreed=bool(more.pop("agreed", True)))
        values = {"purpose": "marketing", "due_on": scope.today - timedelta(days=1)} | more
        id_ = service.add(
            scope,
            key="k",
            title="Ring Li",
            text="",
            member_id=member.id,
            staff_id=guide.id,
            **values,  # type: ignore[arg-type]
        )
        return member.id, id_

    return db.write(unit, brand=brand)


def last_move(db: Database, brand: BrandRef, task_id: int) -> int:
    with db.read(brand=brand) as scope:
        return queries.moves(scope, task_id)[-1].id


def row(db: Database, brand: BrandRef, task_id: int) -> Task:
    with db.read(brand=brand) as scope:
        return scope.session.get_one(Task, (brand.id, task_id))


@pytest.mark.parametrize("agreed", [True, False])
def test_not_to_be_contacted_by_a_slip_is_given_back_as_it_was(
    client: Client, db: Database, brand: BrandRef, agreed: bool
) -> None:
    guide = seed.actor(db, "guide")
    member_id, task_id = plant(db, brand, guide, agreed=agreed, purpose="service")
    if not agreed:  # nothing was ever said
        db.write(lambda s: members.unsay(s, member_id, "task", "test"), brand=brand)
    before, due = consent(db, brand, member_id), row(db, brand, task_id).due_on
    client.sign_in("guide")
    said = client.submit(f"/tasks/{task_id}", {"what": "declined"}, form="/end")
    assert "Nobody of the shop contacts them with offers any more." in said.text
    assert consent(db, brand, member_id) != before
    answer = client.submit(f"/tasks?said={task_id}", form="/undo")
    assert "Undone: everything is as it was before." in answer.text
    task = row(db, brand, task_id)
    assert (task.state, task.ended_at, task.staff_id, task.due_on) == ("open", None, guide.id, due)
    assert consent(db, brand, member_id) == before
    with db.read(brand=brand) as scope:
        assert [one.what for one in queries.moves(scope, task_id)] == ["made", "declined", "undone"]
        audited = scope.session.execute(
            select(Audit.detail).where(Audit.verb == "task.undone", Audit.subject_id == task_id)
        ).scalar_one()
        assert audited == {"what": "declined", "consent": ["marketing"]}


@pytest.mark.parametrize("own_page", [True, False])
def test_what_the_member_said_themselves_meanwhile_stays(
    db: Database, brand: BrandRef, own_page: bool
) -> None:
    guide = seed.actor(db, "guide")
    member_id, task_id = plant(db, brand, guide)
    db.write(lambda s: service.end(s, task_id, "declined"), brand=brand, actor=guide)
    if own_page:  # where the no stands already, and is left as it is
        db.write(lambda s: preferences.say(s, member_id, {AGREED: False}), brand=brand)
    else:
        db.write(lambda s: members.withdraw(s, member_id, "task", "member"), brand=brand)
    move = last_move(db, brand, task_id)
    assert db.write(lambda s: service.undo(s, task_id, move), brand=brand, actor=guide) is None
    with db.read(brand=brand, actor=guide) as scope:
        assert known.consents(scope, member_id)[AGREED] is False
        assert queries.waiting(scope).today == 0  # open again, and on nobody's list


def test_again_tomorrow_by_a_slip_is_late_today_as_before(db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide")
    _member, task_id = plant(db, brand, guide)
    before = row(db, brand, task_id)
    assert db.write(lambda s: service.end(s, task_id, "unreached"), brand=brand, actor=guide) == "open"
    move = last_move(db, brand, task_id)
    assert db.write(lambda s: service.undo(s, task_id, move), brand=brand, actor=guide) is None
    after = row(db, brand, task_id)
    assert (after.tries, after.due_on) == (before.tries, before.due_on)


def test_two_taps_on_undo_undo_once(db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide")
    _member, task_id = plant(db, brand, guide)
    db.write(lambda s: service.end(s, task_id, "unreached"), brand=brand, actor=guide)
    move = last_move(db, brand, task_id)

    def tap(db: Database, n: int) -> str:
        answer = db.write(lambda s: service.undo(s, task_id, move), brand=brand, actor=guide)
        return answer.code if answer is not None else "undone"

    assert together(db.url, 2, tap) == ["undone", "undone"]
    assert row(db, brand, task_id).tries == 0
    with db.read(brand=brand) as scope:
        undone = scope.session.scalars(select(TaskMove.id).where(TaskMove.what == "undone")).all()
        assert len(undone) == 1


def test_who_may_undo_and_until_when(db: Database, brand: BrandRef) -> None:
    guide, clerk, manager = (seed.actor(db, role) for role in ("guide", "clerk", "manager"))
    _member, task_id = plant(db, brand, guide)

    def undo(actor: Actor, *, now: datetime | None = None) -> str:
        def unit(scope: Scope) -> Refused | None:
            return service.undo(scope, task_id, move)

        answer = db.write(unit, brand=brand, actor=actor, now=now)
        return answer.code if answer is not None else "undone"

    db.write(lambda s: service.end(s, task_id, "done"), brand=brand, actor=guide)
    move = last_move(db, brand, task_id)
    assert undo(clerk) == "undo_theirs"
    with db.read(brand=brand) as scope:
        tomorrow = scope.now + timedelta(days=1)
        elsewhere = scope.session.scalars(select(Store.id)).first()
    assert undo(guide, now=tomorrow) == "undo_late" == undo(manager, now=tomorrow)
    with pytest.raises(NotFound):  # a manager of another store does not see it
        undo(replace(manager, stores=frozenset({elsewhere or 0})))
    assert undo(manager) == "undone"
    assert row(db, brand, task_id).staff_id == guide.id
    db.write(lambda s: service.end(s, task_id, "done"), brand=brand, actor=guide)
    assert undo(guide) == "undo_moved"  # an old page's button does not undo what was said since
    assert row(db, brand, task_id).state == "done"


def test_a_campaigns_figure_goes_with_the_slip(
    client: Client, db: Database, brand: BrandRef, worker: Worker
) -> None:
    guide = seed.actor(db, "guide")

    def one(scope: Scope) -> None:
        [member] = people(scope, 1)
        guides.assign(scope, member.id, guide.id)

    db.write(one, brand=brand)
    send_campaign(db, brand, worker)
    with db.read(brand=brand) as scope:
        [task_id] = scope.session.scalars(select(Task.id)).all()

    def slip(what: str) -> None:
        db.write(lambda s: service.end(s, task_id, what), brand=brand, actor=guide)
        move = last_move(db, brand, task_id)
        assert db.write(lambda s: service.undo(s, task_id, move), brand=brand, actor=guide) is None

    slip("done")
    slip("declined")
    db.write(lambda s: service.end(s, task_id, "done"), brand=brand, actor=guide)
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(Receipt.kind)).all() == ["done"]


def test_who_took_consent_back_is_in_no_count_and_on_no_list(
    client: Client, db: Database, brand: BrandRef
) -> None:
    guide = seed.actor(db, "guide")
    member_id, task_id = plant(db, brand, guide)

    def more(scope: Scope) -> tuple[int, int]:
        """A task of the store about them, and a manager's about their repair."""
        free = service.add(scope, key="f", title="Offer", text="", member_id=member_id, purpose="marketing")
        scope.session.get_one(Task, (brand.id, free)).staff_id = None
        repair = service.add(
            scope, key="r", title="Repair", text="", member_id=member_id, staff_id=guide.id, purpose="service"
        )
        return free, repair

    free, repair = db.write(more, brand=brand)
    with db.read(brand=brand, actor=guide) as scope:
        assert queries.waiting(scope) == queries.Waiting(2, 1, 0, 1)
    db.write(lambda s: members.withdraw(s, member_id, "task", "member"), brand=brand)
    with db.read(brand=brand, actor=guide) as scope:
        assert queries.waiting(scope) == queries.Waiting(1, 0, 0, 0)
        lines = {line.staff_id: (line.open, line.overdue, line.stopped) for line in queries.board(scope)}
        assert lines == {guide.id: (1, 0, 1), None: (0, 0, 1)}
        shown = {
            state: [one.task.id for one in queries.of_worker(scope, guide.id, state)]
            for state in ("open", "overdue", "stopped")
        }
        assert shown == {"open": [repair], "overdue": [], "stopped": [task_id]}
    taken = db.write(lambda s: service.take(s, free), brand=brand, actor=guide)
    given = db.write(lambda s: service.give(s, free, guide.id), brand=brand, actor=seed.actor(db, "manager"))
    assert [one.code for one in (taken, given) if one is not None] == ["task_stopped", "task_stopped"]
    client.sign_in("manager")
    card = text_of(client.get("/").text)
    assert "to do 1 overdue 0 nobody yet 0" in card
    assert "Ring Li" in client.get(f"/tasks/board/{guide.id}/stopped").text
    client.sign_in("guide")
    listed = client.get("/tasks").text
    assert "Repair" in listed and "Ring Li" not in listed
    page = client.get(f"/tasks/{task_id}").text
    assert "tel:" not in page and "again tomorrow" not in page and "Not to be contacted" in page


def test_a_campaign_about_service_follows_the_yes_to_service(
    db: Database, brand: BrandRef, worker: Worker
) -> None:
    db.write(lambda s: people(s, 1), brand=brand)
    send_campaign(db, brand, worker)

    def turn(scope: Scope) -> int:
        task = scope.session.scalars(select(Task)).one()
        task.purpose = "service"
        assert task.member_id is not None
        members.set_consent(scope, task.member_id, "task", "service", True, "counter")
        return task.id

    task_id = db.write(turn, brand=brand)
    guide = seed.actor(db, "guide")
    member_id = row(db, brand, task_id).member_id or 0

    def agreed() -> bool:
        with db.read(brand=brand, actor=guide) as scope:
            return [one.task.id for one in queries.tasks(scope, "store")] == [task_id]

    db.write(lambda s: members.withdraw(s, member_id, "task", "member"), brand=brand)
    assert agreed()
    db.write(lambda s: members.withdraw(s, member_id, "task", "member", "service"), brand=brand)
    assert not agreed()
