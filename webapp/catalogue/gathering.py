"""Products and categories from order lines: what was sold is in the catalogue, without anybody's work.

A bout reads the orders that came since the last one, the newest first, a few thousand lines a unit: a product's category
is mostly found with its first line, and is hardly ever written twice. How far is in `CatalogueState`. Orders that tills
tell of again with other lines, and those whose ids were allotted early and written late, are below that mark:
`look_again` reads them by the event that tells of them. Both may see a line twice, in any order, and end the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

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
LINES = 6000  # a unit
SLICE = 0.5  # seconds; so that a worker that is asked to end does


class _Said(NamedTuple):
    """What a line says of its product's category, and when. The greater one counts."""

    on: date
    category: str


_NOTHING = _Said(date.min, "")


def gather(db: Database, brand: BrandRef, *, seconds: float) -> bool:
    """Read what has come, for about so long. True when nothing is left."""
    db.write(_forget, brand=brand)
    for _ in range(max(1, int(seconds / SLICE))):
        if isinstance(run_steps(db, brand, STEPS, KEY, step, seconds=SLICE), Done):
            return True
        if halt.asked():
            break
    return False


def step(scope: Scope, cursor: Any, lines: int = LINES) -> Next | Done:
    """One unit of a bout. Cursor: orders with ids above `low` up to `at` are still to be read."""
    state = _state(scope)
    if cursor is None:
        top = scope.session.scalar(select(func.max(Order.id)).where(Order.brand_id == scope.brand.id)) or 0
        if top <= state.orders_through:
            return Done()
        cursor = {"low": state.orders_through, "at": top}
        state.orders_through = top  # from now on, whoever writes one below has it looked at again
    low, at = cursor["low"], cursor["at"]
    lower = _reach(scope, low, at, lines)
    _take(scope, (OrderLine.order_id > lower) & (OrderLine.order_id <= at))
    return Next({"low": low, "at": lower}) if lower > low else Done()


def look_again(scope: Scope, first_id: int, last_id: int, order_ids: Collection[int]) -> None:
    """Orders with ids first_id to last_id are new (0: none), those of order_ids have changed: read at once what no bout
    will come to."""
    if not first_id and not order_ids:
        return
    through = _state(scope).orders_through
    if first_id and first_id <= through:
        _take(scope, OrderLine.order_id.between(first_id, min(last_id, through)))
    for batch in batches(sorted(one for one in order_ids if one <= through)):
        _take(scope, bulk.among(OrderLine.order_id, batch))


def _forget(scope: Scope) -> None:
    """The bout before this one is done with."""
    scope.session.execute(
        delete(StepRun)
        .where(StepRun.brand_id == scope.brand.id, StepRun.name == STEPS, StepRun.done_at.is_not(None))
        .execution_options(synchronize_session=False)
    )


def _state(scope: Scope) -> CatalogueState:
    """How far the brand has been read. Held to the end of the unit, so that one unit at a time gathers for a brand and
    nobody decides by a mark that is just being moved."""
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


def _take(scope: Scope, which: ColumnElement[bool]) -> None:
    """Products and categories of these lines."""
    rows = scope.session.execute(
        select(OrderLine.product, OrderLine.category, func.max(Order.ordered_on))
        .join(Order, (Order.brand_id == OrderLine.brand_id) & (Order.id == OrderLine.order_id))
        .where(OrderLine.brand_id == scope.brand.id, which)
        .group_by(OrderLine.product, OrderLine.category)
    )
    said: dict[str, _Said] = {}
    categories: set[str] = set()
    for product, category, on in rows:
        if category:
            categories.add(category)
        if product:
            one = _Said(on, category) if category else _NOTHING
            said[product] = max(one, said.get(product, _NOTHING))
    add_categories(scope, categories)
    _put(scope, said)


def add_categories(scope: Scope, codes: Iterable[str]) -> None:
    """Those that are not known yet."""
    wanted = sorted(set(codes) - {""})
    known: set[str] = set()
    for batch in batches(wanted):
        these = (Category.brand_id == scope.brand.id, bulk.among(Category.code, batch))
        known.update(scope.session.scalars(select(Category.code).where(*these)))
    new = [code for code in wanted if code not in known]
    if new:
        values: dict[str, Any] = {"brand_id": scope.brand.id, "name": "", "created_at": scope.now}
        ids = scope.new_ids(len(new))
        rows = [values | {"id": id_, "code": code} for id_, code in zip(ids, new, strict=True)]
        scope.session.execute(insert_or_ignore(scope, Category), rows)


def _put(scope: Scope, said: dict[str, _Said]) -> None:
    """New products, and the categories of those of which something newer was said."""
    mine = Product.brand_id == scope.brand.id
    columns = (Product.code, Product.category, Product.category_on, Product.category_by_hand)
    known: dict[str, _Said | None] = {}
    for batch in batches(said):
        found = select(*columns).where(mine, bulk.among(Product.code, batch))
        for code, category, on, by_hand in scope.session.execute(found):
            known[code] = None if by_hand else _Said(on or date.min, category)
    new = sorted(said.keys() - known.keys())
    if new:
        values: dict[str, Any] = {
            "brand_id": scope.brand.id,
            "name": "",
            "category_by_hand": False,
            "price_minor": None,
            "created_at": scope.now,
        }
        ids = scope.new_ids(len(new))
        rows = [
            values
            | {"id": id_, "code": code, "category": said[code].category, "category_on": _day(said[code])}
            for id_, code in zip(ids, new, strict=True)
        ]
        scope.session.execute(insert_or_ignore(scope, Product), rows)
    newer = [
        {"its_code": code, "its_category": one.category, "its_day": _day(one)}
        for code, one in sorted(said.items())
        if (was := known.get(code)) is not None and one > was and one.category
    ]
    if newer:
        product: Any = Product.__table__
        scope.session.connection().execute(
            update(product)
            .where(
                product.c.brand_id == scope.brand.id,
                product.c.code == bindparam("its_code"),
                product.c.category_by_hand.is_(False),  # somebody may just have said it
            )
            .values(category=bindparam("its_category"), category_on=bindparam("its_day")),
            newer,
        )


def _day(said: _Said) -> date | None:
    return said.on if said.category else None
