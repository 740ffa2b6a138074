"""A channel as an agency would bring its own, for tests of the outbox: one plain SMTP conversation after another."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

from webapp.plugin_api import (
    Channel,
    ContentField,
    Message,
    Outcome,
    PluginContext,
    Sender,
    Setting,
    hookimpl,
)


class Probe(Channel):
    key = "probe"
    label = "Probe"
    identity = "email"
    fields = (ContentField("subject", "line", "Subject"),)
    call_seconds = 2

    def ready(self, ctx: PluginContext) -> str | None:
        return None if ctx.settings["port"] else "Give the port."

    @contextmanager
    def open(self, ctx: PluginContext) -> Iterator[Sender]:
        with smtplib.SMTP("127.0.0.1", ctx.settings["port"], timeout=2) as smtp:
            yield Line(smtp)


class Line:
    def __init__(self, smtp: smtplib.SMTP) -> None:
        self.smtp = smtp

    def send(self, message: Message) -> Outcome:
        words = f"Message-ID: <{message.key}@probe.example>\r\nSubject: {message.content['subject']}\r\n\r\n"
        self.smtp.sendmail("probe@probe.example", [message.to.value], words.encode())
        return Outcome("sent")


@hookimpl
def channels() -> list[Channel]:
    return [Probe()]


@hookimpl
def settings() -> list[Setting]:
    return [Setting("port", "int", "Port")]
