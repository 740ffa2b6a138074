"""The fence by store: what an actor whose work is in some stores sees of lists and profiles."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, true

from webapp.kernel.scope import Scope


def within(scope: Scope, store_id: Any) -> ColumnElement[bool]:
    """`store_id` (a column) is one of the actor's stores; true for an actor who sees the whole brand."""
    stores = scope.actor.stores
    condition: ColumnElement[bool] = true() if stores is None else store_id.in_(sorted(stores))
    return condition


def reaches(scope: Scope, store_id: int | None) -> bool:
    """The same for one row that is at hand. What belongs to no store is seen only by who sees the whole brand."""
    return scope.actor.stores is None or store_id in scope.actor.stores


def shares(scope: Scope, stores: frozenset[int] | None) -> bool:
    """Has somebody whose work lies in these stores (None: in the whole brand) a store in common with the actor? Lists of
    colleagues to choose from are fenced by it. Whose work is the whole brand is chosen by who sees the whole brand."""
    mine = scope.actor.stores
    return mine is None or (stores is not None and bool(stores & mine))
