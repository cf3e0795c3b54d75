"""Where runs stand: their folders and the queue are asked, and the store follows."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping
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
    """How one run stands; nothing is changed."""
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

    def seen(state: RunState, *, lost: bool = False) -> RunStatus:
        reason, message = (LOST, LOST_MESSAGE) if lost else (progress.reason, progress.message)
        return RunStatus(
            run=run, progress=progress, state=state, reason=reason, message=message, lost=lost
        )

    waiting = queue in (InQueue.WAITING, InQueue.RUNNING)
    unknown = queue is InQueue.UNKNOWN
    if told is RunState.RUNNING:
        if is_held(files) or queue is InQueue.RUNNING or _is_elsewhere(progress, queue):
            return seen(RunState.RUNNING)
        return seen(RunState.SUBMITTED if waiting else RunState.PAUSED, lost=True)
    if told in (RunState.PREPARED, RunState.PAUSED):
        kept = unknown and run.state == RunState.SUBMITTED
        return seen(RunState.SUBMITTED if waiting or kept else told)
    return seen(told)


def _is_elsewhere(progress: Progress, queue: InQueue) -> bool:
    """Whether a process of another machine may well have it: locks need not reach that far."""
    fresh = time.time() - progress.updated < SILENT_S
    return queue is not InQueue.NO and progress.host != socket.gethostname() and fresh


def inspect_runs(folder: MdFolder, runs: Iterable[MdRun]) -> list[RunStatus]:
    """How runs stand; nothing is changed."""
    queue = queue_view(folder)
    return [inspect_run(folder, run, queue) for run in runs]


def reconcile(folder: MdFolder, runs: MdRuns) -> list[RunStatus]:
    """Let the store follow the folders and the queue; lost runs are set to go on.

    Raises:
        StoreError: the store refuses.
    """
    queue = queue_view(folder, tidy=True)
    return [apply_status(folder, runs, inspect_run(folder, run, queue)) for run in runs.all()]


def apply_status(folder: MdFolder, runs: MdRuns, seen: RunStatus) -> RunStatus:
    """Bring the store to how a run was seen."""
    if seen.lost:
        with contextlib.suppress(InputError, OSError):  # a process has just taken it
            end_run(folder.run_folder(seen.run.place), RunState.PAUSED, LOST, LOST_MESSAGE)
    if seen.progress.state in FINAL:  # requests that a process still has to see are left
        for name in (STOP, CANCEL):
            with contextlib.suppress(OSError):
                (folder.run_folder(seen.run.place).path / name).unlink(missing_ok=True)
    facts = {
        "reason": seen.reason,
        "message": seen.message,
        "progress": asdict(seen.progress) if seen.progress.updated else seen.run.progress,
    }
    if (seen.state, facts["progress"], seen.reason) == (
        seen.run.state,
        dict(seen.run.progress),
        seen.run.reason,
    ):
        return seen
    for state in find_transitions(RunState(seen.run.state), seen.state):
        runs.move(seen.run.key, state.value, **facts)
    return seen


def find_transitions(now: RunState, then: RunState) -> list[RunState]:
    """States on the shortest way to another, the last one included.

    A state that is final is never passed through. Where there is no way it is left as it is.
    """
    if now is then:
        return [then]
    ways = deque([[state] for state in sorted(TRANSITIONS[now])])
    while ways:
        path = ways.popleft()
        if path[-1] is then:
            return path
        if path[-1] in FINAL or len(path) > len(RunState):
            continue
        ways.extend([*path, state] for state in sorted(TRANSITIONS[path[-1]]) if state not in path)
    return []


def reopen(folder: MdFolder, runs: MdRuns, seen: RunStatus, *, reason: str = "") -> RunState:
    """Let a failed or cancelled run go on from where it was, or from the start.

    Raises:
        InputError: a process has it.
    """
    files = folder.run_folder(seen.run.place)
    for name in (STOP, CANCEL):
        (files.path / name).unlink(missing_ok=True)
    state = RunState.PAUSED if seen.progress.done_ps > 0.0 else RunState.PREPARED
    end_run(files, state, reason, "")
    runs.move(seen.run.key, state.value, reason=reason, message="")
    return state
