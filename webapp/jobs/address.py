"""Where the shop's queue server is: REDIS_URL, or the private socket of the instance folder."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

QUEUE = "regulars"  # one queue; two shops on one Redis need a database number each (redis://host/1, /2)
LONGEST = 100  # bytes; the kernel's limit is 104 on macOS and 108 on Linux, the terminating zero included


def queue_url(instance: Path, redis_url: str | None = None) -> str:
    """The URL that every process of this shop uses, whether or not a server answers there just now."""
    if redis_url:
        return redis_url
    return f"unix://{quote(str(socket_path(instance)))}"


def socket_path(instance: Path) -> Path:
    """The embedded server's socket: in the instance folder, or in a temporary folder when that path is too long.

    The temporary folder (0700) is remembered in `run/queue-folder`, so that every process finds the same one.
    """
    run = instance.resolve() / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    inside = run / "queue.sock"
    if len(os.fsencode(inside)) <= LONGEST:
        return inside
    return _remembered(run / "queue-folder") / "queue.sock"


def _remembered(memo: Path) -> Path:
    """The folder that `memo` names, if it is still ours alone; else a new one."""
    try:
        folder = Path(memo.read_text())
        if _private(folder):
            return folder
        memo.unlink()
    except FileNotFoundError:
        pass
    folder = Path(tempfile.mkdtemp(prefix="regulars-"))
    if len(os.fsencode(folder)) > LONGEST - 12:  # a long TMPDIR
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="regulars-", dir="/tmp"))
    draft = memo.with_name(f"{memo.name}.{os.getpid()}")
    draft.write_text(str(folder))
    try:
        os.link(draft, memo)  # whoever links first has decided
    except FileExistsError:
        folder.rmdir()
        return Path(memo.read_text())
    finally:
        draft.unlink()
    return folder


def _private(folder: Path) -> bool:
    """A real folder of ours that nobody else can enter: a name under /tmp may have been taken by somebody else."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )


def shown(url: str) -> str:
    """The URL for logs and people: no user, no password, no query."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
