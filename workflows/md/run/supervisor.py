"""Supervise a segment: requests to stop and cancel, bugs, a run that does not advance."""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from dualion.structures.errors import InputError
from dualion.workflows.execution.locks import folder_lock, is_running
from dualion.workflows.md.engines import Engine, Resources
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import LOCK, run_segment
from dualion.workflows.md.states import FINAL, RunState

STOP = "stop"
"""A file of this name in a run's folder asks its segment to end at a checkpoint."""

CANCEL = "cancel"
"""The same, and the run is cancelled."""

POLL_INTERVAL_S = 0.5


def supervise_segment(
    path: Path,
    resources: Resources,
    *,
    device: str = "auto",
    job: str = "",
    stop: threading.Event | None = None,
    stop_files: Sequence[Path] = (),
    engine: Engine | None = None,
) -> Progress:
    """Advance a run by one segment; record in its folder whatever goes wrong.

    Args:
        path: the run's folder.
        resources: resources of the segment, its time limit among them.
        device: for ASE calculators: auto, cpu or cuda.
        job: number in the batch system's queue.
        stop: once set, the run writes a checkpoint and pauses.
        stop_files: the same, once one of these exists.
        engine: replaces the one that the run names.

    Returns:
        Progress of the run: paused, done, failed or cancelled.

    Raises:
        InputError: there is no run, another process has it, or its folder cannot be written to.
    """
    folder = RunFolder(path)
    before = folder.progress()
    if (path / CANCEL).exists():
        return cancel_run(folder)
    if RunState(before.state) in FINAL:
        return before
    stop = stop or threading.Event()
    with watch_requests([path / STOP, path / CANCEL, *stop_files], stop):
        try:
            progress = run_segment(
                path, resources, stop=stop, device=device, job=job, engine=engine
            )
        except (InputError, KeyboardInterrupt):
            raise
        except Exception as error:  # the worker's boundary: a bug costs one run
            progress = _record_bug(folder, error)
    if (path / CANCEL).exists():
        return cancel_run(folder)
    if not stop.is_set() and _stands_still(before, progress):
        progress = end_run(
            folder,
            RunState.FAILED,
            "walltime_too_short",
            f"In {resources.limit_s:.0f} s the segment came to no checkpoint; raise walltime (or "
            "--limit-s), then continue with --retry-failed.",
        )
    return progress


def _stands_still(before: Progress, after: Progress) -> bool:
    """Whether a segment used up its time without a checkpoint; each further one would too."""
    paused = after.state == RunState.PAUSED and not after.reason
    return paused and after.done_ps <= before.done_ps and after.attempt == before.attempt


def _record_bug(folder: RunFolder, error: Exception) -> Progress:
    with contextlib.suppress(OSError):
        (folder.path / "traceback.txt").write_text(traceback.format_exc(), encoding="utf-8")
    return end_run(
        folder,
        RunState.FAILED,
        "internal_error",
        f"{type(error).__name__}: {error}. This is a fault of the program; please report it with "
        f"{folder.path / 'traceback.txt'}.",
    )


def end_run(folder: RunFolder, state: RunState, reason: str, message: str) -> Progress:
    """Write the state of a run that no process has.

    Args:
        folder: the run's folder.
        state: its new state.
        reason: stable name of the reason; may be empty.
        message: the reason as a sentence that says what to do; may be empty.

    Raises:
        InputError: a process has it.
        OSError: the disk refuses.
    """
    with folder_lock(folder.path, LOCK):
        progress = folder.progress()
        progress.state, progress.reason, progress.message = state.value, reason, message
        folder.write_progress(progress)
    return progress


def cancel_run(folder: RunFolder) -> Progress:
    """Cancel a run that no process has, and remove the request.

    Raises:
        InputError: a process has it.
    """
    if RunState(folder.progress().state) is RunState.DONE:
        progress = folder.progress()
    else:
        progress = end_run(
            folder, RunState.CANCELLED, "cancelled", "Cancelled; continue with: dualion md queue"
        )
    (folder.path / CANCEL).unlink(missing_ok=True)
    return progress


def is_held(folder: RunFolder) -> bool:
    """Whether a process of this machine (or of one with common locks) has the run."""
    return is_running(folder.path, LOCK)


@contextlib.contextmanager
def watch_requests(files: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """Set an event once one of some files exists.

    Args:
        files: the files.
        stop: the event.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_INTERVAL_S):
            if any(file.exists() for file in files):
                stop.set()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
