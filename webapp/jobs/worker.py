"""The worker: RQ's loop, in one process, for one entry function. See docs/decisions/queue-and-worker.md."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from webapp.jobs import entry
from webapp.jobs.address import QUEUE, shown
from webapp.jobs.bell import ENTRY, JOB_LIMIT
from webapp.kernel import halt

if TYPE_CHECKING:
    from webapp.kernel.db import Database

log = logging.getLogger("regulars.worker")

WORKER_TTL = 30  # seconds; a dead worker's name is forgotten a minute later
MAINTENANCE = 30  # seconds between looks for abandoned jobs
HANG_LIMIT = JOB_LIMIT + 30  # seconds after which a job that ignores its limit takes the process with it
MEMORY_LIMIT = 300 * 2**20  # bytes; a worker that has grown beyond steps aside for a fresh one
HUNG = 75  # exit code


class BellJob(Job):
    """A job that can only be the entry function with a name and ids, whoever wrote the row in the queue."""

    @property
    def func(self) -> Callable[..., Any]:
        """The entry function; any other name is refused before anything is imported."""
        if self.func_name != ENTRY or self.instance is not None:
            raise PermissionError(f"job {self.id} asks for {self.func_name!r}; only {ENTRY} is run")
        return entry.run

    def restore(self, raw_data: Any) -> None:
        """Drop what could run or call something else: callbacks, webhooks, repeats, dependents."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        self.repeats_left = None
        self.timeout = min(self.timeout, JOB_LIMIT) if self.timeout and self.timeout > 0 else JOB_LIMIT


class ShopWorker(SimpleWorker):
    """One process, no fork a job. The rows' leases decide what is done twice, never the queue."""

    job_class = BellJob
    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Free the bell's id first, then run: a ring from now on is a new job, for what this one may not have seen."""
        rung = job.id
        old_key = job.key
        job.id = f"{rung}-{uuid4().hex[:8]}"
        with self.connection.pipeline() as pipeline:
            pipeline.rename(old_key, job.key)
            pipeline.lrem(queue.intermediate_queue_key, 1, rung)
            pipeline.execute()
        with _watchdog(job.description or rung):
            super().execute_job(job, queue)
        if _resident() > MEMORY_LIMIT:
            log.info("grown to %d MB; making room for a fresh worker", _resident() // 2**20)
            self._stop_requested = True

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """SIGTERM: jobs look at `halt` between their units and return; then the loop ends."""
        halt.ask()
        super().request_stop(signum, frame)

    def check_for_suspension(self, burst: bool) -> None:
        """Called before each wait for a job: end if asked to before our signal handlers stood."""
        if halt.asked():
            raise StopRequested

    def subscribe(self) -> None:
        """No commands over the queue: whoever could write there could stop workers and jobs. One thread less, too."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""


class _watchdog:
    """Ends the process when a job has swallowed its time limit or hangs below Python's reach."""

    def __init__(self, what: str) -> None:
        self._timer = threading.Timer(HANG_LIMIT, self._bite, (what,))
        self._timer.daemon = True

    def _bite(self, what: str) -> None:
        log.critical("%s has hung for %d s; ending this worker", what, HANG_LIMIT)
        logging.shutdown()
        os._exit(HUNG)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _resident() -> int:
    """Bytes in memory now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def work(database: Database, url: str) -> None:
    """Hear bells until asked to end, or until grown beyond MEMORY_LIMIT. A queue server that is away is waited for."""
    entry.bind(database)
    for name in ("rq.worker", "rq.job", "rq.queue", "rq.registry"):
        logging.getLogger(name).setLevel(logging.WARNING)  # the entry writes one line a job
    connection = Redis.from_url(url, socket_connect_timeout=2)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=BellJob)
    while not halt.asked():
        try:
            worker = ShopWorker(
                [queue],
                connection=connection,
                job_class=BellJob,
                serializer=JSONSerializer,
                worker_ttl=WORKER_TTL,
                maintenance_interval=MAINTENANCE,
                job_monitoring_interval=5,
            )
            worker.work()
            if _resident() > MEMORY_LIMIT:
                return
            halt.wait(1.0)
        except (RedisError, OSError) as away:
            log.warning("the queue server at %s is away (%s)", shown(url), away)
            halt.wait(1.0)
        except StopRequested:  # a signal between two loops
            return
