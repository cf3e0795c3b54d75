"""The supercell with one ion missing, relaxed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from ase.optimize import BFGS
from numpy.typing import NDArray

from dualion.structures.conversion import moved, to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.workflows.doping.relaxation import Relaxation, RelaxOptions, StopRequested, relax
from dualion.workflows.neb.band import BandOptions
from dualion.workflows.neb.band_steps import LONGEST_STEP_ANGSTROM, Stop
from dualion.workflows.neb.cell import HopCell
from dualion.workflows.neb.forces import Potential, release_memory

DISPLACED_ANGSTROM = 1.0
"""Another atom that is this far from its site takes part in a hop, or in a vacancy."""
SHAKE_ANGSTROM = 0.08
"""Root mean square displacement along each axis by which a relaxed cell is tried."""
SHAKE_SEED = 1
LOWER_EV = 0.01
"""What a relaxed cell must gain after it was shaken to count as another."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VacancyEnd:
    """A relaxed vacancy.

    Attributes:
        site: of the supercell's ``large_sites``.
        energy_ev: energy of the cell, eV.
        displacements_angstrom: shape (n, 3), of all atoms of the supercell, zero for the one that
            is missing, Å.
        converged: whether its force limit was reached.
        steps: steps of the relaxation.
    """

    site: int
    energy_ev: float
    displacements_angstrom: Floats
    converged: bool
    steps: int


def relax_vacancy(
    cell: HopCell,
    site: int,
    potential: Potential,
    options: BandOptions,
    *,
    stop: Stop | None = None,
) -> VacancyEnd:
    """Relax the supercell with one ion missing, at fixed cell.

    Args:
        cell: the supercell.
        site: of ``large_sites``, which is empty.
        potential: what computes it.
        options: limits.
        stop: asked after every step.

    Raises:
        StructureError: the potential failed or the cell fell apart.
        StopRequested: ``stop`` returned True; of ``workflows.doping.relaxation``.
    """
    kept = np.delete(np.arange(len(cell.large.numbers)), cell.own[site])
    relaxed = relax_shaken(
        subset(cell.large, kept),
        potential,
        RelaxOptions(
            force_ev_angstrom=options.end_force_ev_angstrom,
            most_steps=options.most_steps,
            cell=False,
        ),
        stop=stop,
    )
    gaps = relaxed.crystal.frac - cell.large.frac[kept]
    displacements = np.zeros((len(cell.large.numbers), 3))
    displacements[kept] = (gaps - np.round(gaps)) @ cell.large.cell
    release_memory()
    return VacancyEnd(
        site=site,
        energy_ev=relaxed.energy_ev,
        displacements_angstrom=displacements,
        converged=relaxed.converged,
        steps=relaxed.steps,
    )


def subset(crystal: IonicCrystal, kept: NDArray[np.int64]) -> IonicCrystal:
    """Keep some atoms of a crystal.

    Args:
        crystal: the crystal.
        kept: shape (k,), their numbers.
    """
    return IonicCrystal(
        cell=crystal.cell,
        frac=crystal.frac[kept],
        numbers=crystal.numbers[kept],
        charges=crystal.charges[kept],
        occupancies=crystal.occupancies[kept],
    )


def relax_shaken(
    crystal: IonicCrystal, potential: Potential, options: RelaxOptions, *, stop: Stop | None = None
) -> Relaxation:
    """Relax a crystal, shake it and relax it again; keep the lower one.

    Forces cannot break a symmetry of the start, so what they lead to may be a saddle.

    Args:
        crystal: the start.
        potential: what computes it.
        options: limits.
        stop: asked after every step.

    Raises:
        StructureError: the potential failed or the cell fell apart.
        StopRequested: ``stop`` returned True.
    """
    first = relax(crystal, potential.calculator, options, stop=stop)
    shaken, steps = _off_saddle(first.crystal, potential, options, stop)
    second = relax(shaken, potential.calculator, options, stop=stop)
    kept = second if second.energy_ev < first.energy_ev - LOWER_EV else first
    return dataclasses.replace(
        kept, start_ev=first.start_ev, steps=first.steps + steps + second.steps
    )


def _off_saddle(
    crystal: IonicCrystal, potential: Potential, options: RelaxOptions, stop: Stop | None
) -> tuple[IonicCrystal, int]:
    """Shake a crystal and relax it by BFGS, which takes curvatures as positive.

    LBFGS goes back onto a saddle from near it.
    """
    atoms = to_atoms(crystal)
    atoms.rattle(stdev=SHAKE_ANGSTROM, seed=SHAKE_SEED)
    atoms.calc = potential.calculator
    optimizer = BFGS(atoms, logfile=None, maxstep=LONGEST_STEP_ANGSTROM)
    with potential.guarded():
        for _ in optimizer.irun(fmax=options.force_ev_angstrom, steps=options.most_steps):
            if stop is not None and stop():
                raise StopRequested
    return moved(crystal, np.array(atoms.cell), atoms.positions), int(optimizer.nsteps)
