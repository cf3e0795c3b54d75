"""A barrier from the highest image alone, its ion held in the plane across its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.constraints import FixAtoms, FixedPlane
from ase.optimize import LBFGS

from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.neb.band import Band, BandOptions
from dualion.workflows.neb.band_steps import LONGEST_STEP_ANGSTROM, Stop, energies_of
from dualion.workflows.neb.forces import Potential

if TYPE_CHECKING:
    from ase import Atoms


def relax_bottleneck(
    images: list[Atoms],
    mover: int,
    potential: Potential,
    options: BandOptions,
    *,
    stop: Stop | None = None,
) -> Band:
    """Relax the highest image of a path, its ion held in the plane across the path.

    The atom farthest from the ion stays where it is, or all would drift along the path together.
    Where the plane is one of symmetry this is the saddle; elsewhere its energy is that of a point
    beside the saddle.

    Args:
        images: the start, both ends relaxed.
        mover: the moving ion's atom.
        potential: what computes it.
        options: limits.
        stop: asked after every step; True stops.

    Raises:
        StructureError: the potential failed.
        StopRequested: ``stop`` returned True.
    """
    potential.evaluate(images)
    top = int(energies_of(images)[1:-1].argmax()) + 1
    way = images[top + 1].positions[mover] - images[top - 1].positions[mover]
    held = images[top].copy()
    far = int(held.get_distances(mover, range(len(held)), mic=True).argmax())
    held.set_constraint([FixedPlane(mover, way), FixAtoms([far])])
    held.calc = potential.calculator
    optimizer = LBFGS(held, logfile=None, maxstep=LONGEST_STEP_ANGSTROM)
    with potential.guarded():
        for _ in optimizer.irun(fmax=options.force_ev_angstrom, steps=options.most_steps):
            if stop is not None and stop():
                raise StopRequested
        force = float(np.linalg.norm(held.get_forces(), axis=1).max())
    held.set_constraint()
    potential.evaluate([held])
    kept = [images[0], held, images[-1]]
    energies = energies_of(kept)
    return Band(
        images=kept,
        energies_ev=energies - energies[0],
        top=int(energies.argmax()),
        largest_force_ev_angstrom=force,
        steps=int(optimizer.nsteps),
        converged=force <= options.force_ev_angstrom,
        flags=("bottleneck_only",),
    )
