"""A submission: its folder, and the chain of its job scripts in the queue.

Campaigns and MD submit alike: a job array, and jobs that each wait for the one before. What the
queue answered is written down after each answer, and that an answer is awaited before each
question: a process that is killed in between leaves a note, not a job that nobody knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualion.structures.errors import InputError
from dualion.workflows.execution.batch_queue import (
    QueueRefusedError,
    QueueSilentError,
    cancel_job,
    list_jobs,
    submit_script,
)
from dualion.workflows.execution.files import write_json
from dualion.workflows.execution.schedulers import (
    ArrayScheduler,
    JobState,
    QueuedJob,
    find_array_scheduler,
)

FOLDER = "submissions"
FILE = "submission.json"
PENDING = "pending"
"""Key of the script whose answer is awaited, in the submission's file."""

ENDED = "ended"
"""Key of a submission of which the queue has no job any more."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The folder of a submission, ``submissions/001`` and so on."""

    folder: Path

    @property
    def name(self) -> str:
        """Its number, as text."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """What was asked and what the queue answered."""
        return self.folder / FILE

    def read(self) -> dict[str, Any]:
        """The submission's file.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file} cannot be read ({error}).") from error
        if not isinstance(content, dict):
            raise InputError(f"{self.file} holds no submission.")
        return content

    def write(self, content: dict[str, Any]) -> None:
        """Write the submission's file, atomically."""
        write_json(self.file, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep:
    """One script of a chain.

    Attributes:
        file: name of the script.
        render: text of the script for the id of the job it waits for, empty for the first.
    """

    file: str
    render: Callable[[str], str]


def list_submissions(folder: Path) -> list[Submission]:
    """All submissions below a folder, in order."""
    found = [path for path in (folder / FOLDER).glob("*") if path.name.isdecimal()]
    found.sort(key=lambda path: int(path.name))
    return [Submission(path) for path in found if (path / FILE).is_file()]


def new_submission(folder: Path) -> Submission:
    """Make a folder with the next free number."""
    base = folder.resolve() / FOLDER
    base.mkdir(exist_ok=True)
    number = 1 + max((int(p.name) for p in base.iterdir() if p.name.isdecimal()), default=0)
    submission = Submission(base / f"{number:03d}")
    submission.folder.mkdir()
    return submission


def write_chain(submission: Submission, steps: Sequence[JobStep]) -> None:
    """Write the scripts of a chain and submit nothing; ``ID`` stands for the ids.

    Args:
        submission: whose folder they go to.
        steps: in the order of the queue.
    """
    for number, step in enumerate(steps):
        _write_script(submission, step, "ID" if number else "")


def submit_chain(
    submission: Submission,
    content: dict[str, Any],
    steps: Sequence[JobStep],
    *,
    block: str,
    on_first: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Write and submit scripts, each of which waits for the one before to end.

    Args:
        submission: whose folder they go to.
        content: of its file; the ids are noted under ``jobs``.
        steps: in the order of the queue.
        block: of the YAML file that the message of a refusal names.
        on_first: is told the id of the first job, before the others are submitted.

    Returns:
        The ids of the jobs.

    Raises:
        QueueRefusedError: the queue does not take a script; those before it stay queued.
        JobIdUnknownError: the queue may have taken a script, but gave no id.
    """
    scheduler = find_array_scheduler(str(content["scheduler"]))
    jobs: list[str] = []
    for step in steps:
        script = _write_script(submission, step, jobs[-1] if jobs else "")
        content[PENDING] = step.file
        submission.write(content)
        try:
            jobs.append(submit_script(scheduler, script, block=block))
        except QueueRefusedError as error:
            content[PENDING] = None
            submission.write(content)
            if not jobs:
                raise
            queued = ", ".join(jobs)
            raise QueueRefusedError(f"{error} Before it were queued: {queued}.") from error
        content["jobs"], content[PENDING] = jobs, None
        submission.write(content)
        if len(jobs) == 1:
            on_first(jobs[0])
    return jobs


def _write_script(submission: Submission, step: JobStep, after: str) -> Path:
    path = submission.folder / step.file
    path.write_text(step.render(after), encoding="utf-8")
    return path


def job_ids(content: dict[str, Any]) -> list[str]:
    """Ids of a submission's jobs, in the order of the queue."""
    if "jobs" in content:
        return [str(job_id) for job_id in content["jobs"]]
    old = (content.get(key) for key in ("job_id", "merge_job_id"))  # of earlier releases
    return [str(job_id) for job_id in old if job_id]


def scheduler_of(content: dict[str, Any]) -> ArrayScheduler:
    """The batch system of a submission.

    Raises:
        InputError: its name is not known.
    """
    return find_array_scheduler(str(content["scheduler"]))


def list_queued(content: dict[str, Any]) -> list[QueuedJob]:
    """Jobs of a submission that are in the queue.

    Raises:
        QueueSilentError: the queue does not answer, or a submission to it was cut short.
    """
    if content.get(ENDED):
        return []
    if content.get(PENDING):
        raise QueueSilentError(
            f"The answer of the queue to {content[PENDING]} is not known: its job may be queued."
        )
    jobs = list_jobs(scheduler_of(content), job_ids(content))
    return [job for job in jobs if job.state.in_queue]


def count_states(content: dict[str, Any]) -> dict[JobState, int]:
    """How many of a submission's jobs are in which state; empty once none is in the queue.

    Raises:
        QueueSilentError: the queue does not answer.
    """
    counts: dict[JobState, int] = {}
    for job in list_queued(content):
        counts[job.state] = counts.get(job.state, 0) + len(job.elements or {1})
    return counts


def cancel_submission(content: dict[str, Any]) -> list[str]:
    """Tell the queue to end all jobs of a submission, the last first.

    Returns:
        The ids of the jobs.

    Raises:
        QueueSilentError: the queue could not be told.
    """
    ids = job_ids(content)[::-1]
    for job_id in ids:
        cancel_job(scheduler_of(content), job_id)
    return ids


def forget_jobs(submission: Submission) -> None:
    """Note that no job of a submission is in the queue, whatever the queue says."""
    submission.write(submission.read() | {ENDED: True, PENDING: None})
