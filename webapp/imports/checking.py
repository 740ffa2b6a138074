"""Reading and checking a file that was brought in by the browser, while its page tells how far it has come.

In a thread of the worker, since a large file takes longer than a job may: the row is told once a second that somebody is at
it, and a worker that takes its place begins anew, for nothing has changed in the shop.
"""

from __future__ import annotations

import csv
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update

from webapp.imports import formats, uploads
from webapp.imports.models import Import
from webapp.imports.problems import N_, BadFile, Problem, Problems
from webapp.imports.reader import CELL_LIMIT
from webapp.imports.reading import Files, Outcome, calm, prepared, read
from webapp.imports.stage import Stage, sweep_away, turn
from webapp.kernel import clock, halt
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

log = logging.getLogger("regulars.imports")
MOST_BAD = 100_000  # rows that are told of; with more than that, it is the columns
TRIES = 3
DEATHS = 5  # times that the process at it may end without a word: then it is the file that ends it
_running: dict[int, threading.Thread] = {}


class Stopped(Exception):
    """It was cancelled, or this process is to end."""


def check(db: Database, brand: BrandRef, stage_dir: Path, import_id: int, *, wait: float) -> None:
    """Read and check an import; come back after `wait` seconds at the latest, while it goes on."""
    thread = _running.get(import_id)
    if thread is None or not thread.is_alive():
        thread = threading.Thread(
            target=_guarded, args=(db, brand, stage_dir, import_id), name="import-check", daemon=True
        )
        _running[import_id] = thread
        thread.start()
    thread.join(wait)
    if not thread.is_alive():
        _running.pop(import_id, None)


def _guarded(db: Database, brand: BrandRef, stage_dir: Path, import_id: int) -> None:
    """A fault of ours is tried again a few times, by the sweep, then told."""
    try:
        with calm(), turn(stage_dir, brand.id) as ours:
            if ours:
                _check(db, brand, stage_dir, import_id)
    except Exception:
        log.exception("checking import %s failed", import_id)

        def unit(scope: Scope) -> None:
            row = uploads.get(scope, import_id)
            tries = int((row.progress or {}).get("tries", 0)) + 1
            row.progress = {**(row.progress or {}), "tries": tries, "at": scope.now.isoformat()}
            if tries >= TRIES and row.state == "checking":
                row.state = "refused"
                said = {
                    "msgid": N_("Something went wrong here, and it is not the file. Try again later."),
                    "facts": {},
                }
                row.told = {**(row.told or {}), "refused": said}

        with suppress(Exception):  # the database is away: later
            db.write(unit, brand=brand)


def _check(db: Database, brand: BrandRef, stage_dir: Path, import_id: int) -> None:
    with db.read(brand=brand) as scope:
        kept, folders = uploads.staged(scope), uploads.folders(scope)
    sweep_away(stage_dir, brand.id, kept)
    uploads.sweep_away(stage_dir, brand.id, folders)
    row = db.write(lambda scope: _begin(scope, import_id), brand=brand)
    if row.state != "checking":
        return
    folder = uploads.folder_of(stage_dir, row)
    problems, stage = Problems(), Stage.create(stage_dir, brand.id)
    try:
        files, options = uploads.files_of(stage_dir, row), uploads.options_of(row)
        beat = _Beat(db, brand, import_id, _work(files), row.progress or {})
        outcome, kinds = read(stage, problems, db, brand, files, options, watch=beat)
        if outcome.read == 0:
            raise BadFile(
                N_("%(file)s has a header and no row below it: there is nothing to bring in."),
                file=files.name,
            )
        if problems.refused > MOST_BAD:
            raise BadFile(
                N_(
                    "More than %(most)s rows of %(file)s are bad. Perhaps a column is matched wrongly: look at the columns "
                    "again. The first: %(first)s"
                ),
                most=MOST_BAD,
                file=files.name,
                first=str(problems.kept[0]),
            )
        bad = _write_bad(stage, files, options, problems, folder, beat)
        figures = _figures(stage, row.kind)
        stage.seal()
        checked = _told(row, outcome, kinds, figures, bad, stage.path.name)
        if not db.write(lambda scope: _move(scope, import_id, checked), brand=brand):
            raise Stopped
    except Stopped:
        stage.discard()
        db.write(lambda scope: _put_down(scope, import_id), brand=brand)
    except BadFile as why:
        stage.discard()
        refused = {
            "state": "refused",
            "told": {**(row.told or {}), "refused": {"msgid": why.msgid, "facts": why.facts}},
        }
        db.write(lambda scope: _move(scope, import_id, refused), brand=brand)
    except BaseException:
        stage.discard()
        raise


