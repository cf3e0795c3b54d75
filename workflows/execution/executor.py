"""Running many structures on Dask: bounded, isolated, interruptible.

Jobs travel in chunks, and no more than a window of chunks is with the scheduler. A worker that
dies takes its chunk with it: the chunk's jobs are then run again one at a time in a process of
their own (``isolation``), and one that kills that as well is recorded as failed.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualion.screening.screen import ScreenOptions, screen_crystal
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import DualionError
from dualion.workflows.campaign.tasks import Job, Outcome, Work, failed_outcome, screen_job
from dualion.workflows.execution.chunks import Chunk, Chunks
from dualion.workflows.execution.isolation import limit_memory, run_isolated, watched

if TYPE_CHECKING:
    from distributed import Client, Future

CHUNKS_PER_WORKER = 3
"""Chunks with the scheduler for each worker: one at work, two waiting."""

LOST_WORKERS = 5
"""How many workers may be lost under a chunk, through no fault of its own, before it fails."""

LOOK_EVERY_S = 1.0
"""How often the workers are counted, s."""

SILENCE_S = 120.0
"""How long the scheduler may be out of reach before the run gives up, s."""

ANY_PORT = "127.0.0.1:0"
"""Where Dask's web server goes if nobody asked for it: it cannot be left out, so it must not be in
the way of another run's."""

SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a dead worker is looked into here
    "distributed.scheduler.worker-saturation": 1.0,  # what waits is not lost with a worker
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.memory.target": False,  # nothing worth spilling to disk is kept
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # a paused worker would hold its chunk for ever
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": "60s",
    "distributed.worker.profile.enabled": False,  # looks at the kernels 100 times a second
    "distributed.admin.low-level-log-length": 10,  # else 1000 messages a worker, jobs and all
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.worker.memory.monitor-interval": "250ms",
    "distributed.nanny.pre-spawn-environ.NUMBA_NUM_THREADS": 1,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,  # grids come and go
}
"""How Dask is set up, wherever its scheduler is started by this program."""


class ClusterLostError(DualionError):
    """The scheduler is gone; what was done is kept, and the run can be taken up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAlone:
    """A job that ran out of memory beside others' leavings and deserves a process of its own."""

    index: int


def processor_count() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def local_client(
    workers: int,
    *,
    memory_limit: str | float = "auto",
    dashboard: str | None = None,
    resources: Mapping[str, float] | None = None,
) -> Iterator[Client]:
    """A Dask cluster on this machine: processes that do one task at a time.

    Args:
        workers: number of processes.
        memory_limit: bytes (or a text such as ``2GiB``) for each process; 0 for no bound.
        dashboard: address of Dask's dashboard, for example ``127.0.0.1:8787``; None for none.
        resources: what each process offers to tasks that ask for it.

    Raises:
        ClusterLostError: the processes cannot be started.
    """
    import dask
    from distributed import Client, LocalCluster

    quiet_dask()
    with dask.config.set(SETTINGS):
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=dashboard or ANY_PORT,
                memory_limit=memory_limit,
                resources=dict(resources) if resources else None,
                silence_logs=logging.CRITICAL,
            )
        except (RuntimeError, OSError) as error:
            raise ClusterLostError(
                f"The worker processes cannot be started ({error}). In a script of your own, call "
                "this under: if __name__ == '__main__':"
            ) from error
        with cluster, Client(cluster) as client:
            prepare_workers(client)
            yield client


def quiet_dask() -> None:
    """Keep Dask's own messages off the terminal; what matters is said here."""
    import distributed  # noqa: F401 - sets up its loggers, some with a level of their own

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def prepare_workers(client: Client) -> None:
    """Set up every worker, also those that join later."""
    from distributed import WorkerPlugin

    class _Setup(WorkerPlugin):  # type: ignore[misc]
        """Workers leave Ctrl-C to the driver and have a bound on their memory."""

        name = "dualion-setup"

        def setup(self, worker: object) -> None:
            _set_up_worker(worker)

    client.register_plugin(_Setup())


def _set_up_worker(worker: object) -> None:
    import signal

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        limit_memory(_memory_bytes(worker))


def _memory_bytes(worker: object) -> int | None:
    """Memory limit of a Dask worker, bytes; None for none."""
    limit = getattr(getattr(worker, "memory_manager", None), "memory_limit", None)
    return int(limit) if limit else None


def make_ready(work: Work) -> None:
    """Load what the work needs, before its time is measured."""
    if work is screen_job:
        warm_up()


