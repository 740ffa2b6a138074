"""A plugin's own catalogue: translations/<locale>.po in its folder, read at first use; English is the msgid."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from babel.messages.pofile import read_po

from webapp.kernel import i18n
from webapp.plugin_api import Channel
from webapp.plugin_runtime.runtime import registry


@cache
def _catalogue(folder: str, locale: str) -> dict[str, str]:
    from pathlib import Path

    path = Path(folder, "translations", f"{locale}.po")
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=locale) if m.id and m.string}


def words(plugin: str, locale: str | None = None) -> Callable[..., str]:
    """gettext of a plugin in a locale (default: the reader's). An unknown plugin's words stay English."""
    loaded = registry().plugins.get(plugin)
    table = _catalogue(str(loaded.folder), locale or i18n.pick_locale()) if loaded else {}

    def translate(message: str, **facts: Any) -> str:
        text = table.get(message, message)
        return text % facts if facts else text

    return translate


def consent_label(plugin: str, channel: Channel, locale: str | None = None) -> str:
    """What members call a channel where they say yes or no to it."""
    return words(plugin, locale)(channel.consent or channel.label)
