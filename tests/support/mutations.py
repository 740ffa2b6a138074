"""Good files, harmless and harmful changes of them, and what another reader makes of the outcome."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from tests.support import seed
from tests.support.xlsx import workbook
from webapp.imports import service
from webapp.imports.problems import BadFile
from webapp.kernel.db import Database

Rows = list[list[str]]
TABLES = ("member", "member_identity", "orders", "order_line", "import_made", "import_before", "import")
WRONG = ("", "x", "1e3", "2026-02-31", "12.345", "=1+1", "\0", '"', "-", "9" * 40, "1,5", "￥5", "NaN")


def good(kind: str, chance: Random) -> dict[str, Rows]:
    """Files as a till writes them, no two alike; numbers are unique to the trial's seed."""
    stamp = chance.randrange(10**9)
    if kind == "members":
        rows = [["number", "name", "phone", "birthday", "gender"]]
        for n in range(chance.randint(1, 6)):
            phone = f"13{chance.randrange(10**9):09d}" if chance.random() < 0.6 else ""
            rows.append([f"M{stamp}-{n}", chance.choice(("张三", "Ada, B", "")), phone, "1990-02-28", "女"])
        return {"file": rows}
    rows = [["number", "member", "ordered_at", "paid"]]
    lines = [["order", "product", "quantity", "amount"]]
    for n in range(chance.randint(1, 6)):
        rows.append([f"{stamp}-{n}", "", f"2026-01-0{n + 1} 10:00", f"{chance.randrange(10_000) / 100:.2f}"])
        for _ in range(chance.randint(0, 3)):
            lines.append([f"{stamp}-{n}", "Tea", "1", f"{chance.randrange(1000) / 100:.2f}"])
    return {"file": rows, "lines": lines}


def mutated(files: dict[str, Rows], chance: Random) -> dict[str, bytes]:
    """A third only written in another way; the others broken in the table or in the bytes."""
    made: dict[str, bytes] = {}
    harm = chance.random()
    victim = chance.choice(sorted(files))
    for name, rows in files.items():
        rows = [list(row) for row in rows]
        if harm > 0.4 and name == victim:
            _harm(rows, chance)
        data = written(rows, chance)
        if harm > 0.8 and name == victim:
            data = _break(data, chance)
        made[name] = data
    return made


def _harm(rows: Rows, chance: Random) -> None:
    at = chance.randrange(len(rows))
    match chance.randrange(6):
        case 0:
            rows[at][chance.randrange(len(rows[at]))] = chance.choice(WRONG)
        case 1:
            rows.insert(at, list(rows[at]))
        case 2:
            rows[at].pop()
        case 3:
            rows[at].append("more")
        case 4:
            chance.shuffle(rows[at])
        case _:
            del rows[at]


def written(rows: Rows, chance: Random) -> bytes:
    """In one of the forms in which shops have them."""
    form = chance.randrange(8)
    if form == 0 and not any("\0" in cell for row in rows for cell in row):
        return workbook(rows, shared=chance.random() < 0.5)
    out = io.StringIO()
    divider = {1: ";", 2: "\t"}.get(form, ",")
    quoting = csv.QUOTE_ALL if form == 3 else csv.QUOTE_MINIMAL
    ends = chance.choice(("\n", "\r\n"))
    csv.writer(out, delimiter=divider, quoting=quoting, lineterminator=ends).writerows(rows)
    encoding = {4: "gb18030", 5: "utf-16", 6: "utf-8-sig"}.get(form, "utf-8")
    return out.getvalue().encode(encoding)


def _break(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        case 2:
            return data[:at] + chance.choice((b"\0", b'"', b",", b"\n", b"\xff", b"x" * 500)) + data[at:]
        case _:
            end = min(len(data), at + 20)
            return data[:at] + data[end:] + data[at:end]


def independent(data: bytes) -> list[dict[str, str]] | None:
    """The rows as another reader sees them; None for a workbook, which the writer's own rows stand for."""
    if data.startswith(b"PK"):
        return None
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            found = data.decode(encoding)
            break
        except UnicodeError:
            continue
    else:
        raise AssertionError("taken although it is in no encoding")
    first = found.splitlines()[0]
    divider = max(",;\t", key=lambda mark: (first.count(mark), mark == ","))
    rows = [row for row in csv.reader(io.StringIO(found, newline=""), delimiter=divider) if row]
    header = [cell.strip().casefold() for cell in rows[0]]
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


class Trial:
    """Runs mutations against one shop, and keeps count."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.folder, self.brand = db, folder, seed.brand(db)
        self.accepted = self.refused = self.unreadable = 0

    def run(self, seeds: Sequence[int]) -> None:
        """Each seed once."""
        for number in seeds:
            chance = Random(f"file {number}")
            kind = chance.choice(("members", "orders"))
            tables = good(kind, chance)
            self._one(number, kind, tables, mutated(tables, chance))

    def summary(self) -> str:
        """For a message."""
        return f"{self.accepted} accepted, {self.refused} refused, {self.unreadable} unreadable"

    def _one(self, number: int, kind: str, tables: dict[str, Rows], files: dict[str, bytes]) -> None:
        paths = {}
        for name, data in files.items():
            paths[name] = self.folder / f"{name}.csv"
            paths[name].write_bytes(data)
        before = self._totals()
        options = service.Options("till")
        stage = self.folder / "staged"
        try:
            if kind == "members":
                outcome = service.import_members(self.db, self.brand, stage, paths["file"], options)
            else:
                outcome = service.import_orders(
                    self.db, self.brand, stage, paths["file"], options, lines=paths["lines"]
                )
        except BadFile as why:
            assert str(why).strip(), number
            self.unreadable += 1
            assert self._totals() == before, number
        else:
            if outcome.applied:
                self.accepted += 1
                self._compare(number, kind, files, before, outcome)
            else:
                self.refused += 1
                assert outcome.refused and all(str(one).strip() for one in outcome.problems), number
                assert self._totals() == before, number
        assert not [path for path in stage.glob("*") if path.suffix != ".lock"], number

    def _totals(self) -> dict[str, Any]:
        with self.db.engine.connect() as connection:
            told: dict[str, Any] = {
                table: connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar()
                for table in TABLES
            }
            told["paid"] = int(
                connection.execute(text("SELECT coalesce(sum(paid_minor), 0) FROM orders")).scalar() or 0
            )
            told["amount"] = int(
                connection.execute(text("SELECT coalesce(sum(amount_minor), 0) FROM order_line")).scalar()
                or 0
            )
        return told

    def _compare(
        self, number: int, kind: str, files: dict[str, bytes], before: dict[str, Any], outcome: Any
    ) -> None:
        """Totals of what came in are those of the files, as another reader reads them."""
        after = self._totals()
        rows = independent(files["file"])
        if rows is not None:
            assert outcome.read == len(rows), (number, files)
        taken = outcome.created + outcome.updated + outcome.unchanged
        assert taken == outcome.read, (number, files, outcome)
        table = "member" if kind == "members" else "orders"
        assert after[table] - before[table] == outcome.created, number
        if kind == "members" or outcome.created != outcome.read:
            return  # a number such as 1e3, which an earlier file has brought, is there already
        lines = independent(files["lines"])
        if rows is not None:
            paid = sum(Decimal(row["paid"].strip()) for row in rows)
            assert after["paid"] - before["paid"] == paid * 100, (number, files)
        if lines is not None:
            amount = sum(Decimal(row["amount"].strip()) for row in lines)
            assert after["amount"] - before["amount"] == amount * 100, (number, files)
            assert after["order_line"] - before["order_line"] == len(lines), (number, files)
