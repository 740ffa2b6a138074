"""Starts the children, starts again what dies, stops all of them on one signal."""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType

from webapp.supervisor.child import Child, fork, has_parent_death_signal, kill
from webapp.supervisor.guardian import Guardian

log = logging.getLogger("regulars.supervisor")

STEADY = 10.0  # seconds after which a child counts as having come up well
PAUSES = (0.0, 0.3, 1.0, 2.0, 5.0)  # seconds before a restart, by how often it died young in a row
ROUND = 5.0  # seconds between looks when nothing happens; signals wake us at once


@dataclass
class _Post:
    """A child's place: who stands there now, and since when."""

    child: Child
    pid: int = 0
    since: float = 0.0
    died_young: int = 0
    due: float = 0.0
    done: bool = False


@dataclass
class Supervisor:
    """Keeps `children` running until SIGINT, SIGTERM or SIGHUP.

    between: called after the base children have started and before the others (is the queue server ready?).
    ready: called once when all have been started. own: descriptors that no child may hold (the instance's lock).
    """

    children: Iterable[Child]
    between: Callable[[], None] = lambda: None
    ready: Callable[[], None] = lambda: None
    own: list[int] = field(default_factory=list)
    parent_death_signal: bool = field(default_factory=has_parent_death_signal)

    def __post_init__(self) -> None:
        self._posts = [_Post(child) for child in self.children]
        self._guardian = Guardian()
        self._stopping = False
        self._code = 0
        self._wake = (-1, -1)

    def run(self) -> int:
        """Until asked to stop: 0, or the exit code of the child that ended the shop. All children are gone then."""
        gc.collect()
        gc.freeze()  # what was imported stays on shared pages
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        before = {
            number: signal.signal(number, self._heard)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        wakeup = signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        try:
            self._start_all()
            while not self._stopping:
                self._sleep(self._until_next())
                self._reap()
                if not self._stopping:
                    self._restart_due()
        finally:
            try:
                self._stop_all()
            finally:
                signal.set_wakeup_fd(wakeup)
                for number, handler in before.items():
                    signal.signal(number, handler)
                for end in self._wake:
                    os.close(end)
        return self._code

    # -- starting ------------------------------------------------------------------------------------------------------
    def _start_all(self) -> None:
        if not self.parent_death_signal:
            self._guardian.start(self._mine(), [])
        for base in (True, False):
            for post in self._posts:
                if post.child.base is base and not self._stopping:
                    self._start(post)
            if base and not self._stopping:
                self.between()
        if not self._stopping:
            self.ready()

    def _start(self, post: _Post) -> None:
        mine = [*self._mine(), *([self._guardian.pipe] if self._guardian.pipe >= 0 else [])]
        post.pid = fork(post.child, close=mine, parent_death_signal=self.parent_death_signal)
        post.since = time.monotonic()
        self._guardian.tell("+", post.pid)
        log.info("%s started (process %d)", post.child.name, post.pid)

    def _mine(self) -> list[int]:
        return [*self.own, *self._wake]

    # -- watching ------------------------------------------------------------------------------------------------------
    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            log.info("stopping (%s)", signal.Signals(number).name)

    def _sleep(self, seconds: float) -> None:
        """Until a signal comes, or so many seconds."""
        select.select([self._wake[0]], [], [], seconds)
        try:
            while os.read(self._wake[0], 512):
                pass
        except BlockingIOError:
            pass

    def _until_next(self) -> float:
        waiting = [post.due for post in self._posts if not post.pid and not post.done]
        return max(0.0, min([ROUND, *(due - time.monotonic() for due in waiting)]))

    def _reap(self) -> None:
        for post in self._posts:
            code = _ended(post.pid)
            if code is None:
                continue
            lived = time.monotonic() - post.since
            self._guardian.tell("-", post.pid)
            kill(post.pid, signal.SIGKILL)  # what it may have started itself
            post.pid = 0
            if self._stopping:
                continue
            if post.child.at_end == "stop":
                self._stopping, self._code = True, code if code >= 0 else 1
                continue
            if post.child.at_end == "leave" and code == 0:
                post.done = True
                continue
            post.died_young = 0 if lived >= STEADY else post.died_young + 1
            pause = PAUSES[min(max(post.died_young - 1, 0), len(PAUSES) - 1)]
            post.due = time.monotonic() + pause
            log.warning(
                "%s ended (%s) after %.1f s; again in %.1f s", post.child.name, _told(code), lived, pause
            )
        if self._guardian.pid and _ended(self._guardian.pid) is not None:
            self._guardian.pid = 0
            if not self._stopping:
                self._guardian.start(self._mine(), [post.pid for post in self._posts if post.pid])

    def _restart_due(self) -> None:
        now = time.monotonic()
        for post in self._posts:
            if not post.pid and not post.done and post.due <= now and not self._stopping:
                self._start(post)

    # -- stopping ------------------------------------------------------------------------------------------------------
    def _stop_all(self) -> None:
        self._stopping = True
        for base in (False, True):
            self._stop([post for post in self._posts if post.child.base is base])
        self._guardian.stop()
        if self._guardian.pid:
            os.waitpid(self._guardian.pid, 0)
        log.info("stopped")

    def _stop(self, posts: list[_Post]) -> None:
        """Ask, give each its grace, kill what is left."""
        asked = time.monotonic()
        for post in posts:
            if post.pid:
                kill(post.pid, signal.SIGTERM)
        impatient = set()
        while any(post.pid for post in posts):
            self._sleep(0.1)
            self._reap()
            for post in posts:
                name, grace = post.child.name, post.child.grace
                if post.pid and name not in impatient and time.monotonic() - asked >= grace:
                    impatient.add(name)
                    log.warning("%s did not end within %.0f s; killing it", name, grace)
                    kill(post.pid, signal.SIGKILL)


def _ended(pid: int) -> int | None:
    """The exit code of a child that has ended (negative: the signal), None if it is there or there is none."""
    if not pid:
        return None
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -1
    return os.waitstatus_to_exitcode(status) if found else None


def _told(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
