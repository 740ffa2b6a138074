"""What higher rooms add to members' pages: sections of the profile, filters and a badge of the list.

A lower room that needs a higher one's words offers a registry; the higher room registers, exactly as a plugin does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from webapp.kernel.scope import Scope
from webapp.members.models import Member


@dataclass(frozen=True, slots=True)
class Panel:
    """A section of the profile: a template and what it is rendered with."""

    template: str
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PanelMaker:
    """Builds a section from a reading scope, or None when there is nothing to say. Low `order` comes first."""

    order: int
    permission: str
    build: Callable[[Scope, Member], Panel | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice above the list. choices: (value, label); condition: on Member, for a chosen value."""

    name: str
    label: Any
    choices: Callable[[Scope], Sequence[tuple[str, Any]]]
    condition: Callable[[Scope, str], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Badge:
    """A word beside members in the list: `of` gives member id -> (key, text)."""

    label: Any
    of: Callable[[Scope, Sequence[int]], dict[int, tuple[str, str]]]


PANELS: list[PanelMaker] = []
FILTERS: dict[str, Filter] = {}
BADGES: list[Badge] = []


def panel(order: int, permission: str) -> Callable[[Callable[[Scope, Member], Panel | None]], Any]:
    """Register a section of the profile."""

    def register(build: Callable[[Scope, Member], Panel | None]) -> Callable[[Scope, Member], Panel | None]:
        PANELS.append(PanelMaker(order, permission, build))
        PANELS.sort(key=lambda maker: maker.order)
        return build

    return register


def add_filter(one: Filter) -> None:
    """Register a filter of the list."""
    FILTERS[one.name] = one


def add_badge(one: Badge) -> None:
    """Register a badge of the list."""
    BADGES.append(one)
