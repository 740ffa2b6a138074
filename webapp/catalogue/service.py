"""Products and categories by hand and from a file. What lines of orders say: gathering.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select

from webapp.catalogue import habits, queries
from webapp.catalogue.gathering import PRODUCT_COLUMNS, add_categories, hold
from webapp.catalogue.models import Category, Product
from webapp.kernel import bulk
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope

CODE, NAME, CATEGORY = 120, 200, 120  # characters
UNIT = 500  # rows of a file that are put in together


class ProductIn(NamedTuple):
    """A product as a file tells of it. Blank or None: not said, so what is stored stays."""

    code: str
    name: str = ""
    category: str = ""
    price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a file's rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Put) -> Put:
        return Put(
            self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged
        )


def put(scope: Scope, rows: Sequence[ProductIn]) -> Put:
    """Rows of a file, at most UNIT, whose codes differ. The same rows a second time change nothing."""
    hold(scope)
    rows = sorted(rows)
    codes = [row.code for row in rows]
    add_categories(scope, {row.category for row in rows})
    these = (Product.brand_id == scope.brand.id, bulk.among(Product.code, codes))
    known = set(scope.session.scalars(select(Product.code).where(*these)))
    new = [row for row in rows if row.code not in known]
    _insert(scope, new)
    stored = {
        one.code: one
        for one in scope.session.scalars(
            select(Product).where(*these).order_by(Product.code).with_for_update()
        )
    }
    before = {code: one.category for code, one in stored.items() if code in known}
    updated = sum(_change(stored[row.code], row) for row in rows if row.code in known)
    if any(stored[code].category != category for code, category in before.items()):
        habits.look_again(scope)
    done = Put(len(new), updated, len(rows) - len(new) - updated)
    if done.created or done.updated:
        scope.audit("catalogue.file", "catalogue", None, created=done.created, updated=done.updated)
    return done


def _insert(scope: Scope, rows: Sequence[ProductIn]) -> None:
    """New ones. The unit has the brand's `hold`."""
    ids = scope.new_ids(len(rows))
    values = [
        (
            scope.brand.id,
            id_,
            row.code,
            row.name,
            row.category,
            bool(row.category),
            None,
            row.price_minor,
            scope.now,
        )
        for id_, row in zip(ids, rows, strict=True)
    ]
    bulk.insert(scope, Product, PRODUCT_COLUMNS, values)


def _change(product: Product, row: ProductIn) -> bool:
    """Does it say anything new?"""
    said: dict[str, Any] = {}
    if row.name:
        said["name"] = row.name
    if row.category:
        said |= {"category": row.category, "category_by_hand": True}
    if row.price_minor is not None:
        said["price_minor"] = row.price_minor
    new = {field: value for field, value in said.items() if getattr(product, field) != value}
    for field, value in new.items():
        setattr(product, field, value)
    return bool(new)


# --- by hand --------------------------------------------------------------------------------------------------------


def add(scope: Scope, code: str, name: str, category: str, price_minor: int | None) -> int | Refused:
    """A product that no order has named yet. Refused: blank, too_long (most), unseen, taken (id)."""
    read = _read(code=(code, CODE), name=(name, NAME), category=(category, CATEGORY))
    if isinstance(read, Refused):
        return read
    if not read["code"]:
        return Refused("blank", {"field": "code"})
    hold(scope)
    known = queries.by_code(scope, read["code"])
    if known is not None:
        return Refused("taken", {"field": "code", "id": known.id})
    add_categories(scope, {read["category"]})
    _insert(scope, [ProductIn(read["code"], read["name"], read["category"], price_minor)])
    made = queries.by_code(scope, read["code"])
    assert made is not None
    scope.audit("product.new", "product", made.id)
    return made.id


def change(
    scope: Scope, product_id: int, name: str, category: str, price_minor: int | None
) -> Refused | None:
    """What a product is called, belongs to and costs. A category that is typed anew stays; a blank one is left to order
    lines again. Refused: too_long (most), unseen. Raises NotFound."""
    hold(scope)
    mine = select(Product).where(Product.brand_id == scope.brand.id, Product.id == product_id)
    product = scope.session.scalars(mine.with_for_update()).one_or_none()
    if product is None:
        raise NotFound(f"product {product_id}")
    read = _read(name=(name, NAME), category=(category, CATEGORY))
    if isinstance(read, Refused):
        return read
    if read["category"] != product.category:
        add_categories(scope, {read["category"]})
        product.category, product.category_by_hand = read["category"], bool(read["category"])
        product.category_on = None
        habits.look_again(scope)
    product.name, product.price_minor = read["name"], price_minor
    scope.session.flush()
    scope.audit("product.change", "product", product_id)
    return None


def rename_category(scope: Scope, category_id: int, name: str) -> Refused | None:
    """What people read for a category. Refused: too_long (most), unseen. Raises NotFound."""
    category = scope.session.get(Category, (scope.brand.id, category_id), with_for_update=True)
    if category is None:
        raise NotFound(f"category {category_id}")
    read = _read(name=(name, NAME))
    if isinstance(read, Refused):
        return read
    category.name = read["name"]
    scope.session.flush()
    scope.audit("category.change", "category", category_id)
    return None


def _read(**typed: tuple[str, int]) -> dict[str, str] | Refused:
    """field -> its words, as they are kept; given as (typed, most characters)."""
    found = {}
    for field, (text, most) in typed.items():
        words = text.strip()
        if not words.isprintable():
            return Refused("unseen", {"field": field})
        if len(words) > most:
            return Refused("too_long", {"field": field, "most": most})
        found[field] = words
    return found
