"""What one batch system does differently from the next, and how it is spoken to, by qtoolkit."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualion.structures.errors import InputError, MissingDependencyError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.execution.cluster import queue_name
from dualion.workflows.execution.cluster_config import ClusterBlock, walltime_s

if TYPE_CHECKING:
    from qtoolkit.core.data_objects import QJob
    from qtoolkit.manager import QueueManager


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSystem:
    """What differs from one batch system to the next.

    Attributes:
        module, io: where qtoolkit has it.
        index: the shell variable with the number of an array's job.
        job: the shell variable with the job's number.
        dependency: the line that lets a job wait for another, or for all of an array.
        output: how a log file's name is written for an array.
        mark: how a line of the head begins.
        always: further lines of the head.
    """

    module: str
    io: str
    index: str
    job: str
    dependency: str
    output: str
    mark: str
    always: tuple[str, ...] = ()


SYSTEMS = {
    "slurm": BatchSystem(
        module="qtoolkit.io.slurm",
        io="SlurmIO",
        index="SLURM_ARRAY_TASK_ID",
        job="SLURM_JOB_ID",
        dependency="#SBATCH --dependency=afterany:{id}",
        output="shard-%a.log",
        mark="#SBATCH",
    ),
    "pbs": BatchSystem(
        module="qtoolkit.io.pbs",
        io="PBSIO",
        index="PBS_ARRAY_INDEX",
        job="PBS_JOBID",
        dependency="#PBS -W depend=afterany:{id}",
        output="",
        mark="#PBS",
    ),
    "sge": BatchSystem(
        module="qtoolkit.io.sge",
        io="SGEIO",
        index="SGE_TASK_ID",
        job="JOB_ID",
        dependency="#$ -hold_jid {id}",
        output="shard-$TASK_ID.log",
        mark="#$",
        always=("#$ -j y", "#$ -S /bin/bash"),  # one log; sites have csh where none is named
    ),
}

SGE_ARRAY = re.compile(r"Your job-array (\d+)\.")
"""How Grid Engine answers to an array; qtoolkit knows the answer to a single job alone."""

FORGOTTEN = ("invalid job id", "unknown job id", "do not exist", "has finished")
"""How a queue says that it knows a job no more."""


def queue_manager(scheduler: str) -> QueueManager:
    """qtoolkit's access to the queue of this machine.

    Raises:
        InputError: the batch system is unknown.
        MissingDependencyError: qtoolkit is not installed.
    """
    import importlib

    known_name("batch system", scheduler, SYSTEMS)
    try:
        from qtoolkit.manager import QueueManager

        module = importlib.import_module(SYSTEMS[scheduler].module)
    except ImportError as error:
        raise MissingDependencyError(
            "Submitting needs the package qtoolkit; install it with: pip install 'dualion[cluster]'"
        ) from error
    return QueueManager(getattr(module, SYSTEMS[scheduler].io)())


def submit_script(manager: QueueManager, script: Path, *, block: str = "cluster") -> str:
    """Hand a script to the queue; its job's number.

    Raises:
        InputError: the queue refuses, or there is none here.
    """
    from qtoolkit.core.exceptions import OutputParsingError

    command = manager.scheduler_io.get_submit_cmd(shlex.quote(script.name))
    stdout, stderr, status = manager.execute_cmd(command, script.parent)
    array = SGE_ARRAY.search(stdout)
    if status == 0 and array:
        return array.group(1)
    try:
        job_id = manager.scheduler_io.parse_submit_output(status, stdout, stderr).job_id
    except OutputParsingError:
        job_id = None
    if not job_id:
        said = (stderr or stdout or "no answer").strip().split("\n")[0]
        raise InputError(
            f"The queue refused {script}: {said}. Change the {block} block of the campaign."
        )
    return str(job_id)


def cancel_job(manager: QueueManager, job_id: str) -> None:
    """Tell the queue to end a job, an array, or one job of an array.

    What it answers differs between systems and releases; that a job is gone, its state tells.
    """
    manager.execute_cmd(manager.scheduler_io.get_cancel_cmd(job_id))


def element_number(scheduler: str) -> str:
    """Shell text that gives the number of an array's job; 1 outside of an array."""
    index = SYSTEMS[scheduler].index
    if scheduler == "sge":  # says "undefined" outside of an array
        return f"${{{index}/undefined/1}}"
    return f"${{{index}:-1}}"


