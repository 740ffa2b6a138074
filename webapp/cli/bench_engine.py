"""`regulars bench engine`: every member's stage decided, beside the plainest loop that reads the same and writes the same."""

from __future__ import annotations

import json
import logging
import random
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope

AT_MOST = 2.5  # times as long as the loop
UNIT_MS = 250.0
LOOP_CHUNK = 1000  # members a transaction of the loop
SPAN = 730  # days over which the made-up orders lie
SEED = 20240


@click.command()
@bench.options
@click.option(
    "--members", "n_members", type=click.IntRange(100, 2_000_000), default=20_000, show_default=True
)
@click.option(
    "--orders",
    "n_orders",
    type=click.IntRange(1, 1000),
    default=60,
    show_default=True,
    help="On average, each.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="The best of so many counts."
)
def engine(n_members: int, n_orders: int, rounds: int, database_url: str | None, as_json: bool) -> None:
    """Decide everybody's stage for the first time, and measure it beside a loop that decides nothing.

    The loop reads one row of day and paid arrays a member and writes a stage and its history for each, the same tables
    and indexes, many members a transaction. What the engine takes on top are the decisions, the exact days of the next
    look, and transactions short enough for others to work beside it.
    """
    logging.getLogger("regulars.db").setLevel(logging.ERROR)  # units too long are what is reported here
    with bench.database(database_url) as db:
        brand = _shop(db)
        made = _fill(db, brand, n_members, n_orders)
        loops, engines = [], []
        for _ in range(rounds):
            loops.append(_timed(db, brand, _loop))
            engines.append(_timed(db, brand, _engine))
        stages = _stages(db, brand)
        kind = "sqlite" if db.is_sqlite else "postgresql"
    loop, seconds = min(loops)[0], min(engines)[0]
    worst_ms, units = max(worst for _, worst, _ in engines), min(engines)[2]
    told: dict[str, Any] = {
        "bench": "engine",
        "database": kind,
        "members": n_members,
        "orders": made,
        "loop_seconds": round(loop, 3),
        "engine_seconds": round(seconds, 3),
        "ratio": round(seconds / loop, 2),
        "at_most": AT_MOST,
        "members_a_second": round(n_members / seconds),
        "worst_unit_ms": round(worst_ms, 1),
        "units": units,
        "stages": stages,
        "ok": seconds / loop <= AT_MOST and worst_ms <= UNIT_MS,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{n_members:,} members with {made:,} orders on {kind}, best of {rounds}")
    click.echo(f"  read and write only  {loop:8.2f} s")
    click.echo(f"  engine               {seconds:8.2f} s   {told['ratio']} times as long; at most {AT_MOST}")
    click.echo(f"  longest write        {worst_ms:8.0f} ms  of {told['units']}; at most {UNIT_MS:.0f}")


def _shop(db: Database) -> BrandRef:
    from webapp.brands import service

    return db.write(
        lambda scope: service.new_brand(
            scope, code="bench", name="Bench", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )


def _fill(db: Database, brand: BrandRef, n_members: int, n_orders: int) -> int:
    """Members who joined over two years, each with a rhythm and a basket of their own. Returns how many orders."""
    from webapp.kernel import bulk
    from webapp.members.models import Member
    from webapp.orders.models import Order

    chance, made = random.Random(SEED), 0
    member_columns = tuple(column.key for column in Member.__table__.columns)
    order_columns = tuple(column.key for column in Order.__table__.columns)

    def member_row(scope: Scope, id_: int, joined: int) -> list[Any]:
        row: dict[str, Any] = {
            "brand_id": brand.id,
            "id": id_,
            "person_id": id_,
            "number": f"m{id_}",
            "name": f"Member {id_}",
            "gender": "",
            "joined_on": scope.today - timedelta(days=joined),
            "joined_given": True,
            "draw": chance.randrange(2**31 - 1),
            "facts_seq": 1,
            "dirty_on": scope.today,
            "created_at": scope.now,
            "updated_at": scope.now,
        }
        return [row.get(key) for key in member_columns]

    def order_row(scope: Scope, id_: int, member_id: int, back: int, paid: int) -> list[Any]:
        day = scope.today - timedelta(days=back)
        row: dict[str, Any] = {
            "brand_id": brand.id,
            "id": id_,
            "source": "bench",
            "number": str(id_),
            "member_id": member_id,
            "person_id": member_id,
            "ordered_at": datetime(day.year, day.month, day.day, 4, tzinfo=UTC),
            "ordered_on": day,
            "gross_minor": paid,
            "discount_minor": 0,
            "paid_minor": paid,
            "digest": id_,
            "lines_digest": 0,
        }
        return [row.get(key) for key in order_columns]

    def chunk(scope: Scope, count: int) -> int:
        members, orders = [], []
        for id_ in scope.new_ids(count):
            joined = chance.randrange(1, SPAN)
            members.append(member_row(scope, id_, joined))
            usual, last = chance.randrange(500, 20_000), int(chance.expovariate(1 / 60))
            for _ in range(int(chance.expovariate(1 / n_orders))):
                back = min(last + chance.randrange(SPAN), SPAN + last)
                orders.append((id_, back, chance.randrange(usual // 4, usual * 2)))
        bulk.insert(scope, Member, member_columns, members)
        ids = scope.new_ids(len(orders))
        rows = [order_row(scope, id_, *order) for id_, order in zip(ids, orders, strict=True)]
        bulk.insert(scope, Order, order_columns, rows)
        return len(orders)

    for first in range(0, n_members, 100):
        made += db.write(partial(chunk, count=min(100, n_members - first)), brand=brand)
    return made


def _timed(db: Database, brand: BrandRef, work: Any) -> tuple[float, float, int]:
    """Seconds that `work` takes on a shop in which nothing was decided yet; its longest unit in ms; its units."""
    from sqlalchemy import delete, update

    from webapp.kernel.steps import StepRun
    from webapp.lifecycle.models import LifecycleRun, MemberStage, StageChange
    from webapp.members.models import Member

    def forget(scope: Scope) -> None:
        for model in (MemberStage, StageChange, LifecycleRun, StepRun):
            scope.session.execute(delete(model))
        scope.session.execute(update(Member).values(dirty_on=scope.today))

    db.write(forget, brand=brand)
    db.meter.worst, db.meter.units = 0.0, 0
    began = time.perf_counter()
    work(db, brand)
    return time.perf_counter() - began, db.meter.worst * 1000, db.meter.units


def _loop(db: Database, brand: BrandRef) -> None:
    """One row of arrays a member read, a stage and its history written."""
    from webapp.kernel import bulk
    from webapp.lifecycle import facts, queries
    from webapp.lifecycle.models import MemberStage, StageChange

    def chunk(scope: Scope, after: int) -> int:
        ids = queries.everybody(scope, after, LOOP_CHUNK)
        since = facts.days_before(scope.today, 180)
        rows = scope.session.execute(facts.query(scope, since, member_ids=ids)).all()
        today, now = scope.today, scope.now
        stages = [(brand.id, row[0], "growth", "orders", today, today, "growth", "loop") for row in rows]
        bulk.insert(scope, MemberStage, queries.STAGE, stages)
        changes = [
            (brand.id, id_, row[0], today, None, "growth", "orders", now)
            for id_, row in zip(scope.new_ids(len(rows)), rows, strict=True)
        ]
        bulk.insert(scope, StageChange, queries.CHANGE, changes)
        return ids[-1] if len(ids) == LOOP_CHUNK else 0

    after = db.write(partial(chunk, after=0), brand=brand)
    while after:
        after = db.write(partial(chunk, after=after), brand=brand)


def _engine(db: Database, brand: BrandRef) -> None:
    from webapp.lifecycle import service

    result = service.run(db, brand)
    if not result.finished:
        raise RuntimeError(f"the engine stopped: {result.error}")


def _stages(db: Database, brand: BrandRef) -> dict[str, int]:
    from webapp.lifecycle import queries

    found: dict[str, int] = {}
    with db.read(brand=brand) as scope:
        for (stage, _), count in queries.stage_counts(scope).items():
            found[stage] = found.get(stage, 0) + count
    return found
