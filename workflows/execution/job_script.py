"""Job scripts: header, environment and work, the same for campaigns, MD and Dask's workers."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from dualion.workflows.execution.cluster_config import ClusterBlock, memory_mb, walltime_s
from dualion.workflows.execution.schedulers import ArrayScheduler, JobRequest
from dualion.workflows.execution.threads import thread_environment

PLAIN_FOLDER = re.compile(r"[A-Za-z0-9_@+=,./-]+")
"""Folders in which a batch system opens a log: Slurm replaces ``%j`` in them, drops backslashes."""

WARM_UP_WAIT_S = 300
"""How long a job waits for another one of its node to fill numba's cache, s."""


def make_request(
    block: ClusterBlock,
    *,
    name: str,
    log: str,
    cores: int | None = None,
    gpus: int = 0,
    walltime: str | None = None,
    elements: int = 1,
    after: str = "",
) -> JobRequest:
    """What a job asks its batch system for.

    Args:
        block: queue, account, memory per core and further lines.
        name: of the job.
        log: name of the log file, ``{index}`` for the number of the element; empty for none.
        cores: of the job; None for the block's.
        gpus: of the job.
        walltime: HH:MM:SS; None for the block's.
        elements: number of jobs of the array.
        after: id of the job that has to end first; empty for none.
    """
    cores = cores or block.cores_per_job
    return JobRequest(
        name=name,
        cores=cores,
        gpus=gpus,
        memory_mb=memory_mb(block.memory_per_worker) * cores,
        walltime_s=walltime_s(walltime or block.walltime),
        queue=block.queue or "",
        account=block.project or "",
        directives=tuple(block.directives),
        log=log,
        elements=elements,
        after=after,
    )


def render_header(scheduler: ArrayScheduler, request: JobRequest, folder: Path) -> str:
    """Lines of a job script that the batch system reads, the interpreter's first.

    Args:
        scheduler: the batch system.
        request: what the job asks for.
        folder: where the script lies.
    """
    if not opens_log(folder):
        request = dataclasses.replace(request, log="")
    return "\n".join(["#!/bin/bash", *scheduler.header(request)])


def render_script(
    scheduler: ArrayScheduler, request: JobRequest, folder: Path, lines: Sequence[str]
) -> str:
    """A whole job script.

    Args:
        scheduler: the batch system.
        request: what the job asks for.
        folder: where the script lies, and where its lines are run.
        lines: of the shell.
    """
    enter = [f"cd {shlex.quote(str(folder))} || exit 1"]
    if request.log and not opens_log(folder):
        name = request.log.replace("{index}", scheduler.element_number())
        enter.append(f'exec >> "{name}" 2>&1')
    return "\n".join([render_header(scheduler, request, folder), "", *enter, *lines]) + "\n"


def opens_log(folder: Path) -> bool:
    """Whether a batch system can be trusted with a log file in a folder of this name."""
    return PLAIN_FOLDER.fullmatch(str(folder)) is not None


def environment_lines(block: ClusterBlock, *, threads: int) -> list[str]:
    """Shell lines before the work of a job: the user's own, threads, and numba's cache.

    Args:
        block: the user's own lines, and the folder on the node's disk.
        threads: of a process of the job.
    """
    exports = [f"export {name}={value}" for name, value in thread_environment(threads).items()]
    return [*block.prologue, *exports, *numba_cache_lines(block.node_scratch), warm_up_line()]


def numba_cache_lines(scratch: str) -> list[str]:
    """Shell lines that give numba a cache on the node's own disk which nobody else can write.

    Numba unpickles what it finds there. A name that can be foreseen could be taken by another user
    first; so the name is drawn at random, and found again by its owner and its mode.

    Args:
        scratch: folder on the node's disk, in which others may write; variables are expanded.
    """
    quoted = re.sub(r'([\\"`]|\$(?=\())', r"\\\1", scratch.rstrip("/"))
    return [
        f'DUALION_SCRATCH="{quoted}"',
        'DUALION_SCRATCH="${DUALION_SCRATCH:-/tmp}"',
        'NUMBA_CACHE_DIR=$(find "$DUALION_SCRATCH/" -mindepth 1 -maxdepth 1 -type d '
        "-name 'dualion-numba-*' -user \"$(id -u)\" -perm 700 2>/dev/null | sort | head -n 1)",
        '[ -n "$NUMBA_CACHE_DIR" ] || '
        'NUMBA_CACHE_DIR=$(mktemp -d "$DUALION_SCRATCH/dualion-numba-XXXXXXXXXX" || mktemp -d)',
        "export NUMBA_CACHE_DIR",
    ]


def warm_up_line() -> str:
    """Shell line that fills numba's cache of a node, one job of the node at a time.

    Caches that several processes build at once can break (numba issue 4807). A job that hangs
    there keeps the others of its node waiting for a bounded time alone.
    """
    command = f"{shlex.quote(sys.executable)} -m dualion.workflows.execution.warm_up"
    return f'flock -w {WARM_UP_WAIT_S} "$NUMBA_CACHE_DIR/.lock" {command} || {command} || true'
