"""What a plugin is handed, bound to one brand: never a session of the core, never a global."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

from webapp.plugin_api.coupons import Coupons
from webapp.plugin_api.tables import Tables

TaskAnswer = Literal["added", "known", "nobody", "no_consent"]
TellAnswer = Literal["sending", "known", "unreached", "nobody"]
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
    """Work for the shop's people. A verb: it belongs to the unit of work at hand, where there is one (`work`, a page that was
    posted); where a kind speaks to the world (a channel's sender) it is a transaction of its own."""

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
    """A brand, a moment, and this plugin's settings there. Read-only but for the verbs (`tasks`, `coupons`, `tables`,
    `tell`, `later`)."""

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

    @property
    def coupons(self) -> Coupons:
        """Offers of the plugin's own coupon types, and their coupons."""
        ...

    @property
    def tables(self) -> Tables:
        """The plugin's own tables."""
        ...

    def names(self, members: Sequence[str]) -> Mapping[str, str]:
        """What strangers may read of members' names: `member:17` -> "王••". Whoever has told no name is left out."""
        ...

    def later(self, name: str, payload: Mapping[str, Any], *, key: str, at: datetime) -> bool:
        """Have the hook `work(ctx, name, payload)` called at a moment, or as soon after it as can be.

        A row, not a timer: it is done even if the machine dies in between, and waits while the plugin is switched off.
        key: the plugin's own, at most 80 characters; the same key is written once (it is remembered for 30
        days after it was done), and the answer says whether it was new. payload: small and JSON-able (at most 4,000 characters), ids rather than
        personal data. Raises ValueError for what is not so, and for a plugin without the hook.
        """
        ...

    def tell(
        self, to: Mapping[str, str], *, key: str, subject: str, text: str, **facts: str | int
    ) -> Mapping[str, TellAnswer]:
        """Write one message of service to members, such as what became of something that they took part in.

        to: whom (`member:17`), at most 100, each with the path of the shop's page that their message ends with (a
        `CouponView.page`, an `OfferView.page`), or blank. key: at most 80 characters; the same key never tells the same
        person twice, however often it is asked and whoever dies in between. subject (one line) and text: English msgids of
        the plugin's own catalogue, filled with `facts` (texts and whole numbers, no personal data) and sent in the
        member's language; the core puts the greeting above and the link below.

        The core sees to the rest: it belongs to the unit of work at hand, goes out over the first channel by which they can
        be reached and agreed to be, and stands on the member's profile. Whoever takes their yes back before it goes out is
        not written to. Answers, for each of `to`: sending; known (this key has told them); unreached (no channel, no
        address, or they have not agreed); nobody (no such member in this brand). Raises ValueError for what is not so.
        """
        ...

    def say(self, message: str, **facts: Any) -> str:
        """The plugin's own words in the brand's language, for what is written outside any page (a task's text)."""
        ...

    def new_word(self) -> str:
        """A fresh unguessable word for the address of a public page; it names this brand."""
        ...
