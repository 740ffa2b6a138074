"""How far the demo in an instance folder is: demo.json, from the process that made the shop to the one that goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from webapp.kernel.errors import UserError

FILE = "demo.json"
MADE_BY_OTHERS = {"sample", "run"}  # in an instance folder that is as good as empty: fetched data, the lock


@dataclass(slots=True)
class SignIn:
    """Of a made-up member of the staff."""

    role: str
    email: str
    password: str


@dataclass(slots=True)
class State:
    """stage: making, made (members, orders, stages are there), sending, ready. seconds: by step, in their order."""

    stage: str = "making"
    brand: str = ""
    sign_ins: list[SignIn] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Notes how long a step took."""
        began = time.monotonic()
        yield
        self.seconds[step] = round(time.monotonic() - began, 2)


def load(instance: Path) -> State | None:
    """None where no demo was begun."""
    try:
        stored = json.loads((instance / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return State(**stored | {"sign_ins": [SignIn(**one) for one in stored["sign_ins"]]})


def save(instance: Path, state: State) -> None:
    """Whole or not at all; it holds passwords, so it is its owner's alone."""
    new = instance / f"{FILE}.new"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=1)
    new.replace(instance / FILE)


def look(instance: Path, *, fresh: bool) -> State | None:
    """The demo that is to be served again, None where one is to be made. Raises UserError if neither can be.

    fresh: only an empty folder will do.
    """
    found = load(instance)
    if found is None:
        if instance.exists() and (names := sorted({one.name for one in instance.iterdir()} - MADE_BY_OTHERS)):
            raise UserError(
                f"The demo wants a folder of its own, and {instance} holds {names[0]}"
                f"{' and more' if names[1:] else ''}. Name an empty or a new one in REGULARS_INSTANCE."
            )
        return None
    if fresh:
        raise UserError(
            f"{instance} holds a demo already. Delete that folder, or name an empty one in REGULARS_INSTANCE."
        )
    if found.stage not in ("made", "ready"):
        raise UserError(f"The demo in {instance} was not finished. Delete that folder and start again.")
    return found
