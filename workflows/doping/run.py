"""Write, relax and rank doped configurations; resumable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualion.screening.doping.configurations import doped_configurations
from dualion.screening.doping.doping_plan import plan_doping
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.ordered_ranking import ranked_configurations
from dualion.structures.symmetry import primitive_crystal
from dualion.workflows.doping.folder import DopeFolder
from dualion.workflows.doping.records import (
    HOST,
    DopeRequest,
    DopeResult,
    Outcome,
    format_name,
    rank_outcomes,
)
from dualion.workflows.doping.relaxation import Relaxation, RelaxOptions, StopRequested, relax

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

IDENTITY = np.eye(3, dtype=np.int64)
OnProgress = Callable[[str, int, float, float], None]
"""Called with the configuration's name, the step, the energy in eV, the largest force in eV/Å."""
OnDone = Callable[[Outcome, bool], None]
"""Called with each outcome, and whether it is of an earlier run."""


def dope(
    request: DopeRequest,
    folder: Path,
    *,
    calculator: Calculator | None = None,
    on_plan: Callable[[int], None] | None = None,
    on_progress: OnProgress | None = None,
    on_done: OnDone | None = None,
    stop: Callable[[], bool] | None = None,
) -> DopeResult:
    """Plan, write, relax and rank doped configurations.

    A disordered host is ordered first, in the supercell: the neutral draw of the lowest Ewald
    energy is taken.

    Args:
        request: host, change, limits.
        folder: for all files; a folder of the same request is continued.
        calculator: the engine; None relaxes nothing.
        on_plan: called with the number of cells, the undoped one included.
        on_progress: called after every step of a relaxation.
        on_done: called after every configuration.
        stop: called after every step; True stops.

    Returns:
        The outcomes; incomplete after a stop.

    Raises:
        InputError: the request cannot be met, or the folder holds another one.
        StructureError: the host cannot be doped.
    """
    host = primitive_crystal(request.host)
    plan = plan_doping(host, request.unit, request.x, request.doping)
    matrix, ordering = plan.supercell.matrix, None
    if host.is_disordered:
        ordering = ranked_configurations(host, repeat=matrix, seed=request.doping.seed)
        host, matrix = ordering.best, IDENTITY
    found = doped_configurations(
        host,
        matrix,
        request.unit,
        plan.units,
        most=request.configurations,
        options=request.doping,
    )
    store = DopeFolder(folder, request, plan, found, ordering)
    store.start()
    work = [(HOST, found.host, 1, 0.0)] + [
        (
            format_name(number),
            one.configuration.crystal,
            one.configuration.degeneracy,
            one.estimate_ev,
        )
        for number, one in enumerate(found.configurations, start=1)
    ]
    if on_plan is not None:
        on_plan(len(work))
    outcomes = []
    for name, crystal, degeneracy, estimate_ev in work:
        before = store.load_outcome(name, crystal)
        outcome = before or _relax_one(
            store, name, crystal, degeneracy, estimate_ev, calculator, on_progress, stop
        )
        outcomes.append(outcome)
        if on_done is not None:
            on_done(outcome, before is not None)
    result = DopeResult(
        plan=plan,
        outcomes=rank_outcomes(outcomes[1:]),
        host=outcomes[0],
        found=found,
        ordering=ordering,
        complete=all(outcome.status != "stopped" for outcome in outcomes),
    )
    store.finish(result)
    return result


def _relax_one(
    store: DopeFolder,
    name: str,
    crystal: IonicCrystal,
    degeneracy: int,
    estimate_ev: float,
    calculator: Calculator | None,
    on_progress: OnProgress | None,
    stop: Callable[[], bool] | None,
) -> Outcome:
    """Relax one configuration and save its outcome; a failure does not end the run."""
    options = store.request.relaxation
    common: dict[str, Any] = {
        "name": name,
        "degeneracy": degeneracy,
        "estimate_ev": estimate_ev,
        "atoms": len(crystal.numbers),
        "file": f"{name}.cif",
        "volume_cubic_angstrom": crystal.volume_cubic_angstrom,
    }
    if calculator is None or options is None:
        return Outcome(status="not_relaxed", reason="", **common)
    if stop is not None and stop():
        return Outcome(status="stopped", reason="stopped before its relaxation", **common)

    def on_step(step: int, energy_ev: float, force: float) -> None:
        if on_progress is not None:
            on_progress(name, step, energy_ev, force)

    try:
        relaxed = relax(crystal, calculator, options, on_step=on_step, stop=stop)
    except StopRequested:
        return Outcome(status="stopped", reason="stopped while relaxing", **common)
    except StructureError as error:
        outcome = Outcome(status="failed", reason=f"{error.reason}: {error}", **common)
        store.save_outcome(outcome, crystal, None)
        return outcome
    outcome = Outcome(
        **{**common, **_describe_relaxation(relaxed, options), "file": f"{name}-relaxed.cif"}
    )
    store.save_outcome(outcome, crystal, relaxed)
    return outcome


def _describe_relaxation(relaxed: Relaxation, options: RelaxOptions) -> dict[str, Any]:
    return {
        "status": "relaxed" if relaxed.converged else "not_converged",
        "reason": "" if relaxed.converged else f"{options.most_steps} steps were not enough",
        "energy_ev": relaxed.energy_ev,
        "steps": relaxed.steps,
        "largest_force_ev_angstrom": relaxed.largest_force_ev_angstrom,
        "volume_cubic_angstrom": relaxed.crystal.volume_cubic_angstrom,
        "seconds": relaxed.seconds,
    }
