"""Dask workers: processes that do one task at a time, and how Dask is set up for them."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dualion.workflows.execution.isolation import limit_memory
from dualion.workflows.execution.task_loop import ClusterLostError

if TYPE_CHECKING:
    from distributed import Client

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


NO_PAGES: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Without a dashboard Dask's web servers, which ask nobody who he is, show nothing."""


def processor_count() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


START_ATTEMPTS = 3
"""How often the workers are started before that is given up: one may be killed meanwhile."""

WITHOUT_WORKERS_S = 180.0
"""How long a local run may be without any worker process before it gives up, s."""

RESTART_EVERY_S = 5.0
"""How often workers that could not be restarted are looked for, s."""

LEFT_TO_DRIVER = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that reach a whole process group and that the driver alone acts on."""


@contextlib.contextmanager
def local_client(
    workers: int,
    *,
    memory_limit: str | float = "auto",
    dashboard: str | None = None,
    resources: Mapping[str, float] | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Client]:
    """A Dask cluster on this machine: processes that do one task at a time.

    Nobody else can use it: what its processes say to each other is encrypted with certificates
    made for this run, which exist in their memory alone.

    Args:
        workers: number of processes.
        memory_limit: bytes (or a text such as ``2GiB``) for each process; 0 for no bound.
        dashboard: address of Dask's dashboard, for example ``127.0.0.1:8787``; None for none.
        resources: what each process offers to tasks that ask for it.
        meanwhile: called while the processes start.

    Raises:
        ClusterLostError: the processes cannot be started.
    """
    import dask
    from distributed import Client
    from distributed.security import Security

    quiet_dask()
    with dask.config.set({**SETTINGS, **({} if dashboard else NO_PAGES)}):
        cluster = _started_cluster(
            meanwhile,
            protocol="tls",
            security=Security.temporary(),
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=dashboard or ANY_PORT,
            memory_limit=memory_limit,
            resources=dict(resources) if resources else None,
            silence_logs=logging.CRITICAL,
        )
        with cluster, Client(cluster) as client:
            prepare_workers(client)
            with _restarting(cluster, workers):
                yield client


def _started_cluster(meanwhile: Callable[[], object], **settings: Any) -> Any:
    """A local cluster whose workers run; one that is killed while it starts is started again.

    Raises:
        ClusterLostError: they do not start.
    """
    from distributed import LocalCluster

    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            return _call_without_signals(lambda: LocalCluster(**settings), meanwhile)
        except (RuntimeError, OSError) as error:
            if attempt == START_ATTEMPTS:
                raise ClusterLostError(
                    f"The worker processes cannot be started ({error}). In a script of your own, "
                    "call this under: if __name__ == '__main__':"
                ) from error
    raise AssertionError("unreachable")


def _call_without_signals(function: Callable[[], Any], meanwhile: Callable[[], object]) -> Any:
    """Call a function in a thread that no signal reaches, nor the processes that it starts.

    Beside it ``meanwhile`` is called in this thread.

    A signal to the process group would else kill workers before the driver has heard of it, from
    their first instruction on; they inherit the mask until ``_set_up_worker``.
    """
    answer: list[Any] = []
    fault: list[BaseException] = []

    def call() -> None:
        try:
            answer.append(function())
        except BaseException as error:
            fault.append(error)

    thread = threading.Thread(target=call, daemon=True)
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _left_to_driver())
        try:
            thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        thread.start()
    meanwhile()
    thread.join()
    if fault:
        raise fault[0]
    return answer[0]


def _left_to_driver() -> list[signal.Signals]:
    return [getattr(signal, name) for name in LEFT_TO_DRIVER if hasattr(signal, name)]


@contextlib.contextmanager
def _restarting(cluster: Any, workers: int) -> Iterator[None]:
    """Within this, workers whose nanny gave up are replaced: one may be killed as it starts."""
    from distributed.core import Status
    from tornado.ioloop import PeriodicCallback

    def replace_dead() -> None:
        nannies = cluster.workers.items()
        dead = [name for name, n in nannies if n.status in (Status.closed, Status.failed)]
        for name in dead:
            del cluster.workers[name]
        if dead or len(cluster.workers) < workers:
            cluster.scale(workers)

    watch = PeriodicCallback(replace_dead, 1000 * RESTART_EVERY_S)
    cluster.loop.add_callback(watch.start)
    try:
        yield
    finally:
        cluster.loop.add_callback(watch.stop)


def quiet_dask() -> None:
    """Keep Dask's own messages off the terminal; what matters is said here."""
    import distributed  # noqa: F401 - sets up its loggers, some with a level of their own

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def prepare_workers(client: Client) -> None:
    """Set up every worker, also those that join later."""
    from distributed import WorkerPlugin

    class _Setup(WorkerPlugin):  # type: ignore[misc]
        """Workers leave signals to the driver and have a bound on their memory."""

        name = "dualion-setup"

        def setup(self, worker: object) -> None:
            _set_up_worker(worker)

    client.register_plugin(_Setup())


def _set_up_worker(worker: object) -> None:
    """Leave the signals of a process group to the driver, or the batch system's to the nanny.

    They are handled and not ignored, and no longer blocked: what this process starts gets them.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    limit_memory(memory_bytes(worker))
    if not getattr(worker, "nanny", None):  # then this is the process that somebody started
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return
    for number in _left_to_driver():
        signal.signal(number, _pass_over)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _left_to_driver())


def _pass_over(number: int, frame: object) -> None:
    """A handler that does nothing."""


def memory_bytes(worker: object) -> int | None:
    """Memory limit of a Dask worker, bytes; None for none."""
    limit = getattr(getattr(worker, "memory_manager", None), "memory_limit", None)
    return int(limit) if limit else None
