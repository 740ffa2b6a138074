"""Files that staff bring in by the browser: kept in the stage folder while they are looked at, mapped, checked and applied.

The row says how far an import has come; the folder holds the shop's own files, and afterwards its bad rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from webapp.brands import service as brands
from webapp.imports import formats, synonyms
from webapp.imports.headers import resolve
from webapp.imports.models import Import, ImportMapping
from webapp.imports.problems import N_, BadFile
from webapp.imports.reader import CELL_LIMIT, bad_quotes
from webapp.imports.reading import Files, Options
from webapp.imports.stage import open_stage
from webapp.imports.xlsx import Workbook
from webapp.kernel import clock
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.members.attributes import define_attributes
from webapp.members.bulk import Declared

PARTS = ("file", "lines")
SHOWN_ROWS = 6
OPEN = ("uploaded", "checking", "checked", "refused")  # nothing has been applied: it can be cancelled
UNTOUCHED = timedelta(days=7)  # after which a file that nobody went on with is thrown away
BAD_KEPT = timedelta(days=30)
STRAY = 3600.0  # seconds after which a folder that no row knows is nobody's


@dataclass(frozen=True, slots=True)
class Peek:
    """The beginning of a file. sheets: of a workbook."""

    name: str
    form: formats.Form
    header: list[str]
    rows: list[list[str]]


# --- the folder -----------------------------------------------------------------------------------------------------


def new_folder(stage_dir: Path, brand_id: int) -> Path:
    """A folder for the files of one import, for the shop's own user only."""
    stage_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = stage_dir / f"{brand_id}-{uuid4().hex[:16]}.in"
    made.mkdir(mode=0o700)
    return made


def folder_of(stage_dir: Path, row: Import) -> Path:
    """Where the files of an import are, or were."""
    return stage_dir / str((row.told or {}).get("folder") or "none")


def keep(stream: IO[bytes], folder: Path, part: str, name: str, limit: int) -> Path:
    """Copy an upload into the folder. limit: bytes. Raises BadFile when it is longer, or empty."""
    clean = "".join(mark for mark in name.replace("\\", "/").rsplit("/", 1)[-1] if mark.isprintable()).strip(
        ". "
    )
    into = folder / part
    into.mkdir(mode=0o700)
    path = into / (clean[-80:] or f"{part}.csv")
    size = 0
    with path.open("xb") as file:
        while data := stream.read(1 << 20):
            size += len(data)
            if size > limit:
                raise BadFile(
                    N_(
                        "%(file)s is larger than %(size)s MB. Divide it, or have the limit raised (REGULARS_UPLOAD_MB)."
                    ),
                    file=path.name,
                    size=limit >> 20,
                )
            file.write(data)
    if size == 0:
        raise BadFile(N_("%(file)s is empty."), file=path.name)
    return path


def files_of(stage_dir: Path, row: Import) -> Files:
    """Its files. Raises BadFile when they are gone."""
    folder = folder_of(stage_dir, row)
    found = [next(iter(sorted((folder / part).glob("*"))), None) for part in PARTS]
    if found[0] is None:
        raise BadFile(N_("%(file)s is no longer here. Upload it again."), file=row.filename)
    return Files(row.kind, found[0], found[1])


def peek(path: Path, sheet: str = "") -> Peek:
    """The header and the first rows. Raises BadFile."""
    form = formats.look(path)
    rows = list(islice(_rows(path, form, sheet), SHOWN_ROWS + 1))
    if form.returned:
        rows = [cells[1:] for cells in rows]
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise BadFile(N_("%(file)s is empty. Its first row must name the columns."), file=path.name)
    header, *rest = rows
    header = [cell.strip() for cell in header]
    resolve(path.name, header, (), (), {}, None)
    if not any(any(cells) for cells in rest):
        raise BadFile(
            N_("%(file)s has a header and no row below it: there is nothing to bring in."), file=path.name
        )
    return Peek(path.name, form, header, [cells for cells in rest if any(cells)])


