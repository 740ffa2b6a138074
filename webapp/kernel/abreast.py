"""Long work on PostgreSQL, two units at a time: the server writes one while the next is made ready and begun.

A unit does whatever does not lean on the one before it, then takes its turn: it waits until that one is committed and
holds the cursor. One that waits long is rolled back and done anew in its turn. So units are committed in their order, each with its cursor, and what was killed is taken up as
`run_steps` takes it up.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Condition
from typing import TYPE_CHECKING, Any

from webapp.kernel import halt
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.steps import Next, StepRun, hold, save

if TYPE_CHECKING:
    from webapp.kernel.db import Database

LANES = 2
PATIENCE = 0.5  # seconds that a unit holds what it has written, waiting for its turn

Turn = Callable[[], Any]
"""Waits for the unit before this one, and gives the cursor as that one has left it; asked again, the same."""
Unit = Callable[[Scope, Turn], Next]
Part = Callable[[], Unit]
"""What can be made ready before the unit's transaction begins; gives the unit."""


class Overtaken(Exception):
    """The cursor is not where this unit begins: somebody else goes on with the same work."""


class _Left(Exception):
    """A unit before this one failed."""


class _Late(Exception):
    """The unit before this one takes long."""


class _Queue:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._next, self._failed, self._changed = 0, math.inf, Condition()

    def wait(self, place: int, seconds: float | None = None) -> None:
        """Until all before `place` are committed. Raises _Left if one of them never will be, _Late after so long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._next == place or self._failed < place, seconds):
                raise _Late
            if self._failed < place:
                raise _Left

    def committed(self, place: int) -> None:
        """The unit of this place, whose turn it was, is through."""
        with self._changed:
            self._next = place + 1
            self._changed.notify_all()

    def failed(self, place: int) -> None:
        """It will never be committed, whether it had its turn or not."""
        with self._changed:
            self._failed = min(self._failed, place)
            self._changed.notify_all()


def run_abreast(
    db: Database,
    brand: BrandRef,
    name: str,
    key: str,
    plan: Callable[[Scope, Any], Iterator[Part]],
    *,
    start: Any = None,
    actor: Actor = SYSTEM,
    seconds: float | None = None,
    progress: Callable[[Any], None] | None = None,
    lanes: Callable[[], int] = lambda: LANES,
) -> None:
    """Run the parts that `plan(scope, cursor)` yields, in their order, until there is none, or until `seconds` have passed
    or this process is asked to end. `run_steps` with the same name and key then does the rest and finishes.

    plan: called once, in a unit of its own; each part is asked for when a lane is free. A part's unit gives the cursor for
    the next; like a step it may be run anew. lanes: how many at once just now. progress: as with `run_steps`. Raises what a unit
    raises, once those at hand have ended: the units before it are committed then, and none after it.
    """
    until = None if seconds is None else time.monotonic() + seconds
    queue = _Queue()

    def begin(scope: Scope) -> Iterator[Part]:
        run = hold(scope, name, key, start)
        return iter(()) if run.done_at is not None else plan(scope, run.cursor)

    def lane(place: int, part: Part) -> Any:
        try:
            unit = part()
            try:
                cursor = db.write(lambda scope: within(scope, unit, place), brand=brand, actor=actor)
            except _Late:
                # Whoever holds up the unit before may be waiting for what this one holds: it has let go of that.
                queue.wait(place)
                cursor = db.write(lambda scope: within(scope, unit, place), brand=brand, actor=actor)
        except BaseException:
            queue.failed(place)
            raise
        queue.committed(place)
        return cursor

    def within(scope: Scope, unit: Unit, place: int) -> Any:
        run: list[StepRun] = []

        def turn() -> Any:
            if not run:
                queue.wait(place, PATIENCE)
                run.append(hold(scope, name, key, start))
            return run[0].cursor

        outcome = unit(scope, turn)
        turn()
        save(scope, run[0], outcome)
        return outcome.cursor

    parts = enumerate(db.write(begin, brand=brand, actor=actor))
    running: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(LANES, f"{name}-lane") as pool:
        more = True
        while more or running:
            while more and len(running) < lanes():
                if more := not (halt.asked() or (until is not None and time.monotonic() >= until)):
                    place, part = next(parts, (0, None))
                    if more := part is not None:
                        running.append(pool.submit(copy_context().run, lane, place, part))
            if running:
                try:
                    cursor = running.popleft().result()
                except Overtaken:
                    return
                if progress is not None:
                    progress(cursor)
