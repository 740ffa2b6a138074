"""The list of what was brought in, and one import: how far it has come, what is wrong, what can be done now."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, flash, request, stream_with_context
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.imports import formats, undo, uploads, words
from webapp.imports.headers import REASONS
from webapp.imports.models import Import
from webapp.imports.problems import Problem
from webapp.imports.routes.base import bp, stage_dir
from webapp.kernel import edge, i18n
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.kernel.steps import StepRun
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.words import consent_label
from webapp.staff.models import Staff

PAGE = 30
FIRST = 100  # problems on the page; the download has all
LIVE = ("checking", "applying", "undoing")


@bp.get("/imports", permission="imports.run")
def index() -> Response:
    """What was brought in, newest first."""
    after = request.args.get("after", type=int)
    with edge.read() as scope:
        of = [Import.brand_id == scope.brand.id] + ([Import.id < after] if after else [])
        rows = scope.session.execute(
            select(Import, Staff.name)
            .outerjoin(Staff, Staff.id == Import.created_by)
            .where(*of)
            .order_by(Import.id.desc())
            .limit(PAGE + 1)
        ).all()
    following = rows[PAGE - 1][0].id if len(rows) > PAGE else None
    return edge.page("pages/imports/index.html", rows=rows[:PAGE], following=following, words=words)


# --- how it goes ----------------------------------------------------------------------------------------------------


@bp.get("/imports/<int:import_id>", permission="imports.run")
def show(import_id: int) -> Response:
    """How far it has come, what is wrong, what it brought, and what can be done now."""
    return _show(import_id)


def _show(import_id: int, said: str = "", status: int = 200) -> Response:
    with edge.read() as scope:
        row = uploads.get(scope, import_id)
        who = scope.session.scalar(select(Staff.name).where(Staff.id == row.created_by))
        progress = _progress(scope, row)
        undoable = undo.possible(row, scope.now)
        channels = {one.impl.key: consent_label(one.plugin, one.impl) for one in calls.channels(scope)}
    if row.state == "uploaded" and not said:
        return edge.redirect("imports.columns", import_id=import_id)
    told = row.told or {}
    msgid, facts = (told.get("refused") or {}).get("msgid", ""), (told.get("refused") or {}).get("facts", {})
    return edge.page(
        "pages/imports/show.html",
        block="state",
        row=row,
        who=who,
        said=said,
        live=row.state in LIVE,
        progress=progress,
        refused=_(msgid) % facts if msgid else "",
        problems=_problems(row) if row.counts.get("refused") else [],
        built=[words.built(name, count) for name, count in (told.get("undo") or {}).items()],
        undoable=undoable,
        channels=channels,
        words=words,
        told=told,
        first=FIRST,
        status=status,
    )


def _progress(scope: Scope, row: Import) -> dict[str, Any]:
    """done, total, rows, left (text), of what is being done now."""
    kept = row.progress or {}
    if row.state == "checking":
        began = datetime.fromisoformat(kept["began"]) if "began" in kept else scope.now
        done, total, rows = kept.get("done", 0), kept.get("total", 0), kept.get("rows", 0)
    elif row.state in ("applying", "undoing"):
        name = "import" if row.state == "applying" else "import.undo"
        run = scope.session.scalars(
            select(StepRun).where(
                StepRun.brand_id == scope.brand.id, StepRun.name == name, StepRun.key == str(row.id)
            )
        ).one_or_none()
        cursor = (run.cursor or {}) if run else {}
        began = run.started_at if run else scope.now
        parts = ("created", "updated", "unchanged") if name == "import" else ("removed", "restored", "kept")
        done = rows = sum(int(cursor.get(part, 0)) for part in parts)
        counts = row.counts
        total = (
            counts.get("read", 0) - counts.get("refused", 0)
            if name == "import"
            else counts.get("created", 0) + counts.get("updated", 0)
        )
    else:
        return {}
    total = max(total, done)
    gone = (scope.now - began).total_seconds()
    left = words.left(gone * (total - done) / done) if done and gone > 2 and done < total else None
    percent = 100 * done // total if total else 0
    return {"done": done, "total": total, "rows": rows, "left": left, "percent": percent}


def _problems(row: Import) -> list[dict[str, Any]]:
    """The first of what is wrong, in the reader's language."""
    found: list[dict[str, Any]] = []
    for bad in uploads.bad_rows(stage_dir(), row):
        for column, value, reason, remedy, facts in bad["problems"]:
            if not remedy:
                continue  # goes with another row
            what, how = Problem("", bad["row"], column, value, reason, remedy, facts).told(
                _, i18n.pick_locale()
            )
            mapped = row.options.get("mapping", {}).get(column) or column
            name = (row.told or {}).get("lines") if bad["part"] == "lines" else row.filename
            found.append({"file": name, "row": bad["row"], "column": mapped, "what": what, "remedy": how})
            if len(found) >= FIRST:
                return found
    return found


