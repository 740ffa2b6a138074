"""Reading a file whole: made into the form that the reader takes, staged and checked. Nothing in the database changes."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webapp.imports import formats, lines_in, members_in, orders_in
from webapp.imports.formats import Watch
from webapp.imports.problems import N_, BadFile, Problems
from webapp.imports.stage import WORK, Stage
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members.bulk import Declared

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Files:
    """What is to be read. kind: members or orders; lines: of orders."""

    kind: str
    file: Path
    lines: Path | None = None

    @property
    def name(self) -> str:
        """As the import is listed."""
        return self.file.name


@dataclass(slots=True)
class Options:
    """How a file is to be read. mapping: our column -> theirs ("": not there); source: whose numbers these are.

    sheet: of a workbook, blank for the first. leave_out: columns of members that are not to become attributes. declared:
    channels to which the people of this file agreed, as the importer declares.
    """

    source: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    make_stores: bool = False
    skip_bad: bool = False
    sheet: str = ""
    leave_out: tuple[str, ...] = ()
    declared: Declared | None = None


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


def read(
    stage: Stage,
    problems: Problems,
    db: Database,
    brand: BrandRef,
    files: Files,
    options: Options,
    tell: Tell = lambda text: None,
    watch: Watch | None = None,
) -> tuple[Outcome, dict[str, str]]:
    """(what was read, attribute key -> its kind). Raises BadFile. watch: told of bytes that have been dealt with."""
    with prepared(stage, files, options, tell, watch) as (file, lines):
        if files.kind == "members":
            return _members(stage, problems, db, brand, file, options, tell, watch)
        found = orders_in.read_files(stage, brand, file, lines, options.mapping, problems, tell, watch)
    names = (files.file.name, files.lines.name if files.lines else "")
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


def _members(
    stage: Stage,
    problems: Problems,
    db: Database,
    brand: BrandRef,
    file: Path,
    options: Options,
    tell: Tell,
    watch: Watch | None,
) -> tuple[Outcome, dict[str, str]]:
    with db.read(brand=brand) as scope:
        today = scope.today
    found = members_in.read_file(
        *(stage, brand, file, options.mapping, today, problems), leave_out=options.leave_out, watch=watch
    )
    tell(f"{file.name}: {found.members} members read")
    members_in.check(
        *(stage, db, brand, file.name, problems),
        numbers_differ=found.numbers_differ,
        make_stores=options.make_stores,
    )
    return _outcome("members", found.members, found.ignored, problems), found.kinds


@contextmanager
def prepared(
    stage: Stage,
    files: Files,
    options: Options,
    tell: Tell = lambda text: None,
    watch: Watch | None = None,
) -> Iterator[tuple[Path, Path | None]]:
    """The files in the form that the reader takes; what had to be written for that is gone afterwards."""
    into = Path(tempfile.mkdtemp(WORK, f"{stage.path.stem}-", stage.path.parent))
    try:
        ready: list[Path | None] = []
        for part, path in (("file", files.file), ("lines", files.lines)):
            if path is None:
                ready.append(None)
                continue
            form = formats.look(path)
            if form.encoding == "gb18030":
                tell(f"{path.name}: read as GB18030")
            sheet = options.sheet if part == "file" else ""
            ready.append(formats.prepared(path, into / part, form, sheet=sheet, watch=watch))
        assert ready[0] is not None
        yield ready[0], ready[1]
    finally:
        shutil.rmtree(into, ignore_errors=True)


@contextmanager
def calm() -> Iterator[None]:
    """Rows come and go by the million here, and none of them in circles: keep the collector from looking again and again
    at all that is loaded beside them."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def known(files: Files, options: Options) -> None:
    """Is every --map about a column of ours, and the source a name that can be kept? Raises BadFile."""
    prefix = members_in.CONSENT if files.kind == "members" else None
    ours = members_in.COLUMNS if prefix else orders_in.COLUMNS + (lines_in.COLUMNS if files.lines else ())
    for column in options.mapping:
        if column not in ours and not (prefix and column.startswith(prefix)):
            raise BadFile(
                N_("--map %(column)s=...: there is no column %(column)s. Ours are %(columns)s."),
                column=column,
                columns=", ".join(ours) + (f", {prefix}CHANNEL" if prefix else ""),
            )
    if not 0 < len(options.source) <= 40 or not options.source.isprintable():
        raise BadFile(N_("--source: give 1 to 40 characters, such as the till's or the old system's name."))


def _outcome(kind: str, read: int, ignored: tuple[str, ...], problems: Problems) -> Outcome:
    return Outcome(kind, read, problems.refused, list(ignored), problems)
