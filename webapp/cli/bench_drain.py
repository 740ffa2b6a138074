"""`regulars bench drain`: a campaign sent by a worker's loop, beside the plainest loop that sends the same messages."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope
    from webapp.plugin_api import Message

AT_LEAST = 0.85  # of the loop's rate
UNIT_MS = 250.0
CHUNK = 100


@click.command()
@bench.options
@click.option("--messages", type=click.IntRange(100, 100_000), default=2000, show_default=True)
@click.option(
    "--slices",
    type=click.IntRange(1, 100),
    default=8,
    show_default=True,
    help="Loop and drain take turns so many times; the middle ones count.",
)
def drain(messages: int, slices: int, database_url: str | None, as_json: bool) -> None:
    """Send campaigns with a coupon in each message over SMTP, and measure it beside a loop that keeps no promise.

    The loop is handed the finished texts; for each it builds the mail and sends it over one connection, and writes nothing
    down. What the worker takes on top: looking again at consent, address and orders, filling in the text, and committing
    what is in flight and what became of it, twenty at a time. Both speak to the demo's mail catcher, a process of its own.
    """
    size = max(20, messages // slices)
    with bench.database(database_url) as db, tempfile.TemporaryDirectory(prefix="rg-mail-") as folder:
        with _receiver(Path(folder)) as port:
            brand = _shop(db, Path(folder), port)
            _fill(db, brand, size)
            loops, drains, worst = [], [], 0.0
            for n in range(-1, slices):
                campaign_id = _campaign(db, brand)
                said = _messages(db, brand, campaign_id)
                db.meter.worst = 0.0
                if n % 2:  # whoever comes second finds the machine warmer
                    loops.append(_loop(db, brand, said))
                drains.append(_drain(db, brand, campaign_id))
                if not n % 2:
                    loops.append(_loop(db, brand, said))
                if n < 0:  # the first of each compiles statements and texts
                    loops.clear()
                    drains.clear()
                    continue
                worst = max(worst, db.meter.worst)
            arrived, said_in_all = _lines(Path(folder)), 2 * size * (slices + 1)
            if arrived != said_in_all:
                raise RuntimeError(f"{arrived} messages arrived of {said_in_all}")
        kind = "sqlite" if db.is_sqlite else "postgresql"
    loop, seconds = median(loops), median(drains)
    told: dict[str, Any] = {
        "bench": "drain",
        "database": kind,
        "messages": size * slices,
        "slices": slices,
        "loop_seconds": round(sum(loops), 3),
        "drain_seconds": round(sum(drains), 3),
        "loop_a_second": round(size / loop),
        "drain_a_second": round(size / seconds),
        "ratio": round(loop / seconds, 3),
        "at_least": AT_LEAST,
        "worst_unit_ms": round(worst * 1000, 1),
        "ok": loop / seconds >= AT_LEAST and worst * 1000 <= UNIT_MS,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{size * slices:,} messages with a coupon each, on {kind}, in {slices} slices")
    click.echo(f"  build and send only  {size / loop:6.0f} a second")
    click.echo(
        f"  drain                {size / seconds:6.0f} a second   ratio {told['ratio']}; at least {AT_LEAST}"
    )
    click.echo(f"  longest write        {worst * 1000:6.0f} ms; at most {UNIT_MS:.0f}")


def _drain(db: Database, brand: BrandRef, campaign_id: int) -> float:
    """The worker's own loop; seconds."""
    from webapp.outbox.drain import drain as run

    began = time.perf_counter()
    done = run(db, brand, campaign_id, seconds=3600)
    took = time.perf_counter() - began
    if set(done.outcomes) != {"sent"}:
        raise RuntimeError(f"not every message was sent: {done.outcomes}")
    return took


def _loop(db: Database, brand: BrandRef, said: list[Message]) -> float:
    """Build and send, one after another, over one connection, as a script of twenty lines does; seconds."""
    import smtplib

    from webapp.plugin_runtime import calls

    with db.read(brand=brand) as scope:
        bound = calls.channel(scope, "email")
    assert bound is not None
    compose = sys.modules[type(bound.impl).__module__.rpartition(".")[0] + ".mail"].compose
    began = time.perf_counter()
    with smtplib.SMTP(bound.ctx.settings["host"], bound.ctx.settings["port"]) as smtp:
        for message in said:
            mail = compose(message, bound.ctx)
            smtp.sendmail(mail.sender, [mail.recipient], mail.content)
    return time.perf_counter() - began


