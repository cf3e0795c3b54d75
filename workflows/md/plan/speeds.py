"""How long an MD step takes: in runs of the folder, by a force call of the cell, by the card."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dualion.structures.errors import DualionError
from dualion.workflows.execution.threads import limit_threads
from dualion.workflows.md.engines.ase_engine import AseEngine
from dualion.workflows.potentials.cards import CARDS
from dualion.workflows.potentials.speed import time_force_call

if TYPE_CHECKING:
    from ase import Atoms

    from dualion.workflows.md.engines import Engine
    from dualion.workflows.md.plan.cells import StartCell
    from dualion.workflows.md.plan.run_plan import PlannedRun

DFT_S_PER_ATOM_STEP = {"cp2k": 0.15, "vasp": 0.15}
"""Computing time of one MD step with a DZVP basis, s per atom, on two cores (CP2K: measured)."""

BUDGET_S = 20.0
"""Time in which a further cell is measured before runs are queued, s."""

CALL_BUDGET_S = 1.0
"""Time in which a further call of one cell is started, s."""

Source = Literal["runs", "force_call", "card", "unknown"]


def usual_s_per_atom_step(engine: str) -> float:
    """Computing time of one MD step, s per atom, on one core; NaN where nobody has measured it.

    Args:
        engine: name of the engine.
    """
    if engine in CARDS:
        return CARDS[engine].s_per_atom
    return DFT_S_PER_ATOM_STEP.get(engine, math.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What is known of the time that a step takes.

    Attributes:
        of_runs: engine → s per atom and step, in finished or running runs of the folder.
        of_cells: engine and hash of a cell → s per force call, measured before queueing.
        per_atom: engine → s per atom and force call, the mean of its measured cells.
    """

    of_runs: Mapping[str, float] = field(default_factory=dict)
    of_cells: Mapping[tuple[str, str], float] = field(default_factory=dict)
    per_atom: Mapping[str, float] = field(default_factory=dict)

    def source(self, run: PlannedRun) -> Source:
        """Tell where the time of a run's step is from."""
        engine = run.spec.engine
        if engine in self.of_runs:
            return "runs"
        if engine in self.per_atom:
            return "force_call"
        return "unknown" if math.isnan(usual_s_per_atom_step(engine)) else "card"

    def seconds_per_step(self, run: PlannedRun) -> float:
        """Tell the time of one step of a run, s; NaN where it is unknown."""
        engine, atoms = run.spec.engine, run.cell.n_atoms
        if engine in self.of_runs:
            return self.of_runs[engine] * atoms
        measured = self.of_cells.get((engine, run.cell.sha256))
        if measured is not None:
            return measured
        return self.per_atom.get(engine, usual_s_per_atom_step(engine)) * atoms


def measure_force_calls(
    runs: Iterable[PlannedRun],
    engine_of: Callable[[str], Engine],
    *,
    of_runs: Mapping[str, float],
    cores: int,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Speeds:
    """Measure force calls of the cells whose engine has no run in the folder yet.

    Each engine's largest cell comes first; cells for which no time is left are scaled by their
    number of atoms.

    Args:
        runs: planned runs.
        engine_of: finds an engine by its name.
        of_runs: engine → s per atom and step, where runs of the folder tell it.
        cores: of one run.
        budget_s: time in which a further cell is measured, s.
        clock: tells the time, s.
    """
    limit_threads(cores)
    wanted = {(run.spec.engine, run.cell.sha256): run for run in runs}
    found: dict[tuple[str, str], float] = {}
    by_engine: dict[str, list[float]] = {}
    began = clock()
    for (name, sha256), run in sorted(wanted.items(), key=lambda item: -item[1].cell.n_atoms):
        engine = engine_of(name)
        late = clock() - began > budget_s and name in by_engine
        if name in of_runs or late or not isinstance(engine, AseEngine):
            continue
        try:
            call_s = time_force_call(
                engine.calculator(run.spec), _atoms_of(run.cell), budget_s=CALL_BUDGET_S,
                clock=clock,
            )  # fmt: skip
        except (DualionError, ArithmeticError, RuntimeError, ValueError):
            continue  # the run itself will say so
        found[name, sha256] = call_s
        by_engine.setdefault(name, []).append(call_s / run.cell.n_atoms)
    per_atom = {name: sum(each) / len(each) for name, each in by_engine.items()}
    return Speeds(of_runs=of_runs, of_cells=found, per_atom=per_atom)


def _atoms_of(cell: StartCell) -> Atoms:
    import ase.io

    return ase.io.read(io.StringIO(cell.text), format="extxyz", index=0)
