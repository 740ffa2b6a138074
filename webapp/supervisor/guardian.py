"""Ends the children of a supervisor that was killed, where the kernel does not do it (macOS).

A tiny process that holds the reading end of a pipe: the supervisor writes "+pid" and "-pid"; when the pipe closes, the
supervisor is gone, and what is still on the list is killed. Killed itself, it is started again and told the list anew.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

from webapp.supervisor.child import Child, fork, kill


class Guardian:
    """The supervisor's end."""

    def __init__(self) -> None:
        self.pid = 0
        self.pipe = -1

    def start(self, close: Iterable[int], pids: Iterable[int]) -> None:
        """Fork the watching process. It finds in the pipe who is there, so that it knows from its first moment."""
        self.stop()
        reader, self.pipe = os.pipe()
        for pid in pids:
            self.tell("+", pid)
        watch = Child("guardian", lambda: _watch(reader))
        self.pid = fork(watch, close=[*close, self.pipe], parent_death_signal=False, outlives=True)
        os.close(reader)

    def tell(self, sign: str, pid: int) -> None:
        """A child has come (+) or has been reaped (-)."""
        if self.pipe < 0:
            return
        try:
            os.write(self.pipe, f"{sign}{pid}\n".encode())
        except BrokenPipeError:
            pass  # it was killed; the supervisor's next round starts another

    def stop(self) -> None:
        """Let it go: it sees the pipe close, finds what is left on its list, and ends."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


def _watch(reader: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    alive: set[int] = set()
    with os.fdopen(reader, encoding="ascii") as lines:
        for line in lines:
            pid = int(line[1:])
            if line[0] == "+":
                alive.add(pid)
            else:
                alive.discard(pid)
    for pid in alive:
        kill(pid, signal.SIGKILL)
