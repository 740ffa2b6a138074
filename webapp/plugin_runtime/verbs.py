"""What plugins may change, through the rooms that own it: a room registers its verb, a plugin's context carries it bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_api import TaskAnswer

if TYPE_CHECKING:
    from webapp.kernel.db import Database


class AddTask(Protocol):
    """The room of tasks gives it; called in a unit of its own. plugin: who asks."""

    def __call__(
        self,
        scope: Scope,
        plugin: str,
        key: str,
        *,
        to: str,
        title: str,
        text: str,
        link: str,
        due_on: date | None,
    ) -> TaskAnswer: ...


_add_task: list[AddTask] = []


def register_tasks(add: AddTask) -> None:
    """Once a process, at import of the room's jobs."""
    if add not in _add_task:
        _add_task[:] = [add]


@dataclass(frozen=True, slots=True)
class BoundTasks:
    """`ctx.tasks` of one plugin for one brand (webapp.plugin_api.Tasks)."""

    db: Database | None
    brand: BrandRef
    plugin: str

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        """In a unit of its own. Raises RuntimeError where no room takes tasks."""
        if self.db is None or not _add_task:
            raise RuntimeError("nobody takes tasks here")
        add = _add_task[0]
        return self.db.write(
            lambda scope: add(
                scope, self.plugin, key, to=to, title=title, text=text, link=link, due_on=due_on
            ),
            brand=self.brand,
        )


class NoTasks:
    """A context that was made without a shop (a contract suite): nobody takes tasks."""

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        """Raises RuntimeError."""
        raise RuntimeError("nobody takes tasks here")
