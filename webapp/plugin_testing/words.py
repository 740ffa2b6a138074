"""What a kind says, as its tests read it: in English, and by the catalogue beside its code. `make check` holds that catalogue
to be whole."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from webapp.plugin_api.coupon_type import Words


def english(message: str, **facts: Any) -> str:
    """As it is written in the code."""
    return message % (facts or ())


def translated(kind: object, locale: str = "zh_CN") -> Words:
    """By translations/<locale>.po of the kind's own folder; a message that it lacks raises KeyError."""
    path = Path(inspect.getfile(type(kind))).parent / "translations" / f"{locale}.po"
    with path.open("rb") as file:
        known = {str(message.id): str(message.string) for message in read_po(file, locale=locale)}
    return lambda message, **facts: known[message] % (facts or ())


def yuan(minor: int) -> str:
    """¥12.50, as `Money` shows it."""
    return f"¥{minor / 100:.2f}"
