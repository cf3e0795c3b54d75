"""Running many structures on Dask: bounded, isolated, interruptible.

Jobs travel in chunks, and no more than a window of chunks is with the scheduler. A worker that
dies takes its chunk with it: the chunk's jobs are then run again one at a time in a process of
their own (``isolation``), and one that kills that as well is recorded as failed.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualion.workflows.campaign.tasks import Job, Outcome, Work, failed_outcome, screen_job
from dualion.workflows.execution.chunks import Chunk, Chunks
from dualion.workflows.execution.isolation import run_isolated, watched
from dualion.workflows.execution.task_loop import Ended, Task, TaskLoop, stop_asked
from dualion.workflows.execution.warm_up import make_ready
from dualion.workflows.execution.workers import memory_bytes

if TYPE_CHECKING:
    from distributed import Client

CHUNKS_PER_WORKER = 3
"""Chunks with the scheduler for each worker: one at work, two waiting."""

LOST_WORKERS = 5
"""How many workers may be lost under a chunk, through no fault of its own, before it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAlone:
    """A job that ran out of memory beside others' leavings and deserves a process of its own."""

    index: int


def run_all(
    client: Client,
    jobs: Iterable[Job | Outcome],
    *,
    time_limit_s: float,
    work: Work = screen_job,
    stop: threading.Event | None = None,
    expected_s: float | None = None,
    without_workers_s: float = math.inf,
) -> Iterator[Outcome]:
    """Run all jobs; yields outcomes as they come, one for each job.

    Args:
        client: connection to the Dask scheduler.
        jobs: what to run, read lazily; an outcome among them is passed through.
        time_limit_s: longest time for one structure, s.
        work: the function that runs one job; a top-level function.
        stop: once it is set, each worker ends the structure that it computes and begins no other;
            the jobs that are left yield nothing.
        expected_s: what all jobs are expected to take together, s; None where it is unknown.
        without_workers_s: how long no worker may be there before the run gives up, s.

    Raises:
        ClusterLostError: the scheduler does not answer any more, or no worker is left.
    """
    stop = stop or threading.Event()
    chunks = Chunks(jobs, expected_s=expected_s)
    with TaskLoop(client, stop=stop, without_workers_s=without_workers_s) as loop:
        flight = _Flight(loop, work, time_limit_s, stop)
        while True:
            while not stop.is_set() and loop.has_room(per_worker=CHUNKS_PER_WORKER):
                cut = chunks.next(loop.workers)
                if cut is None:
                    break
                yield from cut.passed
                if cut.chunk:
                    flight.send(_Sent(cut.chunk))
            if not len(loop):
                return
            for ended in loop.wait(1.0):
                yield from flight.land(ended)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A chunk on its way.

    Attributes:
        chunk: its jobs.
        alone: whether each runs in a process of its own.
        lost_workers: how many workers were lost under it when it ran alone.
    """

    chunk: Chunk
    alone: bool = False
    lost_workers: int = 0


class _Flight:
    """Sends chunks, and sends again what is left open when one comes back."""

    def __init__(
        self, loop: TaskLoop, work: Work, time_limit_s: float, stop: threading.Event
    ) -> None:
        self._loop = loop
        self._stop = stop
        self._options = {"work": work, "time_limit_s": time_limit_s, "token": loop.token}

    def send(self, sent: _Sent) -> None:
        """Hand a chunk to the scheduler."""
        self._loop.submit(
            Task(
                function=run_alone if sent.alone else run_chunk,
                arguments=(sent.chunk,),
                options=self._options,
                priority=1 if sent.alone else 0,
                tag=sent,
            )
        )

    def land(self, ended: Ended) -> Iterator[Outcome]:
        """Outcomes of a chunk that came back; what it leaves open is sent again."""
        sent: _Sent = ended.task.tag
        by_index = {result.index: result for result in ended.value or ()}
        again: Chunk = []
        for job in sent.chunk:
            result = by_index.get(job.index)
            if isinstance(result, Outcome):
                yield result
            else:
                again.append(job)
        if again and not self._stop.is_set():
            yield from self._again(again, sent, ended.error)

    def _again(self, jobs: Chunk, sent: _Sent, error: BaseException | None) -> Iterator[Outcome]:
        """Send jobs on to a process of their own, unless too many workers were lost."""
        lost_workers = sent.lost_workers + (1 if sent.alone else 0)
        if lost_workers < LOST_WORKERS:
            self.send(_Sent(jobs, alone=True, lost_workers=lost_workers))
            return
        for job in jobs:
            yield failed_outcome(
                job,
                reason="worker_lost",
                message=f"{lost_workers} workers were lost while it ran in a process of its own "
                f"({type(error).__name__}); look into the workers' logs, then run it again.",
            )


def run_chunk(
    chunk: Chunk, *, work: Work, time_limit_s: float, token: str
) -> list[Outcome | RetryAlone]:
    """On a worker: run a chunk, each job under the time limit.

    A job that outlasts the limit ends this process; the driver sees a lost worker.

    Args:
        chunk: its jobs.
        work: the function that runs one job.
        time_limit_s: longest time for one job, s.
        token: of the loop that sent the chunk; no job is begun once that loop is to end.

    Returns:
        One entry for each job that was begun; ``RetryAlone`` for one that ran out of memory.
    """
    results: list[Outcome | RetryAlone] = []
    make_ready(work)
    with open(os.devnull, "w") as sink:  # noqa: PTH123
        for job in chunk:
            if stop_asked(token):
                break
            try:
                results.append(watched(work, job, time_limit_s, sink))
            except MemoryError:
                results.append(RetryAlone(index=job.index))
    return results


def run_alone(chunk: Chunk, *, work: Work, time_limit_s: float, token: str) -> list[Outcome]:
    """On a worker: run jobs in a process of their own, one at a time.

    Args:
        chunk: its jobs.
        work: the function that runs one job.
        time_limit_s: longest time for one job, s.
        token: of the loop that sent the chunk; no job is begun once that loop is to end.

    Returns:
        One outcome for each job that was begun, in the same order.
    """
    from distributed import get_worker

    return run_isolated(
        chunk,
        work=work,
        time_limit_s=time_limit_s,
        memory_bytes=memory_bytes(get_worker()),
        stopped=functools.partial(stop_asked, token),
    )
