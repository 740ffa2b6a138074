"""The daily backup, begun by the worker in a process of its own: a big shop's takes longer than a job may, and a campaign
need not wait for it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from webapp import config
from webapp.backup import service
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring

log = logging.getLogger("regulars.backup")
_begun: list[subprocess.Popen[bytes]] = []


@job("backup.due")
def begin(db: Database) -> None:
    """Begin one if it is due. Its outcome is a row; one that is killed is begun again an hour later."""
    _begun[:] = [process for process in _begun if process.poll() is None]  # reaps those that ended
    if config.load().database_url != db.url:
        log.warning("no backup: this process's settings name another database than the one it works on")
        return
    if db.write(service.claim):
        _begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "webapp.cli.main", "backup", "--planned"],
                env=dict(os.environ),
                stdin=subprocess.DEVNULL,
            )
        )


@sweep("backup")
def due(db: Database) -> list[Ring]:
    """Is it time, or was one asked for?"""
    with db.read() as scope:
        return [Ring("backup.due", {})] if service.due(scope) else []
