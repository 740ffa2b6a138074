"""`regulars bench claim`: members who take coupons of an offer, beside the fewest statements that keep the same promises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from statistics import median
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope

AT_LEAST = 0.5  # of the rate by hand
UNIT_MS = 250.0
CHUNK = 100
DAYS = 30
STOCKED = 6000  # ids


@click.command()
@bench.options
@click.option("--claims", type=click.IntRange(20, 5000), default=300, show_default=True, help="In a round.")
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=9,
    show_default=True,
    help="Product and hand take turns so many times; the middle of the ratios counts.",
)
def claim(claims: int, rounds: int, database_url: str | None, as_json: bool) -> None:
    """Members take coupons one after another, each in a transaction of its own: everybody gets one, or one in ten does.

    By hand it is what somebody writes who has one offer, knows it by heart, and asks nothing else: in one transaction each,
    the stock counted on the offer's row (nothing left: the refusal written down under its key, and that was all), the
    coupon, its two steps of history, and the person counted. So it keeps the stock, the limit per person, the history, and
    the same answer for the same key. The product also reads the offer, its terms, its days and the member anew each time,
    and asks whether its plugin is on, whom it is for, and what the coupon type says.
    """
    with bench.database(database_url) as db:
        brand, members = shop(db, claims)
        told: dict[str, Any] = {
            "bench": "claim",
            "database": "sqlite" if db.is_sqlite else "postgresql",
            "claims": claims,
            "rounds": rounds,
            "at_least": AT_LEAST,
        }
        for share in (100, 10):
            told[f"granted_{share}"] = _measure(db, brand, members, rounds, claims * share // 100)
        check(db, brand)
        told["worst_unit_ms"] = max(told[f"granted_{share}"].pop("worst_unit_ms") for share in (100, 10))
    told["ok"] = (
        all(told[f"granted_{share}"]["ratio"] >= AT_LEAST for share in (100, 10))
        and told["worst_unit_ms"] <= UNIT_MS
    )
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{claims:,} members take a coupon, on {told['database']}, {rounds} rounds")
    for share in (100, 10):
        one = told[f"granted_{share}"]
        click.echo(
            f"  {share:3} % get one   by hand {one['hand_a_second']:6,} a second   product "
            f"{one['take_a_second']:6,} a second   ratio {one['ratio']}; at least {AT_LEAST}"
        )
    click.echo(f"  longest write  {told['worst_unit_ms']} ms; at most {UNIT_MS:.0f}")


def _measure(db: Database, brand: BrandRef, members: list[int], rounds: int, stock: int) -> dict[str, Any]:
    ours: list[float] = []
    theirs: list[float] = []
    worst = 0.0
    for n in range(-1, rounds):
        turns = [(_product, ours), (_by_hand, theirs)]
        for run, times in turns if n % 2 else turns[::-1]:  # whoever comes second finds the machine warmer
            offer_id = new_offer(db, brand, stock)
            db.meter.worst = 0.0
            began = time.perf_counter()
            given = run(db, brand, offer_id, members)
            took = time.perf_counter() - began
            if given != stock:
                raise RuntimeError(f"{given} coupons were given of {stock}")
            if n >= 0:  # the first of each compiles its statements
                times.append(took)
                worst = max(worst, db.meter.worst if run is _product else 0.0)
    return {
        "stock": stock,
        "hand_a_second": round(len(members) / median(theirs)),
        "take_a_second": round(len(members) / median(ours)),
        "ratio": round(median(hand / take for hand, take in zip(theirs, ours, strict=True)), 3),
        "worst_unit_ms": round(worst * 1000, 1),
    }


def _product(db: Database, brand: BrandRef, offer_id: int, members: list[int]) -> int:
    """As an edge calls it."""
    from webapp.coupons.models import Coupon
    from webapp.coupons.take import take
    from webapp.kernel.scope import Actor

    given = 0
    for member_id in members:
        answer = db.write(
            lambda scope, m=member_id: take(scope, offer_id, m, f"key-{offer_id}-{m}"),  # type: ignore[misc]
            brand=brand,
            actor=Actor("member", member_id),
        )
        given += isinstance(answer, Coupon)
    return given


# -- by hand -----------------------------------------------------------------------------------------------------------


def _by_hand(db: Database, brand: BrandRef, offer_id: int, members: list[int]) -> int:
    hand = Hand(db)
    hand.stock_up(3 * len(members))
    return sum(hand.give(brand, offer_id, member_id, f"key-{offer_id}-{member_id}") for member_id in members)


class Hand:
    """The fewest statements, prepared once; threads may share it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._statements = _statements(db)
        self._ids: Iterator[int] = iter(())
        self._lock = Lock()

    def stock_up(self, n: int) -> None:
        """So many ids at hand."""
        self._ids = iter(_ids(self._db, n))

    def give(self, brand: BrandRef, offer_id: int, member_id: int, key: str) -> bool:
        """A coupon for a member, in a transaction of its own; False: there is none left."""
        from webapp.kernel import clock, secrets

        spend, coupon, history, person, refusal = self._statements
        now = clock.now()
        where = {"brand_id": brand.id, "offer_id": offer_id}
        ids = self._three()
        with self._db.engine.begin() as connection:
            if connection.execute(spend, {"b_brand": brand.id, "b_offer": offer_id}).rowcount != 1:
                connection.execute(refusal, _refused(brand.id, key, offer_id, member_id, now))
                return False
            row = _coupon(where, ids[0], member_id, now, clock.local_day(now, brand.timezone))
            row |= {"token": secrets.brand_token(brand.id), "code": secrets.typed_code()}
            if connection.execute(coupon, row).rowcount != 1:
                raise RuntimeError("asked twice")
            connection.execute(history, _steps(brand.id, *ids, member_id, now))
            if connection.execute(person, {**where, "person_id": member_id, "used": 1}).rowcount != 1:
                raise RuntimeError("had one already")
        return True

    def _three(self) -> tuple[int, int, int]:
        with self._lock:
            found = tuple(islice(self._ids, 3))
            if len(found) < 3:
                self.stock_up(STOCKED)
                found = tuple(islice(self._ids, 3))
        return found[0], found[1], found[2]


