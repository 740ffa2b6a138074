"""Every route x role x (own store, another store, another brand), against the table that is written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client
from tests.web.staff.permission_table import ANY, LETTERS, PUBLIC, TABLE
from tests.web.staff.worlds import OF_STORES, World, make_world
from webapp.coupons.models import Coupon
from webapp.groups.models import Group
from webapp.kernel import limits
from webapp.kernel.db import Database
from webapp.kernel.scope import SYSTEM, BrandRef, Scope
from webapp.members.models import Member
from webapp.staff import service as staff
from webapp.staff.cookie import COOKIE
from webapp.staff.permissions import IN_STORES
from webapp.tasks.models import Task
from webapp.touchpoints.models import Touchpoint

pytestmark = ONE_DATABASE

# What stands in an address where it is no id of ours.
WORDS: dict[str, Any] = {
    "name": "channel_email",
    "field": "html",
    "answer": "arrived",
    "who": "nobody",
    "state": "open",
    "delivery_id": 1,
    "row_id": 1,
    "part": "members",
}
CLOSED = {403, 404}
LATER = "SM"  # the drill's turn: what they may lies between what others may
TAKEN = "Taken over"
# A GET of the actor's own rows that answers 404 for a reason of its own.
NOT_HERE = {
    "campaigns.picture": "the campaign has no picture",
    "campaigns.post": "the campaign is not posted to groups",
    "campaigns.in_group": "the campaign is not posted to groups",
    "campaigns.edit_groups": "the campaign goes to members",
    "campaigns.edit_post": "the campaign goes to members",
    "campaigns.preview_posts": "the campaign goes to members",
    "offer_codes.download": "there is no batch of the example's name",
    "groups.picture": "the group has no picture",
    "imports.bad": "the file had no bad row",
    "imports.columns": "the file is in already",
    "campaigns.preview_html": "the campaign says nothing yet",
    "matrix_rows.new": "the matrix is taken away by then",
    "matrix_rows.edit": "the matrix is taken away by then",
    "outbox.try_channel": "there is no channel of the example's name",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One rule with one method."""

    endpoint: str
    method: str
    rule: Rule
    ids: frozenset[str]

    def url(self, world: World) -> str:
        values = {name: world.ids.get(name, WORDS.get(name, "x" * 16)) for name in self.rule.arguments}
        built = self.rule.build(values, append_unknown=False)
        assert built is not None, (self.rule, values)
        return built[1]


@dataclass(frozen=True, slots=True)
class Worlds:
    """mine: the actor's store; there: another store of the brand; other: another brand."""

    mine: World
    there: World
    other: World


def routes(app: Flask, worlds: Worlds) -> Iterator[Route]:
    """What is not PUBLIC; who needs no sign-in is another test's business."""
    for rule in app.url_map.iter_rules():
        if TABLE.get(rule.endpoint) != PUBLIC:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(rule.endpoint, method, rule, frozenset(rule.arguments & worlds.mine.ids.keys()))


@pytest.fixture
def worlds(app: Flask, db: Database, brand: BrandRef) -> Worlds:
    here = db.write(lambda s: make.make_store(s, "nanjing-road").id, brand=brand)
    there = db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand)
    elsewhere = db.write(lambda s: make.make_brand(s, "other"))
    away = db.write(lambda s: make.make_store(s, "away").id, brand=elsewhere)
    return Worlds(
        make_world(db, brand, here, "in-my-store", "13800138001", of_brand="ours"),
        make_world(db, brand, there, "in-another-store", "13800138002", of_brand="ours"),
        make_world(db, elsewhere, away, "in-another-brand", "13800138003", of_brand="in-another-brand"),
    )


class Somebody:
    """A browser signed in as a role, who signs in again when a route has signed them out."""

    def __init__(self, app: Flask, db: Database, brand: BrandRef, role: str, store_id: int) -> None:
        self.browser: Client = app.test_client()  # type: ignore[assignment]
        self.db, self.brand = db, brand

        def come(scope: Scope) -> int:
            stores = [store_id] if role in IN_STORES else []
            staff.let_in(scope, email="spare-owner@table.example", role="owner")
            return staff.let_in(scope, email=f"{role}@table.example", role=role, stores=stores).id

        self.staff_id = db.write(come, brand=brand, actor=SYSTEM)
        self.sign_in()

    def sign_in(self) -> None:
        token = self.db.write(lambda s: staff.open_session(s, self.staff_id), brand=self.brand)
        self.browser.set_cookie(COOKIE, token)

    def ask(self, route: Route, world: World, **data: str) -> tuple[int, str]:
        limits._memory.reset()
        answer = self.browser.open(route.url(world), method=route.method, data=data or None)
        if "/sign-in" in answer.headers.get("Location", "") and route.endpoint != "staff.sign_out":
            self.sign_in()
            answer = self.browser.open(route.url(world), method=route.method, data=data or None)
        return answer.status_code, answer.get_data(as_text=True) if "text" in str(answer.mimetype) else ""


