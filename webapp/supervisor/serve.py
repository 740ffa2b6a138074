"""The web child: waitress on a socket that the supervisor has opened. Operators may run gunicorn on wsgi.py instead."""

from __future__ import annotations

import logging
import re
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from webapp.kernel import halt
from webapp.supervisor import intake

log = logging.getLogger("regulars.web")
requests = logging.getLogger("regulars.request")

DRAIN = 4.0  # seconds in which requests at hand are answered after SIGTERM
_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_~-]{16,}(?=/|$)")  # a coupon's, an invitation's word in a path

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def serve(
    app: Wsgi,
    listener: socket.socket,
    threads: int = 4,
    proxies: int = 0,
    *,
    room_for: intake.RoomFor = lambda _environ: intake.SMALL,
    spool: Path | None = None,
) -> None:
    """Answer until asked to end; then take nothing new and finish what has begun.

    proxies: how many stand before us; with none, what a visitor says was forwarded is dropped at the door. spool: the folder
    in which large requests wait until they are whole (a system's own may be in memory). room_for: how many bytes the body of a
    request may have; what is more is not kept.
    """
    if spool is not None:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.tempdir = str(spool)
    sockets: dict[int, Any] = {}
    server = create_server(
        AccessLog(app),
        map=sockets,
        sockets=[listener],
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=proxies == 0,
        channel_timeout=60,
        max_request_body_size=intake.NO_LIMIT,
        asyncore_use_poll=True,
    )
    server.channel_class = intake.channel(room_for)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)

    def asked(*_: object) -> None:
        halt.ask()
        server.pull_trigger()  # wakes the loop

    signal.signal(signal.SIGTERM, asked)
    while not halt.asked():
        wasyncore.loop(timeout=5.0, use_poll=True, map=sockets, count=1)
    server.accepting = False  # whoever comes now waits in the supervisor's socket for the next web process
    server.del_channel(sockets)
    until = time.monotonic() + DRAIN
    while time.monotonic() < until and any(
        channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values())
    ):
        wasyncore.loop(timeout=0.05, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown(timeout=0.5)


class AccessLog:
    """One line a request: method, path, status, bytes, milliseconds. No query, no token, no address, no person."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        status = "-"

        def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status
            status = line.split(" ", 1)[0]
            return start_response(line, headers, *rest)

        body = self._app(environ, start)
        return _Counted(body, environ, lambda: status, started)


class _Counted:
    """The body as it goes out; the line is written when the server closes it."""

    def __init__(
        self, body: Iterable[bytes], environ: dict[str, Any], status: Callable[[], str], started: float
    ) -> None:
        self._body = body
        self._environ = environ
        self._status = status
        self._started = started
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            self._size += len(chunk)
            yield chunk

    def close(self) -> None:
        """The end of the answer, finished or broken off."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            environ = self._environ
            path = shown_path(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
            took = (time.monotonic() - self._started) * 1000
            status = self._status()
            requests.info("%s %s %s %d %.0fms", environ["REQUEST_METHOD"], path, status, self._size, took)


def shown_path(path: str) -> str:
    """A path for the log: unguessable words become a star, control characters a question mark."""
    return "".join(c if c.isprintable() else "?" for c in _TOKEN.sub("*", path))
