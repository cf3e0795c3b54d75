"""Where a campaign's workers run: here, in a batch system's jobs, or at a running scheduler."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.execution.cluster_config import QUEUES, lifetime_s
from dualion.workflows.execution.executor import (
    ANY_PORT,
    SETTINGS,
    local_client,
    prepare_workers,
    processor_count,
    quiet_dask,
    warm_up,
)
from dualion.workflows.execution.job_script import (
    environment_lines,
    make_request,
    opens_log,
)
from dualion.workflows.execution.schedulers import SCHEDULERS
from dualion.workflows.execution.schedulers.base import job_name

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 60.0
"""How long a scheduler may take to answer, s."""

JOBS_PER_WORKER = 16
"""Structures for which another worker is worth starting."""

ADAPT_EVERY = "2s"
"""How often the number of jobs is looked at."""


@contextlib.contextmanager
def campaign_client(
    campaign: Campaign, *, most: int, left: Callable[[], int]
) -> Iterator[tuple[Client, str]]:
    """A client of the campaign's workers, and the link of Dask's dashboard.

    Args:
        campaign: with its ``cluster`` block.
        most: number of workers beyond which more are of no use.
        left: tells how many structures are left, for the number of jobs in a queue.

    Raises:
        InputError: the workers cannot be had.
    """
    block = campaign.cluster
    if block.kind == "local":
        workers = min(block.workers or processor_count(), max(1, most))
        warm_up()
        memory = "auto" if block.memory_per_worker == "auto" else block.memory_per_worker
        with local_client(workers, memory_limit=memory, dashboard=campaign.run.dashboard) as client:
            yield client, _link(client, campaign)
    elif block.kind == "address":
        with _existing(str(block.address)) as client:
            yield client, client.dashboard_link
    else:
        with _queued(campaign, left) as client:
            yield client, _link(client, campaign)


def _link(client: Client, campaign: Campaign) -> str:
    return str(client.dashboard_link) if campaign.run.dashboard else ""


@contextlib.contextmanager
def _existing(address: str) -> Iterator[Client]:
    """A client of a scheduler that somebody else started."""
    from distributed import Client

    quiet_dask()
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}). Check the address "
            "and that dask scheduler runs."
        ) from None
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if any(worker["nthreads"] != 1 for worker in workers):
            raise InputError(
                f"The workers at {address} have several threads; start them with --nthreads 1, so "
                "that each structure has its own time limit and a crash costs one alone."
            )
        prepare_workers(client)
        yield client


@contextlib.contextmanager
def _queued(campaign: Campaign, left: Callable[[], int]) -> Iterator[Client]:
    """Workers in jobs of a batch system, as many as there is work for."""
    import dask
    from distributed import Client

    block = campaign.cluster
    quiet_dask()
    kind = _cluster_class(block.kind)
    with dask.config.set(SETTINGS):
        try:
            cluster = kind(**job_settings(campaign))
        except Exception as error:
            raise InputError(f"dask-jobqueue cannot set up {block.kind}: {error}") from error
        with cluster, Client(cluster) as client:
            cluster.adapt(
                Adaptive=_adaptive(left),
                minimum_jobs=block.min_jobs,
                maximum_jobs=block.max_jobs,
                interval=ADAPT_EVERY,
                wait_count=5,
            )
            prepare_workers(client)
            yield client


def _adaptive(left: Callable[[], int]) -> Any:
    """Dask's adaptive scaling by what the campaign still has to do.

    The scheduler sees a bounded window alone, and would ask for a few workers only.
    """
    from distributed.deploy.adaptive import Adaptive

    class ByWorkLeft(Adaptive):  # type: ignore[misc]
        """As many workers as there is work for."""

        async def target(self) -> int:
            """Number of workers that are of use; Dask holds it within the bounds."""
            return math.ceil(left() / JOBS_PER_WORKER)

        async def recommendations(self, target: int) -> Any:
            """What to start or stop."""
            return await super().recommendations(min(self.maximum, max(self.minimum, target)))

    return ByWorkLeft


def _cluster_class(kind: str) -> Any:
    try:
        import dask_jobqueue
    except ImportError as error:
        raise MissingDependencyError(
            "Clusters need the package dask-jobqueue; install it with: "
            "pip install 'dualion[cluster]'"
        ) from error
    return getattr(dask_jobqueue, SCHEDULERS[kind].dask_class)


def job_settings(campaign: Campaign) -> dict[str, Any]:
    """Arguments of dask-jobqueue's cluster: one worker a core, one kernel thread a worker."""
    block = campaign.cluster
    assert block.kind in QUEUES
    lifetime, stagger = lifetime_s(block.walltime)
    logs = campaign.folder.resolve() / "logs" / "workers"
    logs.mkdir(parents=True, exist_ok=True)
    request = make_request(block, name=campaign.name, log="")
    settings: dict[str, Any] = {
        "job_name": job_name(campaign.name),
        "cores": block.cores_per_job,
        "processes": block.cores_per_job,
        "memory": _times(block.memory_per_worker, block.cores_per_job),
        "local_directory": block.node_scratch,
        "log_directory": str(logs) if opens_log(logs) else block.node_scratch,
        "worker_extra_args": ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s"],
        "job_script_prologue": environment_lines(block, threads=1),
        "scheduler_options": {"dashboard_address": campaign.run.dashboard or ANY_PORT},
    }
    if block.interface:
        settings["interface"] = block.interface
    return settings | SCHEDULERS[block.kind].dask_settings(request)


def _times(memory: str, factor: int) -> str:
    """A memory size times a number: ``2GB`` and 4 give ``8GB``."""
    digits = memory.rstrip("kKMGTiB ")
    unit = memory[len(digits) :].strip()
    return f"{float(digits) * factor:g}{unit}"
