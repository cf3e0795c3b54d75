"""Which runs a batch system has: submissions below ``md/submissions``, asked about element-wise."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from dualion.workflows.execution.batch_queue import QueueSilentError
from dualion.workflows.execution.schedulers import JobState
from dualion.workflows.execution.submission import (
    ENDED,
    Submission,
    list_queued,
    list_submissions,
)
from dualion.workflows.md.folder import MdFolder


class InQueue(StrEnum):
    """What a batch system says of a run."""

    NO = "no"  # it was never submitted, or its jobs have ended
    WAITING = "waiting"
    RUNNING = "running"
    UNKNOWN = "unknown"  # the queue does not answer, or is not on this machine


_ORDER = (InQueue.NO, InQueue.UNKNOWN, InQueue.WAITING, InQueue.RUNNING)


def queue_view(folder: MdFolder, *, tidy: bool = False) -> dict[str, InQueue]:
    """Run's key → what the queue says; runs without an open submission are left out.

    Args:
        folder: the folder.
        tidy: note submissions whose jobs have all ended, so that they are not asked about again.
    """
    found: dict[str, InQueue] = {}
    for submission in open_submissions(folder):
        content = submission.read()
        states = states_of(content)
        for key, state in states.items():
            if _ORDER.index(state) >= _ORDER.index(found.get(key, InQueue.NO)):
                found[key] = state
        if tidy and all(state is InQueue.NO for state in states.values()):
            submission.write(content | {ENDED: True})
    return found


def states_of(content: dict[str, Any]) -> dict[str, InQueue]:
    """Run's key → what the queue says of a submission's jobs.

    Args:
        content: of the submission's file.
    """
    elements = dict(enumerate(content["elements"], start=1))
    found = {key: InQueue.NO for keys in elements.values() for key in keys}
    try:
        jobs = list_queued(content)
    except QueueSilentError:
        return dict.fromkeys(found, InQueue.UNKNOWN)
    for job in jobs:
        state = InQueue.RUNNING if job.state is JobState.RUNNING else InQueue.WAITING
        for number in job.elements or elements:
            for key in elements.get(number, ()):
                if _ORDER.index(state) > _ORDER.index(found[key]):
                    found[key] = state
    return found


def open_submissions(folder: MdFolder) -> list[Submission]:
    """Submissions with jobs that may still be in the queue."""
    return [one for one in list_submissions(folder.md) if not one.read().get(ENDED)]