def _begin(scope: Scope, import_id: int) -> Import:
    """Note that somebody begins, since a process that is killed notes nothing."""
    row = uploads.get(scope, import_id)
    if row.state == "checking":
        begun = int((row.progress or {}).get("begun", 0)) + 1
        now = scope.now.isoformat()
        if begun > DEATHS:
            said = {
                "msgid": N_(
                    "Checking it was broken off %(times)s times, and every time from without: perhaps the computer has too "
                    "little memory or space for it. Divide the file and bring in the parts."
                ),
                "facts": {"times": DEATHS},
            }
            row.state, row.told = "refused", {**(row.told or {}), "refused": said}
        else:  # nothing of the last time is left
            row.progress = {
                **(row.progress or {}),
                "begun": begun,
                "at": now,
                "began": now,
                "done": 0,
                "rows": 0,
            }
    return row


def _put_down(scope: Scope, import_id: int) -> None:
    """This process ends as it was asked to: it did not die of the file."""
    row = uploads.get(scope, import_id)
    if row.state == "checking" and row.progress:
        row.progress = {**row.progress, "begun": max(0, int(row.progress.get("begun", 0)) - 1)}


def _move(scope: Scope, import_id: int, values: dict[str, Any]) -> bool:
    done: Any = scope.session.execute(
        update(Import)
        .where(Import.brand_id == scope.brand.id, Import.id == import_id, Import.state == "checking")
        .values(**values)
    )
    return bool(done.rowcount)


def _told(
    row: Import, outcome: Outcome, kinds: dict[str, str], figures: dict[str, int], bad: int, stage: str
) -> dict[str, Any]:
    counts = {"read": outcome.read, "refused": outcome.refused, **figures}
    if outcome.lines_read:
        counts["lines_read"] = outcome.lines_read
    return {
        "state": "checked",
        "stage": stage,
        "counts": counts,
        "options": {**row.options, "kinds": kinds},
        "told": {**(row.told or {}), "ignored": outcome.ignored_columns, "bad": bad, "refused": None},
    }


def _figures(stage: Stage, kind: str) -> dict[str, int]:
    """Of the rows that can be taken: how many there are, and how orders find their members."""
    if kind == "members":
        return {"good": _count(stage, "SELECT count(*) FROM member")}
    return {
        "good": _count(stage, "SELECT count(*) FROM orders"),
        "of_nobody": _count(stage, "SELECT count(*) FROM orders WHERE member = '' AND phone IS NULL"),
        "by_phone": _count(stage, "SELECT count(*) FROM orders WHERE member = '' AND phone IS NOT NULL"),
    }


def _count(stage: Stage, query: str) -> int:
    ((count,),) = stage.ask(query)
    return int(count)


def _work(files: Files) -> int:
    """Bytes to deal with: a file that must be made readable first is gone through twice."""
    total = 0
    for path in (files.file, files.lines):
        if path is not None:
            size = path.stat().st_size
            total += size if formats.look(path).plain else 2 * size
    return total


