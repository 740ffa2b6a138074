"""`regulars bench quote`: which coupons count on a basket, reckoned alone and with everything read from the database."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope
    from webapp.plugin_api import Basket

AT_MOST_MS = 20.0  # p95
SEED = 20260
WORDS = ("shoes", "hats", "bags", "coats", "belts")


@click.command()
@bench.options
@click.option(
    "--coupons", "n_coupons", type=click.IntRange(1, 20), default=10, show_default=True, help="That all join."
)
@click.option("--lines", "n_lines", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--rounds", type=click.IntRange(20, 100_000), default=500, show_default=True)
def quote(n_coupons: int, n_lines: int, rounds: int, database_url: str | None, as_json: bool) -> None:
    """Quote baskets of many lines with coupons that all join, the dearest case, each basket another one.

    Reckoned: the pure function alone. Quoted: codes in, the bill out, with coupons, offers and terms read in a unit of its
    own, as a page or a till asks for it.
    """
    with bench.database(database_url) as db:
        brand, codes = _shop(db, n_coupons)
        chance = random.Random(SEED)
        baskets = [_basket(chance, n_lines) for _ in range(rounds)]
        kind = "sqlite" if db.is_sqlite else "postgresql"
        reckoned, quoted = _reckoned(db, brand, codes, baskets), _quoted(db, brand, codes, baskets)
    told: dict[str, Any] = {
        "bench": "quote",
        "database": kind,
        "coupons": n_coupons,
        "lines": n_lines,
        "rounds": rounds,
        "reckoned": reckoned,
        "quoted": quoted,
        "at_most_p95_ms": AT_MOST_MS,
        "ok": reckoned["p95_ms"] <= AT_MOST_MS and quoted["p95_ms"] <= AT_MOST_MS,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{n_coupons} coupons that join, baskets of {n_lines} lines, {rounds:,} times on {kind}")
    for name in ("reckoned", "quoted"):
        one = told[name]
        click.echo(
            f"  {name:<9} median {one['p50_ms']:6.2f} ms   p95 {one['p95_ms']:6.2f} ms   worst {one['worst_ms']:6.2f} ms"
        )
    click.echo(f"  p95 at most {AT_MOST_MS:.0f} ms")


def _shop(db: Database, n_coupons: int) -> tuple[BrandRef, list[str]]:
    """A brand whose offers join, of three types, some good for some goods only; one coupon of each. Returns the codes."""
    from webapp.brands import service as brands
    from webapp.coupons import service
    from webapp.coupons.conditions import Conditions
    from webapp.coupons.models import Coupon
    from webapp.kernel.errors import Refused
    from webapp.members import service as members
    from webapp.touchpoints import claiming  # noqa: F401  # higher rooms are asked too, as in the shop's own process

    brand = db.write(
        lambda scope: brands.new_brand(
            scope, code="bench", name="Bench", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )
    kinds: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
        ("percent", lambda n: {"basis_points": 300 + 100 * n, "most": None, "least": None}),
        ("cash", lambda n: {"amount": 500 + 130 * n, "least": None}),
        (
            "spend_and_save",
            lambda n: {"mode": "every", "steps": [{"spend": 10_000, "save": 300 + 70 * n}], "most": None},
        ),
    )

    def unit(scope: Scope) -> list[str]:
        member = members.add_member(scope, members.Details(name="Bench"))
        if isinstance(member, Refused):
            raise RuntimeError(f"the bench's member: {member}")
        codes = []
        for at in range(n_coupons):
            type_key, terms = kinds[at % len(kinds)]
            goods = (WORDS[at % len(WORDS)], WORDS[(at + 1) % len(WORDS)]) if at % 2 else ()
            offer = service.new_offer(
                scope,
                type_key,
                service.OfferDetails(
                    name=f"Offer {at}",
                    terms=terms(at),
                    valid_days=30,
                    place=at % 4,
                    conditions=Conditions(categories=goods, joins=True),
                ),
            )
            if isinstance(offer, list):
                raise RuntimeError(f"the bench's offer cannot stand: {offer}")
            opened = service.open_offer(scope, offer.id)
            if isinstance(opened, Refused):
                raise RuntimeError(f"the bench's offer cannot be opened: {opened}")
            coupon = service.give(scope, offer.id, member.id, f"bench-{at}")
            if not isinstance(coupon, Coupon):
                raise RuntimeError(f"the bench's coupon was not given: {coupon}")
            codes.append(coupon.code)
        return codes

    return brand, db.write(unit, brand=brand)


def _basket(chance: random.Random, n_lines: int) -> Basket:
    from webapp.plugin_api import Basket, BasketLine

    lines = tuple(
        BasketLine(chance.randrange(100, 30_000), chance.randrange(1, 4), f"p{at}", chance.choice(WORDS))
        for at in range(n_lines)
    )
    return Basket(sum(line.amount_minor for line in lines), lines)


def _reckoned(db: Database, brand: BrandRef, codes: list[str], baskets: list[Basket]) -> dict[str, float]:
    from webapp.coupons import together
    from webapp.coupons.quoting import reckon

    with db.read(brand=brand) as scope:
        wishes = together.wishes(scope, codes, None)
    return _timed([partial(reckon, one, wishes) for one in baskets])


def _quoted(db: Database, brand: BrandRef, codes: list[str], baskets: list[Basket]) -> dict[str, float]:
    from webapp.coupons import together

    def ask(basket: Basket) -> None:
        with db.read(brand=brand) as scope:
            bill = together.quote_together(scope, codes, basket, None)
        if not bill.applied:
            raise RuntimeError("nothing was saved: the bench's coupons are not what it thinks")

    return _timed([partial(ask, one) for one in baskets])


def _timed(works: list[Callable[[], Any]]) -> dict[str, float]:
    works[0]()  # the first one warms what is made once
    taken = []
    for work in works:
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    last = len(taken) - 1
    return {
        "p50_ms": round(taken[last // 2], 3),
        "p95_ms": round(taken[round(last * 0.95)], 3),
        "worst_ms": round(taken[last], 3),
    }
