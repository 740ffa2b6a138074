"""A list of products: read and checked whole, then put into the catalogue a few hundred at a time.

It is small beside orders, so nothing is staged: what was put in before a plug was pulled stays, and the same file again
does the rest.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from webapp.catalogue import service
from webapp.catalogue.queries import batches
from webapp.catalogue.service import ProductIn, Put
from webapp.imports import cells, formats, headers
from webapp.imports.problems import N_, Bad, BadFile, Problem, Problems
from webapp.imports.reader import open_table
from webapp.imports.synonyms import guess
from webapp.imports.uploads import peek
from webapp.kernel.db import Database
from webapp.kernel.scope import SYSTEM, Actor, BrandRef

COLUMNS = ("code", "name", "category", "price")
REQUIRED = ("code",)
MOST = 200_000  # rows


@dataclass(slots=True)
class Listed:
    """What became of a file. columns: ours -> what the file calls it. applied: False when bad rows held everything back."""

    read: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    applied: bool = False
    put: Put = field(default_factory=Put)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "read": self.read,
            "created": self.put.created,
            "updated": self.put.updated,
            "unchanged": self.put.unchanged,
            "refused": self.problems.refused,
            "columns": self.columns,
            "ignored_columns": self.ignored_columns,
            "seconds": round(self.seconds, 3),
            "applied": self.applied,
            "bad_rows": [problem.as_json() for problem in self.problems.kept],
        }


def import_products(
    db: Database,
    brand: BrandRef,
    file: Path,
    mapping: Mapping[str, str] | None = None,
    *,
    sheet: str = "",
    skip_bad: bool = False,
    actor: Actor = SYSTEM,
) -> Listed:
    """Products from a file; with a bad row nothing is put in, unless skip_bad. Raises BadFile."""
    began = time.monotonic()
    done = Listed()
    rows = _read(brand, file, mapping or {}, sheet, done)
    if skip_bad or not done.problems.refused:
        for batch in batches(sorted(rows), service.UNIT):
            done.put += db.write(partial(service.put, rows=batch), brand=brand, actor=actor)
        done.applied = True
    done.seconds = time.monotonic() - began
    return done


def _read(
    brand: BrandRef, file: Path, mapping: Mapping[str, str], sheet: str, done: Listed
) -> list[ProductIn]:
    """Its good rows; what is wrong with the others is in done.problems."""
    for column in mapping:
        if column not in COLUMNS:
            raise BadFile(
                N_("--map %(column)s=...: there is no column %(column)s. Ours are %(columns)s."),
                column=column,
                columns=", ".join(COLUMNS),
            )
    seen = peek(file, sheet)
    done.columns = columns_of(file.name, seen.header, mapping)
    readers: dict[str, Any] = {
        "code": cells.key(service.CODE),
        "name": cells.label(service.NAME),
        "category": cells.Cached(cells.label(service.CATEGORY)).__getitem__,
        "price": cells.Cached(cells.maybe(_price(brand.currency))).__getitem__,
    }
    found: list[ProductIn] = []
    first: dict[str, int] = {}
    named = {ours: done.columns.get(ours, "") for ours in COLUMNS}
    with tempfile.TemporaryDirectory(prefix="products-") as folder:
        plain = formats.prepared(file, Path(folder), seen.form, sheet=sheet)
        with open_table(plain, COLUMNS, REQUIRED, named) as table:
            done.ignored_columns = list(table.ignored)
            for rows, block in table.blocks(done.problems.misshapen(file.name, table.width)):
                done.read += len(rows)
                if done.read > MOST:
                    raise BadFile(
                        N_("%(file)s has more than %(most)s rows. Divide it."), file=file.name, most=MOST
                    )
                picked = table.pick(block, COLUMNS)
                for at in done.problems.good_rows(file.name, readers, rows, picked):
                    row = ProductIn(
                        *(read(column[at]) for read, column in zip(readers.values(), picked, strict=True))
                    )
                    if row.code in first:
                        _twice(done.problems, file.name, rows[at], row.code, first[row.code])
                        continue
                    first[row.code] = rows[at]
                    found.append(row)
    done.read += done.problems.misshaped.get(file.name, 0)
    return found


def columns_of(name: str, header: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Ours -> what the file calls it, as it is told or as it seems. Raises BadFile without a column of codes."""
    given = dict(mapping)
    rest = [column for column in header if column not in given.values()]
    given |= {ours: theirs for ours, theirs in guess("products", rest).items() if ours not in given}
    if "code" not in given and "name" in given:
        given["code"] = given.pop("name")  # a till that knows its goods by their names alone
    if "code" not in given:
        raise BadFile(
            N_(
                "%(file)s row 1: no column says which product it is. Call it “code” (or 商品编码), beside “name”, “category” "
                "and “price”. It has %(columns)s."
            ),
            file=name,
            columns=headers.told(header),
        )
    return given


def _price(currency: str) -> cells.Reader[int]:
    amount = cells.money(currency)

    def read(text: str) -> int:
        minor = amount(text)
        if minor < 0:
            raise Bad(N_("is less than nothing"), N_("Write what one piece costs, or leave it blank."))
        return minor

    return read


def _twice(problems: Problems, name: str, row: int, code: str, first: int) -> None:
    problems.refused += 1
    reason, remedy = N_("stands in row %(first)s already"), N_("Keep one of the two.")
    problems.add(Problem(name, row, "code", code, reason, remedy, {"first": first}))
