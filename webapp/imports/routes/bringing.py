"""Uploading files, and saying which of their columns is which."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from flask import Response, current_app, request
from flask_babel import gettext as _

from webapp.imports import uploads, words
from webapp.imports.forms import SOURCES, Agreed, Columns, UploadForm
from webapp.imports.members_in import CONSENT
from webapp.imports.models import Import
from webapp.imports.problems import BadFile
from webapp.imports.reading import Files
from webapp.imports.routes.base import bp, said, stage_dir
from webapp.kernel import edge
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.words import consent_label


@bp.get("/imports/new", permission="imports.run")
def new() -> Response:
    """An empty form."""
    kind = request.args.get("kind", "members")
    return _new_page(UploadForm(kind=kind if kind in words.KINDS else "members"))


def _new_page(form: UploadForm, status: int = 200) -> Response:
    with edge.read() as scope:
        sources = {kind: uploads.last_sources(scope, kind) for kind in words.KINDS}
    known = list(dict.fromkeys([*sources["members"], *sources["orders"]]))
    limit = current_app.extensions["regulars.settings"].upload_mb
    return edge.page("pages/imports/new.html", form=form, sources=known, limit=limit, status=status)


@bp.post("/imports/new", permission="imports.run", large=True)
def upload() -> Response:
    """Keep the files, look what they are, go on to their columns."""
    form = UploadForm()
    if not form.validate():
        return _new_page(form, 422)
    key = edge.once_key()
    kind = form.kind.data
    source = (form.source.data or "").strip() or SOURCES[kind]
    limit = current_app.extensions["regulars.settings"].upload_mb << 20
    brand = edge.brand()
    assert brand is not None
    folder = uploads.new_folder(stage_dir(), brand.id)
    field = form.file
    try:
        paths: list[Path | None] = []
        for part in uploads.PARTS:
            field = form[part]
            given = field.data if part == "file" or kind == "orders" else None
            if given is None or not given.filename:
                paths.append(None)
                continue
            name = given.filename
            if part == "lines" and paths[0] is not None and Path(name).name == paths[0].name:
                name = f"lines-{name}"
            path = uploads.keep(given.stream, folder, part, name, limit)
            uploads.peek(path)
            paths.append(path)
    except BadFile as why:
        shutil.rmtree(folder, ignore_errors=True)
        field.errors = [said(why)]
        return _new_page(form, 422)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    assert paths[0] is not None
    files = Files(kind, paths[0], paths[1])

    def work(scope: Scope) -> Any:
        return once(
            scope,
            key,
            "imports.upload",
            lambda: [uploads.start(scope, folder, files, source).id, folder.name],
        )

    import_id, kept = edge.write(work)
    if kept != folder.name:  # sent twice: the first is on its way
        shutil.rmtree(folder, ignore_errors=True)
    return edge.redirect("imports.columns", import_id=import_id)


# --- its columns ----------------------------------------------------------------------------------------------------


def _matched(scope: Scope, row: Import, sheet: str) -> tuple[list[tuple[Columns, uploads.Peek]], list[Any]]:
    """The parts of an import with what is proposed for them, and the channels. Raises BadFile."""
    files = uploads.files_of(stage_dir(), row)
    channels = [(one.impl.key, consent_label(one.plugin, one.impl)) for one in calls.channels(scope)]
    parts = []
    for part, path in (("file", files.file), ("lines", files.lines)):
        if path is None:
            continue
        kind = "lines" if part == "lines" else row.kind
        seen = uploads.peek(path, sheet if part == "file" else "")
        labels: dict[str, Any] = dict(words.COLUMNS[kind])
        if kind == "members":
            labels |= {
                f"{CONSENT}{key}": _("May be written to by %(channel)s", channel=label)
                for key, label in channels
            }
        chosen, known = uploads.propose(
            scope, kind, row.source, seen.header, [key for key, _label in channels]
        )
        chosen = {ours: theirs for ours, theirs in chosen.items() if ours in labels and theirs in seen.header}
        sample = seen.rows[0] if seen.rows else []
        parts.append((Columns(part, kind, seen.header, sample, chosen, labels, known), seen))
    return parts, channels


@bp.get("/imports/<int:import_id>/columns", permission="imports.run")
def columns(import_id: int) -> Response:
    """The first rows, and for each column of ours the file's."""
    sheet = request.args.get("sheet", "")[:100]
    with edge.read() as scope:
        row = uploads.get(scope, import_id)
        if row.state != "uploaded":
            return edge.redirect("imports.show", import_id=import_id)
        try:
            parts, channels = _matched(scope, row, sheet)
        except BadFile as why:
            return edge.page("pages/imports/unreadable.html", row=row, said=said(why), status=422)
    return _columns_page(row, parts, channels, Agreed(), sheet, [], True)


def _columns_page(
    row: Import,
    parts: list[tuple[Columns, uploads.Peek]],
    channels: list[Any],
    agreed: Agreed,
    sheet: str,
    left_out: list[str],
    make_stores: bool,
    status: int = 200,
) -> Response:
    return edge.page(
        "pages/imports/columns.html",
        row=row,
        parts=parts,
        channels=channels,
        agreed=agreed,
        sheet=sheet,
        left_out=left_out,
        make_stores=make_stores,
        words=words,
        status=status,
    )


@bp.post("/imports/<int:import_id>/columns", permission="imports.run")
def check(import_id: int) -> Response:
    """Keep what was said for the next time, and have the file checked."""
    sheet = request.form.get("sheet", "")[:100]
    with edge.read() as scope:
        row, today = uploads.get(scope, import_id), scope.today
        if row.state != "uploaded":
            return edge.redirect("imports.show", import_id=import_id)
        try:
            parts, channels = _matched(scope, row, sheet)
        except BadFile as why:
            return edge.page("pages/imports/unreadable.html", row=row, said=said(why), status=422)
    for one, _seen in parts:
        one.read(request.form)
    agreed, offered = Agreed(), [key for key, _label in channels]
    if row.kind == "members":
        agreed.read(request.form, offered, list(parts[0][0].chosen), today)
    spare = parts[0][0].spare() if row.kind == "members" else []
    left_out = [theirs for theirs in spare if theirs not in request.form.getlist("keep")]
    make_stores = "make_stores" in request.form
    if agreed.errors or any(one.errors for one, _seen in parts):
        return _columns_page(row, parts, channels, agreed, sheet, left_out, make_stores, 422)
    mapping = {ours: theirs for one, _seen in parts for ours, theirs in one.mapping().items()}
    options = {
        "mapping": mapping,
        "sheet": sheet,
        "leave_out": left_out,
        "make_stores": make_stores,
        "declared": agreed.as_json(),
    }

    def work(scope: Scope) -> None:
        for one, _seen in parts:
            uploads.remember(scope, one.kind, row.source, one.header, one.mapping())
        uploads.ask_check(scope, import_id, options)

    edge.write(work)
    return edge.redirect("imports.show", import_id=import_id)
