"""Products and categories from order lines: what was sold is in the catalogue, without anybody's work.

A bout reads the orders that came since the last one, the newest first, a few thousand lines a unit: a product's category
is mostly found with its first line, and is hardly ever written twice. How far is in `CatalogueState`. Orders that tills
tell of again with other lines, and those whose ids were allotted early and written late, are below that mark:
`look_again` reads them by the event that tells of them. Both may see a line twice, in any order, and end the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, String, and_, bindparam, delete, func, or_, select, update

from webapp.catalogue.models import CatalogueState, Category, Product
from webapp.catalogue.queries import batches
from webapp.kernel import bulk, halt
from webapp.kernel.db import Database
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next, StepRun, run_steps
from webapp.orders.models import Order, OrderLine

STEPS = "catalogue"  # the name of the steps
KEY = "lines"
LINES = 4000  # a unit
REMEMBERED = 100_000  # products; about 20 MB
PRODUCT_COLUMNS = (
    *("brand_id", "id", "code", "name", "category", "category_by_hand", "category_on", "price_minor"),
    "created_at",
)
SLICE = 0.5  # seconds; so that a worker that is asked to end does


_Said = tuple[date, str]
"""When a line says what of its product's category. The greater one counts."""
_NOTHING: _Said = (date.min, "")
Stored = dict[str, _Said | None]
"""Product -> what is stored of its category; None: it was set by hand."""


def gather(db: Database, brand: BrandRef, *, seconds: float) -> bool:
    """Read what has come, for about so long. True when nothing is left."""
    db.write(_forget, brand=brand)
    step = Step()
    for _ in range(max(1, int(seconds / SLICE))):
        bulk.analyse_unknown(db, Product, Category)  # else hundreds of codes are looked for in all of a table
        done = run_steps(db, brand, STEPS, KEY, step, seconds=SLICE, progress=step.committed)
        if isinstance(done, Done):
            return True
        if halt.asked():
            break
    return False


class Step:
    """One unit of a bout a call. Cursor: orders with ids above `low` up to `at` are still to be read.

    It remembers what units before it found stored: most products of a unit were in the last one, too. Others may have
    written since; so an update is made only where what is stored is older still.
    """

    def __init__(self, lines: int = LINES) -> None:
        """lines: about so many a unit."""
        self.lines = lines
        self._stored: Stored = {}
        self._fresh: Stored = {}  # by the unit at hand, which may yet be tried again

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        state = hold(scope)
        if cursor is None:
            self._stored.clear()  # somebody may have said otherwise by hand since the last bout
            mine = select(func.max(Order.id)).where(Order.brand_id == scope.brand.id)
            top = scope.session.scalar(mine) or 0
            if top <= state.orders_through:
                return Done()
            cursor = {"low": state.orders_through, "at": top}
            state.orders_through = top  # from now on, whoever writes one below has it looked at again
        low, at = cursor["low"], cursor["at"]
        lower = _reach(scope, low, at, self.lines)
        self._fresh = _take(scope, (Order.id > lower) & (Order.id <= at), self._stored)
        return Next({"low": low, "at": lower}) if lower > low else Done()

    def committed(self, _cursor: Any = None) -> None:
        """The unit is stored."""
        if len(self._stored) > REMEMBERED:
            self._stored.clear()
        self._stored |= self._fresh


def look_again(scope: Scope, first_id: int, last_id: int, order_ids: Collection[int]) -> None:
    """Orders with ids first_id to last_id are new (0: none), those of order_ids have changed: read at once what no bout
    will come to."""
    if not first_id and not order_ids:
        return
    through = hold(scope).orders_through
    if first_id and first_id <= through:
        _take(scope, Order.id.between(first_id, min(last_id, through)), {})
    for batch in batches(sorted(one for one in order_ids if one <= through)):
        _take(scope, bulk.among(Order.id, batch), {})


def _forget(scope: Scope) -> None:
    """The bout before this one is done with."""
    scope.session.execute(
        delete(StepRun)
        .where(StepRun.brand_id == scope.brand.id, StepRun.name == STEPS, StepRun.done_at.is_not(None))
        .execution_options(synchronize_session=False)
    )


def hold(scope: Scope) -> CatalogueState:
    """How far the brand has been read. Held to the end of the unit, so that one unit at a time adds to a brand's catalogue
    and nobody decides by a mark that is just being moved. The first thing that a unit locks of the catalogue."""
    mine = select(CatalogueState).where(CatalogueState.brand_id == scope.brand.id).with_for_update()
    found = scope.session.scalars(mine).one_or_none()
    if found is None:
        fresh = insert_or_ignore(scope, CatalogueState)
        scope.session.execute(fresh.values(brand_id=scope.brand.id, orders_through=0))
        found = scope.session.scalars(mine).one()
    return found