@functools.cache
def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache.

    Run it once on a machine before several workers start: caches that several processes build
    at once can break (numba issue 4807).
    """
    import numpy as np

    import dualion.structures.files
    import dualion.structures.preparation
    import dualion.structures.symmetry  # noqa: F401

    rock_salt = IonicCrystal(
        cell=np.diag([4.0, 4.0, 4.0]),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
        numbers=np.array([3, 9]),
        charges=np.array([1.0, -1.0]),
        occupancies=np.ones(2),
    )
    screen_crystal(rock_salt, ScreenOptions())


def run_all(
    client: Client,
    jobs: Iterable[Job | Outcome],
    *,
    time_limit_s: float,
    work: Work = screen_job,
    stop: threading.Event | None = None,
    expected_s: float | None = None,
) -> Iterator[Outcome]:
    """Run all jobs; yields outcomes as they come, one for each job.

    Args:
        client: connection to the Dask scheduler.
        jobs: what to run, read lazily; an outcome among them is passed through.
        time_limit_s: longest time for one structure, s.
        work: the function that runs one job; a top-level function.
        stop: once it is set no more is begun; what is in flight is still awaited.
        expected_s: what all jobs are expected to take together, s; None where it is unknown.

    Raises:
        ClusterLostError: the scheduler does not answer any more.
    """
    flight = _Flight(client, work, time_limit_s)
    stop = stop or threading.Event()
    chunks = Chunks(jobs, expected_s=expected_s)
    try:
        while True:
            while not stop.is_set() and flight.has_room():
                cut = chunks.next(flight.workers)
                if cut is None:
                    break
                yield from cut.passed
                if cut.chunk:
                    flight.send(cut.chunk)
            if flight.is_empty():
                return
            yield from flight.land()
    finally:
        flight.abandon()


@dataclass(slots=True)
class _Sent:
    chunk: Chunk
    alone: bool
    lost_workers: int = 0


class _Flight:
    """Chunks that are with the scheduler."""

    def __init__(self, client: Client, work: Work, time_limit_s: float) -> None:
        self._client = client
        self._work = work
        self._time_limit_s = time_limit_s
        self._sent: dict[Future, _Sent] = {}
        self._landed: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.workers = 1
        self._look_again_s = 0.0

    def has_room(self) -> bool:
        """Whether another chunk may be sent; the window follows the number of workers."""
        now = time.monotonic()
        if now >= self._look_again_s:
            with contextlib.suppress(OSError):  # the scheduler may be out of reach for a while
                self.workers = max(1, len(self._client.nthreads()))
            self._look_again_s = now + LOOK_EVERY_S
        return len(self._sent) < CHUNKS_PER_WORKER * self.workers

    def is_empty(self) -> bool:
        """Whether nothing is awaited."""
        return not self._sent

    def send(self, chunk: Chunk) -> None:
        """Hand a chunk to the scheduler."""
        self._submit(_Sent(chunk, alone=False))

    def _submit(self, sent: _Sent) -> None:
        function = run_alone if sent.alone else run_chunk
        future = self._client.submit(
            function,
            sent.chunk,
            work=self._work,
            time_limit_s=self._time_limit_s,
            pure=False,
            priority=1 if sent.alone else 0,
        )
        self._sent[future] = sent
        future.add_done_callback(self._landed.put)

    def land(self) -> Iterator[Outcome]:
        """Wait for one chunk; what its loss leaves open is sent again."""
        future = self._next_landed()
        sent = self._sent.pop(future)
        status = future.status
        results = future.result() if status == "finished" else []
        error = future.exception() if status == "error" else None
        future.release()
        if status not in ("finished", "error"):
            raise ClusterLostError(_LOST)
        by_index = {result.index: result for result in results}
        again: Chunk = []
        for job in sent.chunk:
            result = by_index.get(job.index)
            if isinstance(result, Outcome):
                yield result
            else:
                again.append(job)
        if again:
            yield from self._again(again, sent, error)

    def _again(self, jobs: Chunk, sent: _Sent, error: BaseException | None) -> Iterator[Outcome]:
        """Send jobs on to a process of their own, unless too many workers were lost."""
        lost_workers = sent.lost_workers + (1 if sent.alone else 0)
        if lost_workers < LOST_WORKERS:
            self._submit(_Sent(jobs, alone=True, lost_workers=lost_workers))
            return
        for job in jobs:
            yield failed_outcome(
                job,
                reason="worker_lost",
                message=f"{lost_workers} workers were lost while it ran in a process of its own "
                f"({type(error).__name__}); look into the workers' logs, then run it again.",
            )

    def _next_landed(self) -> Future:
        waited_s = 0.0
        while True:
            try:
                return self._landed.get(timeout=1.0)
            except queue.Empty:
                away = self._client.status != "running"
                waited_s = waited_s + 1.0 if away else 0.0
                if waited_s >= SILENCE_S or self._client.status == "closed":
                    raise ClusterLostError(_LOST) from None

    def abandon(self) -> None:
        """Take back what is still out."""
        for future in self._sent:
            if self._client.status != "running":
                break  # a closed client would leave the request unawaited
            with contextlib.suppress(Exception):  # the scheduler may be gone
                future.cancel()
        self._sent.clear()


_LOST = "The connection to the Dask scheduler is lost. What was done is kept; start again to go on."


def run_chunk(chunk: Chunk, *, work: Work, time_limit_s: float) -> list[Outcome | RetryAlone]:
    """On a worker: run a chunk, each job under the time limit.

    A job that outlasts the limit ends this process; the driver sees a lost worker.
    """
    results: list[Outcome | RetryAlone] = []
    make_ready(work)
    with open(os.devnull, "w") as sink:  # noqa: PTH123
        for job in chunk:
            try:
                results.append(watched(work, job, time_limit_s, sink))
            except MemoryError:
                results.append(RetryAlone(index=job.index))
    return results


def run_alone(chunk: Chunk, *, work: Work, time_limit_s: float) -> list[Outcome]:
    """On a worker: run jobs in a process of their own, one at a time."""
    from distributed import get_worker

    return run_isolated(
        chunk, work=work, time_limit_s=time_limit_s, memory_bytes=_memory_bytes(get_worker())
    )
