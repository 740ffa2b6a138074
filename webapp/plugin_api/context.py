"""What a plugin is handed, bound to one brand: never a session of the core, never a global."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

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


class PluginContext(Protocol):
    """A brand, a moment, and this plugin's settings there. Read-only in kinds without state."""

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
