"""``run_piece``: take one run from its checkpoint as far as the time allows.

Whoever calls it (this machine's queue, a job of a batch system) needs nothing but the run's
folder. What becomes of the run stands in ``progress.json`` afterwards, whatever happens here.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from dualion.results.transport.files import write_report
from dualion.structures.errors import DualionError, InputError
from dualion.workflows.execution.locks import folder_lock
from dualion.workflows.md.engines import (
    Engine,
    EngineError,
    GuardTrippedError,
    Leg,
    Resources,
    engine_named,
)
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.assess import assess, read_production, transport_of
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.states import RunState

LOCK = ".lock"

KILLED_MOST = 3
"""Pieces killed in a row before their first checkpoint after which a run has failed."""

ENDINGS = {
    "target_n_eff": "Each mobile species has enough effective jumps.",
    "nothing_moves": (
        "No mobile ion has left its place; add defects (md queue --cells schottky) or heat."
    ),
    "budget_spent": "The budget is spent; for more, queue with a larger --budget-ps.",
}
"""What the reason of a finished run means."""

KILLED_MESSAGE = (
    f"{KILLED_MOST} pieces in a row were killed before their first checkpoint, by the walltime or "
    "for want of memory; raise walltime or memory, or lower checkpoint_s, then go on with "
    "--retry-failed."
)


def run_piece(
    path: Path,
    resources: Resources,
    *,
    stop: threading.Event | None = None,
    device: str = "auto",
    job: str = "",
    engine: Engine | None = None,
) -> Progress:
    """Take a run from its checkpoint as far as the time limit allows.

    Args:
        path: the run's folder.
        resources: what may be used.
        stop: once it is set, the run is brought to a checkpoint and left.
        device: for ASE calculators: auto, cpu or cuda.
        job: number in the batch system's queue.
        engine: in place of the one that the run names.

    Returns:
        How the run stands: paused, done or failed.

    Raises:
        InputError: there is no run, or another process has it.
    """
    folder = RunFolder(path)
    spec = folder.spec()
    with folder_lock(path, LOCK):
        progress = folder.progress()
        if progress.state in (RunState.DONE, RunState.FAILED, RunState.CANCELLED):
            return progress
        _begin(folder, progress, spec, resources, job)
        if progress.killed >= KILLED_MOST:
            _end(folder, RunState.FAILED, "process_killed", KILLED_MESSAGE)
            return folder.progress()
        try:
            chosen = engine or engine_named(spec.engine, device=device)
            _advance(folder, spec, chosen, resources, stop or threading.Event())
        except (EngineError, DualionError) as error:
            _end(folder, RunState.FAILED, getattr(error, "reason", "cannot_run"), str(error))
        except OSError as error:
            _pause_for_disk(folder, error)
        return folder.progress()


def _begin(
    folder: RunFolder, progress: Progress, spec: RunSpec, resources: Resources, job: str
) -> None:
    protocol = spec.protocol
    progress.state, progress.reason, progress.message = RunState.RUNNING.value, "", ""
    killed = progress.began_ps is not None and progress.done_ps <= progress.began_ps
    progress.killed = progress.killed + 1 if killed else 0
    progress.began_ps = progress.done_ps
    progress.pieces += 1
    progress.job, progress.host, progress.pid = job, socket.gethostname(), os.getpid()
    progress.cores, progress.gpus = resources.cores, resources.gpus
    progress.target_ps = max(progress.target_ps, protocol.equilibration_ps + protocol.production_ps)
    progress.most_ps = protocol.equilibration_ps + protocol.budget_ps
    progress.timestep_fs = progress.timestep_fs or protocol.timestep_fs
    folder.write_progress(progress)


def _advance(
    folder: RunFolder,
    spec: RunSpec,
    engine: Engine,
    resources: Resources,
    stop: threading.Event,
) -> None:
    """Legs to one target after the other, until the run has seen enough or the time is up."""
    begun = time.monotonic()
    while True:
        progress = folder.progress()
        leg = Leg(
            folder=folder,
            spec=_of_attempt(spec, progress),
            target_ps=progress.target_ps,
            resources=resources,
            stop=stop,
            begun=begun,
        )
        try:
            if not engine.advance(leg):
                _end(folder, RunState.PAUSED, "", "")
                return
            if _judged(folder, spec):
                return
        except GuardTrippedError as error:
            if not _retried(folder, progress, error):
                return


def _of_attempt(spec: RunSpec, progress: Progress) -> RunSpec:
    """What the run is, with the time step of the present attempt."""
    protocol = spec.protocol
    if progress.attempt > 1:
        protocol = protocol.with_half_step()
    return spec.model_copy(update={"protocol": protocol})


def _judged(folder: RunFolder, spec: RunSpec) -> bool:
    """Look at what was computed; whether the run has ended.

    Raises:
        GuardTrippedError: the cell has melted.
    """
    found = assess(folder, spec)
    progress = folder.progress()
    progress.n_eff = found.n_eff
    progress.temperature_k = found.temperature_k
    if "molten" in found.flags:
        folder.write_progress(progress)
        raise GuardTrippedError(
            "molten", "No species keeps its sites: the cell has melted; choose less heat."
        )
    if not found.enough:
        further = progress.target_ps + spec.protocol.block_ps
        progress.target_ps = min(further, progress.most_ps)
        folder.write_progress(progress)
        return False
    folder.write_progress(progress)
    analyse_run(folder, spec)
    _end(folder, RunState.DONE, found.reason, ENDINGS[found.reason])
    return True


def analyse_run(folder: RunFolder, spec: RunSpec) -> None:
    """Write transport of a run into its ``analysis`` folder."""
    report = transport_of(read_production(folder, spec), spec, full=True)
    folder.analysis.mkdir(exist_ok=True)
    write_report(report, folder.analysis, figures=True)


def _retried(folder: RunFolder, progress: Progress, error: GuardTrippedError) -> bool:
    """After a guard: keep what there is and begin again with half the time step, once."""
    if progress.attempt > 1:
        _end(folder, RunState.FAILED, error.reason, f"{error} Half the time step did not help.")
        return False
    progress = folder.progress()
    progress.reason, progress.message = error.reason, str(error)
    folder.write_progress(progress)
    folder.set_aside()
    progress.attempt, progress.timestep_fs = 2, progress.timestep_fs / 2.0
    progress.lost_s += progress.wall_s
    progress.wall_s, progress.done_ps, progress.frames = 0.0, 0.0, 0
    folder.write_progress(progress)
    return True


def _end(folder: RunFolder, state: RunState, reason: str, message: str) -> None:
    progress = folder.progress()
    progress.state, progress.reason, progress.message = state.value, reason, message
    progress.began_ps, progress.killed = None, 0
    folder.write_progress(progress)


def _pause_for_disk(folder: RunFolder, error: OSError) -> None:
    """A disk that refuses is not the run's fault: it goes on from its last checkpoint.

    Raises:
        InputError: not even that can be written down.
    """
    said = f"The disk refuses ({error.strerror or error}); free space, then go on."
    try:
        _end(folder, RunState.PAUSED, "disk", said)
    except OSError:
        raise InputError(f"{folder.path}: {said}") from error
