"""Enqueue a plan: write its runs into the store and their folders."""

from __future__ import annotations

from dataclasses import dataclass

from dualion.results.store import MdRuns
from dualion.structures.errors import InputError
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.run_plan import Plan
from dualion.workflows.md.reconcile import NO_FOLDER, inspect_runs, reopen
from dualion.workflows.md.states import RunState


@dataclass(slots=True, kw_only=True)
class EnqueueResult:
    """Result of enqueuing.

    Attributes:
        added: new runs.
        known: runs that were queued before.
        reopened: of these, those that were cancelled and continue.
    """

    added: int = 0
    known: int = 0
    reopened: int = 0


def enqueue_runs(folder: MdFolder, plan: Plan) -> EnqueueResult:
    """Write runs into the store and their folders; existing ones stay as they are.

    Args:
        folder: the folder.
        plan: the runs.

    Raises:
        InputError: a folder or the store cannot be written to; runs written before stay result.
    """
    result = EnqueueResult()
    planned = {run.spec.key: run for run in plan.runs}
    with folder.writing() as runs:
        result.added = runs.add([run.record() for run in planned.values()])
        result.known = len(planned) - result.added
        for run in runs.all([RunState.PLANNED]):
            if run.key in planned:
                _create_folder(folder, runs, planned[run.key].spec.key, plan)
        again = [run for run in runs.all() if run.key in planned]
        for seen in inspect_runs(folder, again):
            if seen.run.state == RunState.CANCELLED:
                reopen(folder, runs, seen)
                result.reopened += 1
            elif seen.run.state == RunState.FAILED and seen.run.reason == NO_FOLDER:
                _create_folder(folder, runs, seen.run.key, plan)
                result.reopened += 1
    return result


def _create_folder(folder: MdFolder, runs: MdRuns, key: str, plan: Plan) -> None:
    """Write the folder of a run; a run whose folder cannot be written stays planned."""
    run = next(run for run in plan.runs if run.spec.key == key)
    files = folder.run_folder(run.spec.place)
    try:
        files.create(run.spec, run.cell.text)
    except OSError as error:
        raise InputError(
            f"Cannot write the run into {files.path}: {error.strerror}. Free space or change the "
            "rights, then queue again."
        ) from error
    runs.move(key, RunState.PREPARED.value, reason="", message="")


def measure_speeds(folder: MdFolder) -> dict[str, float]:
    """Measure the speed of each engine from the folder's runs: engine → s per atom and step."""
    found: dict[str, list[float]] = {}
    try:
        with folder.reading() as runs:
            known = runs.all()
    except InputError:
        return {}
    for run in known:
        wall_s, done_ps = (float(run.progress.get(name) or 0.0) for name in ("wall_s", "done_ps"))
        step_fs = float(run.progress.get("timestep_fs") or 0.0)
        atoms = count_atoms(folder, run.place) if wall_s > 0.0 and done_ps > 0.0 and step_fs else 0
        if atoms:
            found.setdefault(run.engine, []).append(wall_s / (done_ps * 1000.0 / step_fs) / atoms)
    return {engine: sorted(speeds)[len(speeds) // 2] for engine, speeds in found.items()}


def count_atoms(folder: MdFolder, place: str) -> int:
    """Count the atoms of a run's cell by the first line of its file; 0 where it cannot be read.

    Args:
        folder: the folder.
        place: the run's folder below ``md/``.
    """
    try:
        with folder.run_folder(place).start.open(encoding="ascii") as handle:
            return int(handle.readline())
    except (OSError, ValueError):
        return 0