def form(mine: World) -> dict[str, str]:
    """What most forms ask for, so that they get as far as the row."""
    ids = {name.removesuffix("_id"): str(value) for name, value in mine.ids.items()}
    words = dict.fromkeys(("name", "note", "reason", "title", "text"), TAKEN)
    return ids | words | {"key": "a-key-for-this-form", "what": "done", "role": "clerk"}


def taken_over(db: Database, *worlds: World | None) -> list[str]:
    """Rows of these worlds that somebody has renamed or ended."""
    found = []
    for world in filter(None, worlds):
        with db.read() as scope:
            for table, key in (
                (Member.__table__, "member_id"),
                (Group.__table__, "group_id"),
                (Touchpoint.__table__, "touchpoint_id"),
            ):
                name = scope.session.execute(
                    select(table.c.name).where(table.c.id == world.ids[key])
                ).scalar_one()
                found += [] if world.mark in name else [f"{key} {world.mark}"]
            task = scope.session.query(Task).filter(Task.id == world.ids["task_id"]).one()
            coupon = scope.session.query(Coupon).filter(Coupon.id == world.ids["coupon_id"]).one()
            found += (
                [] if (task.state, coupon.state) == ("open", "issued") else [f"{task.state} {coupon.state}"]
            )
    return found


def test_every_route_has_its_line_and_every_line_its_route(app: Flask) -> None:
    known = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    asked = {name: getattr(app.view_functions[name], "permission", None) for name in known}
    lines = [
        f'    "{name}": {"PUBLIC" if asked[name] == "public" else "ANY" if asked[name] == "signed_in" else "..."},'
        f"  # {known[name].rule} asks for {asked[name]}"
        for name in sorted(known.keys() - TABLE.keys())
    ]
    assert not lines, (
        "add to tests/web/staff/permission_table.py, with the letters of those whose work needs it "
        "(O owner P operator S sender M manager G guide C clerk):\n" + "\n".join(lines)
    )
    gone = sorted(TABLE.keys() - known.keys())
    assert not gone, f"these lines have no route any more: {', '.join(gone)}"
    assert {line for line in TABLE.values() if line not in (ANY, PUBLIC)} <= {
        "".join(letter for letter in LETTERS if letter in line) for line in TABLE.values()
    }, "letters in the order O P S M G C"


@pytest.mark.parametrize(
    "letter", [pytest.param(one, marks=pytest.mark.drill if one in LATER else ()) for one in LETTERS]
)
def test_the_table_holds(app: Flask, db: Database, brand: BrandRef, worlds: Worlds, letter: str) -> None:
    """Who may is let through to their own rows; who may not is refused; nobody reaches beyond store and brand."""
    role, wrong = LETTERS[letter], []
    me = Somebody(app, db, brand, role, worlds.mine.ids["store_id"])
    for route in routes(app, worlds):
        may = TABLE.get(route.endpoint, "") == ANY or letter in TABLE.get(route.endpoint, "")
        what = f"{role} {route.method} {route.rule.rule} ({route.endpoint})"
        status, text = me.ask(route, worlds.mine)
        if not may:
            if status != 403:
                wrong.append(f"{what}: {status}, but the table says they may not")
            continue
        if status in (401, 403) or status >= 500:
            wrong.append(f"{what}: {status} in their own store, but the table says they may")
        elif status == 404 and route.method == "GET" and route.ids and route.endpoint not in NOT_HERE:
            wrong.append(f"{what}: 404 for a row of their own store")
        if role in IN_STORES and worlds.there.mark in text:
            wrong.append(f"{what}: shows a row of another store")
        if worlds.other.mark in text:
            wrong.append(f"{what}: shows a row of another brand")
        fenced = [worlds.other] if route.ids else []
        if role in IN_STORES and route.ids & OF_STORES:
            fenced.append(worlds.there)
        for world in fenced:
            status, text = me.ask(route, world, **({} if route.method == "GET" else form(worlds.mine)))
            if world.mark in text or not (status in CLOSED or (route.method != "GET" and status == 400)):
                wrong.append(f"{what}: {status} for a row {world.mark}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert not taken_over(db, worlds.other, worlds.there if role in IN_STORES else None)
