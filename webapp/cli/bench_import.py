"""`regulars bench import`: orders and lines from files, beside their bare rows put into the same tables and indexes."""

from __future__ import annotations

import csv
import gc
import json
import logging
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope

AT_LEAST = {"sqlite": 0.4, "postgresql": 0.5}  # of the bare rows' rate
UNIT_MS = 250.0
SEED = 7
PRODUCTS, STORES = 20_000, 60
LINES = 9  # an order, on average, as in the sample shop


@dataclass(frozen=True, slots=True)
class _Order:
    """One made-up order. Money in fen; lines: product, category, quantity in thousandths, amount."""

    number: str
    member: int
    store: int
    at: datetime
    gross: int
    paid: int
    lines: list[tuple[str, str, int, int]]


@click.command("import")
@bench.options
@click.option("--orders", "n_orders", type=click.IntRange(100, 1_000_000), default=30_000, show_default=True)
@click.option(
    "--rounds", type=click.IntRange(1, 20), default=5, show_default=True, help="The median of so many counts."
)
def import_(n_orders: int, rounds: int, database_url: str | None, as_json: bool) -> None:
    """Import orders with their lines, and measure it beside COPY (on SQLite: bulk insert) of the bare rows.

    The bare rows are parsed before the clock starts and go in with one transaction, into the same tables with the same
    indexes and keys. What the import takes on top: reading the files, checking them, finding members, marking whose
    facts changed, events, and transactions short enough for others to work beside it.
    """
    logging.getLogger("regulars.db").setLevel(logging.ERROR)  # units too long are what is reported here
    made = _make(n_orders)
    n_lines = sum(len(order.lines) for order in made)
    bares: list[float] = []
    imports: list[tuple[float, float, int]] = []
    with bench.database(database_url) as db, tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        orders_file, lines_file = _write(Path(folder), made)
        for round_ in range(rounds):
            bares.append(_bare(db, _shop(db, f"bare-{round_}", n_orders), made))
            imports.append(
                _import(db, _shop(db, f"import-{round_}", n_orders), Path(folder), orders_file, lines_file)
            )
        kind = "sqlite" if db.is_sqlite else "postgresql"
    # Each import beside the bare rows of its own round, since a machine that others share is now fast, now slow; of the
    # rounds the median: a best of each would set one's lucky second beside the other's lucky ten.
    ratios = [bare / seconds for bare, (seconds, _, _) in zip(bares, imports, strict=True)]
    ratio = statistics.median_low(ratios)
    bare, (seconds, _, units) = bares[ratios.index(ratio)], imports[ratios.index(ratio)]
    worst_ms = max(worst for _, worst, _ in imports)
    told: dict[str, Any] = {
        "bench": "import",
        "database": kind,
        "orders": n_orders,
        "lines": n_lines,
        "bare_seconds": round(bare, 3),
        "import_seconds": round(seconds, 3),
        "ratio": round(ratio, 2),
        "ratios": [round(each, 2) for each in ratios],
        "at_least": AT_LEAST[kind],
        "orders_a_second": round(n_orders / seconds),
        "worst_unit_ms": round(worst_ms, 1),
        "units": units,
        "ok": ratio >= AT_LEAST[kind] and worst_ms <= UNIT_MS,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{n_orders:,} orders with {n_lines:,} lines on {kind}, median of {rounds}")
    click.echo(f"  bare rows      {bare:8.2f} s")
    click.echo(
        f"  import         {seconds:8.2f} s   {told['ratio']} of their rate; at least {AT_LEAST[kind]}"
    )
    click.echo(f"  longest write  {worst_ms:8.0f} ms  of {units}; at most {UNIT_MS:.0f}")


def _make(n_orders: int) -> list[_Order]:
    chance = random.Random(SEED)
    products = [
        (f"Product {i} {'fine ' * (i % 3)}#{i * 37}", f"Category {i % 300}", chance.randrange(50, 3000))
        for i in range(PRODUCTS)
    ]
    start = datetime(2025, 1, 1, tzinfo=UTC)
    made = []
    for i in range(n_orders):
        lines = []
        for _ in range(1 + min(60, int(chance.expovariate(1 / (LINES - 1))))):
            product, category, price = products[int(PRODUCTS * chance.random() ** 2)]
            pieces = 1 + int(chance.random() ** 4 * 5)
            lines.append((product, category, pieces * 1000, pieces * price))
        gross = sum(line[3] for line in lines)
        at = start + timedelta(minutes=i * 500_000 // n_orders, seconds=i % 60)
        store, member = chance.randrange(STORES), chance.randrange(max(1, n_orders // 60))
        made.append(_Order(f"{31_000_000 + i:011d}", member, store, at, gross, gross - gross // 20, lines))
    return made


def _write(folder: Path, made: list[_Order]) -> tuple[Path, Path]:
    orders_file, lines_file = folder / "orders.csv", folder / "lines.csv"
    with (
        orders_file.open("w", encoding="utf-8", newline="") as orders,
        lines_file.open("w", encoding="utf-8", newline="") as lines,
    ):
        order_rows, line_rows = csv.writer(orders), csv.writer(lines)
        order_rows.writerow(("number", "member", "phone", "store", "ordered_at", "gross", "discount", "paid"))
        line_rows.writerow(("order", "product", "category", "quantity", "amount"))
        for order in made:
            money = (_yuan(order.gross), _yuan(order.gross - order.paid), _yuan(order.paid))
            row = (order.number, f"{order.member:05d}", "", f"S{order.store}", order.at.isoformat(), *money)
            order_rows.writerow(row)
            for product, category, quantity, amount in order.lines:
                line_rows.writerow((order.number, product, category, quantity // 1000, _yuan(amount)))
    return orders_file, lines_file


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _shop(db: Database, code: str, n_orders: int) -> BrandRef:
    """A fresh brand with the members and stores that the orders name."""
    from webapp.brands import service
    from webapp.brands.models import Store
    from webapp.kernel import bulk
    from webapp.members import bulk as members
    from webapp.members.bulk import MemberIn
    from webapp.members.models import Member, MemberIdentity

    brand = db.write(
        lambda scope: service.new_brand(
            scope, code=code, name="Bench", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )
    numbers = [f"{member:05d}" for member in range(max(1, n_orders // 60))]
    db.write(lambda scope: service.store_ids(scope, {f"S{i}" for i in range(STORES)}, make=True), brand=brand)

    def join(scope: Scope) -> None:
        day = scope.today - timedelta(days=1000)
        nobody: tuple[Any, ...] = (None, None, None, None, None, day, None, {}, {})
        members.record(scope, "import:bench", [MemberIn(number, *nobody) for number in numbers])

    db.write(join, brand=brand)
    bulk.analyse(db, Store, Member, MemberIdentity)  # for both: a shop's server has done so long since
    return brand


def _bare(db: Database, brand: BrandRef, made: list[_Order]) -> float:
    """Seconds to put the rows in, and no more than that."""
    from webapp.members import queries
    from webapp.orders.service import LINE_COLUMNS, ORDER_COLUMNS

    order_rows: list[tuple[Any, ...]] = []
    line_rows: list[tuple[Any, ...]] = []

    def parse(scope: Scope) -> None:
        from webapp.brands import service

        members = queries.ids_by_number(scope, {f"{order.member:05d}" for order in made})
        stores = service.store_ids(scope, {f"S{order.store}" for order in made}, make=False)
        zone = "" if db.is_sqlite else "+00"
        for id_, order in zip(scope.new_ids(len(made)), made, strict=True):
            member, at = members[f"{order.member:05d}"], order.at.replace(tzinfo=None)
            order_rows.append(
                (
                    *(brand.id, id_, "till", order.number, member, member, None, stores[f"S{order.store}"]),
                    *(at.isoformat(" ", "microseconds") + zone, (at + timedelta(hours=8)).date().isoformat()),
                    *(order.gross, order.gross - order.paid, order.paid, id_, id_),
                )
            )
            line_rows.extend((brand.id, id_, at_, *line) for at_, line in enumerate(order.lines, 1))

    def put(scope: Scope) -> None:
        driver: Any = scope.session.connection().connection.driver_connection
        for table, columns, rows in (
            ("orders", ORDER_COLUMNS, order_rows),
            ("order_line", LINE_COLUMNS, line_rows),
        ):
            target = f"{table} ({', '.join(columns)})"
            if db.is_sqlite:
                driver.executemany(f"INSERT INTO {target} VALUES ({', '.join('?' * len(columns))})", rows)
            else:
                with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)

    db.write(parse, brand=brand)
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    db.write(put, brand=brand)
    took = time.perf_counter() - began
    gc.unfreeze()
    return took


def _import(
    db: Database, brand: BrandRef, folder: Path, orders_file: Path, lines_file: Path
) -> tuple[float, float, int]:
    """Seconds of the whole import, its longest unit in ms, and how many units it had."""
    from webapp.app import load_jobs
    from webapp.imports import service
    from webapp.kernel.db import Meter

    load_jobs()  # who subscribed to new orders is told, as in a shop
    gc.collect()
    db.meter = Meter()
    began = time.perf_counter()
    outcome = service.import_orders(
        db, brand, folder / "staged", orders_file, service.Options("till"), lines=lines_file
    )
    took = time.perf_counter() - began
    if not outcome.applied or outcome.created != outcome.read:
        raise RuntimeError(f"the import went wrong: {outcome}")
    return took, db.meter.worst * 1000, db.meter.units
