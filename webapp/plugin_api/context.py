"""What a plugin is handed, bound to one brand: never a session of the core, never a global."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

TaskAnswer = Literal["added", "known", "nobody", "no_consent"]
SettingKind = Literal["text", "int", "bool", "choice", "secret", "email"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One typed setting of a plugin for a brand; its form is made from this.

    label and help: English msgids, translated from the plugin's own catalogue. default: what counts while nothing is set.
    minimum, maximum: inclusive, for int. choices: (value, label) pairs. secret values are sealed at rest and never shown.
    """

    key: str
    kind: SettingKind
    label: str
    default: Any = None
    help: str = ""
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[tuple[str, str], ...] = ()


class Tasks(Protocol):
    """Work for the shop's people. A verb: it writes in a transaction of its own, so use it where a kind speaks to the world
    (a channel's sender), never inside another transaction."""

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        """Give a task to whoever looks after `to`: the value of an Address whose identity is `recipient`.

        key: at most 40 characters; a message's own, where there is one: the same key (and the same promise of a campaign)
        never makes a second task. due_on: the brand's local day, today unless given. Answers: added; known (it is there
        already); nobody (no such member, group or account in this brand, or nobody who could do it); no_consent (the
        member has not agreed to be contacted by the shop's people).
        """
        ...


class PluginContext(Protocol):
    """A brand, a moment, and this plugin's settings there. Read-only but for the verbs (`tasks`)."""

    @property
    def brand_code(self) -> str:
        """The brand's code."""
        ...

    @property
    def brand_name(self) -> str:
        """What members call the brand."""
        ...

    @property
    def currency(self) -> str:
        """ISO 4217."""
        ...

    @property
    def timezone(self) -> str:
        """IANA zone in which days are counted."""
        ...

    @property
    def locale(self) -> str:
        """The language of what members read: en or zh_CN."""
        ...

    @property
    def now(self) -> datetime:
        """The moment of this unit of work, aware."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """Every declared setting, typed, defaults filled in, secrets opened."""
        ...

    @property
    def tasks(self) -> Tasks:
        """Give work to the shop's people."""
        ...
