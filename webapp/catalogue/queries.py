"""Reading products and categories: lists for pages and pickers, and what to call a word of the till."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from webapp.brands.models import Brand
from webapp.catalogue.models import CatalogueState, Category, Product
from webapp.kernel import bulk
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.kernel.steps import StepRun
from webapp.orders.models import Order

T = TypeVar("T")
PAGE = 50
BATCH = 2000


class CategoryRow(NamedTuple):
    """A category, and how many products are in it."""

    id: int
    code: str
    name: str
    products: int

    @property
    def shown(self) -> str:
        """As people read it."""
        return self.name or self.code


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """In lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


# --- for other rooms ------------------------------------------------------------------------------------------------


def products(scope: Scope, typed: str = "", limit: int = 20) -> list[tuple[str, str]]:
    """(code, what it is called) of products whose code or name holds `typed`, by code: for pickers."""
    rows = scope.session.execute(
        select(Product.code, Product.name)
        .where(Product.brand_id == scope.brand.id, *_holds(Product, typed))
        .order_by(Product.code)
        .limit(limit)
    )
    return [(code, name or code) for code, name in rows]


def categories(scope: Scope, typed: str = "", limit: int = 500) -> list[tuple[str, str]]:
    """(code, what it is called) of categories, by code: for pickers."""
    rows = scope.session.execute(
        select(Category.code, Category.name)
        .where(Category.brand_id == scope.brand.id, *_holds(Category, typed))
        .order_by(Category.code)
        .limit(limit)
    )
    return [(code, name or code) for code, name in rows]


def names(scope: Scope, codes: Collection[str]) -> dict[str, str]:
    """code -> what people read, for products; a word that the catalogue does not know is its own name."""
    return _names(scope, Product, codes)


def category_names(scope: Scope, codes: Collection[str]) -> dict[str, str]:
    """The same for categories."""
    return _names(scope, Category, codes)


def _names(scope: Scope, model: type[Product] | type[Category], codes: Collection[str]) -> dict[str, str]:
    found = {code: code for code in codes}
    for batch in batches(found):
        these = (model.brand_id == scope.brand.id, bulk.among(model.code, batch), model.name != "")
        found.update(dict(scope.session.execute(select(model.code, model.name).where(*these)).all()))
    return found


def _holds(model: type[Product] | type[Category], typed: str) -> list[ColumnElement[bool]]:
    text = typed.strip().lower()
    if not text:
        return []
    for mark in ("\\", "%", "_"):
        text = text.replace(mark, f"\\{mark}")
    like = f"%{text}%"
    return [
        or_(
            func.lower(model.code).like(like, escape="\\"),
            func.lower(model.name).like(like, escape="\\"),
        )
    ]


# --- for pages ------------------------------------------------------------------------------------------------------


def product(scope: Scope, product_id: int) -> Product:
    """One of the brand's. Raises NotFound."""
    found = scope.session.get(Product, (scope.brand.id, product_id))
    if found is None:
        raise NotFound(f"product {product_id}")
    return found


def by_code(scope: Scope, code: str) -> Product | None:
    """The product of a word of the till."""
    mine = (Product.brand_id == scope.brand.id, Product.code == code)
    return scope.session.scalars(select(Product).where(*mine)).one_or_none()


def category(scope: Scope, category_id: int) -> CategoryRow:
    """One of the brand's. Raises NotFound."""
    row = scope.session.get(Category, (scope.brand.id, category_id))
    if row is None:
        raise NotFound(f"category {category_id}")
    return CategoryRow(row.id, row.code, row.name, count(scope, category=row.code))


def category_of(scope: Scope, code: str) -> tuple[int, str] | None:
    """(id, what it is called) of the category of a word; None where the word is none."""
    row = scope.session.execute(
        select(Category.id, Category.name).where(Category.brand_id == scope.brand.id, Category.code == code)
    ).one_or_none()
    return (row.id, row.name or code) if row else None


def page(
    scope: Scope, typed: str = "", category: str | None = None, after: str | None = None
) -> tuple[Sequence[Any], str | None]:
    """(id, code, name, category, price_minor) of a page of products by code, and the code after which the next begins.

    category: those of one category; "" are those without.
    """
    where = [Product.brand_id == scope.brand.id, *_holds(Product, typed)]
    if category is not None:
        where.append(Product.category == category)
    if after is not None:
        where.append(Product.code > after)
    columns = (Product.id, Product.code, Product.name, Product.category, Product.price_minor)
    found = scope.session.execute(select(*columns).where(*where).order_by(Product.code).limit(PAGE + 1)).all()
    return found[:PAGE], found[PAGE - 1].code if len(found) > PAGE else None


def category_page(
    scope: Scope, typed: str = "", after: str | None = None
) -> tuple[list[CategoryRow], str | None]:
    """A page of categories by code, and the code after which the next begins."""
    where = [Category.brand_id == scope.brand.id, *_holds(Category, typed)]
    if after is not None:
        where.append(Category.code > after)
    counted = (
        select(func.count())
        .select_from(Product)
        .where(and_(Product.brand_id == Category.brand_id, Product.category == Category.code))
        .correlate(Category)
        .scalar_subquery()
    )
    found = scope.session.execute(
        select(Category.id, Category.code, Category.name, counted)
        .where(*where)
        .order_by(Category.code)
        .limit(PAGE + 1)
    ).all()
    rows = [CategoryRow(*row) for row in found[:PAGE]]
    return rows, rows[-1].code if len(found) > PAGE else None


def count(scope: Scope, category: str | None = None) -> int:
    """How many products there are, all in all or in a category ("": in none)."""
    where = [Product.brand_id == scope.brand.id]
    if category is not None:
        where.append(Product.category == category)
    return scope.session.scalar(select(func.count()).select_from(Product).where(*where)) or 0


def count_categories(scope: Scope) -> int:
    """How many categories there are."""
    mine = select(func.count()).select_from(Category).where(Category.brand_id == scope.brand.id)
    return scope.session.scalar(mine) or 0


def brands_due(scope: Scope, steps: str, quiet: timedelta) -> list[int]:
    """Brands with orders that were not read for products yet, or with a bout that nobody has carried on for `quiet`.

    steps: the name of a bout's steps. Asked of all brands at once, every second.
    """
    through = select(CatalogueState.orders_through).where(CatalogueState.brand_id == Brand.id)
    new = exists().where(Order.brand_id == Brand.id, Order.id > func.coalesce(through.scalar_subquery(), 0))
    open_ = (StepRun.brand_id == Brand.id, StepRun.name == steps, StepRun.done_at.is_(None))
    left = exists().where(*open_, StepRun.updated_at < scope.now - quiet)
    due = or_(left, and_(new, ~exists().where(*open_)))
    return list(scope.session.scalars(select(Brand.id).where(due).order_by(Brand.id)))
