"""A shop whose tills tell of orders in any order, while products are gathered from their lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select

from tests.factories import make_brand
from webapp.app import load_jobs
from webapp.catalogue import gathering
from webapp.catalogue.models import Category, Product
from webapp.kernel import bulk, events
from webapp.kernel.db import Database
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Next
from webapp.orders import service
from webapp.orders.models import OrderLine

FIRST_DAY = date(2026, 1, 1)
Line = tuple[str, str]  # product, category
_codes = count(1)


class Shop:
    """A brand of its own, with three blocks of ids that were allotted early."""

    def __init__(self, db: Database) -> None:
        load_jobs()
        self.db = db
        code = f"goods-{next(_codes)}"
        self.brand = db.write(lambda scope: make_brand(scope, code))
        ids = [db.write(lambda scope: scope.new_ids(400), brand=self.brand) for _ in range(3)]
        self.blocks = [iter(block) for block in ids]
        self.orders: list[tuple[str, int, list[Line]]] = []  # number, day, lines as told last
        self.ever: list[tuple[int, Line]] = []
        self.retold: set[str] = set()  # products of lines that are gone
        self.cursor: Any = None
        self.reader = gathering.Step()

    # -- what happens --------------------------------------------------------------------------------------------------

    def tell(self, block: int, orders: Sequence[tuple[int, list[Line]]]) -> None:
        """New orders, given as (day, lines), with ids of a block."""
        told = [(f"n{len(self.orders) + at}", day, lines) for at, (day, lines) in enumerate(orders)]
        ids = [next(self.blocks[block]) for _ in told]
        self._record(told, ids[0])
        self.orders += told

    def retell(self, which: int, lines: list[Line]) -> None:
        """A till corrects the lines of an order."""
        if self.orders:
            which %= len(self.orders)
            number, day, before = self.orders[which]
            self.retold |= {product for product, _ in before}
            self.orders[which] = (number, day, lines)
            self._record([self.orders[which]], None)

    def _record(self, told: list[tuple[str, int, list[Line]]], first_id: int | None) -> None:
        of = {number: lines for number, _, lines in told}

        def write_lines(scope: Scope, wanted: Sequence[tuple[int, str]]) -> int:
            rows = [
                (scope.brand.id, order_id, at, product, category, 1000, 100)
                for order_id, number in wanted
                for at, (product, category) in enumerate(of[number], 1)
            ]
            bulk.insert(scope, OrderLine, service.LINE_COLUMNS, rows)
            return len(rows)

        orders = [
            service.OrderIn(
                number=number,
                member="",
                phone=None,
                store_id=None,
                ordered_at=f"{day_of(day)} 04:00:00.000000",
                ordered_on=day_of(day).isoformat(),
                gross=None,
                discount=None,
                paid=100,
                digest=service.digest63(number.encode()),
                lines_digest=service.digest63(repr(lines).encode()) if lines else 0,
            )
            for number, day, lines in told
        ]
        self.db.write(
            lambda scope: service.record(scope, "till", orders, write_lines, first_id=first_id),
            brand=self.brand,
        )
        self.ever += [(day, line) for _, day, lines in told for line in lines]

    def step(self, lines: int) -> bool:
        """One unit of a bout, of about so many lines. True at its end."""
        self.reader.lines = lines
        outcome = self.db.write(lambda scope: self.reader(scope, self.cursor), brand=self.brand)
        self.reader.committed()
        self.cursor = outcome.cursor if isinstance(outcome, Next) else None
        return self.cursor is None

    def deliver(self) -> None:
        """What was recorded is told of."""
        events.deliver(self.db, self.brand.id)

    def finish(self, lines: int = 5) -> None:
        """All that is to be done is done."""
        self.deliver()
        while not self.step(lines):
            pass

    # -- what stands there ---------------------------------------------------------------------------------------------

    def products(self) -> dict[str, str]:
        """code -> category."""
        with self.db.read(brand=self.brand) as scope:
            mine = select(Product.code, Product.category).where(Product.brand_id == self.brand.id)
            return dict(scope.session.execute(mine).all())

    def categories(self) -> set[str]:
        with self.db.read(brand=self.brand) as scope:
            return set(scope.session.scalars(select(Category.code).where(Category.brand_id == self.brand.id)))

    def check(self) -> None:
        """The catalogue is what the lines say. Lines that were corrected away may have been read before."""
        found, now = self.products(), [line for _, _, lines in self.orders for line in lines]
        assert {product for product, _ in now} <= found.keys() <= {line[0] for _, line in self.ever}
        told = {line[1] for _, line in self.ever} - {""}
        assert {category for _, category in now} - {""} <= self.categories() <= told
        for product, category in found.items():
            if product not in self.retold:
                said = [(day, line[1]) for day, line in self.ever if line[0] == product and line[1]]
                assert category == max(said, default=(0, ""))[1], product


def day_of(day: int) -> date:
    return FIRST_DAY + timedelta(days=day)
