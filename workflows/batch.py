"""A campaign in a batch system's queue: a job array of shards and a job that merges them.

qtoolkit renders the scripts, submits them and reads the queue; the campaign's folder is all
that the jobs share.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.store import Store
from structures.errors import InputError, MissingDependencyError
from workflows.batch_shards import Submission, cut, new_submission, submissions
from workflows.campaign_config import Campaign
from workflows.campaign_plan import Ask, read_sources
from workflows.cluster import node_prologue, queue_name
from workflows.cluster_config import walltime_s
from workflows.options import known_name

if TYPE_CHECKING:
    from qtoolkit.core.data_objects import QJob
    from qtoolkit.manager import QueueManager

SHARDS_MOST = 1000
"""Most shards of one submission; batch systems bound the size of arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    """What differs from one batch system to the next.

    Attributes:
        module, io: where qtoolkit has it.
        index: the shell variable with the number of an array's job.
        dependency: the line that lets the merging job wait for the array.
        output: how a log file's name is written for an array.
    """

    module: str
    io: str
    index: str
    dependency: str
    output: str


SYSTEMS = {
    "slurm": _System(
        module="qtoolkit.io.slurm",
        io="SlurmIO",
        index="SLURM_ARRAY_TASK_ID",
        dependency="#SBATCH --dependency=afterany:{id}",
        output="shard-%a.log",
    ),
    "pbs": _System(
        module="qtoolkit.io.pbs",
        io="PBSIO",
        index="PBS_ARRAY_INDEX",
        dependency="#PBS -W depend=afterany:{id}",
        output="",
    ),
    "sge": _System(
        module="qtoolkit.io.sge",
        io="SGEIO",
        index="SGE_TASK_ID",
        dependency="#$ -hold_jid {id}",
        output="shard-$TASK_ID.log",
    ),
}


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


def submit(
    campaign: Campaign, store: Store, *, scheduler: str, shards: int, dry_run: bool = False
) -> tuple[Submission, dict[str, Any]] | None:
    """Cut what is left into shards and put them into the queue.

    Returns:
        The submission and what is noted of it; None where nothing is left to do.

    Raises:
        InputError: the queue refuses, or has the campaign already.
    """
    manager = queue_manager(scheduler)
    _refuse_second(campaign, scheduler)
    options = campaign.options()
    plan = read_sources(campaign, store, options)
    ask = Ask.of(options)
    left, _ = store.count_pending(plan, ask.whole)
    if not left:
        return None
    submission = new_submission(campaign.folder)
    count = min(shards, left, SHARDS_MOST)
    content: dict[str, Any] = {
        "scheduler": scheduler,
        "shards": count,
        "ask": ask.whole,
        "campaign": campaign.model_dump(mode="json"),
        "file": campaign.file,
        "merged": False,
        "loads": cut(campaign, store, plan, submission, shards=count),
        "job_id": None,
        "merge_job_id": None,
    }
    submission.write(content)
    array = write_script(submission, "array.sh", array_script(campaign, scheduler, submission))
    if dry_run:
        write_script(submission, "merge.sh", merge_script(campaign, scheduler, submission, "ID"))
        return submission, content
    content["job_id"] = _submit(manager, array)
    submission.write(content)
    text = merge_script(campaign, scheduler, submission, str(content["job_id"]))
    content["merge_job_id"] = _submit(manager, write_script(submission, "merge.sh", text))
    submission.write(content)
    return submission, content


def _refuse_second(campaign: Campaign, scheduler: str) -> None:
    """Refuse to queue what is queued already."""
    for submission in submissions(campaign.folder):
        content = submission.read()
        if content.get("job_id") and content["scheduler"] == scheduler and queue_states(content):
            raise InputError(
                f"Submission {submission.name} of this campaign is in the queue (job "
                f"{content['job_id']}). Wait for it, or end it with: dualion cancel"
            )


def write_script(submission: Submission, name: str, text: str) -> Path:
    """Write a job script into the submission's folder."""
    path = submission.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _submit(manager: QueueManager, script: Path) -> str:
    """Hand a script to the queue; its job's number."""
    command = manager.scheduler_io.get_submit_cmd(shlex.quote(script.name))
    stdout, stderr, status = manager.execute_cmd(command, script.parent)
    result = manager.scheduler_io.parse_submit_output(status, stdout, stderr)
    if not result.job_id:
        said = (stderr or stdout or "no answer").strip().split("\n")[0]
        raise InputError(
            f"The queue refused {script}: {said}. Change the cluster block of the campaign."
        )
    return str(result.job_id)


