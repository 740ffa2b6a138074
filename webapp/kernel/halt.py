"""Has this process been asked to end? Long work looks here between its units and stops early, quietly.

A worker that is stopped with Ctrl-C has a few seconds: a drain finishes the sub-batch at hand and returns; what is left is
rows, and the sweeps ring for rows.
"""

from __future__ import annotations

import threading

_asked = threading.Event()


def ask() -> None:
    """Ask this process to end. Safe in a signal handler."""
    _asked.set()


def asked() -> bool:
    """Whether to finish the unit at hand and return."""
    return _asked.is_set()


def wait(seconds: float) -> bool:
    """Sleep, but wake at once when asked to end. True when asked."""
    return _asked.wait(max(0.0, seconds))


def forget() -> None:
    """After a fork: what the parent was asked is not this process's business."""
    global _asked
    _asked = threading.Event()
