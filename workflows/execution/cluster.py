"""Where a campaign's workers run: here, in a batch system's jobs, or at a running scheduler."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.config import Campaign
from dualion.workflows.execution.cluster_config import QUEUES, lifetime_s
from dualion.workflows.execution.job_script import (
    environment_lines,
    make_request,
    opens_log,
)
from dualion.workflows.execution.schedulers import SCHEDULERS
from dualion.workflows.execution.schedulers.base import job_name
from dualion.workflows.execution.warm_up import warm_up
from dualion.workflows.execution.workers import (
    ANY_PORT,
    NO_PAGES,
    SETTINGS,
    local_client,
    prepare_workers,
    processor_count,
    quiet_dask,
)

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 60.0
"""How long a scheduler may take to answer, s."""

JOBS_PER_WORKER = 16
"""Structures for which another worker is worth starting."""

ADAPT_EVERY = "2s"
"""How often the number of jobs is looked at."""

UNQUOTED = r"[^A-Za-z0-9_/.,:@+=-]"
"""Characters of a path that a shell or a batch system would take for something else."""


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
        with local_client(
            workers,
            memory_limit=block.memory_per_worker,
            dashboard=campaign.run.dashboard,
            meanwhile=warm_up,
        ) as client:
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
    pages = {} if campaign.run.dashboard else NO_PAGES
    with dask.config.set({**SETTINGS, **pages}):
        try:
            cluster = kind(**job_settings(campaign), **_secured(campaign))
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


def _secured(campaign: Campaign) -> dict[str, Any]:
    """Arguments of dask-jobqueue's cluster that keep everybody else out of it.

    Certificates are made for the run; those of the workers lie in a folder that the user alone can
    open, as long as the run lasts.
    """
    from distributed.security import Security

    return {
        "protocol": "tls",
        "security": Security.temporary(),
        "shared_temp_directory": str(shared_folder(campaign.folder, "tls")),
    }


def shared_folder(folder: Path, name: str) -> Path:
    """A folder for what the jobs of a campaign share with its driver, open to the user alone.

    It lies in the campaign's folder, or below the home where that has a name that dask-jobqueue,
    which quotes nothing, cannot write into a job script.

    Args:
        folder: the campaign's folder.
        name: of the folder that is wanted.

    Raises:
        InputError: it cannot be made.
    """
    at = folder.resolve() / ".dask" / name
    if re.search(UNQUOTED, str(at)):
        number = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        at = Path.home() / ".dualion" / number / name
    try:
        at.mkdir(parents=True, exist_ok=True, mode=0o700)
        at.chmod(0o700)
    except OSError as error:
        raise InputError(f"The folder {at} cannot be made ({error.strerror}).") from error
    return at


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
    request = make_request(block, name=campaign.name, log="")
    logs = _log_folder(campaign.folder)
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


def _log_folder(folder: Path) -> Path:
    """Return the folder of the workers' logs: the campaign's if a job script can name that."""
    logs = folder.resolve() / "logs" / "workers"
    if re.search(UNQUOTED, str(logs)):
        return shared_folder(folder, "logs")
    logs.mkdir(parents=True, exist_ok=True)
    return logs


def _times(memory: str, factor: int) -> str:
    """A memory size times a number: ``2GB`` and 4 give ``8GB``."""
    digits = memory.rstrip("kKMGTiB ")
    unit = memory[len(digits) :].strip()
    return f"{float(digits) * factor:g}{unit}"