class _Beat:
    """Says once a second how far it has come; stops when nobody wants to know any more."""

    def __init__(
        self, db: Database, brand: BrandRef, import_id: int, total: int, progress: dict[str, Any]
    ) -> None:
        self._db, self._brand, self._import_id, self._total = db, brand, import_id, total
        self._kept = {name: progress.get(name, 0) for name in ("tries", "begun")}
        self._began = clock.now()
        self._done = self._rows = 0
        self._next = time.monotonic() + 0.5

    def __call__(self, taken: int, rows: int) -> None:
        """`taken` bytes more, in which so many rows stood."""
        self._done += taken
        self._rows += rows
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        values = {
            "progress": {
                "began": self._began.isoformat(),
                "at": clock.now().isoformat(),
                "done": min(self._done, self._total),
                "total": self._total,
                "rows": self._rows,
                **self._kept,
            }
        }
        alive = self._db.write(lambda scope: _move(scope, self._import_id, values), brand=self._brand)
        if not alive or halt.asked():
            raise Stopped


# --- bad rows, to be downloaded, mended and uploaded again ------------------------------------------------------------


@dataclass(slots=True)
class _Bad:
    """Of one file: row -> what is wrong with it."""

    rows: dict[int, list[list[Any]]] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        """One more."""
        said = [problem.column, problem.value, problem.reason, problem.remedy, problem.facts]
        self.rows.setdefault(problem.row, []).append(said)


_WITH_ORDER = ["", "", N_("its order is among the bad rows"), "", {}]
_WITH_LINES = ["", "", N_("some of its lines are among the bad rows"), "", {}]


def _write_bad(
    stage: Stage, files: Files, options: Any, problems: Problems, folder: Path, beat: _Beat
) -> int:
    """Every bad row as it stands in the file, with what is wrong; an order goes with its lines, lines with their order, so
    that what is mended can be uploaded as it is. Returns how many rows."""
    path = folder / "bad.jsonl"
    path.unlink(missing_ok=True)
    if not problems.refused:
        return 0
    bad = {"file": _Bad(), "lines": _Bad()}
    for problem in problems:
        is_lines = files.lines is not None and problem.file == files.lines.name
        bad["lines" if is_lines else "file"].add(problem)
    written = 0
    with prepared(stage, files, options) as (file, lines), path.open("w", encoding="utf-8") as out:

        def put(part: str, row: int, cells: list[str], said: list[list[Any]]) -> None:
            nonlocal written
            out.write(json.dumps({"part": part, "row": row, "cells": cells, "problems": said}) + "\n")
            written += 1

        numbers: set[str] = set()
        if lines is not None:
            at = _place(lines, options.mapping.get("order") or "order")
            for row, cells in _records(lines, beat):
                if row in bad["lines"].rows and at < len(cells):
                    numbers.add(cells[at].strip())
        at = _place(file, options.mapping.get("number") or "number") if files.kind == "orders" else -1
        found: set[str] = set()
        for row, cells in _records(file, beat):
            number = cells[at].strip() if 0 <= at < len(cells) else None
            if row == 1 or row in bad["file"].rows:
                put("file", row, cells, bad["file"].rows.get(row, []))
                if number is not None and row > 1:
                    found.add(number)
            elif number in numbers:
                put("file", row, cells, [_WITH_LINES])
        if lines is not None:
            at = _place(lines, options.mapping.get("order") or "order")
            both = numbers | found
            for row, cells in _records(lines, beat):
                if row == 1 or row in bad["lines"].rows or (at < len(cells) and cells[at].strip() in both):
                    put("lines", row, cells, bad["lines"].rows.get(row, [] if row == 1 else [_WITH_ORDER]))
    return written - 1 - (files.lines is not None)


def _place(path: Path, name: str) -> int:
    for _row, header in _records(path):
        names = [cell.strip().casefold() for cell in header]
        return names.index(name.casefold())
    raise AssertionError("read before")


def _records(path: Path, beat: _Beat | None = None) -> Iterator[tuple[int, list[str]]]:
    """Rows of a file that was read before, as they are counted everywhere."""
    csv.field_size_limit(CELL_LIMIT)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row, cells in enumerate(csv.reader(file), 1):
            if beat is not None and row % 5000 == 0:
                beat(0, 0)
            if cells:
                yield row, cells


def since(progress: dict[str, Any] | None, now: datetime) -> float:
    """Seconds since somebody said that they are at it."""
    at = (progress or {}).get("at")
    return (now - datetime.fromisoformat(at)).total_seconds() if at else float("inf")
