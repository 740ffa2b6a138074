"""What runs: the queue server, the shop's processes, the worker; and the machine's clock."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC

from redis import Redis
from redis.exceptions import RedisError

from webapp.cli.doctor.finding import Finding, bad, ok, warn
from webapp.config import Settings
from webapp.jobs.address import queue_url, shown
from webapp.kernel import clock
from webapp.kernel.errors import UserError
from webapp.supervisor import queue_server

SILENT = 150  # seconds without a sign of a worker's life


def queue(settings: Settings) -> Iterator[Finding]:
    """Which queue server the shop uses, or would."""
    try:
        if settings.redis_url:
            queue_server.check(settings.redis_url)
            yield ok("queue", f"the one at {shown(settings.redis_url)} answers")
        else:
            program = queue_server.find_program()
            version = ".".join(str(part) for part in program.version)
            yield ok("queue", f"{program.name} {version} at {program.path}")
    except UserError as why:
        yield bad("queue", str(why), "The sentence above names the remedies.")


def is_up(settings: Settings) -> bool:
    """Does a supervisor hold this folder?"""
    try:
        descriptor = os.open(settings.instance / "run" / "supervisor.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def shop(settings: Settings) -> Iterator[Finding]:
    """Is it up, and does a worker live?"""
    if not is_up(settings):
        yield warn(
            "shop", "it is not running", "`regulars up`, or `regulars service install` to have it started."
        )
        return
    yield ok("shop", "it is running")
    from rq import Worker

    client = Redis.from_url(
        queue_url(settings.instance, settings.redis_url), socket_connect_timeout=2, socket_timeout=2
    )
    try:
        beats = [worker.last_heartbeat for worker in Worker.all(connection=client)]
    except (RedisError, OSError) as why:
        yield bad("worker", f"the queue server does not answer: {why}", "Restart the shop.")
        return
    finally:
        client.close()
    now = clock.now()
    ages = [(now - beat.replace(tzinfo=beat.tzinfo or UTC)).total_seconds() for beat in beats if beat]
    if not ages or min(ages) > SILENT:
        yield bad(
            "worker",
            "no background worker has given a sign of life",
            "Messages and imports stand still: look into the shop's words, then restart it.",
        )
        return
    alive = sum(age <= SILENT for age in ages)
    yield ok("worker", f"{alive} alive, the last sign {min(ages):.0f} s ago")


def clock_synchronised() -> Iterator[Finding]:
    """Does the system keep its clock right? Said only where it can be asked."""
    program = shutil.which("timedatectl")
    if program is None:
        return
    try:
        said = subprocess.run(
            [program, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return
    if said == "no":
        yield warn("clock", "it is not kept right by the network", "sudo timedatectl set-ntp true")
    elif said == "yes":
        yield ok("clock", "kept right by the network")
