"""A campaign in the tests' hands, and a channel that answers what a test wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from webapp.campaigns.models import Campaign
from webapp.kernel import halt, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import drain as draining
from webapp.outbox.drain import Drained, drain
from webapp.outbox.models import Attempt, Delivery, Dispatch, Receipt
from webapp.plugin_api import Channel, ContentField, Message, Outcome, PluginContext, Sender
from webapp.plugin_runtime import context, runtime

Answer = Callable[[Message], Outcome]


def taken(message: Message) -> Outcome:
    return Outcome("sent")


class Scripted(Channel):
    """Notes every message and answers by `answer`."""

    key = "scripted"
    label = "Scripted"
    identity = "email"
    fields = (
        ContentField("subject", "line", "Subject"),
        ContentField("text", "text", "Text"),
        ContentField("html", "html", "HTML", required=False),
    )
    call_seconds = 5

    def __init__(self) -> None:
        self.answer: Answer = taken
        self.said: list[Message] = []
        self.opened = 0

    def ready(self, ctx: PluginContext) -> str | None:
        return None

    @contextmanager
    def open(self, ctx: PluginContext) -> Iterator[Sender]:
        self.opened += 1
        yield self

    def send(self, message: Message) -> Outcome:
        self.said.append(message)
        return self.answer(message)

    def addresses(self) -> Counter[str]:
        return Counter(message.to.value for message in self.said)


def scripted() -> Scripted:
    """Key `scripted`, owned by a plugin that is on."""
    channel = Scripted()
    runtime.registry().channels[channel.key] = ("channel_email", channel)
    return channel


@contextmanager
def in_house(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins, the instance's key, an address."""
    context.use_secrets_of(folder)
    runtime.load_all()
    links.use("https://shop.example")
    monkeypatch.setattr(draining, "_quiet", draining._Quiet())
    halt.forget()
    yield
    halt.forget()
    links.use(None)
    runtime.load_all()


@dataclass
class Post:
    """One campaign."""

    db: Database
    brand: BrandRef
    id: int
    channel: Scripted

    def drain(self, seconds: float = 30.0) -> Drained:
        return drain(self.db, self.brand, self.id, seconds=seconds)

    def write(self, work: Callable[[Scope], Any]) -> Any:
        return self.db.write(work, brand=self.brand)

    def states(self) -> dict[str, int]:
        with self.db.read() as scope:
            return dict(
                Counter(scope.session.scalars(select(Delivery.state).where(Delivery.campaign_id == self.id)))
            )

    def reasons(self) -> dict[str | None, int]:
        with self.db.read() as scope:
            return dict(
                Counter(scope.session.scalars(select(Delivery.reason).where(Delivery.campaign_id == self.id)))
            )

    def rows(self, state: str | None = None) -> list[Delivery]:
        wanted = select(Delivery).where(Delivery.campaign_id == self.id).order_by(Delivery.id)
        with self.db.read() as scope:
            return list(scope.session.scalars(wanted.where(Delivery.state == state) if state else wanted))

    def all(self, model: Any) -> list[Any]:
        with self.db.read() as scope:
            return list(scope.session.scalars(select(model).order_by(model.id)))

    @property
    def attempts(self) -> list[Attempt]:
        return self.all(Attempt)

    @property
    def dispatches(self) -> list[Dispatch]:
        return self.all(Dispatch)

    @property
    def receipts(self) -> list[Receipt]:
        return self.all(Receipt)

    @property
    def state(self) -> str:
        with self.db.read() as scope:
            return scope.session.get_one(Campaign, (self.brand.id, self.id)).state

    def set_state(self, state: str) -> None:
        self.write(
            lambda scope: scope.session.execute(
                update(Campaign)
                .where(Campaign.brand_id == self.brand.id, Campaign.id == self.id)
                .values(state=state)
            )
        )
