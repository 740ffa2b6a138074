"""One message outside any campaign: the test button of a channel, the test send of a campaign. No row is kept of it."""

from __future__ import annotations

import secrets

from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef
from webapp.plugin_api import Address, Message, Outcome
from webapp.plugin_runtime import calls


def send_one(
    db: Database,
    brand: BrandRef,
    channel: str,
    to: Address,
    content: dict[str, str],
    *,
    unsubscribe_url: str | None = None,
) -> Outcome | Refused:
    """Say it now, outside any transaction. Refused: channel_off, channel_not_ready (facts: why, an English msgid of the
    plugin named in facts)."""
    with db.read(brand=brand) as scope:
        bound = calls.channel(scope, channel)
    if bound is None:
        return Refused("channel_off", {"channel": channel})
    why = calls.decide(bound.plugin, lambda: bound.impl.ready(bound.ctx))
    if isinstance(why, Refused):
        return why
    if why is not None:
        return Refused("channel_not_ready", {"plugin": bound.plugin, "why": why})
    message = Message(f"test-{secrets.token_hex(8)}", to, content, unsubscribe_url)
    with calls.speaking(bound) as send:
        return send(message)
