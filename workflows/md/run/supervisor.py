"""A piece of one run, wherever it is computed: requests to stop, no silent standstill."""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from dualion.structures.errors import InputError
from dualion.workflows.execution.locks import folder_lock, is_running
from dualion.workflows.md.engines import Engine, Resources
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.run.segment import LOCK, run_piece
from dualion.workflows.md.states import FINAL, RunState

STOP = "stop"
"""A file of this name in a run's folder asks its piece to end at a checkpoint."""

CANCEL = "cancel"
"""The same, and the run is not to go on."""

LOOK_EVERY_S = 0.5
STANDSTILL = "walltime_too_short"


def do_piece(
    path: Path,
    resources: Resources,
    *,
    device: str = "auto",
    job: str = "",
    stop: threading.Event | None = None,
    stop_files: Sequence[Path] = (),
    parent: int = 0,
    engine: Engine | None = None,
) -> Progress:
    """Take a run as far as the time allows; whatever goes wrong stands in its folder.

    Args:
        path: the run's folder.
        resources: what may be used.
        device: for ASE calculators.
        job: number in the batch system's queue.
        stop: once it is set, the run is brought to a checkpoint.
        stop_files: the same, once one of these is there.
        parent: the same, once this process is no more the parent; 0 for whatever it is.
        engine: in place of the one that the run names.

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
    with watched([path / STOP, path / CANCEL, *stop_files], stop, parent):
        try:
            progress = run_piece(path, resources, stop=stop, device=device, job=job, engine=engine)
        except (InputError, KeyboardInterrupt):
            raise
        except Exception as error:  # the worker's boundary: a bug costs one run
            progress = _broken(folder, error)
    if (path / CANCEL).exists():
        return cancel_run(folder)
    return _checked(folder, before, progress, resources, asked=stop.is_set())


def _checked(
    folder: RunFolder, before: Progress, progress: Progress, resources: Resources, *, asked: bool
) -> Progress:
    """End a run that gets nowhere: each further piece would be as short."""
    still = progress.done_ps <= before.done_ps and progress.attempt == before.attempt
    if progress.state != RunState.PAUSED or progress.reason or asked or not still:
        return progress
    return end_run(
        folder,
        RunState.FAILED,
        STANDSTILL,
        f"In {resources.limit_s:.0f} s the piece came to no checkpoint; raise walltime (or "
        "--limit-s), then go on with --retry-failed.",
    )


def _broken(folder: RunFolder, error: Exception) -> Progress:
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
    """Note in a run's folder how it stands, if no process has it.

    Raises:
        InputError: a process has it.
    """
    with folder_lock(folder.path, LOCK):
        progress = folder.progress()
        progress.state, progress.reason, progress.message = state.value, reason, message
        folder.write_progress(progress)
    return progress


def cancel_run(folder: RunFolder) -> Progress:
    """Cancel a run that no process has; the request is taken away.

    Raises:
        InputError: a process has it.
    """
    if RunState(folder.progress().state) is RunState.DONE:
        progress = folder.progress()
    else:
        progress = end_run(
            folder, RunState.CANCELLED, "cancelled", "Cancelled; go on with: dualion md queue"
        )
    (folder.path / CANCEL).unlink(missing_ok=True)
    return progress


def is_held(folder: RunFolder) -> bool:
    """Whether a process of this machine (or of one with common locks) has the run."""
    return is_running(folder.path, LOCK)


@contextlib.contextmanager
def watched(files: Sequence[Path], stop: threading.Event, parent: int = 0) -> Iterator[None]:
    """Set an event once one of some files is there, or the parent is another process."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            orphaned = parent and os.getppid() != parent
            if orphaned or any(file.exists() for file in files):
                stop.set()
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
