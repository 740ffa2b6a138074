"""The channel: each message becomes one task for whoever looks after its recipient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

from webapp.plugin_api import Channel, ContentField, Message, Outcome, PluginContext, Sender


class TaskChannel(Channel):
    """No service and no address: it is told who is meant, and asks the shop for a task."""

    key = "task"
    label = "A task for a guide"
    identity = "recipient"
    consent = "our staff in person"
    fields = (
        ContentField(
            "subject", "line", "What to do", max_length=200, help="One line, as the guide's list shows it."
        ),
        ContentField(
            "text", "text", "What to say", help="The guide reads it, copies it, and says it in their own way."
        ),
    )
    call_seconds = 20

    def ready(self, ctx: PluginContext) -> str | None:
        """Nothing needs to be set."""
        return None

    @contextmanager
    def open(self, ctx: PluginContext) -> Iterator[Sender]:
        """There is nothing to connect to."""
        yield TaskSender(ctx)


class TaskSender:
    """Gives one task a message."""

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx

    def send(self, message: Message) -> Outcome:
        """A fault is worth another try: the shop makes one task of a promise, however often it is asked."""
        kind, colon, number = message.to.value.partition(":")
        if (
            not colon
            or kind not in ("member", "group", "staff")
            or not (number.isascii() and number.isdigit())
        ):
            return Outcome("failed", "bad_address")
        ctx = self._ctx
        today = ctx.now.astimezone(ZoneInfo(ctx.timezone)).date()
        try:
            answer = ctx.tasks.add(
                message.key,
                to=message.to.value,
                title=_sayable(message.content.get("subject", "")),
                text=_sayable(message.content.get("text", "")),
                link=message.content.get("link", ""),  # what a campaign to groups adds: the page of the post
                due_on=today + timedelta(days=int(ctx.settings.get("days") or 0)),
            )
        except Exception as fault:
            return Outcome("retry", "unreachable", type(fault).__name__, halt=True)
        if answer in ("added", "known"):
            return Outcome("sent")
        return Outcome("failed", answer)


def _sayable(text: str) -> str:
    """Without what no database stores: NULs and halves of a pair."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