@bp.post("/imports/<int:import_id>/apply", permission="imports.run")
def apply(import_id: int) -> Response:
    """Take all rows, or the good ones."""
    key, good = edge.once_key(), "good" in request.form
    try:
        code = edge.write(
            lambda scope: once(scope, key, "imports.apply", lambda: _applied(scope, import_id, good))
        )
    except FileNotFoundError:
        code = "not_checked"
    if code:
        edge.spend_once()
        return _show(import_id, str(words.REFUSALS[code]), 422)
    return edge.redirect("imports.show", import_id=import_id)


def _applied(scope: Scope, import_id: int, good: bool) -> str | None:
    answer = uploads.ask_apply(scope, stage_dir(), import_id, skip_bad=good)
    return answer.code if isinstance(answer, Refused) else None


@bp.post("/imports/<int:import_id>/again", permission="imports.run")
def again(import_id: int) -> Response:
    """Back to the columns."""
    edge.write(lambda scope: uploads.map_again(scope, import_id))
    return edge.redirect("imports.columns", import_id=import_id)


@bp.post("/imports/<int:import_id>/cancel", permission="imports.run")
def cancel(import_id: int) -> Response:
    """Throw the file away."""

    def work(scope: Scope) -> tuple[str, bool, Import]:
        return (
            uploads.get(scope, import_id).stage,
            uploads.cancel(scope, import_id),
            uploads.get(scope, import_id),
        )

    staged, done, row = edge.write(work)
    if done:
        shutil.rmtree(uploads.folder_of(stage_dir(), row), ignore_errors=True)
        if staged:
            (stage_dir() / staged).unlink(missing_ok=True)
        flash(_("Thrown away; nothing of it was brought in."), "plain")
    return edge.redirect("imports.show", import_id=import_id)


@bp.post("/imports/<int:import_id>/undo", permission="imports.run")
def take_back(import_id: int) -> Response:
    """Undo all of it, if nothing has been built on it."""
    answer = edge.write(lambda scope: undo.ask(scope, import_id))
    if isinstance(answer, Refused):
        return _show(import_id, str(words.REFUSALS[answer.code]), 422)
    return edge.redirect("imports.show", import_id=import_id)


@bp.get("/imports/<int:import_id>/bad/<part>.csv", permission="imports.run")
def bad(import_id: int, part: str) -> Response:
    """The bad rows with what is wrong, to be mended and uploaded again."""
    with edge.read() as scope:
        row = uploads.get(scope, import_id)
    if part not in uploads.PARTS or next(uploads.bad_rows(stage_dir(), row, part), None) is None:
        raise NotFound(f"bad rows of import {import_id}")
    reason = REASONS[1 if i18n.pick_locale() == "zh_CN" else 0]

    def lines() -> Iterator[str]:
        yield "\ufeff"  # by which a spreadsheet knows that it is UTF-8
        for told in uploads.bad_rows(stage_dir(), row, part):
            first = reason if told["row"] == 1 else _reasons(told["problems"])
            out = io.StringIO()
            csv.writer(out).writerow([formats.marked(cell) for cell in (first, *told["cells"])])
            yield out.getvalue()

    name = Path(str((row.told or {}).get("lines")) if part == "lines" else row.filename).stem
    response = Response(stream_with_context(lines()), mimetype="text/csv")
    response.headers["Content-Disposition"] = (
        f"attachment; filename=bad-rows.csv; filename*=UTF-8''{quote(f'bad-{name}.csv')}"
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _reasons(problems: list[list[Any]]) -> str:
    told = []
    for column, value, reason, remedy, facts in problems:
        what, how = Problem("", 0, column, value, reason, remedy, facts).told(_, i18n.pick_locale())
        told.append(": ".join(part for part in (column, f"{what} {how}".strip()) if part))
    return " / ".join(told)
