"""Channel: a task for the shop's own people."""

from __future__ import annotations

from webapp.plugin_api import Channel, Setting, hookimpl

from .channel import TaskChannel


@hookimpl
def channels() -> list[Channel]:
    """One channel."""
    return [TaskChannel()]


@hookimpl
def settings() -> list[Setting]:
    """How long people have for it."""
    return [
        Setting(
            "days",
            "int",
            "Days to do it",
            default=0,
            help="0: on the day the task is made.",
            minimum=0,
            maximum=60,
        ),
    ]
