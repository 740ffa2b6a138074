"""Members, from a file to the stage: read, checked row by row, then as a whole and against the shop."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells
from webapp.imports.problems import N_, BadFile, Problem, Problems
from webapp.imports.reader import Table, open_table
from webapp.imports.stage import Stage
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import queries
from webapp.members.attributes import attribute_key
from webapp.members.queries import batches

COLUMNS = ("number", "name", "phone", "email", "birthday", "gender", "joined_at", "store")
REQUIRED = ("number",)
CONSENT = "consent_"
NO_STORE = (N_("is no store of this shop"), N_("Correct it, or let new stores be made (--make-stores)."))


@dataclass(slots=True)
class Read:
    """What was read. kinds: attribute key -> text, number or date, as its values are written.
    numbers_differ: no number comes twice."""

    members: int = 0
    ignored: tuple[str, ...] = ()
    numbers_differ: bool = True
    kinds: dict[str, str] = field(default_factory=dict)


def read_file(
    stage: Stage,
    brand: BrandRef,
    path: Path,
    mapping: Mapping[str, str],
    today: Any,
    problems: Problems,
    *,
    leave_out: Collection[str] = (),
    watch: Callable[[int, int], None] | None = None,
) -> Read:
    """The file into the stage. Raises BadFile; bad rows go to `problems` and are not staged.

    leave_out: columns that are not to become attributes. watch: told of each block's bytes.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "number": cells.key(60),
        "name": cells.label(120),
        "phone": cells.maybe(cells.phone(brand.region)),
        "email": cells.maybe(cells.email),
        "birthday": cells.maybe(cells.birthday(today)),
        "gender": cells.maybe(cells.gender),
        "joined_at": cells.maybe(cells.joining_day(brand.timezone, today)),
        "store": cells.Cached(cells.label(60)).__getitem__,
    }
    read = Read()
    with open_table(path, COLUMNS, REQUIRED, mapping, prefix=CONSENT, watch=watch) as table:
        channels = _channels(table)
        for column in channels:
            readers[column] = cells.maybe(cells.answer)
        attributes = _attribute_columns(table, leave_out)
        kinds = {key: _Kind() for _, key in attributes}
        # Attributes come after our columns, and may be called as one of them is.
        every = {**readers, **{f"attribute {key}": cells.attribute for _, key in attributes}}
        for rows, columns in table.blocks(problems.misshapen(table.name, table.width)):
            read.members += len(rows)
            picked = table.pick(columns, list(readers)) + [columns[place] for place, _ in attributes]
            good = problems.good_rows(table.name, every, rows, picked)
            found = []
            for at in good:
                values = {
                    name: reader(column[at])
                    for (name, reader), column in zip(readers.items(), picked, strict=False)
                }
                own = {key: cells.attribute(columns[place][at]) for place, key in attributes}
                for key, text in own.items():
                    if text:
                        kinds[key].see(text)
                found.append(_row(rows[at], values, channels, own))
            if found:
                stage.put("member", *zip(*found, strict=True))
        read.members += problems.misshaped.get(table.name, 0)
        read.ignored = tuple(
            name or f"column {place + 1}" for place, name in table.unknown if not name or name in leave_out
        )
    read.numbers_differ = stage.index("members")
    read.kinds = {key: kind.name for key, kind in kinds.items()}
    return read


def _row(row: int, values: dict[str, Any], channels: dict[str, str], own: dict[str, str]) -> tuple[Any, ...]:
    birthday, joined = values["birthday"], values["joined_at"]
    consents = {channel: values[column] for column, channel in channels.items() if values[column] is not None}
    attributes = {key: text for key, text in own.items() if text}
    return (
        *(row, values["number"], values["name"], values["phone"], values["email"]),
        *(
            birthday and birthday.isoformat(),
            values["gender"],
            joined and joined.isoformat(),
            values["store"],
        ),
        *(json.dumps(consents), json.dumps(attributes, ensure_ascii=False)),
    )


def _channels(table: Table) -> dict[str, str]:
    """Column -> channel, of the columns about consent."""
    found = {}
    for column, place in table.columns.items():
        if column.startswith(CONSENT) and place >= 0:
            channel = column.removeprefix(CONSENT)
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,19}", channel):
                raise BadFile(
                    N_(
                        "%(file)s row 1: %(column)s names no channel. Write consent_ and the channel's key, such as "
                        "consent_email."
                    ),
                    file=table.name,
                    column=column,
                )
            found[column] = channel
    return found


def _attribute_columns(table: Table, leave_out: Collection[str]) -> list[tuple[int, str]]:
    """(place, key) of the columns that are the shop's own."""
    keys: dict[str, int] = {}
    for place, name in table.unknown:
        if name and name not in leave_out:
            key = attribute_key(name)
            if keys.setdefault(key, place) != place:
                raise BadFile(
                    N_(
                        "%(file)s row 1: columns %(one)s and %(other)s have names that begin with the same 60 characters. "
                        "Shorten them."
                    ),
                    file=table.name,
                    one=keys[key] + 1,
                    other=place + 1,
                )
    return [(place, key) for key, place in keys.items()]


@dataclass(slots=True)
class _Kind:
    """What the values of a column are, until one is not."""

    seen: bool = False
    number: bool = True
    day: bool = True

    def see(self, text: str) -> None:
        self.seen = True
        self.number = self.number and cells.number_of(text) is not None
        self.day = self.day and cells.day_of(text) is not None

    @property
    def name(self) -> str:
        if not self.seen:
            return "text"
        return "number" if self.number else "date" if self.day else "text"


def check(
    stage: Stage,
    db: Database,
    brand: BrandRef,
    name: str,
    problems: Problems,
    *,
    numbers_differ: bool,
    make_stores: bool,
) -> None:
    """What only shows in the whole, or against the shop; refused rows leave the stage."""

    def refuse(row: int, column: str, value: str, reason: str, remedy: str, **facts: Any) -> None:
        problems.add(Problem(name, row, column, value, reason, remedy, facts))
        if stage.drop("member", row):
            problems.refused += 1

    for row, number, first in [] if numbers_differ else stage.repeated("member", "number"):
        if row != first:
            refuse(
                *(row, "number", number, N_("stands in row %(first)s already"), N_("Keep one of the two.")),
                first=first,
            )
    phones = [phone for (phone,) in stage.ask("SELECT phone FROM member WHERE phone IS NOT NULL")]
    with db.read(brand=brand) as scope:
        known = {store.code for store in brands.stores(scope)}
        for batch in batches(phones):
            for phone, holder in queries.phone_holders(scope, batch).items():
                of_others = stage.ask(
                    "SELECT row FROM member WHERE phone = ? AND number != ?", (phone, holder)
                )
                for (row,) in list(of_others):
                    refuse(
                        *(row, "phone", phone, N_("is the phone of member %(holder)s")),
                        N_("Correct that member first, or leave the phone blank here."),
                        holder=holder,
                    )
    for row, phone, first in stage.repeated("member", "phone"):
        if row != first:
            refuse(
                *(row, "phone", phone, N_("is the phone of the member in row %(first)s, too")),
                N_("A phone belongs to one member: correct it or leave it blank."),
                first=first,
            )
    if not make_stores:
        named = [store for (store,) in stage.ask("SELECT DISTINCT store FROM member WHERE store != ''")]
        for row, store in stage.having("member", "store", [store for store in named if store not in known]):
            refuse(row, "store", store, *NO_STORE)
