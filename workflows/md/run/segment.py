"""Advance one run by one segment: from its checkpoint until its end, a stop or the time limit.

The caller (a local queue, a job of a batch system) needs nothing but the run's folder. The state
of the run is in ``progress.json`` afterwards, whatever happens here.
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
    EngineCall,
    EngineError,
    GuardTrippedError,
    Resources,
    make_engine,
)
from dualion.workflows.md.plan.origin import origin_of
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.assess import analyse_transport, assess, read_production
from dualion.workflows.md.run.run_folder import Progress, RunFolder
from dualion.workflows.md.states import FINAL, RunState
from dualion.workflows.potentials.remote import PotentialDiedError

LOCK = ".lock"

MOST_DEATHS = 3
"""Segments that may die in a row without a checkpoint; then the run has failed."""

ENDINGS = {
    "target_n_eff": "Each mobile species has enough effective jumps.",
    "nothing_moves": (
        "No mobile ion has left its place; add defects (md queue --cells schottky) or heat."
    ),
    "budget_spent": "The budget is spent; for more, queue with a larger --budget-ps.",
}
"""Reason of a finished run → sentence."""

KILLED = "process_killed"
DIED = "potential_died"

DEATHS_MESSAGE = (
    f"{MOST_DEATHS} segments in a row died before their first checkpoint, by the walltime or for "
    "lack of memory; raise walltime or memory, use fewer --workers or a smaller cell, or lower "
    "checkpoint_s, then continue with --retry-failed."
)


def run_segment(
    path: Path,
    resources: Resources,
    *,
    stop: threading.Event | None = None,
    device: str = "auto",
    job: str = "",
    engine: Engine | None = None,
) -> Progress:
    """Advance a run by one segment.

    Args:
        path: the run's folder.
        resources: resources of the segment, its time limit among them.
        stop: once set, the run writes a checkpoint and pauses.
        device: for ASE calculators: auto, cpu or cuda.
        job: number in the batch system's queue.
        engine: replaces the one that the run names.

    Returns:
        Progress of the run: paused, done or failed.

    Raises:
        InputError: there is no run, or another process has it.
    """
    folder = RunFolder(path)
    spec = folder.spec()
    with folder_lock(path, LOCK):
        progress = folder.progress()
        if progress.state in FINAL:
            return progress
        if count_death(progress):
            _finish(folder, RunState.FAILED, KILLED, DEATHS_MESSAGE)
            return folder.progress()
        _start(folder, progress, spec, resources, job)
        try:
            chosen = engine or make_engine(spec.engine, device=device)
            _advance(folder, spec, chosen, resources, stop or threading.Event())
        except PotentialDiedError as error:
            _pause_for_death(folder, error)
        except (EngineError, DualionError) as error:
            _finish(folder, RunState.FAILED, getattr(error, "reason", "cannot_run"), str(error))
        except OSError as error:
            _pause_for_disk(folder, error)
        return folder.progress()


def count_death(progress: Progress) -> bool:
    """Count the last segment if it died: it has a start and no end.

    Deaths count in a row: a checkpoint that the segment wrote shows that the run advances, and the
    count starts anew.

    Args:
        progress: of the run; its ``deaths`` and ``segment_start_ps`` are updated.

    Returns:
        Whether the run has failed: ``MOST_DEATHS`` segments died without a checkpoint.
    """
    start_ps, progress.segment_start_ps = progress.segment_start_ps, None
    if start_ps is None:
        return False
    progress.deaths = 0 if progress.done_ps > start_ps else progress.deaths + 1
    return progress.deaths >= MOST_DEATHS


def record_death(path: Path) -> Progress:
    """Record in the run's folder that the process of its segment died.

    A process that died before its segment started counts too.

    Args:
        path: the run's folder.

    Returns:
        Progress of the run: failed after too many deaths, else as the process left it.

    Raises:
        InputError: there is no run, or another process has it.
        OSError: the disk refuses.
    """
    folder = RunFolder(path)
    with folder_lock(path, LOCK):
        progress = folder.progress()
        if progress.state in FINAL:
            return progress
        if progress.segment_start_ps is None:
            progress.segment_start_ps = progress.done_ps
        failed = count_death(progress)
        folder.write_progress(progress)
        if failed:
            _finish(folder, RunState.FAILED, KILLED, DEATHS_MESSAGE)
        return folder.progress()


def _start(
    folder: RunFolder, progress: Progress, spec: RunSpec, resources: Resources, job: str
) -> None:
    protocol = spec.protocol
    progress.state, progress.reason, progress.message = RunState.RUNNING.value, "", ""
    progress.segment_start_ps = progress.done_ps
    progress.segments += 1
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
    """Call the engine for one target after the other, until the run ends or the time is up."""
    started_s = time.monotonic()
    while True:
        progress = folder.progress()
        call = EngineCall(
            folder=folder,
            spec=_spec_of_attempt(spec, progress),
            target_ps=progress.target_ps,
            resources=resources,
            stop=stop,
            started_s=started_s,
        )
        try:
            if not engine.advance(call):
                _finish(folder, RunState.PAUSED, "", "")
                return
            if _end_if_enough(folder, spec):
                return
        except GuardTrippedError as error:
            if not _retry_with_half_step(folder, progress, error):
                return


def _spec_of_attempt(spec: RunSpec, progress: Progress) -> RunSpec:
    """The run with the time step of the present attempt."""
    protocol = spec.protocol
    if progress.attempt > 1:
        protocol = protocol.with_half_step()
    return spec.model_copy(update={"protocol": protocol})


def _end_if_enough(folder: RunFolder, spec: RunSpec) -> bool:
    """Assess the run and end or extend it; whether it has ended.

    Raises:
        GuardTrippedError: the cell has melted.
    """
    assessment = assess(folder, spec)
    progress = folder.progress()
    progress.n_eff = assessment.n_eff
    progress.temperature_k = assessment.temperature_k
    if "molten" in assessment.flags:
        folder.write_progress(progress)
        raise GuardTrippedError(
            "molten", "No species keeps its sites: the cell has melted; choose less heat."
        )
    if not assessment.enough:
        further = progress.target_ps + spec.protocol.block_ps
        progress.target_ps = min(further, progress.most_ps)
        folder.write_progress(progress)
        return False
    folder.write_progress(progress)
    analyse_run(folder, spec)
    _finish(folder, RunState.DONE, assessment.reason, ENDINGS[assessment.reason])
    return True


def analyse_run(folder: RunFolder, spec: RunSpec) -> None:
    """Write the transport of a run into its ``analysis`` folder.

    Args:
        folder: the run's folder.
        spec: the run.

    Raises:
        UnreadableTrajectoryError: the trajectory is too short or damaged.
        OSError: the disk refuses.
    """
    report = analyse_transport(read_production(folder, spec), spec, full=True)
    folder.analysis.mkdir(exist_ok=True)
    write_report(report, folder.analysis, origin=origin_of(spec))


def _retry_with_half_step(folder: RunFolder, progress: Progress, error: GuardTrippedError) -> bool:
    """After a guard: archive the attempt and start again with half the time step, once."""
    if progress.attempt > 1:
        message = f"{error} Half the time step did not help."
        _finish(folder, RunState.FAILED, error.reason, message)
        return False
    progress = folder.progress()
    progress.reason, progress.message = error.reason, str(error)
    folder.write_progress(progress)
    folder.archive_attempt()
    progress.attempt, progress.timestep_fs = 2, progress.timestep_fs / 2.0
    progress.lost_s += progress.wall_s
    progress.wall_s, progress.done_ps, progress.frames = 0.0, 0.0, 0
    progress.segment_start_ps, progress.deaths = 0.0, 0  # the new attempt has its own deaths
    folder.write_progress(progress)
    return True


def _finish(folder: RunFolder, state: RunState, reason: str, message: str) -> None:
    """Write the state in which the segment leaves its run."""
    progress = folder.progress()
    progress.state, progress.reason, progress.message = state.value, reason, message
    progress.segment_start_ps, progress.deaths = None, 0
    folder.write_progress(progress)


def _pause_for_death(folder: RunFolder, error: PotentialDiedError) -> None:
    """Count the death of a potential's process as that of the segment; the run goes on later."""
    progress = folder.progress()
    if count_death(progress):
        _finish(folder, RunState.FAILED, KILLED, f"{error} {DEATHS_MESSAGE}")
        return
    progress.state, progress.reason, progress.message = RunState.PAUSED.value, DIED, str(error)
    folder.write_progress(progress)


def _pause_for_disk(folder: RunFolder, error: OSError) -> None:
    """Pause a run whose disk refuses; it continues from its last checkpoint.

    Raises:
        InputError: not even the pause can be written.
    """
    message = f"The disk refuses ({error.strerror or error}); free space, then continue."
    try:
        _finish(folder, RunState.PAUSED, "disk", message)
    except OSError:
        raise InputError(f"{folder.path}: {message}") from error
