"""A file's way in: read and staged, checked whole, then applied in steps that can be taken up again.

Nothing in the database changes before all rows are checked; then either everything good is applied, or nothing. One
import a brand at a time on a machine; one that was killed is finished before the next begins, and by the shop's worker.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from webapp.brands import service as brands
from webapp.imports.apply import START, Census, MembersStep
from webapp.imports.models import Import
from webapp.imports.orders_apply import OrdersStep
from webapp.imports.problems import Problems
from webapp.imports.reading import Files, Options, Outcome, Tell, calm, known, read
from webapp.imports.stage import Stage, open_stage, sweep_away, turn
from webapp.imports.uploads import declared, staged
from webapp.kernel import halt
from webapp.kernel.abreast import LANES, run_abreast
from webapp.kernel.db import Database
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.members.attributes import define_attributes

__all__ = ["Options", "Outcome", "import_members", "import_orders", "resume"]

log = logging.getLogger("regulars.imports")


def import_orders(
    db: Database,
    brand: BrandRef,
    folder: Path,
    file: Path,
    options: Options,
    *,
    lines: Path | None = None,
    actor: Actor = SYSTEM,
    tell: Tell = lambda text: None,
) -> Outcome:
    """Orders, and with `lines` their lines. folder: where files are staged. Raises BadFile."""
    return _run(db, brand, folder, Files("orders", file, lines), options, actor, tell)


def import_members(
    db: Database,
    brand: BrandRef,
    folder: Path,
    file: Path,
    options: Options,
    *,
    actor: Actor = SYSTEM,
    tell: Tell = lambda text: None,
) -> Outcome:
    """Members. folder: where files are staged. Raises BadFile."""
    return _run(db, brand, folder, Files("members", file), options, actor, tell)


def resume(
    db: Database, brand: BrandRef, folder: Path, import_id: int, *, seconds: float | None = None
) -> bool:
    """Go on with an import that was interrupted, unless somebody is at it on this machine. True when it is done."""
    with calm(), turn(folder, brand.id) as ours:
        return ours and _take_up(db, brand, folder, import_id, seconds)


# --- the way of every file ------------------------------------------------------------------------------------------


def _run(
    db: Database,
    brand: BrandRef,
    folder: Path,
    files: Files,
    options: Options,
    actor: Actor,
    tell: Tell,
) -> Outcome:
    began = time.monotonic()
    known(files, options)
    waiting = "another import of this brand is under way; waiting for it"
    with calm(), turn(folder, brand.id, waiting=lambda: tell(waiting)):
        _finish_others(db, brand, folder, tell)
        stage = Stage.create(folder, brand.id)
        problems = Problems()
        try:
            outcome, kinds = read(stage, problems, db, brand, files, options, tell)
            if problems.refused and not options.skip_bad:
                stage.discard()
                outcome.seconds = time.monotonic() - began
                return outcome
            stores = stage.stores() if options.make_stores else set()
            stage.seal()
        except BaseException:
            stage.discard()
            raise
        import_id = db.write(
            lambda scope: _promise(scope, stage.path.name, files.name, options, outcome, kinds, stores),
            brand=brand,
            actor=actor,
        )
        done = _apply(db, brand, folder, import_id, actor=actor)
    result = done.result if isinstance(done, Done) else {}
    outcome.applied = True
    outcome.created, outcome.updated = result["created"], result["updated"]
    outcome.unchanged = result["unchanged"]
    outcome.lines_written = result.get("lines", 0)
    outcome.kept_withdrawn = result.get("kept_withdrawn", 0)
    outcome.phones_taken = result.get("phones_taken", [])
    outcome.seconds = time.monotonic() - began
    return outcome


def _promise(
    scope: Scope,
    stage: str,
    filename: str,
    options: Options,
    outcome: Outcome,
    kinds: dict[str, str],
    stores: set[str],
) -> int:
    """The staged file will be applied, come what may: its row, and what its rows refer to."""
    brands.store_ids(scope, stores, make=True)
    define_attributes(scope, kinds)
    row = Import(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        kind=outcome.kind,
        source=options.source,
        filename=filename[-200:],
        state="applying",
        options={"kinds": kinds, "make_stores": options.make_stores, "skip_bad": options.skip_bad},
        stage=stage,
        counts={"read": outcome.read, "refused": outcome.refused},
        created_by=scope.actor.id,
        created_at=scope.now,
    )
    scope.session.add(row)
    return row.id


def _apply(
    db: Database,
    brand: BrandRef,
    folder: Path,
    import_id: int,
    *,
    actor: Actor = SYSTEM,
    seconds: float | None = None,
) -> Done | Next:
    """Run the steps of a promised import; the caller has the brand's turn. Raises FileNotFoundError without its stage."""
    with db.read(brand=brand) as scope:
        row = scope.session.get_one(Import, (brand.id, import_id))
    stage = open_stage(folder / row.stage)
    step: OrdersStep | MembersStep
    if row.kind == "orders":
        step = OrdersStep(stage, row.source, import_id)
    else:
        said = declared(row, brand.timezone)
        step = MembersStep(stage, row.source, import_id, row.options["kinds"], said)
    census = Census(db, step.reads, step.writes)
    until = None if seconds is None else time.monotonic() + seconds

    def left() -> float | None:
        return None if until is None else max(0.0, until - time.monotonic())

    done: Done | Next = Next(START)
    try:
        for attempt in range(3):
            try:
                if isinstance(step, OrdersStep) and not db.is_sqlite:
                    run_abreast(
                        *(db, brand, "import", str(import_id), step.plan),
                        start=START,
                        actor=actor,
                        seconds=left(),
                        progress=census.look,
                        lanes=lambda: LANES if census.taken else 1,
                    )
                done = run_steps(
                    *(db, brand, "import", str(import_id), step),
                    start=START,
                    actor=actor,
                    seconds=left(),
                    progress=census.look,
                )
                break
            except IntegrityError:  # a clerk wrote the same phone or number in the same blink: look again
                if attempt == 2:
                    raise
                step.again()
        if isinstance(done, Done):
            stage.discard()
        return done
    finally:
        step.close()
        stage.close()


