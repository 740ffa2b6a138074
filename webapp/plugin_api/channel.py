"""Kind channel/1: something that can deliver a message to an address."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from webapp.plugin_api.context import PluginContext


@dataclass(frozen=True, slots=True)
class ContentField:
    """One field of a message as staff write it. kind html is sanitised by the core before it reaches the channel."""

    key: str
    kind: Literal["line", "text", "html"]
    label: str
    required: bool = True
    help: str = ""
    max_length: int = 20_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where to: the value of the identity kind that the channel asks for, and the person's name (may be blank).

    For the identity `recipient` the value names who is meant: "member:17", "group:5".
    """

    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, rendered. key: the attempt's id, the same for no other call: hand it on to the service.

    content: the channel's fields, filled. unsubscribe_url: set for marketing; the channel must offer it in the form
    that its world knows (one-click headers in e-mail). preferences_url: the member's own page, to be offered beside it.
    """

    key: str
    to: Address
    content: dict[str, str]
    unsubscribe_url: str | None = None
    preferences_url: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world said.

    sent: accepted for good. failed: refused for good (reason: a short machine word such as bad_address, refused).
    retry: certainly not accepted now, worth trying later. unknown: may or may not have arrived; never sent again blindly.
    reason: at most 30 characters; detail: the service's own words, at most 200, without personal data.
    halt: the service as a whole takes nothing now (down, sign-in refused): the core stops this run, comes back later, and
    does not count it as a try of this message. Only with retry.
    """

    state: Literal["sent", "failed", "retry", "unknown"]
    reason: str = ""
    detail: str = ""
    halt: bool = False


class Sender(Protocol):
    """An open connection. Used by one worker for a run of messages, one call at a time."""

    def send(self, message: Message) -> Outcome:
        """Speak to the world. Never raises for what the service says; an exception counts as unknown."""
        ...


class Channel(ABC):
    """A way to reach people. `key` is stored in rows: it never changes. Stateless: all it knows comes with `ctx`.

    identity: the identity kind it sends to (email, phone); `recipient`: none, it is told who is meant, member or group
    (a task for a guide). fields: what staff write; the text that goes to a group comes as `text`. call_seconds: upper
    bound of one call, by which the core sizes its leases. consent: what members call it where they say yes or no to it
    (an English msgid); blank: the label.
    """

    kind = "channel/1"
    key: str
    label: str
    identity: str
    consent: str = ""
    fields: tuple[ContentField, ...] = ()
    call_seconds: int = 20

    @abstractmethod
    def ready(self, ctx: PluginContext) -> str | None:
        """None if it can send for this brand, else a sentence (English msgid) on what to set first."""

    @abstractmethod
    def open(self, ctx: PluginContext) -> AbstractContextManager[Sender]:
        """Connect lazily; leaving the context hangs up. Called outside any transaction."""
