"""``dualion md submit``: a job array of segments, and arrays that wait for it to go on.

A segment ends at a checkpoint before its walltime. What goes on then is queued from the beginning:
a chain of equal arrays, each of which starts when the one before it has ended in whatever way. An
element whose run has ended is over within seconds. So nothing has to submit from a compute node,
and a job that was killed, cancelled or put back costs its own time alone. Runs that the chain did
not finish are paused; ``md submit`` again queues them.
"""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualion.results.store import MdRun
from dualion.structures.errors import InputError
from dualion.workflows.campaign.screening_options import known_name
from dualion.workflows.campaign.shards import Submission, new_submission
from dualion.workflows.execution.cluster_config import walltime_s
from dualion.workflows.execution.schedulers.batch_system import (
    SYSTEMS,
    cancel_job,
    element_number,
    job_header,
    queue_manager,
    submit_script,
)
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.enqueue import count_atoms, measure_speeds
from dualion.workflows.md.plan.run_plan import SECONDS_PER_ATOM_STEP
from dualion.workflows.md.queue_state import InQueue, open_submissions, states_of
from dualion.workflows.md.reconcile import RunStatus, reconcile, reopen
from dualion.workflows.md.run.local import matches_ids
from dualion.workflows.md.states import RunState

ELEMENTS_MOST = 1000
"""Most elements of an array; batch systems bound its size. More runs share an element."""

SEGMENTS_MOST = 20
PLACEHOLDERS = (
    "header", "command", "job_name", "walltime", "cores", "gpus", "array", "index", "dependency",
    "queue", "account", "folder", "log",
)  # fmt: skip
"""Names that a script template may use, in double braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was put into the queue.

    Attributes:
        submission: where its scripts are.
        runs: how many runs.
        elements: jobs of each array.
        segments: arrays one after another.
        limit_s: computing time of a segment, s.
        jobs: numbers of the arrays; none for a dry run.
    """

    submission: Submission
    runs: int
    elements: int
    segments: int
    limit_s: int
    jobs: tuple[str, ...]


