"""What higher rooms add to a group's page: a lower room that needs their words offers a registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from webapp.groups.models import Group
from webapp.kernel.scope import Scope


class Section(NamedTuple):
    """A template and what it is rendered with."""

    template: str
    context: dict[str, Any]


Build = Callable[[Scope, Group], Section | None]
SECTIONS: list[tuple[str, Build]] = []


def section(permission: str) -> Callable[[Build], Build]:
    """Register a section; it is asked only for actors who hold the permission."""

    def register(build: Build) -> Build:
        SECTIONS.append((permission, build))
        return build

    return register