def array_script(campaign: Campaign, scheduler: str, submission: Submission) -> str:
    """The script of the array: job number n computes shard n."""
    system = SYSTEMS[scheduler]
    shards = int(submission.read()["shards"])
    header = _header(campaign, scheduler, submission, name=campaign.name, output=system.output)
    if shards > 1:
        header["array"] = f"1-{shards}"
    number = f"${{{system.index}:-1}}"
    if scheduler == "sge":  # says "undefined" outside of an array
        number = f"${{{system.index}/undefined/1}}"
    workers = campaign.cluster.cores_per_job
    folder = shlex.quote(str(submission.folder))
    work = f'shard {folder} "{number}" --workers {workers}'
    return _script(campaign, scheduler, submission, header, work)


def merge_script(campaign: Campaign, scheduler: str, submission: Submission, job_id: str) -> str:
    """The script of the driver's job: when the array has ended, merge and write the tables."""
    header = _header(
        campaign, scheduler, submission, name=f"{campaign.name}-merge", output="merge.log"
    )
    verbatim = [SYSTEMS[scheduler].dependency.format(id=job_id), header.get("qverbatim", "")]
    header["qverbatim"] = "\n".join(line for line in verbatim if line)
    target = shlex.quote(str(campaign.folder / campaign.file))
    return _script(campaign, scheduler, submission, header, f"merge {target}")


def _script(
    campaign: Campaign,
    scheduler: str,
    submission: Submission,
    header: dict[str, Any],
    work: str,
) -> str:
    command = f"exec {shlex.quote(sys.executable)} -m workflows.batch_job {work}"
    lines = [f"cd {shlex.quote(str(submission.folder))}", *node_prologue(campaign.cluster), command]
    script: str = queue_manager(scheduler).scheduler_io.get_submission_script(lines, header)
    return script + "\n"


def _header(
    campaign: Campaign, scheduler: str, submission: Submission, *, name: str, output: str
) -> dict[str, Any]:
    """What the head of a script asks for, in the words of the batch system's template."""
    block = campaign.cluster
    logs = str(submission.folder / output) if output else f"{submission.folder}/"
    header: dict[str, Any] = {"job_name": queue_name(name), "qout_path": logs}
    memory_mb = _megabytes(block.memory_per_worker) * block.cores_per_job
    if scheduler == "slurm":
        header |= {"ntasks": 1, "cpus_per_task": block.cores_per_job, "time": block.walltime}
        optional = {"partition": block.queue, "account": block.project, "mem": memory_mb or None}
    elif scheduler == "pbs":
        memory = f":mem={memory_mb}mb" if memory_mb else ""
        header |= {"select": f"select=1:ncpus={block.cores_per_job}{memory}"}
        header["walltime"] = _hours(block.walltime)
        optional = {"queue": block.queue, "account": block.project}
    else:
        header |= {"walltime": _hours(block.walltime)}
        cores = block.cores_per_job
        optional = {"queue": block.queue, "device": block.project}
        optional["model"] = f"smp {cores}" if cores > 1 else None
        optional["select"] = f"h_vmem={_megabytes(block.memory_per_worker)}M" if memory_mb else None
    header |= {key: value for key, value in optional.items() if value}
    if block.directives:
        header["qverbatim"] = "\n".join(block.directives)
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


def queue_states(content: dict[str, Any]) -> dict[str, int]:
    """How many of a submission's jobs are in which state; empty once none is in the queue."""
    ids = [content.get(key) for key in ("job_id", "merge_job_id")]
    states: dict[str, int] = {}
    for job_id in (str(number) for number in ids if number):
        for job in _jobs(str(content["scheduler"]), job_id):
            state = job.state.value if job.state else "UNKNOWN"
            if state not in ("DONE", "FAILED"):
                states[state] = states.get(state, 0) + 1
    return states


def _jobs(scheduler: str, job_id: str) -> list[QJob]:
    """Jobs of the queue with a number; none where the queue has forgotten it."""
    from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError

    manager = queue_manager(scheduler)
    try:
        return list(manager.get_jobs_list([job_id]))
    except (CommandFailedError, OutputParsingError, ValueError):
        return []


def cancel(submission: Submission) -> list[str]:
    """Take a submission's jobs out of the queue; the numbers of those that were told so."""
    content = submission.read()
    told = []
    for key in ("merge_job_id", "job_id"):
        if content.get(key):
            queue_manager(str(content["scheduler"])).cancel(str(content[key]))
            told.append(str(content[key]))
    return told
