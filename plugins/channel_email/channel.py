"""The channel: what staff write, whether it is ready, and an open connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from webapp.plugin_api import Channel, ContentField, PluginContext, Sender

from .sender import SPEAKING, SmtpSender

SLOWEST = 12  # messages a minute: a longer wait would not fit into one call
WAITING = 60 // SLOWEST  # seconds


class EmailChannel(Channel):
    """One message, one recipient, over SMTP. The Message-ID is made from the message's key."""

    key = "email"
    label = "E-mail"
    identity = "email"
    fields = (
        ContentField("subject", "line", "Subject", max_length=200),
        ContentField("text", "text", "Text", help="For readers that show no HTML."),
        ContentField("html", "html", "HTML", required=False, help="Blank: the text alone is sent."),
    )
    call_seconds = SPEAKING + WAITING

    def ready(self, ctx: PluginContext) -> str | None:
        """A server and a sender's address are needed; a user name needs its password."""
        known = ctx.settings
        if not known.get("host"):
            return "Name the mail server in the settings of the e-mail plugin."
        if not known.get("from_address"):
            return "Give the sender's address in the settings of the e-mail plugin."
        if known.get("user") and not known.get("password"):
            return "Give the password of the mail server's user in the settings of the e-mail plugin."
        return None

    @contextmanager
    def open(self, ctx: PluginContext) -> Iterator[Sender]:
        """Connects with the first message, again when the server has hung up."""
        sender = SmtpSender(ctx)
        try:
            yield sender
        finally:
            sender.close()
