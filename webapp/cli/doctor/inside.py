"""What the database tells: owner, address, plugins, mail of each brand, work that stands still, backups, the clock."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select

from webapp.cli import context
from webapp.cli.doctor.finding import Finding, bad, ok, warn
from webapp.config import Settings
from webapp.kernel import clock, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

OLD_BACKUP = timedelta(hours=36)
LATE = timedelta(minutes=10)
AHEAD = timedelta(minutes=2)
PATIENCE = 5.0  # seconds for a mail server to answer


def inside(settings: Settings) -> Iterator[Finding]:
    """Everything that needs the database."""
    db = context.database(settings)
    try:
        yield from _owner(db)
        yield from _address(settings)
        yield from _plugins()
        with db.read() as scope:
            from webapp.brands import queries as brands

            refs = brands.all_refs(scope.session)
        for brand in refs:
            yield from _mail(db, brand)
        with db.read() as scope:
            yield from _work(scope)
            yield from _backup(scope)
            yield from _clock(scope)
    finally:
        db.close()


def _owner(db: Database) -> Iterator[Finding]:
    from webapp.settings import first_run

    with db.read() as scope:
        owned = first_run.has_owner(scope)
    if not owned:
        yield warn(
            "owner",
            "nobody owns this shop yet",
            "`regulars staff first` prints the link for its first owner.",
        )


def _address(settings: Settings) -> Iterator[Finding]:
    links.fall_back(None)
    links.use(settings.public_url)
    found = links.state()
    if found is None:
        yield warn(
            "address",
            "none: links in messages lead to where the shop listens, which only its own network reaches",
            "Give the shop one: More, Public address; docs/owner/address.md shows how.",
        )
        return
    if not found.checked:
        yield warn(
            "address", f"{found.url} is unchecked: no phone has opened it yet", "More, Public address."
        )
    elif found.own_network:
        yield warn(
            "address", f"{found.url} is reached from the shop's own network only", "docs/owner/address.md"
        )
    elif not found.https:
        yield warn("address", f"{found.url} is not encrypted", "Get a certificate: docs/owner/address.md")
    else:
        assert found.checked_at is not None
        yield ok("address", f"{found.url}, opened by a phone on {found.checked_at:%Y-%m-%d}")


def _plugins() -> Iterator[Finding]:
    from webapp.plugin_runtime.runtime import registry

    broken = {name: one.error for name, one in registry().plugins.items() if one.error}
    for name, error in broken.items():
        yield bad("plugins", f"{name} cannot be used: {error}", "Mend it, or take its folder away.")
    if not broken:
        yield ok("plugins", ", ".join(sorted(registry().plugins)))


def _mail(db: Database, brand: BrandRef) -> Iterator[Finding]:
    from webapp.plugin_runtime import calls

    name = f"mail of {brand.code}"
    with db.read(brand=brand) as scope:
        bound = calls.channel(scope, "email")
    if bound is None:
        yield warn(name, "the e-mail channel is off", "More, Plugins, if you want to write e-mail.")
        return
    why = calls.decide(bound.plugin, lambda: bound.impl.ready(bound.ctx))
    if why is not None:
        yield warn(
            name, why if isinstance(why, str) else "its settings cannot be read", "More, First steps, Mail."
        )
        return
    known = bound.ctx.settings
    where = f"{known['host']} port {known['port']}"
    try:
        with socket.create_connection((known["host"], known["port"]), timeout=PATIENCE):
            pass
    except OSError as fault:
        yield bad(
            name,
            f"{where} does not answer: {fault}",
            "Is its name right, is this machine on the internet, does its provider let mail out on that port?",
        )
        return
    yield ok(name, f"{where} answers")


def _work(scope: Scope) -> Iterator[Finding]:
    from webapp.kernel.events import Event

    parked = scope.session.scalar(select(func.count()).select_from(Event).where(Event.next_at.is_(None))) or 0
    late = scope.session.scalar(
        select(func.count()).select_from(Event).where(Event.next_at < scope.now - LATE)
    )
    if parked:
        yield warn(
            "work",
            f"{parked} pieces of work failed again and again and wait for you",
            "Look into the shop's words.",
        )
    if late:
        yield warn(
            "work",
            f"{late} pieces of work are more than ten minutes late",
            "Is the shop running? Is it slow?",
        )
    if not parked and not late:
        yield ok("work", "nothing is late")


def _backup(scope: Scope) -> Iterator[Finding]:
    from webapp.backup.models import BackupRun

    newest = scope.session.scalars(
        select(BackupRun).where(BackupRun.error == "").order_by(BackupRun.finished_at.desc()).limit(1)
    ).first()
    if newest is None:
        yield warn("backup", "there is none yet", "`regulars backup`, or More, Backups for one a day.")
        return
    age = scope.now - newest.finished_at
    text = f"the newest is {age / timedelta(hours=1):.0f} hours old"
    if age > OLD_BACKUP:
        yield warn("backup", text, "More, Backups says what went wrong; `regulars backup` makes one now.")
    else:
        yield ok("backup", f"{text} ({newest.file})")


def _clock(scope: Scope) -> Iterator[Finding]:
    """What was written last lies in the past, unless the clock was set back."""
    from webapp.kernel.audit import Audit

    last = scope.session.scalar(select(func.max(Audit.at)))
    now = clock.now()
    if last is not None and last > now + AHEAD:
        yield bad(
            "clock",
            f"it says {now:%Y-%m-%d %H:%M} UTC, but the shop wrote something at {last:%Y-%m-%d %H:%M}",
            "Set the machine's clock.",
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")
