"""Lets plugins give tasks. What is due is counted when it is looked at, so nothing runs in the background."""

from __future__ import annotations

from webapp.plugin_runtime import verbs
from webapp.tasks.verb import from_plugin

verbs.register_tasks(from_plugin)