def _rows(path: Path, form: formats.Form, sheet: str) -> Iterator[list[str]]:
    if form.kind == "xlsx":
        book = Workbook(path)
        try:
            for at, (number, cells) in enumerate(book.rows(sheet), 1):
                if at == 1 and number != 1:
                    raise BadFile(
                        N_("%(file)s is empty. Its first row must name the columns."), file=path.name
                    )
                yield cells
        finally:
            book.close()
        return
    with path.open("rb") as file:
        data = file.read(1 << 18)
    text = data.decode(form.encoding, "ignore").removeprefix("\ufeff")
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.divider)
    try:
        yield from (cells for cells in reader if cells)
    except csv.Error as why:
        raise bad_quotes(path.name, reader.line_num, str(why)) from why


def sweep_away(stage_dir: Path, brand_id: int, keep: set[str]) -> None:
    """Folders that were left when the server was killed in the middle of an upload."""
    for path in stage_dir.glob(f"{brand_id}-*.in"):
        try:
            old = clock.now().timestamp() - path.stat().st_mtime > STRAY
        except OSError:
            continue
        if old and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


# --- its row --------------------------------------------------------------------------------------------------------


def get(scope: Scope, import_id: int) -> Import:
    """By id. Raises NotFound."""
    row = scope.session.get(Import, (scope.brand.id, import_id))
    if row is None:
        raise NotFound(f"import {import_id}")
    return row


def start(scope: Scope, folder: Path, files: Files, source: str) -> Import:
    """An import of files that lie in their folder."""
    row = Import(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        kind=files.kind,
        source=source,
        filename=files.name[-200:],
        state="uploaded",
        options={},
        stage="",
        counts={},
        created_by=scope.actor.id,
        created_at=scope.now,
        told={"folder": folder.name, "lines": files.lines.name if files.lines else None},
    )
    scope.session.add(row)
    scope.audit("import.upload", "import", row.id)
    return row


def staged(scope: Scope) -> set[str]:
    """Names of the staged files that are still wanted."""
    wanted = (Import.brand_id == scope.brand.id, Import.state.in_(("checked", "applying")))
    return set(scope.session.scalars(select(Import.stage).where(*wanted)))


def folders(scope: Scope) -> set[str]:
    """Names of the folders that imports know."""
    rows = scope.session.scalars(select(Import.told).where(Import.brand_id == scope.brand.id))
    return {str(told["folder"]) for told in rows if told and "folder" in told}


def last_sources(scope: Scope, kind: str) -> Sequence[str]:
    """Sources that files of a kind came from, newest first."""
    rows = scope.session.scalars(
        select(Import.source)
        .where(Import.brand_id == scope.brand.id, Import.kind == kind)
        .order_by(Import.id.desc())
        .limit(50)
    )
    return list(dict.fromkeys(rows))[:8]


# --- which column is which ------------------------------------------------------------------------------------------


def headers_digest(header: Sequence[str]) -> str:
    """The same for files with the same columns in the same order."""
    return hashlib.sha256("\x1f".join(header).encode()).hexdigest()


def propose(
    scope: Scope, kind: str, source: str, header: Sequence[str], channels: Sequence[str]
) -> tuple[dict[str, str], bool]:
    """(our column -> theirs, whether it is what somebody said the last time). kind: members, orders, lines."""
    of = (ImportMapping.brand_id == scope.brand.id, ImportMapping.kind == kind)
    known = scope.session.scalars(
        select(ImportMapping)
        .where(*of, ImportMapping.headers == headers_digest(header))
        .order_by((ImportMapping.source == source).desc(), ImportMapping.used_at.desc())
        .limit(1)
    ).one_or_none()
    if known is not None:
        return {ours: theirs for ours, theirs in known.mapping.items() if theirs}, True
    return synonyms.guess(kind, header, channels), False


def remember(scope: Scope, kind: str, source: str, header: Sequence[str], mapping: dict[str, str]) -> None:
    """What was said this time is proposed the next time."""
    digest = headers_digest(header)
    row = scope.session.scalars(
        select(ImportMapping).where(
            ImportMapping.brand_id == scope.brand.id,
            ImportMapping.kind == kind,
            ImportMapping.source == source,
            ImportMapping.headers == digest,
        )
    ).one_or_none()
    if row is None:
        row = ImportMapping(
            brand_id=scope.brand.id, id=scope.new_id(), kind=kind, source=source, headers=digest
        )
        scope.session.add(row)
    row.mapping, row.used_at = mapping, scope.now


