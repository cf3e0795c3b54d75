"""``dualion md submit``: a job array of segments, and arrays that wait for it to go on.

A segment ends at a checkpoint before its walltime. What goes on then is queued from the beginning:
a chain of equal arrays, each of which starts when the one before it has ended in whatever way. An
element whose run has ended is over within seconds. So nothing has to submit from a compute node,
and a job that was killed, cancelled or put back costs its own time alone. Runs that the chain did
not finish are paused; ``md submit`` again queues them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dualion.results.store import MdRun, MdRuns
from dualion.workflows.execution.batch_queue import QueueSilentError
from dualion.workflows.execution.cluster_config import walltime_s
from dualion.workflows.execution.schedulers import ArrayScheduler, find_array_scheduler
from dualion.workflows.execution.submission import (
    ENDED,
    JobStep,
    Submission,
    new_submission,
    submit_chain,
    write_chain,
)
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.job_script import SegmentJob, read_template, render_segment
from dualion.workflows.md.plan.enqueue import count_atoms, measure_speeds
from dualion.workflows.md.plan.speeds import usual_s_per_atom_step
from dualion.workflows.md.queue_state import InQueue, queue_view
from dualion.workflows.md.reconcile import RunStatus, matches_ids, reconcile, reopen
from dualion.workflows.md.states import RunState

ELEMENTS_MOST = 1000
"""Most elements of an array; batch systems bound its size. More runs share an element."""

SEGMENTS_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was put into the queue.

    Attributes:
        submission: where its scripts are.
        runs: how many runs.
        elements: jobs of each array.
        segments: arrays one after another.
        limit_s: computing time of a segment, s.
        jobs: ids of the arrays; none for a dry run.
    """

    submission: Submission
    runs: int
    elements: int
    segments: int
    limit_s: int
    jobs: tuple[str, ...]


def segment_limit_s(walltime: str) -> int:
    """Computing time of a segment: the walltime less a margin for its last checkpoint, s.

    Raises:
        ValueError: it is no walltime.
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
        scheduler: name of the batch system.
        ids: names of structures; none for all.
        segments: arrays one after another; None for as many as the runs are expected to need.
        retry_failed: let failed runs go on too.
        dry_run: write the scripts, submit nothing.

    Returns:
        None where no run is to be submitted.

    Raises:
        QueueRefusedError: the queue does not take the jobs.
        QueueSilentError: it cannot be known whether the queue has the runs already.
        InputError: the template or the name of the batch system is wrong.
    """
    system = find_array_scheduler(scheduler)
    with folder.reading():
        pass
    with folder.writing() as runs:
        ready = _find_ready(folder, runs, ids, retry_failed=retry_failed and not dry_run)
        if not ready:
            return None
        count = segments or folder.block.segments or segments_needed(folder, ready)
        job, content = _make_job(folder, system, [one.run for one in ready])
        steps = [
            JobStep(
                file=f"segment-{number:02d}.sh",
                render=functools.partial(render_segment, job, number),
            )
            for number in range(1, count + 1)
        ]
        jobs: list[str] = []
        if dry_run:
            write_chain(job.submission, steps)
            job.submission.write(content | {ENDED: True})
        else:
            note = functools.partial(_note_job, runs, job, content["elements"])
            jobs = submit_chain(
                job.submission, content, steps, block="md or cluster", on_first=note
            )
    return Submitted(
        submission=job.submission,
        runs=len(ready),
        elements=job.elements,
        segments=count,
        limit_s=job.limit_s,
        jobs=tuple(jobs),
    )


def _find_ready(
    folder: MdFolder, runs: MdRuns, ids: Sequence[str], *, retry_failed: bool
) -> list[RunStatus]:
    """Runs that may be submitted.

    Raises:
        QueueSilentError: there is none, and of some it is not known whether the queue has them.
    """
    found = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
    if retry_failed:
        for one in found:
            if one.state is RunState.FAILED:
                reopen(folder, runs, one)
        found = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
    ready = [one for one in found if one.state in (RunState.PREPARED, RunState.PAUSED)]
    if ready:
        return ready
    queue = queue_view(folder)
    unknown = sum(queue.get(one.run.key) is InQueue.UNKNOWN for one in found)
    if unknown:
        raise QueueSilentError(
            f"The queue does not answer, or its answer to a submission is not known: {unknown} "
            "runs may still be in it, and nothing was submitted. Try again later; if their jobs "
            "are gone for sure, free the runs with: dualion md cancel --forget; dualion md queue"
        )
    return []


def segments_needed(folder: MdFolder, found: Sequence[RunStatus]) -> int:
    """Arrays that the longest run is expected to need to reach its target, and one more.

    Args:
        folder: whose finished runs tell how fast the engines are here.
        found: the runs.
    """
    speeds, longest_s = measure_speeds(folder), 0.0
    for one in found:
        protocol = one.run.spec["protocol"]
        length_ps = protocol["equilibration_ps"] + protocol["production_ps"]
        left_ps = max(length_ps, one.progress.target_ps) - one.progress.done_ps
        steps = left_ps * 1000.0 / (one.progress.timestep_fs or protocol["timestep_fs"])
        usual = usual_s_per_atom_step(one.run.engine)
        speed = speeds.get(one.run.engine, 0.0 if math.isnan(usual) else usual)
        longest_s = max(longest_s, speed * steps * count_atoms(folder, one.run.place))
    per_element = math.ceil(len(found) / ELEMENTS_MOST)
    limit_s = segment_limit_s(_walltime(folder))
    return max(1, min(SEGMENTS_MOST, 1 + math.ceil(longest_s * per_element / limit_s)))


def _walltime(folder: MdFolder) -> str:
    return folder.block.walltime or folder.cluster.walltime


def _make_job(
    folder: MdFolder, system: ArrayScheduler, runs: Sequence[MdRun]
) -> tuple[SegmentJob, dict[str, Any]]:
    """The submission's folder with the list of its elements, and the content of its file."""
    template = read_template(folder)  # refused before anything is written
    submission = new_submission(folder.md)
    share = math.ceil(len(runs) / ELEMENTS_MOST)
    elements = [runs[start : start + share] for start in range(0, len(runs), share)]
    lines = ["\t".join(run.place for run in element) for element in elements]
    (submission.folder / "runs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    content: dict[str, Any] = {
        "scheduler": system.name,
        "jobs": [],
        "elements": [[run.key for run in element] for element in elements],
        ENDED: False,
    }
    submission.write(content)
    walltime = _walltime(folder)
    job = SegmentJob(
        folder=folder,
        system=system,
        submission=submission,
        elements=len(elements),
        walltime=walltime,
        limit_s=segment_limit_s(walltime),
        template=template,
    )
    return job, content


def _note_job(
    runs: MdRuns, job: SegmentJob, elements: Sequence[Sequence[str]], job_id: str
) -> None:
    """Note in the store that the queue has the runs."""
    for number, keys in enumerate(elements, start=1):
        name = job.system.element_id(job_id, number) if len(elements) > 1 else job_id
        for key in keys:
            runs.move(key, RunState.SUBMITTED.value, job=name, scheduler=job.system.name, reason="")