def segment_limit_s(walltime: str) -> int:
    """Computing time of a segment: the walltime less a margin for its start and last checkpoint, s.

    Raises:
        InputError: nothing is left.
    """
    total = walltime_s(walltime)
    return total - min(300, max(15, total // 10))


def submit_runs(
    folder: MdFolder,
    *,
    scheduler: str,
    ids: Sequence[str] = (),
    segments: int | None = None,
    retry_failed: bool = False,
    dry_run: bool = False,
) -> Submitted | None:
    """Put runs that are prepared or paused into the queue.

    Args:
        folder: the folder.
        scheduler: slurm, pbs or sge.
        ids: names of structures; none for all.
        segments: arrays one after another; None for as many as the runs are expected to need.
        retry_failed: let failed runs go on too.
        dry_run: write the scripts, submit nothing.

    Returns:
        None where no run is to be submitted.

    Raises:
        InputError: the queue or the template refuses.
    """
    manager = queue_manager(scheduler)
    with folder.reading():
        pass
    with folder.writing() as runs:
        seen = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
        if retry_failed and not dry_run:
            for one in seen:
                if one.state is RunState.FAILED:
                    reopen(folder, runs, one)
            seen = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
        ready = [one for one in seen if one.state in (RunState.PREPARED, RunState.PAUSED)]
        if not ready:
            return None
        count = segments or folder.block.segments or segments_needed(folder, ready)
        job = _write(folder, scheduler, [one.run for one in ready])
        jobs: list[str] = []
        for segment in range(1, count + 1):
            after = jobs[-1] if jobs else ("ID" if segment > 1 else "")
            script = _script_file(job, segment, after)
            if dry_run:
                continue
            jobs.append(submit_script(manager, script, block="md or cluster"))
            job.content["jobs"] = jobs
            job.submission.write(job.content)
            if segment == 1:
                _note(runs, job, jobs[0])
    if dry_run:
        job.submission.write(job.content | {"ended": True})
    return Submitted(
        submission=job.submission,
        runs=len(ready),
        elements=len(job.content["elements"]),
        segments=count,
        limit_s=job.limit_s,
        jobs=tuple(jobs),
    )


def segments_needed(folder: MdFolder, seen: Sequence[RunStatus]) -> int:
    """Arrays that the longest run is expected to need to reach its next look, and one more."""
    speeds, longest = SECONDS_PER_ATOM_STEP | measure_speeds(folder), 0.0
    for one in seen:
        protocol = one.run.spec["protocol"]
        length = protocol["equilibration_ps"] + protocol["production_ps"]
        left_ps = max(length, one.progress.target_ps) - one.progress.done_ps
        steps = left_ps * 1000.0 / (one.progress.timestep_fs or protocol["timestep_fs"])
        speed = speeds.get(one.run.engine, 0.0)
        longest = max(longest, speed * steps * count_atoms(folder, one.run.place))
    per_element = math.ceil(len(seen) / ELEMENTS_MOST)
    limit_s = segment_limit_s(_walltime(folder))
    return max(1, min(SEGMENTS_MOST, 1 + math.ceil(longest * per_element / limit_s)))


@dataclass(slots=True, kw_only=True)
class _Job:
    """A submission that is being made."""

    folder: MdFolder
    scheduler: str
    submission: Submission
    content: dict[str, Any]
    walltime: str
    limit_s: int


def _walltime(folder: MdFolder) -> str:
    return folder.block.walltime or folder.cluster.walltime


def _write(folder: MdFolder, scheduler: str, runs: Sequence[MdRun]) -> _Job:
    """The submission's folder with the list of its elements."""
    template = _template(folder)  # refused before anything is written
    submission = new_submission(folder.md)
    share = math.ceil(len(runs) / ELEMENTS_MOST)
    elements = [runs[start : start + share] for start in range(0, len(runs), share)]
    lines = ["\t".join(run.place for run in element) for element in elements]
    (submission.folder / "runs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    content: dict[str, Any] = {
        "scheduler": scheduler,
        "jobs": [],
        "elements": [[run.key for run in element] for element in elements],
        "template": template,
        "ended": False,
    }
    submission.write(content)
    walltime = _walltime(folder)
    return _Job(
        folder=folder,
        scheduler=scheduler,
        submission=submission,
        content=content,
        walltime=walltime,
        limit_s=segment_limit_s(walltime),
    )


def _note(runs: Any, job: _Job, job_id: str) -> None:
    """The store learns that the queue has the runs."""
    for number, keys in enumerate(job.content["elements"], start=1):
        for key in keys:
            element = f"{job_id}_{number}" if len(job.content["elements"]) > 1 else job_id
            runs.move(
                key, RunState.SUBMITTED.value, job=element, scheduler=job.scheduler, reason=""
            )


def _script_file(job: _Job, segment: int, after: str) -> Path:
    path = job.submission.folder / f"segment-{segment:02d}.sh"
    path.write_text(script_text(job, segment, after), encoding="utf-8")
    return path


def script_text(job: _Job, segment: int, after: str) -> str:
    """The script of one array."""
    system = SYSTEMS[job.scheduler]
    block, elements = job.folder.block, len(job.content["elements"])
    log = system.output.replace("shard-", f"segment-{segment:02d}-")
    if elements == 1:  # outside of an array the number of its job is none
        log = log.replace("%a", "1").replace("$TASK_ID", "1")
    folder = job.submission.folder.resolve()
    logs = str(folder / log) if log else f"{folder}/"
    header = job_header(
        job.folder.cluster,
        job.scheduler,
        name=f"{job.folder.name}-md",
        logs=logs,
        cores=block.cores,
        gpus=block.gpus,
        walltime=job.walltime,
    )
    dependency = system.dependency.format(id=after) if after else ""
    if dependency:
        own = header.get("qverbatim", "")
        header["qverbatim"] = "\n".join(line for line in (dependency, own) if line)
    if elements > 1:
        header["array"] = f"1-{elements}"
    values = {
        "job_name": header["job_name"],
        "walltime": job.walltime,
        "cores": str(block.cores),
        "gpus": str(block.gpus),
        "array": f"1-{elements}",
        "index": element_number(job.scheduler),
        "dependency": dependency,
        "queue": job.folder.cluster.queue or "",
        "account": job.folder.cluster.project or "",
        "folder": shlex.quote(str(folder)),
        "log": logs,
        "command": command_of(job),
    }
    lines = [f"cd {values['folder']}", *_prologue(job), values["command"]]
    scheduler_io = queue_manager(job.scheduler).scheduler_io
    template = job.content["template"]
    if template is None:
        return str(scheduler_io.get_submission_script(lines, header)) + "\n"
    values["header"] = str(scheduler_io.get_submission_script([], header)).rstrip()
    return filled(template, values)


def command_of(job: _Job) -> str:
    """The shell lines of one element; its clock starts with them."""
    block = job.folder.block
    words = [
        sys.executable, "-m", "dualion.workflows.md.run.job",
        "--list", str(job.submission.folder.resolve() / "runs.txt"),
        "--cores", str(block.cores), "--gpus", str(block.gpus), "--device", block.device,
        "--limit-s", str(job.limit_s), "--checkpoint-s", f"{block.checkpoint_s:g}",
    ]  # fmt: skip
    if block.launcher:
        words += ["--launcher", shlex.join(block.launcher)]
    index = element_number(job.scheduler)
    number = SYSTEMS[job.scheduler].job
    return (
        f"DUALION_BEGUN=$(date +%s)\nexec {shlex.join(words)} "
        f'--element "{index}" --job "${number}" --begun "$DUALION_BEGUN"'
    )


def _prologue(job: _Job) -> list[str]:
    """Shell lines before the work: the user's own, threads, and numba's cache on the node."""
    cluster, cores = job.folder.cluster, job.folder.block.cores
    scratch = cluster.node_scratch.rstrip("/") or "/tmp"
    return [
        *cluster.prologue,
        *(f"export {name}={cores}" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")),
        "export NUMBA_NUM_THREADS=1",
        f'export NUMBA_CACHE_DIR="{scratch}/dualion-numba-$(id -u)"',
        'mkdir -p "$NUMBA_CACHE_DIR"',
    ]


def _template(folder: MdFolder) -> str | None:
    """The user's own script, checked.

    Raises:
        InputError: it cannot be read, lacks the command, or names what is not known.
    """
    if folder.block.template is None:
        return None
    path = folder.path / folder.block.template.expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The script template {path} cannot be read ({error}).") from error
    names = re.findall(r"\{\{\s*(\w+)\s*\}\}", text)
    for name in names:
        known_name("placeholder", name, PLACEHOLDERS)
    for needed in ("command", "header"):
        if needed not in names:
            raise InputError(f"The script template {path} lacks {{{{{needed}}}}}; add it.")
    return text


def filled(template: str, values: dict[str, str]) -> str:
    """A template with its placeholders replaced; nothing in it is evaluated."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: values[found.group(1)], template)


def cancel_jobs(folder: MdFolder, keys: set[str]) -> list[str]:
    """Take the jobs of runs out of the queue: whole arrays, or their elements alone.

    Returns:
        What the queue was told to end.
    """
    told = []
    for submission in open_submissions(folder):
        content = submission.read()
        states = states_of(content)
        alive = {key for key, state in states.items() if state is not InQueue.NO}
        manager = queue_manager(str(content["scheduler"]))
        for job_id in content["jobs"]:
            if alive and alive <= keys:
                cancel_job(manager, str(job_id))
                told.append(str(job_id))
                continue
            for number, element in enumerate(content["elements"], start=1):
                if set(element) <= keys and alive & set(element):
                    name = element_id(str(content["scheduler"]), str(job_id), number)
                    cancel_job(manager, name)
                    told.append(name)
    return told


def element_id(scheduler: str, job_id: str, number: int) -> str:
    """What a queue calls one job of an array."""
    if scheduler == "slurm":
        return f"{job_id}_{number}"
    if scheduler == "pbs":
        head, dot, tail = job_id.partition(".")
        return f"{head.removesuffix('[]')}[{number}]{dot}{tail}"
    return f"{job_id}.{number}"