# --- going on -------------------------------------------------------------------------------------------------------


def ask_check(scope: Scope, import_id: int, options: dict[str, Any]) -> bool:
    """Have it read and checked; False when it is past that."""
    row, now = get(scope, import_id), scope.now.isoformat()
    values: dict[str, Any] = {"state": "checking", "options": options, "stage": "", "counts": {}}
    values["told"] = {**(row.told or {}), "refused": None}
    values["progress"] = {"began": now, "at": now, "done": 0, "total": 0, "rows": 0}
    if not _move(scope, import_id, ("uploaded", "checked", "refused"), values):
        return False
    scope.ring("imports.check", brand_id=scope.brand.id, import_id=import_id)
    return True


def map_again(scope: Scope, import_id: int) -> bool:
    """Back to the columns; what was staged is swept away."""
    return _move(scope, import_id, ("checked", "refused"), {"state": "uploaded", "stage": ""})


def cancel(scope: Scope, import_id: int) -> bool:
    """Nothing of it comes in; False when it is too late for that."""
    done = _move(scope, import_id, OPEN, {"state": "cancelled", "stage": "", "finished_at": scope.now})
    if done:
        scope.audit("import.cancel", "import", import_id)
    return done


def ask_apply(scope: Scope, stage_dir: Path, import_id: int, *, skip_bad: bool) -> Refused | None:
    """The staged file will be applied, come what may; if somebody said so before, it is. Refusals: not_checked, bad_rows."""
    row = get(scope, import_id)
    if row.state in ("applying", "done"):
        return None
    if row.state != "checked":
        return Refused("not_checked")
    if row.counts.get("refused") and not skip_bad:
        return Refused("bad_rows")
    if row.options.get("make_stores"):
        stage = open_stage(stage_dir / row.stage)
        try:
            brands.store_ids(scope, stage.stores(), make=True)
        finally:
            stage.close()
    define_attributes(scope, row.options.get("kinds", {}))
    moved = _move(scope, import_id, ("checked",), {"state": "applying"})
    if not moved:
        return Refused("not_checked")
    scope.ring("imports.resume", brand_id=scope.brand.id, import_id=import_id)
    return None


def _move(scope: Scope, import_id: int, states: Sequence[str], values: dict[str, Any]) -> bool:
    get(scope, import_id)
    done: Any = scope.session.execute(
        update(Import)
        .where(Import.brand_id == scope.brand.id, Import.id == import_id, Import.state.in_(states))
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
    return bool(done.rowcount)


# --- its options ----------------------------------------------------------------------------------------------------


def options_of(row: Import) -> Options:
    """As the reader wants them."""
    kept = row.options
    return Options(
        row.source,
        kept.get("mapping", {}),
        make_stores=bool(kept.get("make_stores")),
        skip_bad=True,
        sheet=kept.get("sheet", ""),
        leave_out=tuple(kept.get("leave_out", ())),
    )


def declared(row: Import, zone: str) -> Declared | None:
    """What its importer declared about consent. It counts from the beginning of the day."""
    said = row.options.get("declared")
    if not said or not said.get("channels"):
        return None
    day = datetime.combine(date.fromisoformat(said["on"]), time(), ZoneInfo(zone))
    return Declared(tuple(said["channels"]), f"declared:{row.id}:{row.filename}"[:60], day)


# --- bad rows -------------------------------------------------------------------------------------------------------


def bad_rows(stage_dir: Path, row: Import, part: str | None = None) -> Iterator[dict[str, Any]]:
    """Each: part, row, cells, problems ([column, value, reason, remedy, facts]); none when they are gone."""
    path = folder_of(stage_dir, row) / "bad.jsonl"
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                told = json.loads(line)
                if part is None or told["part"] == part:
                    yield told


def tidy(folder: Path) -> None:
    """The shop's own files go; the bad rows stay to be fetched."""
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
