"""One supervisor an instance folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.kernel.errors import UserError


@contextmanager
def held(instance: Path) -> Iterator[int]:
    """The descriptor of the lock; the kernel lets go of it when this process ends, however it ends.

    Raises UserError when another supervisor holds it.
    """
    run = instance / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = run / "supervisor.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise UserError(
            f"The shop in {instance.resolve()} is already running{f' (process {holder})' if holder else ''}. "
            "Stop that one first, or name another folder in REGULARS_INSTANCE."
        ) from None
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)
