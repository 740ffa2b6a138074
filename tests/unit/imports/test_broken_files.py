"""Files broken in every way: told in words, never a traceback; and what is refused leaves the shop as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.imports import service
from webapp.imports.problems import BadFile
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = OTHER_IN_DRILL
TABLES = (
    "member",
    "member_identity",
    "consent",
    "member_attribute",
    "store",
    "orders",
    "order_line",
    "import",
    "step_run",
)
MEMBERS = (
    "number,name,phone,email,birthday,gender,joined_at,store,consent_email,tier\n"
    '01,"Ada ""A"" 张",13800000001,ada@shop.example,1990-02-28,female,2024-01-01,xujiahui,yes,gold\n'
    "02,Bo,,,,,,,,\n"
    "03,=SUM(A1),+86 139 0000 0002,bo@shop.example,1980/12/1,男,2025-06-01T10:00:00Z,nanjing-road,no,\n"
)
ORDERS = (
    "number,member,phone,store,ordered_at,gross,discount,paid,till\n"
    "A-1,01,,xujiahui,2026-01-01T10:00:00+08:00,12.00,2.00,10.00,3\n"
    'A-2,,13900000009,,2026-01-02 10:00,,,"0.50",3\n'
    "A-3,03,,nanjing-road,2026/1/3,-5,0,-5,\n"
)
LINES = "order,product,category,quantity,amount\nA-1,Tea,Hot,1,8.00\nA-1,Pot,,0.5,2.00\nA-3,Tea,Hot,-1,-5\n"

Break = Callable[[Random, bytes], bytes]

MORE_IN_DRILL = pytest.mark.parametrize("tries", [40, pytest.param(300, marks=pytest.mark.drill)])


def cut(chance: Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def flip(chance: Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def insert(chance: Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    marks = (
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\\",
        b"\t",
        b"-",
        b"9" * 30,
        "😀".encode(),
        b"x" * 400,
        b",,",
    )
    return data[:at] + chance.choice(marks) + data[at:]


def swap_cells(chance: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    cells = lines[at].split(b",")
    chance.shuffle(cells)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def repeat(chance: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def encode(chance: Random, data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode(
        chance.choice(("gb18030", "utf-16", "utf-8-sig", "utf-16-le")), "replace"
    )


BREAKS: tuple[Break, ...] = (cut, flip, flip, insert, insert, insert, swap_cells, repeat, encode)


def state(db: Database) -> dict[str, Any]:
    with db.engine.connect() as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{table}"')))) for table in TABLES
        }


def run(
    db: Database, brand: BrandRef, folder: Path, kind: str, files: dict[str, bytes], *, skip_bad: bool
) -> Any:
    paths = {}
    for name, data in files.items():
        paths[name] = folder / f"{name}.csv"
        paths[name].write_bytes(data)
    options = service.Options("till", skip_bad=skip_bad)
    stage = folder / "staged"
    if kind == "members":
        return service.import_members(db, brand, stage, paths["members"], options)
    return service.import_orders(db, brand, stage, paths["orders"], options, lines=paths["lines"])


@MORE_IN_DRILL
@pytest.mark.parametrize("kind", ["members", "orders"])
def test_broken_files(kind: str, tries: int, db: Database, tmp_path: Path, db_kind: str) -> None:
    brand = seed.brand(db)
    good = {"members": MEMBERS.encode(), "orders": ORDERS.encode(), "lines": LINES.encode()}
    if kind == "orders":
        run(db, brand, tmp_path, "members", good, skip_bad=False)
    ends = {"applied": 0, "refused": 0, "unreadable": 0}
    before = state(db)
    for number in range(tries if db_kind == "sqlite" else tries // 4):
        chance = Random(f"{kind} {number}")
        files = dict(good)
        for _ in range(chance.choice((1, 1, 2, 3))):
            name = "members" if kind == "members" else chance.choice(("orders", "lines"))
            files[name] = chance.choice(BREAKS)(chance, files[name] or b"x")
        try:
            outcome = run(db, brand, tmp_path, kind, files, skip_bad=False)
        except BadFile as why:
            assert str(why).strip(), files
            ends["unreadable"] += 1
        else:
            json.dumps(outcome.as_json())
            ends["applied" if outcome.applied else "refused"] += 1
            assert outcome.applied == (outcome.refused == 0)
            for problem in outcome.problems:
                assert problem.row >= 2 and problem.reason and problem.remedy, problem
            if outcome.applied:
                assert outcome.created + outcome.updated + outcome.unchanged == outcome.read
                again = run(db, brand, tmp_path, kind, files, skip_bad=False)
                assert (again.created, again.updated) == (0, 0), files
                before = state(db)
        assert state(db) == before, (number, files)
        assert not list((tmp_path / "staged").glob("*.stage")), files
    assert all(ends.values()), ends


@MORE_IN_DRILL
@pytest.mark.parametrize("kind", ["members", "orders"])
def test_what_is_good_comes_in_with_skip_bad(
    kind: str, tries: int, db: Database, db_kind: str, tmp_path: Path
) -> None:
    """Whatever is broken, the rows that are applied and those that are refused are all that were read."""
    brand = seed.brand(db)
    good = {"members": MEMBERS.encode(), "orders": ORDERS.encode(), "lines": LINES.encode()}
    run(db, brand, tmp_path, "members", good, skip_bad=False)
    for number in range(tries // 2 if db_kind == "sqlite" else tries // 8):
        chance = Random(f"skip {kind} {number}")
        name = "members" if kind == "members" else "orders"
        files = good | {
            name: chance.choice(BREAKS)(chance, chance.choice(BREAKS)(chance, good[name]) or b"x")
        }
        try:
            outcome = run(db, brand, tmp_path, kind, files, skip_bad=True)
        except BadFile:
            continue
        done = outcome.created + outcome.updated + outcome.unchanged
        lines_refused = sum(1 for row in {p.row for p in outcome.problems if p.file == "lines.csv"} if row)
        assert outcome.applied and done + outcome.refused - lines_refused == outcome.read, (files, outcome)
