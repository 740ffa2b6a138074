"""Logging: standard library, one line a record, on standard error; as JSON if wished."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

FRAMES = 12  # of a fault, in a plain line
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up(*, level: str = "info", as_json: bool = False) -> None:
    """One handler on the root logger, in place of whatever was there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if as_json else PlainLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each plugin of its own


def _moment(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class PlainLine(logging.Formatter):
    """moment LEVEL logger[pid] message | fault @ file:line function < caller < ... (innermost first)."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text = f"{text} | {_short(record.exc_info[1])}"
        text = " | ".join(line.strip() for line in text.splitlines() if line.strip())
        return f"{_moment(record)} {record.levelname:<7} {record.name}[{record.process}] {text}"


def _short(fault: BaseException) -> str:
    """The fault and the places it came through; REGULARS_LOG_JSON=1 logs the whole trace."""
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES:]
    places = " < ".join(f"{Path(at.filename).name}:{at.lineno} {at.name}" for at in reversed(frames))
    return f"{''.join(traceback.format_exception_only(fault)).strip()} @ {places}"


class JsonLine(logging.Formatter):
    """One JSON object: at, level, logger, process, message, and trace with an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
