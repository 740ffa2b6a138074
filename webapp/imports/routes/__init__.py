"""Bringing files in: upload, columns, check, take, undo; and the list of what was brought in."""

from __future__ import annotations

import io
import tempfile
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.imports.routes import bringing, going
from webapp.imports.routes.base import bp
from webapp.kernel import shell

__all__ = ["bringing", "going", "init_app"]
SMALL = 500_000  # bytes of a request that stays in memory


def init_app(app: Flask) -> None:
    """Register. What arrives waits in the instance folder, where there is room, not in the system's own."""
    app.register_blueprint(bp)
    shell.more(
        "imports.index",
        _l("Files"),
        "imports.run",
        _l("Bring members and orders in from your files"),
        "imports",
    )
    given: Any = app.request_class

    class Request(given):
        """Keeps large parts of a form on the instance's disk."""

        def _get_file_stream(self, total_content_length: int | None, *_about: Any, **_more: Any) -> Any:
            if total_content_length is not None and total_content_length < SMALL:
                return io.BytesIO()
            stage_dir = app.extensions["regulars.settings"].stage_dir
            stage_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            return tempfile.TemporaryFile("w+b", dir=stage_dir)

    app.request_class = Request