# -- the shop ----------------------------------------------------------------------------------------------------------


def _shop(db: Database, folder: Path, port: int) -> BrandRef:
    from webapp.brands import service
    from webapp.kernel import links
    from webapp.plugin_runtime import context

    context.use_secrets_of(folder)
    links.use("https://shop.example")

    def settings(scope: Scope) -> None:
        wrong = context.save_settings(
            scope,
            "channel_email",
            {"host": "127.0.0.1", "port": port, "security": "none", "from_address": "news@shop.example"},
        )
        assert not wrong, wrong

    brand = db.write(
        lambda scope: service.new_brand(
            scope, code="bench", name="Bench", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )
    db.write(settings, brand=brand)
    return brand


def _fill(db: Database, brand: BrandRef, count: int) -> None:
    """Members with an address who agreed."""
    from webapp.kernel.errors import Refused
    from webapp.members import service as members

    def chunk(scope: Scope, first: int, last: int) -> None:
        for n in range(first, last):
            made = members.add_member(
                scope,
                members.Details(number=f"m{n:06}", name=f"Member {n}", email=f"m{n:06}@example.com"),
                consents={"email": True},
                source="bench",
            )
            assert not isinstance(made, Refused), made

    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count)
        db.write(lambda scope, a=first, b=last: chunk(scope, a, b), brand=brand)  # type: ignore[misc]


def _campaign(db: Database, brand: BrandRef) -> int:
    """Sent off and laid, nothing sent yet: the demo's campaign, to everybody."""
    from webapp.campaigns import service as campaigns
    from webapp.cli.demo import texts
    from webapp.coupons import checking, offers
    from webapp.kernel.errors import Refused

    def make(scope: Scope) -> int:
        name, terms, _ = texts.COME_BACK
        offer = offers.new_offer(
            scope, "spend_and_save", checking.OfferDetails(name=name, terms=terms, valid_days=30)
        )
        assert not isinstance(offer, list), offer
        offers.open_offer(scope, offer.id)
        made = campaigns.create(scope, name=texts.MISSED_NAME, channel="email", offer_id=offer.id)
        assert not isinstance(made, Refused), made
        campaigns.set_content(scope, made.id, texts.MISSED)
        refused = campaigns.send(scope, made.id)
        assert refused is None, refused
        return made.id

    campaign_id = db.write(make, brand=brand)
    campaigns.lay(db, brand, campaign_id)
    return campaign_id


def _messages(db: Database, brand: BrandRef, campaign_id: int) -> list[Message]:
    """What the campaign is going to say, word for word; only the keys differ."""
    from webapp.outbox import queries, sources
    from webapp.outbox.sources import Leased, Parts
    from webapp.outbox.turn import message_of
    from webapp.plugin_runtime import calls

    def told(scope: Scope) -> list[Message]:
        said: list[Message] = []
        after = 0
        found, bound = sources.of(scope, campaign_id), calls.channel(scope, "email")
        assert found is not None
        assert bound is not None
        while rows := queries.deliveries(scope, campaign_id, after=after, limit=CHUNK):
            after = rows[-1].id
            batch = [
                Leased(r.id, r.recipient_kind, r.recipient_id, r.person_id, r.occurrence, r.tries)
                for r in rows
            ]
            for id_, parts in found[0].render(scope, campaign_id, batch).items():
                assert isinstance(parts, Parts), parts
                said.append(message_of(bound.impl, str(id_), parts, brand.id, id_, marketing=True))
        return said

    return db.write(told, brand=brand)  # consents are held while they are read, which a look alone may not do


# -- the receiver ------------------------------------------------------------------------------------------------------


@contextmanager
def _receiver(folder: Path) -> Iterator[int]:
    """The demo's catcher in a process of its own; its port."""
    words = [sys.executable, "-m", "webapp.cli.bench_drain", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _lines(folder: Path) -> int:
    return (folder / "log").read_bytes().count(b"\n")


def _receive(folder: Path) -> None:
    import asyncio

    from webapp.cli.catcher.box import MailBox
    from webapp.cli.catcher.smtp import Conversation

    async def serve() -> None:
        box = MailBox(folder)
        server = await asyncio.start_server(
            lambda reader, writer: Conversation(box, reader, writer).run(), "127.0.0.1", 0
        )
        click.echo(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    _receive(Path(sys.argv[1]))
