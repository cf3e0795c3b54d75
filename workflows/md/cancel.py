"""``dualion md cancel``: runs out of the queue, running ones to a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from dualion.structures.errors import InputError
from dualion.workflows.execution.batch_queue import QueueSilentError, cancel_job
from dualion.workflows.execution.submission import (
    PENDING,
    Submission,
    forget_jobs,
    job_ids,
    scheduler_of,
)
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.queue_state import InQueue, open_submissions, states_of
from dualion.workflows.md.reconcile import RunStatus, matches_ids, reconcile
from dualion.workflows.md.run.supervisor import CANCEL, cancel_run, is_held
from dualion.workflows.md.states import FINAL, RunState


def cancel_runs(
    folder: MdFolder, ids: Sequence[str] = (), *, forget: bool = False
) -> tuple[int, list[str]]:
    """Cancel runs that have not ended; what they computed is kept.

    Args:
        folder: the folder.
        ids: names of structures or keys of runs; none for all.
        forget: ask no queue, and note that it has none of the runs any more.

    Returns:
        How many runs, and the ids of the jobs that the queue was told to end.

    Raises:
        InputError: nothing of that name is queued.
        QueueSilentError: the runs are cancelled, but the queue could not be told.
    """
    with folder.reading():
        pass
    with folder.writing() as runs:
        found = [one for one in reconcile(folder, runs) if matches_ids(one.run, ids)]
        if ids and not found:
            raise InputError(f"No run of {', '.join(ids)} is queued.")
        going = [one for one in found if one.state not in FINAL]
        for one in going:
            _request_cancel(folder, one)
        for one in going:
            _end_idle(folder, one)
            runs.move(
                one.run.key,
                RunState.CANCELLED.value,
                reason="cancelled",
                message="Cancelled; go on with: dualion md queue",
            )
    stopped = {RunState.CANCELLED, *(state for state in RunState if state not in FINAL)}
    keys = {one.run.key for one in found if one.state in stopped}
    if forget:
        _forget(folder, keys)
        return len(going), []
    return len(going), cancel_jobs(folder, keys)


def _request_cancel(folder: MdFolder, one: RunStatus) -> None:
    files = folder.run_folder(one.run.place)
    if files.path.is_dir():
        (files.path / CANCEL).touch()


def _end_idle(folder: MdFolder, one: RunStatus) -> None:
    """End a run that no process has; one that has it ends it at a checkpoint."""
    files = folder.run_folder(one.run.place)
    if files.path.is_dir() and not is_held(files) and one.state is not RunState.RUNNING:
        cancel_run(files)


def cancel_jobs(folder: MdFolder, keys: set[str]) -> list[str]:
    """Tell the queue to end the jobs of runs: whole arrays, or their elements alone.

    Args:
        folder: the folder.
        keys: of the runs.

    Returns:
        The ids of the jobs and elements.

    Raises:
        QueueSilentError: the queue could not be told; a job that starts passes over the runs.
    """
    told = []
    for submission in open_submissions(folder):
        for job_id in _ids_to_end(submission, keys):
            try:
                cancel_job(scheduler_of(submission.read()), job_id)
            except QueueSilentError as error:
                raise QueueSilentError(
                    f"{error} The runs are cancelled, but job {job_id} may stay in the queue; it "
                    "ends as soon as it starts. Repeat dualion md cancel later, or add --forget."
                ) from error
            told.append(job_id)
        if submission.read().get(PENDING) and _has_all(submission, keys):
            raise QueueSilentError(
                f"The runs are cancelled, but whether {submission.folder} left a job in the queue "
                "is not known. Look there, then say that it has none with: dualion md cancel "
                "--forget"
            )
    return told


def _ids_to_end(submission: Submission, keys: set[str]) -> list[str]:
    content = submission.read()
    states = states_of(content)
    alive = {key for key, state in states.items() if state is not InQueue.NO}
    if not alive & keys:
        return []
    if alive <= keys:
        return job_ids(content)
    system = scheduler_of(content)
    return [
        system.element_id(job_id, number)
        for job_id in job_ids(content)
        for number, element in enumerate(content["elements"], start=1)
        if set(element) <= keys and alive & set(element)
    ]


def _forget(folder: MdFolder, keys: set[str]) -> None:
    for submission in open_submissions(folder):
        if _has_all(submission, keys):
            forget_jobs(submission)


def _has_all(submission: Submission, keys: set[str]) -> bool:
    """Whether all runs of a submission are among those of the keys."""
    return {key for element in submission.read()["elements"] for key in element} <= keys
