"""What the pages about files share."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from flask_babel import gettext as _

from webapp.imports.problems import BadFile
from webapp.kernel import edge

bp = edge.blueprint("imports", __name__)


def stage_dir() -> Path:
    """Where files on their way in are."""
    folder: Path = current_app.extensions["regulars.settings"].stage_dir
    return folder


def said(why: BadFile) -> str:
    """In the reader's language."""
    return str(_(why.msgid) % why.facts)
