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

    Raises UserError when another supervisor holds it, or the folder cannot be written to.
    """
    run = instance / "run"
    try:
        instance.mkdir(
            mode=0o700, parents=True, exist_ok=True
        )  # members' data: nobody else's on this machine
        run.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(run / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as why:
        raise UserError(
            f"The folder {instance} (REGULARS_INSTANCE) cannot be written to: {why.strerror}."
        ) from why
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
