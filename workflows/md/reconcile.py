"""Where runs stand: their folders and the queue are asked, and the store follows."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from dualion.results.store import MdRun, MdRuns
from dualion.structures.errors import InputError
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.queue_state import InQueue, queue_view
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.supervisor import CANCEL, STOP, end_run, is_held
from dualion.workflows.md.states import FINAL, TRANSITIONS, RunState

SILENT_S = 900.0
"""A run elsewhere that has written nothing for so long is given up, s."""

LOST = "process_lost"
LOST_MESSAGE = "Its process is gone; it goes on from its last checkpoint."
QUEUE_SILENT = "queue_silent"
QUEUE_SILENT_MESSAGE = "The queue does not answer; it may still have the run's job."
NO_FOLDER = "folder_missing"
NO_FOLDER_MESSAGE = "Its folder is gone; queue it anew with: dualion md queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """How a run stands.

    Attributes:
        run: as the store knows it.
        progress: as its folder tells; of a run without one, an empty one.
        state: where it stands.
        reason, message: why it ended or stopped.
        lost: whether its folder still says running although no process has it.
    """

    run: MdRun
    progress: Progress
    state: RunState
    reason: str = ""
    message: str = ""
    lost: bool = False


def inspect_run(folder: MdFolder, run: MdRun, queue: Mapping[str, InQueue]) -> RunStatus:
    """How one run stands; nothing is changed.

    Args:
        folder: of the runs.
        run: as the store knows it.
        queue: run's key → what the queue says.
    """
    known = RunState(run.state)
    files = folder.run_folder(run.place)
    try:
        progress = files.progress()
    except InputError as error:
        gone = not files.path.is_dir()
        if known in FINAL or known is RunState.PLANNED:
            return _as_known(run, Progress())
        reason = NO_FOLDER if gone else "folder_damaged"
        message = NO_FOLDER_MESSAGE if gone else str(error)
        return RunStatus(
            run=run, progress=Progress(), state=RunState.FAILED, reason=reason, message=message
        )
    if known is RunState.CANCELLED:
        return _as_known(run, progress)
    return _by_folder(run, files, progress, queue.get(run.key, InQueue.NO))


def _as_known(run: MdRun, progress: Progress) -> RunStatus:
    return RunStatus(
        run=run,
        progress=progress,
        state=RunState(run.state),
        reason=run.reason,
        message=run.message,
    )


def _by_folder(run: MdRun, files: RunFolder, progress: Progress, queue: InQueue) -> RunStatus:
    told = RunState(progress.state)

    def status(state: RunState, *, lost: bool = False) -> RunStatus:
        reason, message = (LOST, LOST_MESSAGE) if lost else (progress.reason, progress.message)
        if state is RunState.SUBMITTED and queue is InQueue.UNKNOWN:
            reason, message = QUEUE_SILENT, QUEUE_SILENT_MESSAGE
        return RunStatus(
            run=run, progress=progress, state=state, reason=reason, message=message, lost=lost
        )

    may_go_on = queue is not InQueue.NO  # also where the queue does not answer
    if told is RunState.RUNNING:
        if is_held(files) or queue is InQueue.RUNNING or _is_fresh_elsewhere(progress, queue):
            return status(RunState.RUNNING)
        if queue is InQueue.UNKNOWN and progress.host != socket.gethostname():
            return status(RunState.SUBMITTED)  # nobody here knows whether its process is gone
        return status(RunState.SUBMITTED if may_go_on else RunState.PAUSED, lost=True)
    if told in (RunState.PREPARED, RunState.PAUSED):
        return status(RunState.SUBMITTED if may_go_on else told)
    return status(told)


def _is_fresh_elsewhere(progress: Progress, queue: InQueue) -> bool:
    """Whether a process of another machine may well have it: locks need not reach that far."""
    fresh = time.time() - progress.updated < SILENT_S
    return queue is not InQueue.NO and progress.host != socket.gethostname() and fresh


def inspect_runs(folder: MdFolder, runs: Iterable[MdRun]) -> list[RunStatus]:
    """How runs stand; nothing is changed.

    Args:
        folder: of the runs.
        runs: as the store knows them.
    """
    queue = queue_view(folder)
    return [inspect_run(folder, run, queue) for run in runs]


def reconcile(folder: MdFolder, runs: MdRuns) -> list[RunStatus]:
    """Let the store follow the folders and the queue; lost runs are set to go on.

    Args:
        folder: of the runs.
        runs: the store, open for writing.

    Raises:
        StoreError: the store refuses.
    """
    queue = queue_view(folder, tidy=True)
    return [apply_status(folder, runs, inspect_run(folder, run, queue)) for run in runs.all()]


def apply_status(folder: MdFolder, runs: MdRuns, found: RunStatus) -> RunStatus:
    """Bring the store, and the folder of a lost run, to how a run stands.

    Args:
        folder: of the runs.
        runs: the store, open for writing.
        found: how the run stands.

    Raises:
        StoreError: the store refuses.
    """
    if found.lost:
        with contextlib.suppress(InputError, OSError):  # a process has just taken it
            end_run(folder.run_folder(found.run.place), RunState.PAUSED, LOST, LOST_MESSAGE)
    if found.progress.state in FINAL:  # requests that a process still has to see are left
        for name in (STOP, CANCEL):
            with contextlib.suppress(OSError):
                (folder.run_folder(found.run.place).path / name).unlink(missing_ok=True)
    facts = {
        "reason": found.reason,
        "message": found.message,
        "progress": asdict(found.progress) if found.progress.updated else found.run.progress,
    }
    if (found.state, facts["progress"], found.reason) == (
        found.run.state,
        dict(found.run.progress),
        found.run.reason,
    ):
        return found
    for state in find_transitions(RunState(found.run.state), found.state):
        runs.move(found.run.key, state.value, **facts)
    return found


def find_transitions(now: RunState, then: RunState) -> list[RunState]:
    """States on the shortest way to another, the last one included.

    A state that is final is never passed through. Where there is no way it is left as it is.

    Args:
        now: state of the run.
        then: state that it should have.
    """
    if now is then:
        return [then]
    paths = deque([[state] for state in sorted(TRANSITIONS[now])])
    while paths:
        path = paths.popleft()
        if path[-1] is then:
            return path
        if path[-1] in FINAL or len(path) > len(RunState):
            continue
        paths.extend([*path, state] for state in sorted(TRANSITIONS[path[-1]]) if state not in path)
    return []


def reopen(folder: MdFolder, runs: MdRuns, found: RunStatus, *, reason: str = "") -> RunState:
    """Let a failed or cancelled run go on from where it was, or from the start.

    Args:
        folder: of the runs.
        runs: the store, open for writing.
        found: how the run stands.
        reason: that is noted with it.

    Raises:
        InputError: a process has it.
    """
    files = folder.run_folder(found.run.place)
    for name in (STOP, CANCEL):
        (files.path / name).unlink(missing_ok=True)
    state = RunState.PAUSED if found.progress.done_ps > 0.0 else RunState.PREPARED
    end_run(files, state, reason, "")
    runs.move(found.run.key, state.value, reason=reason, message="")
    return state


def matches_ids(run: MdRun, ids: Sequence[str]) -> bool:
    """Whether ids name a run: its structure, its key, or the beginning of its key.

    Args:
        run: the run.
        ids: the ids; none stands for all runs.
    """
    return not ids or any(run.source_id == name or run.key.startswith(name) for name in ids)
