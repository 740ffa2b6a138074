"""One line of the doctor's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """level: ok, warn (works, but not for long or not well), bad (does not work). mend: what to do about it."""

    name: str
    level: Level
    text: str
    mend: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str, mend: str) -> Finding:
    return Finding(name, "warn", text, mend)


def bad(name: str, text: str, mend: str) -> Finding:
    return Finding(name, "bad", text, mend)
