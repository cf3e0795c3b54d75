"""A self-test of a potential: do its forces belong to its energy, and how long do they take?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualion.structures.errors import DualionError
from dualion.workflows.potentials.batch import is_finite
from dualion.workflows.potentials.load import make_calculator
from dualion.workflows.potentials.remote import PotentialDiedError, RemoteError
from dualion.workflows.potentials.speed import time_force_call
from dualion.workflows.potentials.standalone.batches import EnergyAndForces, evaluate

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

DISPLACEMENT_ANGSTROM = 0.005
"""Displacement of an atom along the forces, on average, for the derivative of the energy, Å; the
energy changes by some 10 meV, a thousand times the rounding of single precision."""

RATTLE_ANGSTROM = 0.1
"""Displacement of the atoms from their sites, Å."""

SLOPE_SHARE = 0.02
"""Largest deviation of the forces from the energy's slope, as a share."""

NET_FORCE_EV_ANGSTROM = 1e-3
"""Largest net force on the cell, eV/Å an atom."""

BATCH_EV_ANGSTROM = 1e-4
"""Largest deviation of a batch from its cells alone, eV/Å; single precision."""

TIMING_S = 0.5
"""Time in which a further force call is started, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """Result of a self-test.

    Attributes:
        passed: whether the potential can be believed to work here.
        detail: one sentence: what was found.
        s_per_atom: of a force call of 64 atoms, s; NaN where it was not measured.
        seconds: of the whole test, the loading of its package included, s.
    """

    passed: bool
    detail: str
    s_per_atom: float
    seconds: float


def run_self_test(
    name: str,
    *,
    model_path: str | None = None,
    device: str = "auto",
    python: str | None = None,
) -> SelfTest:
    """Test a potential on rock salts of 8 and 64 atoms.

    Args:
        name: as ``make_calculator`` takes it.
        model_path: file of its parameters.
        device: auto, cpu or cuda.
        python: interpreter of an environment of its own; None for this one.
    """
    began = time.perf_counter()
    s_per_atom = float("nan")
    try:
        calculator = make_calculator(name, model_path=model_path, device=device, python=python)
        problem = find_problem(calculator)
        if not problem:
            large = _rock_salt(2)
            s_per_atom = time_force_call(calculator, large, budget_s=TIMING_S) / len(large)
    except (DualionError, RemoteError, PotentialDiedError) as error:
        problem = str(error)
    except Exception as error:  # a library's own complaint is a finding, not a bug
        problem = f"It failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return SelfTest(
        passed=not problem,
        detail=problem or "forces belong to the energy, a batch to its cells",
        s_per_atom=s_per_atom,
        seconds=time.perf_counter() - began,
    )


def find_problem(calculator: Calculator) -> str:
    """Find what is wrong with a potential; an empty text where nothing is.

    Args:
        calculator: of the potential.
    """
    cell = _rock_salt(1)
    ((energy, forces),) = evaluate(calculator, [cell])
    if not is_finite(energy, forces):
        return "It gives an energy or forces that are not finite for rock salt."
    net = float(np.abs(forces.sum(axis=0)).max()) / len(cell)
    if net > NET_FORCE_EV_ANGSTROM:
        return f"Its forces do not add up to zero: {net:.2g} eV/Å an atom are left."
    off = _slope_error(calculator, cell, forces)
    if off > SLOPE_SHARE:
        return f"Its forces are {off:.0%} off the slope of its energy."
    return _batch_problem(calculator, cell, (energy, forces))


def _slope_error(calculator: Calculator, cell: Atoms, forces: np.ndarray) -> float:
    """Compare the forces with the central difference of the energy along them, as a share."""
    size = float(np.linalg.norm(forces))
    step = DISPLACEMENT_ANGSTROM * np.sqrt(len(cell)) * forces / size
    ends = []
    for sign in (1.0, -1.0):
        moved = cell.copy()
        moved.positions += sign * step
        ((energy, _),) = evaluate(calculator, [moved])
        ends.append(energy)
    expected = -2.0 * float((forces * step).sum())
    return abs((ends[0] - ends[1]) / expected - 1.0)


def _batch_problem(calculator: Calculator, cell: Atoms, alone: EnergyAndForces) -> str:
    """Compare a batch of two cells with one of them alone."""
    other = cell.copy()
    other.rattle(RATTLE_ANGSTROM, seed=2)
    (_, again) = evaluate(calculator, [other, cell])
    off = float(np.abs(again[1] - alone[1]).max()) if is_finite(*again) else float("inf")
    if off > BATCH_EV_ANGSTROM:
        return f"A batch differs from its cells alone by {off:.2g} eV/Å."
    return ""


def _rock_salt(repeats: int) -> Atoms:
    """Make a rattled rock salt of LiCl, 8 atoms times the cube of the repeats."""
    from ase.build import bulk

    cell = bulk("LiCl", "rocksalt", a=5.13, cubic=True).repeat(repeats)
    cell.rattle(RATTLE_ANGSTROM, seed=1)
    return cell