def job_header(
    block: ClusterBlock,
    scheduler: str,
    *,
    name: str,
    logs: str,
    cores: int | None = None,
    gpus: int = 0,
    walltime: str | None = None,
) -> dict[str, Any]:
    """What the head of a script asks for, in the words of the batch system's template.

    Args:
        block: queue, account, memory and further lines.
        scheduler: name of the batch system.
        name: of the job.
        logs: where its output goes.
        cores: of the job; None for the block's.
        gpus: of the job.
        walltime: HH:MM:SS; None for the block's.
    """
    cores, walltime = cores or block.cores_per_job, walltime or block.walltime
    header: dict[str, Any] = {"job_name": queue_name(name), "qout_path": logs}
    memory_mb = _megabytes(block.memory_per_worker) * cores
    optional: dict[str, Any]
    if scheduler == "slurm":
        header |= {"ntasks": 1, "cpus_per_task": cores, "time": walltime}
        optional = {"partition": block.queue, "account": block.project, "mem": memory_mb or None}
        optional["gres"] = f"gpu:{gpus}" if gpus else None
    elif scheduler == "pbs":
        memory = f":mem={memory_mb}mb" if memory_mb else ""
        gpu = f":ngpus={gpus}" if gpus else ""
        header |= {"select": f"select=1:ncpus={cores}{gpu}{memory}", "walltime": _hours(walltime)}
        optional = {"queue": block.queue, "account": block.project}
    else:
        header |= {"walltime": _hours(walltime)}
        optional = {"queue": block.queue, "device": block.project}
        optional["model"] = f"smp {cores}" if cores > 1 else None
        asked = [f"h_vmem={_megabytes(block.memory_per_worker)}M"] if memory_mb else []
        asked += [f"gpu={gpus}"] if gpus else []
        optional["select"] = ",".join(asked)
    header |= {key: value for key, value in optional.items() if value}
    system = SYSTEMS[scheduler]
    own = [line if line.startswith("#") else f"{system.mark} {line}" for line in block.directives]
    if lines := [*system.always, *own]:
        header["qverbatim"] = "\n".join(lines)
    return header


def _hours(walltime: str) -> str:
    seconds = walltime_s(walltime)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _megabytes(memory: str) -> int:
    """Megabytes of a size such as 2GB; 0 for ``auto``."""
    if memory == "auto":
        return 0
    from dask.utils import parse_bytes

    return max(1, int(parse_bytes(memory)) // 1_000_000)


def jobs_of(scheduler: str, job_id: str) -> list[QJob] | None:
    """Jobs of the queue with a number; none where it has forgotten it.

    Returns:
        None where the queue cannot be asked: it does not answer, or is not on this machine.
    """
    from qtoolkit.core.data_objects import QJob
    from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError

    manager = queue_manager(scheduler)
    try:
        return list(manager.get_jobs_list([job_id]))
    except (CommandFailedError, OutputParsingError, ValueError) as error:
        if "Unknown job state" in str(error):  # which is one of a job that is there
            return [QJob(job_id=job_id)]
        return [] if any(mark in str(error).lower() for mark in FORGOTTEN) else None


def elements_of(job_id: str) -> frozenset[int] | None:
    """Numbers of the array's jobs that a queue's id stands for; None where it does not say.

    ``12_3`` and ``12[3].server`` are one, ``12_[1,4-6%2]`` are several.
    """
    found = re.search(r"_(\d+)$|[_\d]\[([\d,\-]+)(?:%\d+)?(?::\d+)?\]", job_id)
    if not found:
        return None
    numbers: set[int] = set()
    for part in (found.group(1) or found.group(2)).split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
