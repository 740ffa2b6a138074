"""Who promised the deliveries: a registry by which campaigns (and whatever sends later) hand over what is to be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from webapp.kernel.scope import Scope
from webapp.outbox.models import Delivery
from webapp.plugin_api import Address


class Leased(NamedTuple):
    """A delivery in a worker's hand."""

    id: int
    recipient_kind: str
    recipient_id: int
    person_id: int | None
    occurrence: int
    tries: int


@dataclass(frozen=True, slots=True)
class Run:
    """How a campaign stands. channel: the channel's key; purpose: the consent's purpose (marketing, service).

    state: sending; held (paused, not begun, done: rows stay as they are); cancelled (queued rows are cancelled).
    """

    channel: str
    purpose: str
    state: Literal["sending", "held", "cancelled"]


@dataclass(frozen=True, slots=True)
class Parts:
    """One message, rendered for one recipient. content: the channel's fields, filled."""

    to: Address
    content: dict[str, str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why this recipient gets nothing after all: a short machine word (no_consent, no_address, ordered_since)."""

    reason: str


class Called(NamedTuple):
    """What a message is called on its member's profile, and the page that it leads to there (blank: none)."""

    title: str
    url: str = ""


class Source(Protocol):
    """Implemented by the room that makes campaigns; all are called with a scope of the campaign's brand but `active`."""

    def active(self, scope: Scope) -> Iterable[tuple[int, int]]:
        """(brand_id, campaign_id) of every campaign that is sending, or cancelled and not yet wound up. Called by the
        sweep each second with a reading scope without a brand: one indexed look."""
        ...

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        """How the campaign stands, None if it is none of this source's. One look by primary key: asked between any two
        sub-batches, so that a pause is seen at once."""
        ...

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        """By delivery id, for at most 20. Called in the transaction that marks them in flight, so it also looks again at
        what may have changed since the audience was made (consent, address, an order). Reads only, with one query a
        subject for the whole batch. One recipient whose text cannot be rendered is LeftOut("render"), no exception."""
        ...

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """No delivery is queued, leased or in flight just now. The source decides whether that is the end (it is not
        while rows are still being laid). May be called more than once."""
        ...

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """One more message is to be sent (after `unknown`). True if the campaign is sending, or is again, or will be when
        it is resumed; False if it is over for good (cancelled)."""
        ...

    def called(self, scope: Scope, some: Sequence[Delivery]) -> Mapping[int, Called]:
        """By delivery id, of those that are this source's: for the shop's people, in the reader's language. One look for
        all of them."""
        ...


SOURCES: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Once per process, at import of the room's jobs or service. Raises RuntimeError for a name that is taken."""
    if SOURCES.setdefault(name, source) is not source:
        raise RuntimeError(f"two sources of deliveries are called {name!r}")


def of(scope: Scope, campaign_id: int) -> tuple[Source, Run] | None:
    """The source of a campaign and how the campaign stands; None if nobody knows it (a plugin that is gone)."""
    for source in SOURCES.values():
        run = source.run(scope, campaign_id)
        if run is not None:
            return source, run
    return None


def called(scope: Scope, some: Sequence[Delivery]) -> dict[int, Called]:
    """What messages are called. One of a source that is gone is not named."""
    names: dict[int, Called] = {}
    for source in SOURCES.values() if some else ():
        names.update(source.called(scope, some))
    return names
