"""The shop as processes: queue server, web, worker(s), tick, and whatever a caller adds. `regulars up` and the demo run this."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webapp.jobs import tick, worker
from webapp.jobs.address import queue_url, shown
from webapp.kernel import links
from webapp.kernel.errors import UserError
from webapp.supervisor import lock, logs, queue_server
from webapp.supervisor.child import Child, fork, has_parent_death_signal, wait_for
from webapp.supervisor.listen import address_of, open_socket
from webapp.supervisor.serve import Wsgi, serve
from webapp.supervisor.supervisor import Supervisor

if TYPE_CHECKING:
    from webapp.config import Settings
    from webapp.kernel.db import Database

log = logging.getLogger("regulars.supervisor")

HOST = "127.0.0.1"
PORT = 8040
THREADS = 4  # of the web process


@dataclass(frozen=True, slots=True)
class Parts:
    """What the processes are made of: the WSGI app and the database with its bell."""

    app: Wsgi
    database: Database


@dataclass(slots=True)
class Plan:
    """What to run. port None: PORT or the next free one. web False: no pages, and "" for an address.

    load: imports and makes the parts, once, before anything is forked. prepare: run to its end in a process of its own
    before that (migrations). extra: more children, told the shop's address. ready: called with the address once all
    children are started. parent_death_signal False: the guardian of other systems than Linux watches instead.
    """

    settings: Settings
    load: Callable[[], Parts]
    prepare: Callable[[], None] = lambda: None
    host: str = HOST
    port: int | None = None
    workers: int = 1
    web: bool = True
    extra: Callable[[str], Sequence[Child]] = lambda address: ()
    ready: Callable[[str], None] = lambda address: None
    parent_death_signal: bool = field(default_factory=has_parent_death_signal)


def supervise(plan: Plan) -> int:
    """Run the shop until Ctrl-C or SIGTERM, or until an extra child ends it; the exit code.

    Raises UserError when it cannot start: another one runs here, the port is taken, there is no queue server, no
    address for links.
    """
    settings = plan.settings
    logs.set_up(as_json=settings.log_json)
    with lock.held(settings.instance) as held:
        queue = _queue(settings)
        with _listener(plan) as listener:
            _prepare(plan, [held, *([listener.fileno()] if listener else [])])
            address = address_of(listener) if listener else ""
            links.use(settings.public_url)  # before the fork: pages and worker make the same links
            links.fall_back(address)
            supervisor = Supervisor(
                [*queue, *_children(plan, plan.load(), listener), *plan.extra(address)],
                between=lambda: _await_queue(settings),
                ready=lambda: plan.ready(address),
                own=[held],
                parent_death_signal=plan.parent_death_signal,
            )
            return supervisor.run()


def _listener(plan: Plan) -> AbstractContextManager[socket.socket | None]:
    if not plan.web:
        if not plan.settings.public_url:
            raise UserError(
                "Without pages of its own the worker must be told their address: set REGULARS_PUBLIC_URL."
            )
        return nullcontext()
    return open_socket(plan.host, PORT if plan.port is None else plan.port, exact=plan.port is not None)


def _queue(settings: Settings) -> list[Child]:
    """The embedded queue server, or none after a look at the one that REDIS_URL names."""
    if not settings.redis_url:
        return [queue_server.child(settings.instance)]
    queue_server.check(settings.redis_url)
    log.info("using the queue server at %s", shown(settings.redis_url))
    return []


def _await_queue(settings: Settings) -> None:
    if not settings.redis_url and not queue_server.wait_until_ready(settings.instance):
        log.error("the queue server does not answer yet; going on, the sweeps will ring")


def _prepare(plan: Plan, close: list[int]) -> None:
    """Run `prepare` in a process that ends, so that what it imports and opens is not carried into every child."""
    child = Child("prepare", plan.prepare)
    if wait_for(fork(child, close=close, parent_death_signal=plan.parent_death_signal)):
        raise UserError("The shop could not be prepared; the line above says why.")


def _web(settings: Settings, app: Wsgi, listener: socket.socket) -> None:
    known = getattr(app, "extensions", {}).get("regulars.room_for")
    room = {"room_for": known} if known else {}
    serve(app, listener, THREADS, settings.proxies, spool=settings.stage_dir, **room)


def _children(plan: Plan, parts: Parts, listener: socket.socket | None) -> list[Child]:
    url = queue_url(plan.settings.instance, plan.settings.redis_url)
    return [
        *([Child("web", lambda: _web(plan.settings, parts.app, listener))] if listener else []),
        *(Child(f"worker{n or ''}", lambda: worker.work(parts.database, url)) for n in range(plan.workers)),
        Child("tick", lambda: tick.Tick(parts.database, parts.database.ring).run()),
    ]
