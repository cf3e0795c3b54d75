"""Relax cell and atoms with an ASE calculator, step by step, with guards.

Inserted ions exert large forces: first the atoms are relaxed in the fixed cell, then atoms and
cell, through ASE's Fréchet filter. Both rough stages use FIRE (Bitzek et al., Phys. Rev. Lett.
97, 170201 (2006), 10.1103/PhysRevLett.97.170201), the last one LBFGS.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS

from dualion.structures.conversion import moved, to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, StructureError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

ROUGH_EV_ANGSTROM = 0.5
"""Largest force at which a rough stage ends, eV/Å."""
LARGEST_GROWTH = 2.0
"""Largest ratio of the volume to that of the start, or its inverse. With an eighth of LiI inserted,
CHGNet's cell of LiI is up to 58 % larger during the relaxation."""
CLOSEST_ANGSTROM = 0.5
"""Smallest distance of two atoms, Å."""
OnStep = Callable[[int, float, float], None]
"""Called with the step, the energy in eV and the largest force in eV/Å."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxOptions:
    """Limits of a relaxation.

    Attributes:
        force_ev_angstrom: largest residual force, of the cell too, eV/Å.
        most_steps: most steps.
        cell: whether the cell is relaxed too.

    Raises:
        InputError: a limit is out of range.
    """

    force_ev_angstrom: float = 0.05
    most_steps: int = 500
    cell: bool = True

    def __post_init__(self) -> None:
        if not 1e-4 <= self.force_ev_angstrom <= 1.0:
            raise InputError(
                f"The force limit is {self.force_ev_angstrom:g} eV/Å; give 0.0001 to 1."
            )
        if not 1 <= self.most_steps <= 100_000:
            raise InputError(f"The step limit is {self.most_steps}; give 1 to 100000.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxation:
    """A relaxed cell.

    Attributes:
        crystal: the relaxed ions and cell.
        energy_ev: potential energy of the cell, eV.
        start_ev: the same before the first step, eV.
        largest_force_ev_angstrom: residual force, eV/Å.
        steps: number of steps.
        converged: whether the force limit was reached.
        seconds: wall time, s.
    """

    crystal: IonicCrystal
    energy_ev: float
    start_ev: float
    largest_force_ev_angstrom: float
    steps: int
    converged: bool
    seconds: float


class StopRequested(Exception):
    """The user requested a stop between two steps."""


def relax(
    crystal: IonicCrystal,
    calculator: Calculator,
    options: RelaxOptions | None = None,
    *,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] | None = None,
) -> Relaxation:
    """Relax an ordered crystal.

    Args:
        crystal: the start.
        calculator: any ASE calculator; it must give stresses to relax the cell.
        options: limits; None for the default ones.
        on_step: called after every step.
        stop: called after every step; True stops.

    Raises:
        StructureError: the calculator failed, an energy is not finite, atoms fell onto each
            other or the cell ran away; ``reason`` says which.
        StopRequested: ``stop`` returned True.
    """
    options = options or RelaxOptions()
    atoms = to_atoms(crystal)
    atoms.calc = calculator
    began, volume = time.perf_counter(), crystal.volume_cubic_angstrom
    target = _make_target(atoms, options)
    start_ev, force = _measure(atoms, target, volume)
    energy_ev, steps = start_ev, 0
    for steps, (energy_ev, force) in enumerate(_run_steps(atoms, target, options, volume), start=1):
        if on_step is not None:
            on_step(steps, energy_ev, force)
        if stop is not None and stop():
            raise StopRequested
    return Relaxation(
        crystal=moved(crystal, np.array(atoms.cell), atoms.positions),
        energy_ev=energy_ev,
        start_ev=start_ev,
        largest_force_ev_angstrom=force,
        steps=steps,
        converged=force <= options.force_ev_angstrom,
        seconds=time.perf_counter() - began,
    )


def _make_target(atoms: Atoms, options: RelaxOptions) -> Any:
    """Make the object that the optimiser moves: the atoms, or atoms and cell."""
    if not options.cell:
        return atoms
    return FrechetCellFilter(atoms)


def _run_steps(
    atoms: Atoms, target: Any, options: RelaxOptions, volume: float
) -> Iterator[tuple[float, float]]:
    """Run the stages; yield energy, eV, and largest force, eV/Å, after each step."""
    remaining = options.most_steps
    rough = max(ROUGH_EV_ANGSTROM, options.force_ev_angstrom)
    stages = [
        (FIRE, atoms, rough),
        (FIRE, target, rough),
        (LBFGS, target, options.force_ev_angstrom),
    ]
    for method, what, limit in stages:
        optimizer = method(what, logfile=None)
        while remaining > 0 and _largest_force(what) > limit:
            _call_engine(optimizer.step)
            remaining -= 1
            yield _measure(atoms, target, volume)


def _measure(atoms: Atoms, target: Any, volume: float) -> tuple[float, float]:
    """Measure energy, eV, and largest force, eV/Å, and check them against the guards."""
    energy = float(_call_engine(atoms.get_potential_energy))
    forces = np.asarray(_call_engine(target.get_forces))
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        raise StructureError(
            "The engine returned an energy or a force that is not finite; the cell is too far "
            "from its training data or parameters.",
            reason="energy_not_finite",
        )
    grown = float(atoms.get_volume()) / volume
    if not 1.0 / LARGEST_GROWTH < grown < LARGEST_GROWTH:
        raise StructureError(
            f"The cell changed its volume by {grown - 1.0:+.0%}; the engine does not hold this "
            "structure together.",
            reason="cell_ran_away",
        )
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    if distances.min() < CLOSEST_ANGSTROM:
        raise StructureError(
            f"Two atoms came within {distances.min():.2f} Å of each other.",
            reason="atoms_too_close",
        )
    return energy, _largest(forces)


def _largest_force(what: Any) -> float:
    """Largest force on what an optimiser moves, eV/Å."""
    return _largest(np.asarray(_call_engine(what.get_forces)))


def _largest(forces: np.ndarray) -> float:
    return float(np.linalg.norm(forces, axis=1).max())


def _call_engine(call: Callable[[], Any]) -> Any:
    """Call the calculator, silence what it prints or warns of, and name its errors."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except (InputError, StructureError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise StructureError(
            f"The engine failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
            reason="engine_failed",
        ) from error
