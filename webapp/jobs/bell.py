"""The bell of a process that has a queue: puts (name, ids) where a worker hears it. Never raises."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as ConnectionRetry
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from webapp.jobs.address import QUEUE, queue_url, shown
from webapp.kernel.doorbell import ring_id

if TYPE_CHECKING:
    from webapp.config import Settings
    from webapp.kernel.scope import Ring

log = logging.getLogger("regulars.bell")

ENTRY = "webapp.jobs.entry.run"  # the only thing a worker of ours agrees to run
JOB_LIMIT = 120  # seconds after which a running job is broken off; bodies give themselves 30
UNHEARD = 120  # seconds after which a bell that nobody heard is dropped; the sweeps ring again
KEEP_FAILED = 3600  # seconds that a failed job stays to be looked at
PAUSE = 2.0  # seconds of silence after the server could not be reached, so that no page waits for it twice


class QueueBell:
    """Rings over one connection pool. Callable as `Database.ring`; safe among threads and after a fork."""

    def __init__(self, url: str) -> None:
        self._shown = shown(url)
        self._embedded = url.startswith("unix:")
        self._redis = Redis.from_url(
            url, socket_connect_timeout=0.5, socket_timeout=1.0, retry=ConnectionRetry(NoBackoff(), 0)
        )
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer)
        self._quiet_until = 0.0

    def __call__(self, rings: list[Ring]) -> None:
        """Ring each; the same (name, ids) waiting already is one job."""
        if not rings or time.monotonic() < self._quiet_until:
            return
        try:
            for ring in rings:
                self._ring(ring)
        except (RedisError, OSError) as why:
            self._quiet_until = time.monotonic() + PAUSE
            # An own server that is not there is a shop that is not up: no news for a command in the shell.
            level = logging.INFO if self._embedded else logging.WARNING
            log.log(
                level, "the queue server at %s was not reached (%s); the sweeps will ring", self._shown, why
            )

    def _ring(self, ring: Ring) -> None:
        try:
            # unique: checked, saved and pushed in one script. The worker frees the id when it takes the job, so that a
            # ring for rows that came after it looked is never swallowed.
            self._queue.enqueue(
                ENTRY,
                args=(ring.job, ring.ids),
                job_id=ring_id(ring),
                unique=True,
                retry=Retry(max=1),
                job_timeout=JOB_LIMIT,
                ttl=UNHEARD,
                result_ttl=0,
                failure_ttl=KEEP_FAILED,
                description=ring.job,
            )
        except DuplicateJobError:
            pass

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()


def bell_for(settings: Settings) -> QueueBell:
    """The bell of this shop's queue server, whichever that is."""
    return QueueBell(queue_url(settings.instance, settings.redis_url))
