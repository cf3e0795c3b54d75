"""``dualion md queue``: from a plan to runs in the store and their folders."""

from __future__ import annotations

from dataclasses import dataclass

from dualion.results.store import MdRuns
from dualion.structures.errors import InputError
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.run_plan import Plan
from dualion.workflows.md.reconcile import NO_FOLDER, inspect_runs, reopen
from dualion.workflows.md.states import RunState


@dataclass(slots=True, kw_only=True)
class Queued:
    """What queueing did.

    Attributes:
        added: new runs.
        known: runs that were queued before.
        reopened: of these, those that were cancelled and go on.
    """

    added: int = 0
    known: int = 0
    reopened: int = 0


def queue_up(folder: MdFolder, plan: Plan) -> Queued:
    """Note runs in the store and write their folders; what is there stays as it is.

    Raises:
        InputError: a folder or the store cannot be written to; what was queued until then is.
    """
    queued = Queued()
    wanted = {run.spec.key: run for run in plan.runs}
    with folder.writing() as runs:
        queued.added = runs.add([run.record() for run in wanted.values()])
        queued.known = len(wanted) - queued.added
        for run in runs.all([RunState.PLANNED]):
            if run.key in wanted:
                _write(folder, runs, wanted[run.key].spec.key, plan)
        again = [run for run in runs.all() if run.key in wanted]
        for seen in inspect_runs(folder, again):
            if seen.run.state == RunState.CANCELLED:
                reopen(folder, runs, seen)
                queued.reopened += 1
            elif seen.run.state == RunState.FAILED and seen.run.reason == NO_FOLDER:
                _write(folder, runs, seen.run.key, plan)
                queued.reopened += 1
    return queued


def _write(folder: MdFolder, runs: MdRuns, key: str, plan: Plan) -> None:
    """Write a run's folder; one that cannot be written stays planned."""
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


def measured_speeds(folder: MdFolder) -> dict[str, float]:
    """Engine → s per atom and step, from runs of the folder that have computed something."""
    found: dict[str, list[float]] = {}
    try:
        with folder.reading() as runs:
            known = runs.all()
    except InputError:
        return {}
    for run in known:
        wall_s, done_ps = (float(run.progress.get(name) or 0.0) for name in ("wall_s", "done_ps"))
        step_fs = float(run.progress.get("timestep_fs") or 0.0)
        atoms = atoms_of(folder, run.place) if wall_s > 0.0 and done_ps > 0.0 and step_fs else 0
        if atoms:
            found.setdefault(run.engine, []).append(wall_s / (done_ps * 1000.0 / step_fs) / atoms)
    return {engine: sorted(speeds)[len(speeds) // 2] for engine, speeds in found.items()}


def atoms_of(folder: MdFolder, place: str) -> int:
    """Atoms of a run's cell: the first line of its start; 0 where it cannot be read."""
    try:
        with folder.run_folder(place).start.open(encoding="ascii") as handle:
            return int(handle.readline())
    except (OSError, ValueError):
        return 0