def _statements(db: Database) -> tuple[Any, ...]:
    """Prepared once, as one would."""
    from sqlalchemy import bindparam, insert, or_, update
    from sqlalchemy.dialects import postgresql, sqlite

    from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance
    from webapp.kernel.idempotency import Idempotency
    from webapp.kernel.model import table_of

    build: Callable[..., Any] = sqlite.insert if db.is_sqlite else postgresql.insert
    offer, allowance = table_of(Offer), table_of(OfferAllowance)
    spend = (
        update(offer)
        .where(
            offer.c.brand_id == bindparam("b_brand"),
            offer.c.id == bindparam("b_offer"),
            offer.c.state == "open",
            or_(offer.c.stock.is_(None), offer.c.issued + 1 <= offer.c.stock),
        )
        .values(issued=offer.c.issued + 1)
    )
    person = build(allowance).on_conflict_do_update(
        index_elements=["brand_id", "offer_id", "person_id"],
        set_={"used": allowance.c.used + 1},
        where=allowance.c.used < 1,
    )
    kept = {"preserve_rowcount": True}
    return (
        spend,
        build(Coupon.__table__).on_conflict_do_nothing().execution_options(**kept),
        insert(table_of(CouponChange)),
        person.execution_options(**kept),
        build(Idempotency.__table__).on_conflict_do_nothing(),
    )


def _coupon(where: dict[str, int], id_: int, member_id: int, now: datetime, today: date) -> dict[str, Any]:
    return {
        **where,
        "id": id_,
        "member_id": member_id,
        "person_id": member_id,
        "occurrence": "claim",
        "terms_version": 1,
        "state": "claimed",
        "valid_from": today,
        "valid_until": today + timedelta(days=DAYS - 1),
        "issued_at": now,
        "claimed_at": now,
    }


def _steps(
    brand_id: int, coupon_id: int, first: int, second: int, member_id: int, now: datetime
) -> list[dict[str, Any]]:
    both = {
        "brand_id": brand_id,
        "coupon_id": coupon_id,
        "at": now,
        "actor_kind": "member",
        "actor_id": member_id,
        "detail": {},
    }
    return [
        {**both, "id": first, "from_state": None, "state": "issued"},
        {**both, "id": second, "from_state": "issued", "state": "claimed"},
    ]


def _refused(brand_id: int, key: str, offer_id: int, member_id: int, now: datetime) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "key": key,
        "purpose": f"take:{offer_id}:{member_id}",
        "answer": {"refused": "sold_out", "facts": {}},
        "created_at": now,
    }


def _ids(db: Database, n: int) -> range:
    return db.write(lambda scope: scope.new_ids(n))


# -- the shop ----------------------------------------------------------------------------------------------------------


def shop(db: Database, count: int) -> tuple[BrandRef, list[int]]:
    """A brand and its members, numbered m000000 and on."""
    from webapp.brands import service
    from webapp.kernel.errors import Refused
    from webapp.members import service as members

    brand = db.write(
        lambda scope: service.new_brand(
            scope, code="bench", name="Bench", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )

    def chunk(scope: Scope, first: int, last: int) -> list[int]:
        made = [
            members.add_member(scope, members.Details(number=f"m{n:06}", name=f"Member {n}"), source="bench")
            for n in range(first, last)
        ]
        return [one.id for one in made if not isinstance(one, Refused)]

    found: list[int] = []
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count)
        found += db.write(lambda scope, a=first, b=last: chunk(scope, a, b), brand=brand)  # type: ignore[misc]
    return brand, found


def new_offer(db: Database, brand: BrandRef, stock: int) -> int:
    """An open offer of so many coupons, one a person."""
    from webapp.coupons import service

    def make(scope: Scope) -> int:
        terms = {"mode": "steps", "steps": [{"spend": 100_00, "save": 20_00}]}
        details = service.OfferDetails(name="Twenty off", terms=terms, valid_days=DAYS, stock=stock)
        made = service.new_offer(scope, "spend_and_save", details, state="open")
        if isinstance(made, list):
            raise RuntimeError(f"the offer cannot stand: {made}")
        return made.id

    return db.write(make, brand=brand)


def check(db: Database, brand: BrandRef) -> None:
    """What either of them left behind is right."""
    from webapp.coupons import auditing

    broken = [one.promise.key for one in auditing.check(db, brand) if one.broken]
    if broken:
        raise RuntimeError(f"broken: {', '.join(broken)}")
