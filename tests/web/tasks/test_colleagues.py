"""Whom one may choose: those of one's own stores, on every page that has a list of colleagues."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Client
from webapp.brands.models import Store
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import guides as member_guides
from webapp.staff import service as staff
from webapp.staff.models import Staff, StaffRole
from webapp.tasks import service as tasks
from webapp.touchpoints import guides, service
from webapp.touchpoints.models import Touchpoint

pytestmark = OTHER_IN_DRILL


class World(NamedTuple):
    here: int  # the manager's store
    near: int  # a guide of it
    clerk: int  # somebody at its till
    far: int  # a guide of the other store
    member: int
    task: int


@pytest.fixture
def world(db: Database, brand: BrandRef) -> World:
    def unit(scope: Scope) -> World:
        here, there = scope.session.scalars(select(Store.id).order_by(Store.id)).all()

        def hire(name: str, role: str, store: int) -> int:
            one = Staff(id=scope.new_id(), email=f"{name}@acme.example", name=name, created_at=scope.now)
            scope.session.add(one)
            scope.session.flush()
            held = StaffRole(brand_id=brand.id, id=scope.new_id(), staff_id=one.id, role=role)
            scope.session.add(held)
            scope.session.flush()
            staff.set_stores(scope, held, [store])
            return one.id

        manager = scope.session.scalars(select(StaffRole).where(StaffRole.role == "manager")).one()
        staff.set_stores(scope, manager, [here])
        near, clerk, far = (
            hire(name, role, store)
            for name, role, store in (
                ("near", "guide", here),
                ("till", "clerk", here),
                ("far", "guide", there),
            )
        )
        member = make.make_member(scope, name="Li Lei")
        member.store_id = here
        task = tasks.add(scope, key="k", title="Ring", text="", member_id=member.id)
        return World(here, near, clerk, far, member.id, task)

    return db.write(unit, brand=brand)


def offered(page: str, field: str) -> set[str]:
    """The names in a list to choose from."""
    found = re.search(rf'<select[^>]*name="{field}".*?</select>', page, re.S)
    assert found is not None, field
    return {name.strip() for name in re.findall(r"<option[^>]*>([^<]*)", found[0])}


def test_a_manager_chooses_among_colleagues_of_the_store(
    app: Flask, client: Client, db: Database, brand: BrandRef, world: World
) -> None:
    strangers = {"far", "Owner", "Operator", "Sender"}
    places = [
        ("/touchpoints/new", "serves"),
        ("/touchpoints/new", "brought_by"),
        (f"/members/{world.member}/guides", "serves"),
        ("/tasks/new", "whose"),
        (f"/tasks/{world.task}", "staff"),
        ("/members", "guide"),
    ]
    client.sign_in("manager")
    for path, field in places:
        names = offered(client.get(path).text, field)
        assert "near" in names and not names & strangers, (path, names)
    client.sign_in("owner")
    for path, field in places:
        names = offered(client.get(path).text, field)
        assert {"near", "far"} <= names, (path, names)
    assert "Sender" not in offered(client.get("/touchpoints/new").text, "serves")  # does no tasks
    assert "Sender" in offered(client.get("/touchpoints/new").text, "brought_by")


def _new(scope: Scope, details: service.Details) -> Touchpoint | Refused:
    return service.new(scope, details)


def test_a_name_that_was_not_offered_is_refused(
    client: Client, db: Database, brand: BrandRef, world: World
) -> None:
    client.sign_in("manager")
    sent = client.submit(f"/members/{world.member}/guides", {"serves": str(world.far)})
    assert sent.status_code == 422
    sent = client.submit("/tasks/new", {"title": "Ring", "whose": f"staff:{world.far}"})
    assert sent.status_code == 422
    assert (
        "Choose somebody of the list."
        in client.submit(f"/tasks/{world.task}", {"staff": str(world.far)}, form="/give").text
    )
    wanted = {"name": "Window", "store": str(world.here), "serving": "one", "serves": str(world.far)}
    assert client.submit("/touchpoints/new", wanted).status_code == 422
    with db.read(brand=brand) as scope:
        assert member_guides.guide_of(scope, [world.member]) == {}
    manager = seed.actor(db, "manager")
    fenced = replace(manager, stores=frozenset({world.here}))
    for who in ("serves_id", "standin_id", "brought_by_id"):
        details = service.Details("X", store_id=world.here, serving="turn", **{who: world.far})  # type: ignore[arg-type]
        if who == "serves_id":
            details = replace(details, serving="one")
        answer = db.write(partial(_new, details=details), brand=brand, actor=fenced)
        assert isinstance(answer, Refused) and answer.code == "staff", who


def test_limits_are_of_those_who_take_new_members(
    client: Client, db: Database, brand: BrandRef, world: World
) -> None:
    def limits(role: str) -> set[str]:
        return set(re.findall(r'name="limit_(\d+)"', client.sign_in(role).get("/touchpoints/guides").text))

    brand_guide = seed.actor(db, "guide").id
    assert limits("manager") == {str(world.near)}
    assert limits("owner") == {str(id_) for id_ in (world.near, world.far, brand_guide)}

    def hang(scope: Scope) -> None:
        made = service.new(
            scope,
            service.Details("Till", store_id=world.here, serving="turn", standin_id=world.clerk),
        )
        assert not isinstance(made, Refused)

    db.write(hang, brand=brand)  # a code names somebody at the till as stand-in
    assert limits("manager") == {str(world.near), str(world.clerk)}


def test_whose_role_serves_no_more_is_given_nobody(db: Database, brand: BrandRef, world: World) -> None:
    def unit(scope: Scope) -> list[int | None]:
        made = service.new(
            scope, service.Details("Window", store_id=world.here, serving="one", serves_id=world.near)
        )
        assert not isinstance(made, Refused)
        first = guides.choose(scope, made)
        held = scope.session.scalars(select(StaffRole).where(StaffRole.staff_id == world.near)).one()
        held.role = "sender"
        scope.session.flush()
        return [first, guides.choose(scope, made)]

    assert db.write(unit, brand=brand) == [world.near, None]