def _reach(scope: Scope, low: int, at: int, lines: int) -> int:
    """The id down to which (without it) a unit that begins at `at` reads: whole orders, about `lines` lines."""
    cut = scope.session.scalar(
        select(OrderLine.order_id)
        .where(OrderLine.brand_id == scope.brand.id, OrderLine.order_id > low, OrderLine.order_id <= at)
        .order_by(OrderLine.order_id.desc(), OrderLine.position.desc())
        .offset(lines)
        .limit(1)
    )
    if cut is None:
        return low
    return int(cut) if cut < at else at - 1  # one long order


# --- from lines to rows ---------------------------------------------------------------------------------------------


def _take(scope: Scope, which: ColumnElement[bool], stored: Stored) -> Stored:
    """Products and categories of these orders' lines. stored: what is known to be there, as a rule; returns what this unit
    saw or wrote beside."""
    lines = (
        select(OrderLine.product, OrderLine.category, func.max(Order.ordered_on))
        .select_from(Order)
        .join(OrderLine, (OrderLine.brand_id == Order.brand_id) & (OrderLine.order_id == Order.id))
        .where(Order.brand_id == scope.brand.id, which)
        .group_by(OrderLine.product, OrderLine.category)
    )
    said: dict[str, _Said] = {}
    categories: set[str] = set()
    for product, category, on in scope.session.connection().execute(lines).all():
        categories.add(category)
        one = (on, category) if category else _NOTHING
        if product in stored and ((was := stored[product]) is None or one <= was):
            continue  # nothing new, as a rule
        if product and one >= said.get(product, _NOTHING):
            said[product] = one
    add_categories(scope, categories)
    return _put(scope, said, stored)


def add_categories(scope: Scope, codes: Iterable[str]) -> None:
    """Those that are not known yet. The unit has the brand's `hold`."""
    wanted = sorted(set(codes) - {""})
    known: set[str] = set()
    for batch in batches(wanted):
        these = (Category.brand_id == scope.brand.id, bulk.among(Category.code, batch))
        known.update(scope.session.scalars(select(Category.code).where(*these)))
    new = [code for code in wanted if code not in known]
    ids = scope.new_ids(len(new))
    rows = [(scope.brand.id, id_, code, "", scope.now) for id_, code in zip(ids, new, strict=True)]
    bulk.insert(scope, Category, ("brand_id", "id", "code", "name", "created_at"), rows)


def _put(scope: Scope, said: dict[str, _Said], stored: Stored) -> Stored:
    """New products, and the categories of those of which something newer was said."""
    fresh: Stored = {}
    columns = (Product.code, Product.category, Product.category_on, Product.category_by_hand)
    for batch in batches(code for code in said if code not in stored):
        mine = select(*columns).where(Product.brand_id == scope.brand.id, bulk.among(Product.code, batch))
        for code, category, on, by_hand in scope.session.connection().execute(mine):
            fresh[code] = None if by_hand else (on or date.min, category)
    new = sorted(code for code in said if code not in stored and code not in fresh)
    newer = []
    for code, one in said.items():
        was = fresh[code] if code in fresh else stored.get(code)
        if was is not None and one > was and one[1]:
            newer.append({"its_code": code, "its_day": one[0], "its_category": one[1]})
            fresh[code] = one
    ids, brand_id, now = scope.new_ids(len(new)), scope.brand.id, scope.now
    rows = [
        (brand_id, id_, code, "", said[code][1], False, _day(said[code]), None, now)
        for id_, code in zip(ids, new, strict=True)
    ]
    bulk.insert(scope, Product, PRODUCT_COLUMNS, rows)
    if newer:
        _update(scope, newer)
    return fresh | {code: said[code] for code in new}


def _update(scope: Scope, newer: list[dict[str, Any]]) -> None:
    """Where nothing as new is stored, and nobody has said it by hand."""
    product: Any = Product.__table__
    binary = "BINARY" if bulk.is_sqlite(scope) else "C"  # by the characters' numbers, as here
    day, category = bindparam("its_day", type_=Date()), bindparam("its_category", type_=String())
    older = or_(
        product.c.category_on.is_(None),
        product.c.category_on < day,
        and_(product.c.category_on == day, product.c.category.collate(binary) < category),
    )
    scope.session.connection().execute(
        update(product)
        .where(product.c.brand_id == scope.brand.id, product.c.code == bindparam("its_code"))
        .where(product.c.category_by_hand.is_(False), older)
        .values(category=category, category_on=day),
        sorted(newer, key=lambda one: str(one["its_code"])),
    )


def _day(said: _Said) -> date | None:
    return said[0] if said[1] else None
