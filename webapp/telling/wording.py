"""What a telling says: the plugin's words in the language of whoever reads it, the shop's greeting around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.campaigns.placeholders import N_, greeting, in_words
from webapp.kernel import links
from webapp.plugin_runtime.words import words

TASK = N_("Tell them: %(what)s")
SUBJECT = 200  # characters


def subject(plugin: str, message: str, facts: Mapping[str, Any], locale: str) -> str:
    """The line above."""
    return words(plugin, locale)(message, **facts)[:SUBJECT]


def task(plugin: str, message: str, facts: Mapping[str, Any], locale: str) -> str:
    """The same for the guide who says it."""
    return (in_words(TASK, locale) % {"what": words(plugin, locale)(message, **facts)})[:SUBJECT]


def text(name: str, plugin: str, message: str, facts: Mapping[str, Any], link: str, locale: str) -> str:
    """The whole message. Raises UserError where it has a link and the shop has no address."""
    parts = [greeting(name, locale), words(plugin, locale)(message, **facts)]
    if link:
        parts.append(links.absolute(None, link))
    return "\n\n".join(parts) + "\n"
