"""The listening socket, opened by the supervisor: a web process that is started again loses no connection."""

from __future__ import annotations

import errno
import socket
import time

from webapp.kernel.errors import UserError

BACKLOG = 1024
TRIES = 20  # ports looked at after the first
HAND_OVER = 3.0  # seconds in which a port that somebody holds may come free (a shop that was just killed)


def open_socket(host: str, port: int, *, exact: bool) -> socket.socket:
    """Listen on host:port. Unless `exact`, the next free port is taken when that one is in use.

    Raises UserError when no port could be had.
    """
    until = time.monotonic() + HAND_OVER
    while True:
        for candidate in [port] if exact or port == 0 else range(port, min(port + TRIES, 65536)):
            try:
                return _listen(host, candidate)
            except OSError as why:
                if why.errno != errno.EADDRINUSE:
                    raise UserError(
                        f"Cannot listen on {host} port {candidate}: {why.strerror or why}."
                    ) from why
        if time.monotonic() >= until:
            break
        time.sleep(0.1)
    if exact:
        raise UserError(f"Port {port} on {host} is in use. Name another with --port.")
    raise UserError(f"Ports {port} to {port + TRIES - 1} on {host} are all in use. Name one with --port.")


def _listen(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """http://host:port as a person types it on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"
