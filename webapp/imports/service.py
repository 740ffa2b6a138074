"""A file's way in: read and staged, checked whole, then applied in steps that can be taken up again.

Nothing in the database changes before all rows are checked; then either everything good is applied, or nothing. One
import a brand at a time on a machine; one that was killed is finished before the next begins, and by the shop's worker.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from webapp.brands import service as brands
from webapp.imports import lines_in, members_in, orders_in
from webapp.imports.apply import START, Census, MembersStep
from webapp.imports.models import Import
from webapp.imports.orders_apply import OrdersStep
from webapp.imports.problems import BadFile, Problems
from webapp.imports.stage import Stage, open_stage, sweep_away, turn
from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.members import bulk as members

log = logging.getLogger("regulars.imports")
Tell = Callable[[str], None]


@dataclass(slots=True)
class Options:
    """How a file is to be read. mapping: our column -> theirs; source: whose numbers these are."""

    source: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    make_stores: bool = False
    skip_bad: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of a file. applied: False when bad rows held everything back. seconds: all in all.

    lines: read of them and written (orders only). problems: what is wrong with the others; --json has the first of them.
    """

    kind: str
    read: int
    refused: int
    ignored_columns: list[str]
    problems: Problems
    applied: bool = False
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    seconds: float = 0.0
    lines_read: int = 0
    lines_written: int = 0
    kept_withdrawn: int = 0
    phones_taken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        told: dict[str, Any] = {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "ignored_columns": self.ignored_columns,
            "seconds": round(self.seconds, 3),
            "applied": self.applied,
        }
        if self.kind == "orders":
            told |= {"lines": {"read": self.lines_read, "written": self.lines_written}}
        else:
            told |= {"consents_kept_withdrawn": self.kept_withdrawn, "phones_taken": self.phones_taken}
        return told | {"bad_rows": [problem.as_json() for problem in self.problems.kept]}


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
    _known(options, orders_in.COLUMNS + (lines_in.COLUMNS if lines else ()))

    def read(stage: Stage, problems: Problems) -> tuple[Outcome, dict[str, str]]:
        found = orders_in.read_files(stage, brand, file, lines, options.mapping, problems, tell)
        names = (file.name, lines.name if lines else "")
        orders_in.check(
            *(stage, db, brand, options.source, names, problems),
            numbers_differ=found.numbers_differ,
            make_stores=options.make_stores,
        )
        if not db.is_sqlite:
            stage.by_member()  # there each row that is looked up and locked costs a turn of the server
        outcome = _outcome("orders", found.orders, found.ignored, problems)
        outcome.lines_read = found.lines
        return outcome, {}

    return _run(db, brand, folder, file, options, actor, tell, read)


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
    _known(options, members_in.COLUMNS, members_in.CONSENT)
    with db.read(brand=brand) as scope:
        today = scope.today

    def read(stage: Stage, problems: Problems) -> tuple[Outcome, dict[str, str]]:
        found = members_in.read_file(stage, brand, file, options.mapping, today, problems)
        tell(f"{file.name}: {found.members} members read")
        members_in.check(
            *(stage, db, brand, file.name, problems),
            numbers_differ=found.numbers_differ,
            make_stores=options.make_stores,
        )
        return _outcome("members", found.members, found.ignored, problems), found.kinds

    return _run(db, brand, folder, file, options, actor, tell, read)


def resume(
    db: Database, brand: BrandRef, folder: Path, import_id: int, *, seconds: float | None = None
) -> bool:
    """Go on with an import that was interrupted, unless somebody is at it on this machine. True when it is done."""
    with _calm(), turn(folder, brand.id) as ours:
        return ours and _take_up(db, brand, folder, import_id, seconds)


# --- the way of every file ------------------------------------------------------------------------------------------

_Reading = Callable[[Stage, Problems], tuple[Outcome, dict[str, str]]]


def _run(
    db: Database,
    brand: BrandRef,
    folder: Path,
    file: Path,
    options: Options,
    actor: Actor,
    tell: Tell,
    read: _Reading,
) -> Outcome:
    began = time.monotonic()
    waiting = "another import of this brand is under way; waiting for it"
    with _calm(), turn(folder, brand.id, waiting=lambda: tell(waiting)):
        _finish_others(db, brand, folder, tell)
        stage = Stage.create(folder, brand.id)
        problems = Problems()
        try:
            outcome, kinds = read(stage, problems)
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
            lambda scope: _promise(scope, stage.path.name, file.name, options, outcome, kinds, stores),
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


@contextmanager
def _calm() -> Iterator[None]:
    """Rows come and go by the million here, and none of them in circles: keep the collector from looking again and again
    at all that is loaded beside them."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _known(options: Options, ours: tuple[str, ...], prefix: str | None = None) -> None:
    """Is every --map about a column of ours, and the source a name that can be kept?"""
    for column in options.mapping:
        if column not in ours and not (prefix and column.startswith(prefix)):
            also = f", {prefix}CHANNEL" if prefix else ""
            raise BadFile(
                f"--map {column}=...: there is no column {column}. Ours are {', '.join(ours)}{also}."
            )
    if not 0 < len(options.source) <= 40 or not options.source.isprintable():
        raise BadFile("--source: give 1 to 40 characters, such as the till's or the old system's name.")


def _outcome(kind: str, read: int, ignored: tuple[str, ...], problems: Problems) -> Outcome:
    return Outcome(kind, read, problems.refused, list(ignored), problems)


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
    members.define_attributes(scope, kinds)
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
        step = MembersStep(stage, row.source, import_id, row.options["kinds"])
    census = Census(db, step.reads, step.writes)

    def progress(cursor: Any) -> None:
        step.pace.ended()
        census.look(cursor)

    done: Done | Next = Next(START)
    try:
        for attempt in range(3):
            try:
                done = run_steps(
                    *(db, brand, "import", str(import_id), step),
                    start=START,
                    actor=actor,
                    seconds=seconds,
                    progress=progress,
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
    sweep_away(folder, brand.id, ())
