"""The average basket, the share of discounts and the most-bought category, as a rule asks for them and as one counts by hand."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select, update

from tests import factories as make
from webapp.catalogue import habits, jobs, service
from webapp.catalogue.models import HabitState, MemberHabit, Product
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next
from webapp.members import queries as members
from webapp.orders.models import Order, OrderLine
from webapp.segments import compile as segments
from webapp.segments.rules import Condition, Rule

TODAY = date(2026, 5, 10)


def order(
    scope: Scope, member: object, ago: int, gross: int, discount: int, *lines: tuple[str, str, int]
) -> None:
    """An order with a gross, a discount, and lines of (product, category, amount)."""
    made = make.make_order(scope, member, TODAY - timedelta(days=ago), gross - discount)  # type: ignore[arg-type]
    scope.session.execute(
        update(Order).where(Order.id == made.id).values(gross_minor=gross, discount_minor=discount)
    )
    for at, (product, category, amount) in enumerate(lines):
        scope.session.add(
            OrderLine(
                brand_id=scope.brand.id, order_id=made.id, position=at, product=product, category=category,
                quantity=1000, amount_minor=amount,
            )
        )  # fmt: skip
    scope.session.flush()


def gather(db: Database, brand: BrandRef) -> None:
    def bout(scope: Scope) -> None:
        cursor = None
        while isinstance(done := habits.step(scope, cursor, 2), Next):
            cursor = done.cursor
        assert isinstance(done, Done)

    db.write(bout, brand=brand)


def test_a_products_other_category_counts_for_those_who_bought_it_before(
    db: Database, brand: BrandRef
) -> None:
    def fill(scope: Scope) -> int:
        order(scope, make.make_member(scope), 2, 40_00, 0, ("pen", "", 40_00))
        made = service.add(scope, "pen", "Pen", "office", None)
        assert isinstance(made, int)
        return made

    def most() -> list[str]:
        with db.read(brand=brand) as scope:
            return list(scope.session.scalars(select(MemberHabit.category)))

    pen = db.write(fill, brand=brand)
    gather(db, brand)
    assert most() == ["office"]
    db.write(lambda s: service.change(s, pen, "Pen", "gifts", None), brand=brand)
    with clock.fixed(clock.now() + 2 * habits.PAUSE), db.read() as scope:
        assert habits.due(scope, brand)
    first = db.write(lambda scope: habits.step(scope, None, 1), brand=brand)
    assert isinstance(first, Next) and most() == ["gifts"]
    db.write(lambda s: service.put(s, [service.ProductIn("pen", category="toys")]), brand=brand)
    db.write(lambda scope: habits.step(scope, first.cursor, 1), brand=brand)
    assert most() == ["gifts"], "it was behind this bout already"
    gather(db, brand)
    assert most() == ["toys"], "and is not forgotten"
    with db.read(brand=brand) as scope:
        assert scope.session.get_one(HabitState, brand.id).orders_through > 0


def test_as_counted_by_hand(db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> dict[str, int]:
        people = {name: make.make_member(scope, name=name) for name in ("An", "Bo", "Cy", "Di")}
        order(scope, people["An"], 1, 100_00, 0, ("tea", "drinks", 40_00), ("cup", "cups", 60_00))
        order(scope, people["An"], 40, 50_01, 50_01, ("tea", "drinks", 50_01))
        order(scope, people["Bo"], 2, 100_00, 20_00, ("pen", "", 40_00), ("tea", "drinks", 40_00))
        order(scope, people["Cy"], 0, 500_00, 250_00, ("cup", "cups", 250_00))  # today's is not seen yet
        ids = {name: member.id for name, member in people.items()}
        scope.session.add(
            Product(
                brand_id=scope.brand.id, id=scope.new_id(), code="pen", category="paper", created_at=scope.now
            )
        )
        return ids

    ids = db.write(fill, brand=brand)

    def fits(*conditions: Condition) -> str:
        with db.read(brand=brand) as scope:
            found = set(scope.session.scalars(segments.members(scope, Rule(conditions), TODAY)))
        return " ".join(name for name, id_ in ids.items() if id_ in found)

    assert fits(Condition("basket", least=50_00)) == "An Bo"
    assert fits(Condition("basket", least=50_01)) == "Bo"
    assert fits(Condition("basket", most=50_00)) == "An"
    assert fits(Condition("basket", least=100_00, most=100_00, days=30)) == "An"
    assert fits(Condition("discount", most=0)) == ""
    assert fits(Condition("discount", most=0, days=30)) == "An"
    assert fits(Condition("discount", least=20, most=20)) == "Bo"
    assert fits(Condition("discount", least=33)) == "An"  # 50.01 of 150.01
    assert fits(Condition("discount", least=34)) == ""
    assert fits(Condition("category", ("drinks",))) == ""
    with db.read(brand=brand) as scope:
        assert habits.gathered_at(scope) is None
    assert [one.ids for one in jobs.habits_due(db)] == [{"brand_id": brand.id}]
    gather(db, brand)
    assert (
        fits(Condition("category", ("drinks",))) == "An Bo"
    )  # as many lines, as much paid: the first by its code
    assert fits(Condition("category", ("drinks", "cups"))) == "An Bo Cy"
    assert fits(Condition("category", ("paper",))) == ""
    with db.read(brand=brand) as scope:
        assert not habits.due(scope, brand) and habits.gathered_at(scope) is not None

    def more(scope: Scope) -> None:
        order(scope, members.get(scope, ids["Bo"]), 1, 1_00, 0, ("pen", "", 1_00))

    db.write(more, brand=brand)
    with db.read(brand=brand) as scope:
        before = dict(scope.session.execute(select(MemberHabit.member_id, MemberHabit.facts_seq)).all())
    jobs.count_habits(db, brand.id)  # as the worker does it
    assert fits(Condition("category", ("paper",))) == "Bo"
    with db.read(brand=brand) as scope:
        after = dict(scope.session.execute(select(MemberHabit.member_id, MemberHabit.facts_seq)).all())
    assert {name for name, id_ in ids.items() if before.get(id_) != after.get(id_)} == {"Bo"}  # nobody else