def _take_up(db: Database, brand: BrandRef, folder: Path, import_id: int, seconds: float | None) -> bool:
    """Go on with a promised import. True when nothing is left to do for it."""
    until = None if seconds is None else time.monotonic() + seconds
    with db.read(brand=brand) as scope:
        row = scope.session.get(Import, (brand.id, import_id))
    if row is None or row.state != "applying":
        return True
    try:
        while not halt.asked():
            if isinstance(_apply(db, brand, folder, import_id, seconds=5.0), Done):
                return True
            if until is not None and time.monotonic() > until:
                return False
        return False
    except (OperationalError, InterfaceError):
        raise  # the database is away: later
    except FileNotFoundError:
        log.warning("the staged file %s is gone: import %s again", row.stage, row.filename)
    except Exception:
        log.exception("import %s failed for good: import %s again", import_id, row.filename)
    db.write(lambda scope: _lose(scope, import_id), brand=brand)
    return True


def _lose(scope: Scope, import_id: int) -> None:
    scope.session.get_one(Import, (scope.brand.id, import_id)).state = "lost"


def _finish_others(db: Database, brand: BrandRef, folder: Path, tell: Tell) -> None:
    """Before a newer file: the rest of an older one, so that the newer has the last word."""
    with db.read(brand=brand) as scope:
        rows = scope.session.execute(
            select(Import.id, Import.filename, Import.stage)
            .where(Import.brand_id == brand.id, Import.state == "applying")
            .order_by(Import.id)
        ).all()
    for id_, filename, _ in rows:
        tell(f"finishing the import of {filename}, which was interrupted")
        _take_up(db, brand, folder, id_, None)
    with db.read(brand=brand) as scope:
        kept = staged(scope)
    sweep_away(folder, brand.id, kept)
