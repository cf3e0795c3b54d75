"""Relax cell and atoms with an ASE calculator, step by step, with guards.

Ions that were just inserted push hard: at first the atoms alone give way, in the cell as it is,
then the cell with them, through ASE's Fréchet filter. FIRE (Bitzek et al., Phys. Rev. Lett. 97,
170201 (2006), 10.1103/PhysRevLett.97.170201) takes both rough parts, LBFGS finishes.
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

from dualion.structures.conversion import moved, to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, StructureError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

ROUGH_EV_ANGSTROM = 0.5
"""Largest force at which a rough part ends."""
LARGEST_GROWTH = 2.0
"""Volume over that of the start (or the other way round) from which the cell has run away. With
an eighth of LiI inserted, CHGNet's cell of LiI is up to 58 % larger on its way."""
CLOSEST_ANGSTROM = 0.5
OnStep = Callable[[int, float, float], None]
"""Called with the step, the energy in eV and the largest force in eV/Å."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxOptions:
    """How far a cell is relaxed.

    Attributes:
        force_ev_angstrom: largest force on an atom, the cell's included, that counts as relaxed.
        most_steps: steps after which it ends unfinished.
        cell: whether the cell is relaxed too.
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
        crystal: the ions at their new places.
        energy_ev: potential energy of the cell, eV.
        start_ev: the same before the first step, eV.
        largest_force_ev_angstrom: what is left, eV/Å.
        steps: steps taken.
        converged: whether the force limit was reached.
        seconds: wall time.
    """

    crystal: IonicCrystal
    energy_ev: float
    start_ev: float
    largest_force_ev_angstrom: float
    steps: int
    converged: bool
    seconds: float


class StopRequested(Exception):
    """The user asked to stop between two steps."""


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
        calculator: any ASE calculator; for the cell it must give stresses.
        options: limits.
        on_step: told of every step.
        stop: asked after every step whether to give up.

    Raises:
        StructureError: the calculator failed, an energy is not finite, atoms fell onto each
            other or the cell ran away; ``reason`` says which.
        Stopped: ``stop`` said so.
    """
    options = options or RelaxOptions()
    atoms = to_atoms(crystal)
    atoms.calc = calculator
    began, volume = time.perf_counter(), crystal.volume_cubic_angstrom
    target = _target(atoms, options)
    start_ev, force = _measure(atoms, target, volume)
    energy_ev, steps = start_ev, 0
    for steps, (energy_ev, force) in enumerate(_steps(atoms, target, options, volume), start=1):
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


def _target(atoms: Atoms, options: RelaxOptions) -> Any:
    """What the optimiser moves: the atoms, or atoms and cell."""
    if not options.cell:
        return atoms
    from ase.filters import FrechetCellFilter

    return FrechetCellFilter(atoms)


def _steps(
    atoms: Atoms, target: Any, options: RelaxOptions, volume: float
) -> Iterator[tuple[float, float]]:
    """Energy and largest force after each step."""
    from ase.optimize import FIRE, LBFGS

    left = options.most_steps
    rough = max(ROUGH_EV_ANGSTROM, options.force_ev_angstrom)
    parts = [
        (FIRE, atoms, rough),
        (FIRE, target, rough),
        (LBFGS, target, options.force_ev_angstrom),
    ]
    for method, what, limit in parts:
        optimizer = method(what, logfile=None)
        while left > 0 and _largest_force(what) > limit:
            _guarded(optimizer.step)
            left -= 1
            yield _measure(atoms, target, volume)


def _measure(atoms: Atoms, target: Any, volume: float) -> tuple[float, float]:
    """Energy in eV and largest force in eV/Å, after the guards."""
    energy = float(_guarded(atoms.get_potential_energy))
    forces = np.asarray(_guarded(target.get_forces))
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        raise StructureError(
            "The engine returned an energy or a force that is no finite number; the cell is too "
            "far from what it knows.",
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
    return _largest(np.asarray(_guarded(what.get_forces)))


def _largest(forces: np.ndarray) -> float:
    return float(np.linalg.norm(forces, axis=1).max())


def _guarded(call: Callable[[], Any]) -> Any:
    """What the calculator returns, without what it prints or warns of; its errors as a reason."""
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
