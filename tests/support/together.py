"""The same work in several processes at the same moment, as several clerks or workers do it."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from tests.support import seed
from webapp.kernel.db import Database

T = TypeVar("T")


def together(url: str, count: int, work: Callable[[Database, int], T], *, seconds: float = 120) -> list[T]:
    """`work(db, n)` for n below `count`, each in a forked process with a database of its own, let go at once.

    Returns what they return (it must pickle), by n. A process that raises fails the test with its traceback.
    """
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(count)
    ends = []
    for n in range(count):
        here, there = fork.Pipe(duplex=False)
        process = fork.Process(target=_run, args=(url, n, work, gate, there), daemon=True)
        process.start()
        there.close()
        ends.append((process, here))
    results: list[T] = []
    for n, (process, here) in enumerate(ends):
        assert here.poll(seconds), f"process {n} of {count} has not answered in {seconds} s"
        fine, result = here.recv()
        process.join(10)
        assert fine, f"process {n} of {count} failed:\n{result}"
        results.append(result)
    return results


def _run(url: str, n: int, work: Callable[[Database, int], Any], gate: Barrier, end: Any) -> None:
    db = seed.database(url)
    try:
        with db.read():
            pass  # connected before it counts
        gate.wait(60)
        end.send((True, work(db, n)))
    except BaseException:  # the parent shows it
        end.send((False, traceback.format_exc()))
    finally:
        db.close()
