"""Plugins tell members through this room; what they tell goes out with everything else (webapp.outbox.jobs)."""

from __future__ import annotations

from webapp.plugin_runtime import verbs
from webapp.telling import source
from webapp.telling.service import tell

verbs.register_telling(tell)

__all__ = ["source"]
