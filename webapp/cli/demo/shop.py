"""The shop itself: brand, staff, and what `regulars import` and `regulars lifecycle run` do, by the same services."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from webapp.cli.demo import state as states
from webapp.cli.demo.state import SignIn, State
from webapp.cli.sample import SampleFiles, fetch_sample, sample_cache, write_sample
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import BrandRef, Scope

if TYPE_CHECKING:
    from webapp.config import Settings
    from webapp.imports.service import Outcome
    from webapp.kernel.db import Database

Tell = Callable[[str], None]
Sample = Callable[[Path, date, str, State], SampleFiles]  # where to, the brand's today, its zone
CODE = "demo"
ZONE = "America/New_York"
STAFF = {"owner": "Olivia Owner", "operator": "Oscar Operator", "clerk": "Carla Clerk"}
SOURCE = "sample"


def published_sample(folder: Path, today: date, timezone: str, state: State) -> SampleFiles:
    """The published data, fetched if need be, as files in `folder`. Raises UserError."""
    from webapp import config

    with state.timed("fetch"):
        package = fetch_sample(sample_cache(config.load().instance))
    with state.timed("sample"):
        return write_sample(package, folder, today=today, timezone=timezone)


def make(settings: Settings, sample: Sample, upgrade: Callable[[], None], tell: Tell) -> None:
    """From an empty folder to members with orders and stages. Runs in a process of its own."""
    from webapp.app import create_database, load_jobs
    from webapp.imports import service as imports
    from webapp.kernel import clock
    from webapp.lifecycle import service as lifecycle
    from webapp.plugin_runtime import context

    settings.instance.mkdir(parents=True, exist_ok=True)
    state = State(brand=CODE)
    with state.timed("upgrade"):
        upgrade()
    context.use_secrets_of(settings.instance)
    db = create_database(settings)
    db.ring = lambda rings: None  # nobody listens yet
    load_jobs()
    with tempfile.TemporaryDirectory(dir=settings.instance, prefix="files-") as folder:
        tell("The published data: fetched if need be, moved so that it ends yesterday ...")
        files = sample(Path(folder), clock.local_day(clock.now(), ZONE), ZONE, state)
        states.save(settings.instance, state)
        brand = db.write(_brand)
        options = imports.Options(SOURCE, make_stores=True)
        stage = settings.stage_dir
        tell("Members ...")
        with state.timed("members"):
            _whole(imports.import_members(db, brand, stage, files.members, options, tell=tell))
        tell("Orders and their lines (the longest step) ...")
        with state.timed("orders"):
            _whole(
                imports.import_orders(db, brand, stage, files.orders, options, lines=files.lines, tell=tell)
            )
    tell("Stages ...")
    with state.timed("lifecycle"):
        result = lifecycle.run(db, brand)
    if not result.finished:
        raise UserError(f"The life cycle could not be run: {result.error}.")
    with state.timed("staff"):
        with db.read(brand=brand) as scope:
            busiest = _busiest(scope)
        for role in STAFF:
            store_id = busiest if role == "clerk" else None
            state.sign_ins.append(_let_in(db, brand, role, store_id))
    state.stage = "made"
    states.save(settings.instance, state)
    db.close()


def _brand(scope: Scope) -> BrandRef:
    from webapp.brands import service as brands

    return brands.new_brand(
        scope,
        code=CODE,
        name="Maple Street Market (sample)",
        currency="USD",
        timezone=ZONE,
        region="US",
        locale="en",
    )


def _busiest(scope: Scope) -> int | None:
    """The store with the most members."""
    from webapp.members.models import Member

    return scope.session.scalar(
        select(Member.store_id)
        .where(Member.brand_id == scope.brand.id, Member.store_id.is_not(None))
        .group_by(Member.store_id)
        .order_by(func.count().desc(), Member.store_id)
        .limit(1)
    )


def _let_in(db: Database, brand: BrandRef, role: str, store_id: int | None) -> SignIn:
    from webapp.staff import service as staff

    password, email = secrets.token_urlsafe(9), f"{role}@example.com"
    hashed = staff.hash_password(password)
    assert not isinstance(hashed, Refused)

    def unit(scope: Scope) -> None:
        person = staff.let_in(scope, email=email, role=role, name=STAFF[role], store_id=store_id)
        staff.set_password(scope, person, hashed)

    db.write(unit, brand=brand)
    return SignIn(role, email, password)


def _whole(outcome: Outcome) -> None:
    """The sample has no bad row; if it ever has, say which."""
    if not outcome.applied:
        raise UserError(f"The sample could not be imported: {outcome.problems.kept[0]}")
