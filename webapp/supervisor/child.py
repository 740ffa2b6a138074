"""A part of the shop as a process of its own, and the fork that makes it."""

from __future__ import annotations

import ctypes
import logging
import os
import random
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from webapp.kernel import halt
from webapp.kernel.errors import UserError

log = logging.getLogger("regulars.supervisor")

_PR_SET_PDEATHSIG = 1
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
# Looked up once, before any fork. None where the kernel has no such call (macOS): there the guardian watches.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """One process. `run` is called in the forked child and is done when it returns, or replaces it with exec.

    SIGTERM asks it to end (`halt.asked()` becomes true; `run` may install a handler of its own); what has not ended
    after `grace` seconds is killed. A `base` child (queue server, mail catcher) starts before the others and stops
    after them. `at_end` is what follows when it ends by itself: "again" starts it anew, "leave" does so only after a
    failure, "stop" stops the whole shop, whose exit code is then this child's.
    """

    name: str
    run: Callable[[], None]
    grace: float = 6.0
    base: bool = False
    at_end: Literal["again", "leave", "stop"] = "again"


def has_parent_death_signal() -> bool:
    """Whether the kernel itself ends a child whose parent is gone."""
    return _libc is not None


def fork(
    child: Child, *, close: Iterable[int], parent_death_signal: bool = True, outlives: bool = False
) -> int:
    """Start `child`; its process id. `close`: the supervisor's own descriptors that a child must not hold. `outlives`: it goes
    on when the supervisor is gone, from its first moment on."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, _SIGNALS
    )  # a signal waits until the child can answer it
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    if pid:
        try:
            os.setpgid(
                pid, pid
            )  # on both sides, so that whoever is first has done it before the first signal
        except OSError:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    code = 1
    try:
        _settle(None if outlives else parent, close, parent_death_signal)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        child.run()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except UserError as mistake:
        log.error("%s", mistake)
        code = 2
    except BaseException:
        log.exception("%s broke", child.name)
    finally:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)  # none of the parent's clean-up is this process's business


def _settle(parent: int | None, close: Iterable[int], parent_death_signal: bool) -> None:
    """What a fresh child does before anything else."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to hear
    signal.signal(signal.SIGTERM, lambda *_: halt.ask())
    os.setpgid(0, 0)  # nor does the terminal's Ctrl-C reach what is exec'd
    for descriptor in close:
        os.close(descriptor)
    if parent_death_signal and _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # survives exec
    if parent is not None and os.getppid() != parent:  # it died while we were being made
        os._exit(1)
    halt.forget()
    random.seed()


def wait_for(pid: int) -> int:
    """Wait for a child to end; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int, number: int) -> None:
    """Signal the child's whole group; one that is gone already is fine."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS says so of a zombie
        pass
