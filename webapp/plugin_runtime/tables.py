"""`ctx.tables`: statements over a plugin's own tables, made here, so that each is fenced by brand and by the plugin's prefix.

What a plugin hands in are comparisons of one table's columns; anything by which a statement could reach further (another
table, a subquery, a function, text) is refused. It is a fence against mistakes: a plugin is code, and whoever installs it
trusts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import elements, operators, visitors

from webapp.kernel.scope import Scope
from webapp.plugin_api.tables import Row
from webapp.plugin_runtime.verbs import Unit

MOST = 1_000  # rows of one answer
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PARTS = (
    elements.BinaryExpression,
    elements.BooleanClauseList,
    elements.ExpressionClauseList,
    elements.ClauseList,
    elements.Grouping,
    elements.UnaryExpression,
    elements.BindParameter,
    elements.Null,
    elements.True_,
    elements.False_,
)
_INSERT: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class BoundTables:
    """`ctx.tables` of one plugin for one brand (webapp.plugin_api.Tables)."""

    unit: Unit | None
    plugin: str

    def add(self, table: Table, **values: Any) -> int | None:
        """None: there is such a row."""
        self._own(table)
        self._values(table, values)

        def work(scope: Scope) -> int | None:
            build = _INSERT[scope.dialect]
            row = {**values, "brand_id": scope.brand.id, "id": scope.new_id()}
            made = build(table).values(**row).on_conflict_do_nothing().returning(table.c.id)
            new_id: int | None = scope.session.execute(made).scalar_one_or_none()
            return new_id

        return self._at().write(work)

    def rows(
        self, table: Table, *where: ColumnElement[bool], order: Sequence[Any] = (), limit: int = 200
    ) -> list[Row]:
        """In the order asked for."""
        self._own(table)
        self._parts(table, (*where, *order))
        if not 0 < limit <= MOST:
            raise ValueError(f"a limit is from 1 to {MOST}")

        def work(scope: Scope) -> list[Row]:
            query = select(table).where(_brands(table, scope), *where).order_by(*order, table.c.id)
            return [dict(row) for row in scope.session.execute(query.limit(limit)).mappings()]

        return self._at().read(work)

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Counted by the database."""
        self._own(table)
        self._parts(table, where)

        def work(scope: Scope) -> int:
            query = select(func.count()).select_from(table).where(_brands(table, scope), *where)
            return scope.session.scalar(query) or 0

        return self._at().read(work)

    def change(self, table: Table, *where: ColumnElement[bool], **values: Any) -> int:
        """A conditional update."""
        self._own(table)
        self._parts(table, where)
        self._values(table, values)

        def work(scope: Scope) -> int:
            return _changed(scope, update(table).where(_brands(table, scope), *where).values(**values))

        return self._at().write(work)

    def remove(self, table: Table, *where: ColumnElement[bool]) -> int:
        """For good."""
        self._own(table)
        self._parts(table, where)

        def work(scope: Scope) -> int:
            return _changed(scope, delete(table).where(_brands(table, scope), *where))

        return self._at().write(work)

    def _at(self) -> Unit:
        if self.unit is None:
            raise RuntimeError("there is no shop behind this context")
        return self.unit

    def _own(self, table: Table) -> None:
        if not isinstance(table, Table):
            raise ValueError("a plugin's table is declared with own_table")
        prefix = f"plg_{self.plugin}_"
        if not table.name.startswith(prefix) or not _NAME.fullmatch(table.name) or table.schema is not None:
            raise ValueError(f"{table.name!r} is not this plugin's: its tables are called {prefix}...")
        if [column.name for column in table.primary_key] != ["brand_id", "id"]:
            raise ValueError(f"{table.name}: the key of a plugin's table is (brand_id, id)")

    def _values(self, table: Table, values: dict[str, Any]) -> None:
        if unknown := [name for name in values if name not in table.c or name in ("brand_id", "id")]:
            raise ValueError(f"{table.name}: {', '.join(unknown)} cannot be set")
        self._parts(
            table,
            (
                one
                for one in values.values()
                if isinstance(one, visitors.Visitable)
                or hasattr(one, "__clause_element__")  # a mapped column
            ),
        )

    def _parts(self, table: Table, expressions: Iterable[Any]) -> None:
        for expression in expressions:
            for part in visitors.iterate(expression):
                if isinstance(part, Column):
                    allowed = part.table is table and _NAME.fullmatch(part.name) is not None
                else:
                    used = (getattr(part, "operator", None), getattr(part, "modifier", None))
                    allowed = isinstance(part, _PARTS) and not any(
                        isinstance(one, operators.custom_op) for one in used
                    )
                if not allowed:
                    raise ValueError(
                        f"{table.name}: only its own columns and values are compared here, not {part}"
                    )


def _brands(table: Table, scope: Scope) -> ColumnElement[bool]:
    return table.c.brand_id == scope.brand.id


def _changed(scope: Scope, statement: Any) -> int:
    done: Any = scope.session.execute(statement)
    return int(done.rowcount)
