"""What lines of orders name is in the catalogue, in whatever order and pieces they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Worker
from tests.unit.catalogue.shop import Shop
from webapp.catalogue import gathering, jobs, queries, service
from webapp.catalogue.models import Product
from webapp.imports.models import Import
from webapp.kernel import bulk, clock
from webapp.kernel.db import Database
from webapp.kernel.scope import Scope
from webapp.kernel.steps import run_steps

pytestmark = OTHER_IN_DRILL

lines = st.lists(
    st.tuples(st.sampled_from([f"p{n}" for n in range(8)]), st.sampled_from(["", "c1", "c2", "Ä", "茶"])),
    max_size=4,
)
acts = st.one_of(
    st.tuples(
        st.just("tell"),
        st.integers(0, 2),
        st.lists(st.tuples(st.integers(0, 5), lines), min_size=1, max_size=5),
    ),
    st.tuples(st.just("retell"), st.integers(0, 50), lines),
    st.tuples(st.just("step"), st.sampled_from([1, 2, 3, 7, 100])),
    st.tuples(st.just("step"), st.just(2)),
    st.tuples(st.just("deliver")),
)


# What only an update, only a late reading and only a correction's reading can bring, so that the property bites for sure.
UPDATED = [("tell", 0, [(5, [("p0", "c1")]), (0, [("p0", "c2")])]), ("step", 1)]
LATE = [
    ("tell", 1, [(0, [("p1", "c1")])]),
    *([("step", 100)] * 2),
    ("tell", 0, [(3, [("p1", "c2"), ("p2", "")])]),
]
CORRECTED = [("tell", 0, [(0, [("p3", "c1")])]), *([("step", 100)] * 2), ("retell", 0, [("p4", "茶")])]


@example(history=UPDATED, size=1)
@example(history=LATE, size=1)
@example(history=CORRECTED, size=1)
@settings(
    max_examples=min(settings.default.max_examples // 4, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(acts, min_size=4, max_size=20), size=st.integers(1, 30))
def test_the_catalogue_is_what_the_lines_say(db: Database, history: list[Any], size: int) -> None:
    """Orders whose ids were allotted early come late, lines are corrected while others are read, units are of any size."""
    shop = Shop(db)
    for name, *told in history:
        getattr(shop, name)(*told)
    shop.finish(size)
    shop.check()
    before = shop.products()
    shop.finish(1)
    assert shop.products() == before


def test_an_order_that_is_written_late_is_read_all_the_same(db: Database) -> None:
    shop = Shop(db)
    shop.tell(1, [(0, [("milk", "dairy")])])
    shop.finish()
    shop.tell(0, [(0, [("tea", "drinks"), ("milk", "cold")])])  # below what has been read
    assert shop.step(5) and "tea" not in shop.products()
    shop.deliver()
    assert shop.products() == {"milk": "dairy", "tea": "drinks"}  # of the same day the greater word


def test_a_category_by_hand_stays_until_it_is_taken_away(db: Database) -> None:
    shop = Shop(db)
    shop.tell(0, [(0, [("milk", "dairy")])])
    shop.finish()

    def unit(work: Any) -> Any:
        return db.write(work, brand=shop.brand)

    def id_of(scope: Scope) -> int:
        found = queries.by_code(scope, "milk")
        assert found is not None
        return found.id

    milk = unit(id_of)
    assert unit(lambda scope: service.change(scope, milk, "Fresh milk", "breakfast", 450)) is None
    shop.tell(0, [(3, [("milk", "dairy")])])
    shop.finish()
    assert shop.products() == {"milk": "breakfast"} and "breakfast" in shop.categories()
    assert unit(lambda scope: service.change(scope, milk, "Fresh milk", "", 450)) is None
    shop.tell(0, [(1, [("milk", "cold")])])
    shop.finish()
    assert shop.products() == {"milk": "cold"}
    with db.read(brand=shop.brand) as scope:
        assert queries.names(scope, ["milk", "tea"]) == {"milk": "Fresh milk", "tea": "tea"}
        assert queries.product(scope, milk).price_minor == 450


def test_the_worker_gathers_once_a_file_has_come_in(db: Database) -> None:
    """Nothing is read while an import writes."""
    shop, worker = Shop(db), Worker(db)

    def importing(scope: Scope) -> int:
        row = Import(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            kind="orders",
            source="till",
            filename="orders.csv",
            state="applying",
            options={},
            stage="gone",
            counts={},
            created_by=0,
            created_at=scope.now,
        )
        scope.session.add(row)
        return row.id

    import_id = db.write(importing, brand=shop.brand)
    shop.tell(0, [(0, [("milk", "dairy")]), (1, [("tea", "drinks")])])
    shop.deliver()
    assert jobs.due(db) == []
    db.write(
        lambda scope: setattr(scope.session.get(Import, (scope.brand.id, import_id)), "state", "done"),
        brand=shop.brand,
    )
    assert [ring.ids for ring in jobs.due(db)] == [{"brand_id": shop.brand.id}]
    worker.run()
    assert shop.products() == {"milk": "dairy", "tea": "drinks"} and jobs.due(db) == []


@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_the_planner_learns_what_was_gathered(db: Database) -> None:
    """Else it looks for hundreds of codes by reading all products, a second a unit once there are tens of thousands."""
    shop, worker = Shop(db), Worker(db)
    for day in (0, 1):
        shop.tell(0, [(day, [(f"p{day}", "dairy")])])
        shop.deliver()
        jobs.gather(db, shop.brand.id)
        worker.run()
    assert bulk.believed(db, Product) > 0


def test_a_bout_that_was_killed_is_carried_on(db: Database) -> None:
    shop, worker = Shop(db), Worker(db)
    shop.tell(0, [(0, [("salt", "")])])
    shop.tell(0, [(0, [("rice", "food")])])
    small = gathering.Step(lines=1)
    run_steps(db, shop.brand, gathering.STEPS, gathering.KEY, small, seconds=0)  # one unit, and killed
    assert jobs.due(db) == []  # somebody may be at it
    with clock.fixed(clock.now() + 2 * jobs.QUIET):
        worker.run()
        assert shop.products() == {"salt": "", "rice": "food"} and jobs.due(db) == []


def test_one_brand_knows_nothing_of_another(db: Database) -> None:
    one, other = Shop(db), Shop(db)
    one.tell(0, [(0, [("milk", "dairy")])])
    other.tell(0, [(0, [("milk", "drinks"), ("tea", "drinks")])])
    one.finish()
    other.finish()
    assert one.products() == {"milk": "dairy"} and one.categories() == {"dairy"}
    with db.read(brand=one.brand) as scope:
        assert queries.products(scope) == [("milk", "milk")] and queries.products(scope, "tea") == []
        theirs = scope.session.scalars(
            select(Product.id).where(Product.brand_id == other.brand.id).limit(1)
        ).one()
        assert scope.session.get(Product, (one.brand.id, theirs)) is None
