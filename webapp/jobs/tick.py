"""The tick: finds what is due and nobody rang for, every second, and rings. What it looks for lives in SQL."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from webapp.kernel import halt
from webapp.kernel.db import unreachable
from webapp.kernel.doorbell import SWEEPS, SweepFunction

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import Ring

log = logging.getLogger("regulars.tick")

EVERY = 1.0  # seconds from one round's start to the next one's
SLOW = 0.25  # seconds; a sweep is meant to be a cheap look
LONGEST_PAUSE = 10.0  # seconds between tries while the database is away
SAY_AGAIN = 60.0  # seconds after which the same complaint is written again


class Tick:
    """Runs the sweeps in turn. One that raises is told of and the others go on."""

    def __init__(
        self,
        database: Database,
        bell: Callable[[list[Ring]], None],
        sweeps: Mapping[str, SweepFunction] = SWEEPS,
        every: float = EVERY,
    ) -> None:
        self._database = database
        self._bell = bell
        self._sweeps = sweeps
        self._every = every
        self._pause = 0.0
        self._said: dict[str, float] = {}

    def run(self) -> None:
        """Round after round, until this process is asked to end."""
        while not halt.asked():
            began = time.monotonic()
            reached = self.round()
            self._pause = 0.0 if reached else min(LONGEST_PAUSE, (self._pause or 0.5) * 2)
            halt.wait(max(self._every - (time.monotonic() - began), self._pause, 0.05))

    def round(self) -> bool:
        """Each sweep once. False when the database could not be reached (the rest of the round is left out)."""
        for name, look in list(self._sweeps.items()):
            if halt.asked():
                break
            began = time.monotonic()
            try:
                self._bell(look(self._database))
            except Exception as fault:
                if said := unreachable(fault):
                    self._say("database", "the database is away (%s)", said)
                    return False
                self._say(name, "the sweep %s failed", name, fault=fault)
            else:
                if (took := time.monotonic() - began) > SLOW:
                    self._say(name, "the sweep %s took %.0f ms", name, took * 1000)
        return True

    def _say(self, about: str, text: str, *args: object, fault: Exception | None = None) -> None:
        """Warn, but about the same thing once a minute only."""
        now = time.monotonic()
        if now - self._said.get(about, -SAY_AGAIN) >= SAY_AGAIN:
            self._said[about] = now
            log.warning(text, *args, exc_info=fault)
