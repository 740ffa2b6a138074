"""One task of a key, one taker of a store's task, and early signs counted exactly."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together
from webapp.brands.models import Store
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import MemberStage
from webapp.members import guides
from webapp.tasks import queries, service, signs
from webapp.tasks.models import Task, TaskMove

pytestmark = OTHER_IN_DRILL


def test_two_guides_tap_a_stores_task_and_one_has_it(db: Database, brand: BrandRef) -> None:
    def plant(scope: Scope) -> list[int]:
        store = scope.session.scalars(select(Store.id)).first()
        return [service.add(scope, key=f"k{n}", title="Ring", text="", store_id=store) for n in range(8)]

    ids = db.write(plant, brand=brand)
    roles = ("guide", "clerk")
    actors = [seed.actor(db, role) for role in roles]

    def take(db: Database, n: int) -> list[str]:
        said = []
        for task_id in ids:
            answer = db.write(lambda s, t=task_id: service.take(s, t), brand=brand, actor=actors[n])
            said.append("mine" if answer is None else answer.code)
        return said

    told = together(db.url, 2, take)
    for one in zip(*told, strict=True):
        assert sorted(one) == ["mine", "task_taken"]
    with db.read() as scope:
        taken = select(func.count()).select_from(TaskMove).where(TaskMove.what == "taken")
        assert scope.session.scalar(taken) == len(ids)


def test_a_key_is_asked_for_once_from_two_sides(db: Database, brand: BrandRef) -> None:
    def add(db: Database, n: int) -> list[int]:
        return [
            db.write(lambda s, k=k: service.add(s, key=f"k{k}", title="Post", text=""), brand=brand)
            for k in range(10)
        ]

    first, second = together(db.url, 2, add)
    assert first == second
    with db.read() as scope:
        assert scope.session.scalar(select(func.count()).select_from(Task)) == 10


def test_a_task_goes_to_the_guide_else_to_the_store_else_to_the_shop(db: Database, brand: BrandRef) -> None:
    guide = seed.actor(db, "guide")

    def plant(scope: Scope) -> list[tuple[int | None, int | None]]:
        store = scope.session.scalars(select(Store.id)).first()
        one, two, three = make.make_members(scope, 3)
        one.store_id = two.store_id = store
        guides.assign(scope, one.id, guide.id)
        ids = [
            service.add(scope, key=str(m.id), title="t", text="", member_id=m.id) for m in (one, two, three)
        ]
        rows = [scope.session.get_one(Task, (brand.id, id_)) for id_ in ids]
        return [(row.staff_id, row.store_id and store and row.store_id - store) for row in rows]

    assert db.write(plant, brand=brand) == [(guide.id, 0), (None, 0), (None, None)]


def turning(scope: Scope, member_id: int, days: int, *, to: str = "dormancy") -> None:
    scope.session.add(
        MemberStage(
            brand_id=scope.brand.id,
            member_id=member_id,
            stage="growth",
            reason="x",
            since=scope.today,
            recheck_on=scope.today + timedelta(days=days),
            next_stage=to,
            policy="p",
        )
    )


def test_early_signs_are_counted_exactly_and_made_once(db: Database, brand: BrandRef) -> None:
    manager = seed.actor(db, "manager")

    def plant(scope: Scope) -> None:
        yes = make.make_members(scope, 4, consents={"task": True})
        no = make.make_members(scope, 2, first=5, consents={})
        for member in (*yes, *no):
            turning(scope, member.id, 3)
        turning(scope, make.make_members(scope, 1, first=7, consents={"task": True})[0].id, 20)
        turning(scope, make.make_members(scope, 1, first=8, consents={"task": True})[0].id, 3, to="maturity")
        service.add(scope, key="k", title="t", text="", member_id=yes[0].id)

    db.write(plant, brand=brand)
    with db.read(brand=brand, actor=manager) as scope:
        found = signs.signs(scope, 7)
    assert (found.total, found.reached, found.left_out) == (6, 3, {"no_consent": 2, "has_task": 1})
    assert found.total == len(found.rows)

    def press(scope: Scope, expected: int) -> int | Refused:
        return signs.make(scope, 7, expected, "Say hello", "Hello {name}!")

    wrong = db.write(lambda s: press(s, 4), brand=brand, actor=manager)
    assert isinstance(wrong, Refused) and wrong.facts == {"now": 3}
    assert db.write(lambda s: press(s, 3), brand=brand, actor=manager) == 3
    assert db.write(lambda s: press(s, 0), brand=brand, actor=manager) == 0
    with db.read(brand=brand, actor=manager) as scope:
        again = signs.signs(scope, 7)
        assert (again.reached, again.left_out) == (0, {"no_consent": 2, "has_task": 4})
        texts = scope.session.scalars(select(Task.text).where(Task.source == "sign:dormancy")).all()
        assert sorted(texts) == ["Hello Member 2!", "Hello Member 3!", "Hello Member 4!"]
        [line] = [one for one in queries.board(scope) if one.staff_id is None]
        assert (line.open, line.overdue) == (4, 0)


def test_a_manager_of_one_store_sees_that_stores_tasks(db: Database, brand: BrandRef) -> None:
    from dataclasses import replace

    def plant(scope: Scope) -> tuple[int, int]:
        here, there = scope.session.scalars(select(Store.id).order_by(Store.id)).all()
        for n, store in enumerate((here, here, there)):
            service.add(scope, key=f"k{n}", title="t", text="", store_id=store)
        return here, there

    here, _there = db.write(plant, brand=brand)
    manager = replace(seed.actor(db, "manager"), stores=frozenset({here}))
    with db.read(brand=brand, actor=manager) as scope:
        [line] = queries.board(scope)
        assert line.open == 2
        assert len(queries.tasks(scope, "store")) == 2
        assert queries.waiting(scope).store == 2
