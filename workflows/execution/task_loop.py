"""Tasks on Dask workers: sent by hand, bounded by the sender, lost workers told apart from faults.

A loop submits tasks and waits for them; how many are in flight is the caller's choice, by
``len(loop)`` and ``loop.workers``::

    with TaskLoop(client, stop=stop) as loop:
        while True:
            while more() and loop.has_room(per_worker=3):
                loop.submit(Task(function=compute, arguments=(piece,), tag=piece))
            if not len(loop):
                break
            for ended in loop.wait(1.0):
                take(ended)
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import DualionError

if TYPE_CHECKING:
    from distributed import Client, Future

COUNT_WORKERS_EVERY_S = 1.0
"""How often the workers are counted, s."""

SILENCE_S = 120.0
"""How long the scheduler may be out of reach before the loop gives up, s."""

RESENT_MOST = 20
"""How often the result of one task may be lost before it counts as a lost worker."""

REPEAT_STOP_S = 1.0
"""How often workers are told to stop, s: some may have joined since."""


class ClusterLostError(DualionError):
    """The scheduler is gone; what was done is kept, and the run can be taken up again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call on a worker.

    Attributes:
        function: what is called; a top-level function.
        arguments: its positional arguments.
        options: its keyword arguments.
        resources: what it takes of its worker's resources while it runs.
        priority: tasks of a higher one are begun first.
        label: beginning of the task's key in Dask's dashboard; empty for the function's name.
        tag: what the sender knows the task by; it does not travel.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, float] = field(default_factory=dict)
    priority: int = 0
    label: str = ""
    tag: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a task ended.

    Attributes:
        task: the task.
        value: what its function returned; None where it returned nothing or did not return.
        error: what its function raised, or why its worker was lost; None where it returned.
        worker_lost: whether its worker died while it ran; its function may not be to blame.
    """

    task: Task
    value: Any = None
    error: BaseException | None = None
    worker_lost: bool = False


class TaskLoop:
    """Tasks that are with a Dask scheduler."""

    def __init__(
        self,
        client: Client,
        *,
        stop: threading.Event | None = None,
        without_workers_s: float = math.inf,
        advice: str = "start again to go on",
    ) -> None:
        """Args:
        client: connection to the scheduler.
        stop: once it is set, workers are told so (see ``stop_asked``) and ``wait`` returns.
        without_workers_s: how long no worker may be there before the loop gives up, s.
        advice: what to do when the cluster is lost, the end of a sentence.
        """
        self.token = uuid.uuid4().hex
        self.workers = 1
        self._client = client
        self._stop = stop or threading.Event()
        self._without_workers_s = without_workers_s
        self._advice = advice
        self._sent: dict[Future, tuple[Task, int]] = {}
        self._landed: queue.SimpleQueue[Future | None] = queue.SimpleQueue()
        self._count_again_s = 0.0
        self._heard_s = self._seen_s = time.monotonic()
        self._closed = False
        self._messenger = threading.Thread(target=self._tell_stop, daemon=True)

    def __enter__(self) -> TaskLoop:
        self._messenger.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        if self._stop.is_set():
            self._messenger.join(timeout=2 * REPEAT_STOP_S)
        self._take_back()

    def __len__(self) -> int:
        return len(self._sent)

    def has_room(self, *, per_worker: int) -> bool:
        """Whether fewer tasks than that are in flight for each worker."""
        self._count_workers()
        return len(self._sent) < per_worker * self.workers

    def submit(self, task: Task) -> None:
        """Hand a task to the scheduler."""
        self._submit(task, resent=0)

    def _submit(self, task: Task, *, resent: int) -> None:
        name = task.label or task.function.__name__
        future = self._client.submit(
            task.function,
            *task.arguments,
            **task.options,
            resources=dict(task.resources) or None,
            priority=task.priority,
            key=f"{name}-{uuid.uuid4().hex}",
            pure=False,
        )
        self._sent[future] = (task, resent)
        future.add_done_callback(self._landed.put)

    def wait(self, timeout_s: float) -> list[Ended]:
        """Tasks that have ended, at least one unless the time is up or a stop is asked for.

        A task whose result was lost with the worker that held it is sent again.

        Raises:
            ClusterLostError: the scheduler is out of reach, or no worker is left.
        """
        self._count_workers()
        ended: list[Ended] = []
        with contextlib.suppress(queue.Empty):
            landed = self._landed.get(timeout=timeout_s)
            while True:
                if landed is not None:
                    ended += self._land(landed)
                landed = self._landed.get_nowait()
        if not ended:
            self._check()
        return ended

    def _land(self, future: Future) -> Iterator[Ended]:
        task, resent = self._sent.pop(future)
        status, value, error = future.status, None, None
        try:
            value = future.result() if status == "finished" else None
            error = future.exception() if status == "error" else None
        except CancelledError:  # the connection was lost since the status was read
            status = "lost"
        future.release()
        if status == "finished":
            yield Ended(task=task, value=value)
        elif status == "error":
            yield Ended(task=task, error=error, worker_lost=_is_lost_worker(error))
        elif not self._is_connected():
            raise self._lost("The connection to the Dask scheduler is lost")
        elif resent < RESENT_MOST:
            self._submit(task, resent=resent + 1)
        else:
            error = ClusterLostError("The result was lost with its worker time and again.")
            yield Ended(task=task, error=error, worker_lost=True)

    def _is_connected(self) -> bool:
        """Whether the scheduler answers; a client that connects anew is waited for."""
        end = time.monotonic() + SILENCE_S
        while self._client.status == "connecting" and time.monotonic() < end:
            time.sleep(0.1)
        return bool(self._client.status == "running")

    def _count_workers(self) -> None:
        now = time.monotonic()
        if now < self._count_again_s:
            return
        self._count_again_s = now + COUNT_WORKERS_EVERY_S
        with contextlib.suppress(OSError):  # the scheduler may be out of reach for a while
            found = len(self._client.nthreads())
            self.workers = max(1, found)
            if found:
                self._seen_s = now

    def _check(self) -> None:
        """Raises:
        ClusterLostError: scheduler or workers have been gone for too long.
        """
        now = time.monotonic()
        if self._client.status == "running":
            self._heard_s = now
        if now - self._heard_s >= SILENCE_S or self._client.status == "closed":
            raise self._lost("The connection to the Dask scheduler is lost")
        if now - self._seen_s >= self._without_workers_s:
            raise self._lost("The worker processes are gone")

    def _lost(self, what: str) -> ClusterLostError:
        return ClusterLostError(f"{what}. What was done is kept; {self._advice}.")

    def _tell_stop(self) -> None:
        """Wait for the stop and pass it on; in a thread, so that nothing delays it."""
        while not self._closed:
            if not self._stop.wait(0.5):
                continue
            with contextlib.suppress(Exception):  # the scheduler may be gone
                if self._client.status == "running" and not self._closed:
                    self._client.run(note_stop, self.token, on_error="ignore")
            self._landed.put(None)
            time.sleep(REPEAT_STOP_S)

    def _take_back(self) -> None:
        for future in self._sent:
            if self._client.status != "running":
                break  # a closed client would leave the request unawaited
            with contextlib.suppress(Exception):  # the scheduler may be gone
                future.cancel()
        self._sent.clear()


def _is_lost_worker(error: BaseException | None) -> bool:
    from distributed import KilledWorker

    return isinstance(error, KilledWorker)


_stopped: set[str] = set()


def note_stop(token: str) -> None:
    """On a worker: no more is to be begun of the loop with this token."""
    _stopped.add(token)


def stop_asked(token: str) -> bool:
    """On a worker: whether the loop with this token is to end; ask between two pieces of work."""
    return token in _stopped
