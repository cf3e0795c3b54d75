"""Relaxed elastic bands between two ends, split where the ion rests on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.constraints import FixAtoms, FixedPlane
from ase.optimize import LBFGS
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.neb.band_steps import (
    LONGEST_STEP_ANGSTROM,
    BandSteps,
    Stop,
    deepest_well,
    energies_of,
)
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.images import resampled
from dualion.workflows.neb.mirror import Mirror

if TYPE_CHECKING:
    from ase import Atoms

MOST_SPLITS = 2
"""How often a band and its parts are split at a resting place."""
MOST_CLIMBERS = 4
"""How often the climbing image is chosen anew."""
FALLEN_ANGSTROM = 0.5
"""A resting place whose ion is this near to an end is that end."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandOptions:
    """How bands are relaxed.

    Attributes:
        images: number of images between the ends; an odd one puts an image into the middle.
        spring_ev_square: spring between images, eV/Å².
        rough_ev_angstrom: largest force at which the highest image begins to climb, eV/Å.
        force_ev_angstrom: largest force of a converged band, eV/Å.
        end_force_ev_angstrom: the same of its ends, eV/Å.
        most_steps: most steps of a band, and of each part of one that is split.
        bottleneck_only: whether the highest image alone is relaxed, its ion held across the path.

    Raises:
        InputError: a limit is out of range.
    """

    images: int = 3
    spring_ev_square: float = 1.0
    rough_ev_angstrom: float = 0.3
    force_ev_angstrom: float = 0.05
    end_force_ev_angstrom: float = 0.03
    most_steps: int = 200
    bottleneck_only: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.images <= 31:
            raise InputError(f"A band of {self.images} images makes no sense; give 1 to 31.")
        for name, force in (("band", self.force_ev_angstrom), ("ends", self.end_force_ev_angstrom)):
            if not 1e-3 <= force <= 1.0:
                raise InputError(f"Force limit of the {name}: {force:g} eV/Å; give 0.001 to 1.")
        if not 1 <= self.most_steps <= 10_000:
            raise InputError(f"The step limit is {self.most_steps}; give 1 to 10000.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """A relaxed band.

    Attributes:
        images: the images, ends included, with energies and forces.
        energies_ev: shape (i,), above the first end, eV.
        top: index of the highest image.
        largest_force_ev_angstrom: residual force, eV/Å.
        steps: number of steps.
        converged: whether the force limit was reached.
        rests: indices of the images in which the ion rests between the ends.
        flags: names of the vocabulary, of how it was relaxed.
    """

    images: list[Atoms]
    energies_ev: Floats
    top: int
    largest_force_ev_angstrom: float
    steps: int
    converged: bool
    rests: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()


def relax_band(
    images: Sequence[Atoms],
    potential: Potential,
    options: BandOptions,
    *,
    mover: int | None = None,
    stop: Stop | None = None,
    mirror: Mirror | None = None,
) -> Band:
    """Relax a band: first without, then with a climbing image (Henkelman, Uberuaga & Jónsson,
    J. Chem. Phys. 113, 9901 (2000), 10.1063/1.1329672).

    A climbing image between two humps has no saddle to climb to, and runs away. So where an image
    lies in a well between higher ones, it is relaxed, and a band is laid to it from each end.

    Args:
        images: the start, both ends relaxed.
        potential: what computes it.
        options: limits.
        mover: the moving atom; None for the one that moves farthest.
        stop: asked after every step; True stops.
        mirror: symmetry that swaps the ends, and keeps the start: half of the images follow from
            the other half; None for none.

    Raises:
        StructureError: the potential failed.
        StopRequested: ``stop`` returned True.
    """
    if mirror is not None:
        mirror.symmetrise(list(images))
    if mover is None:
        mover = int(np.linalg.norm(images[-1].positions - images[0].positions, axis=1).argmax())
    return _relaxed(list(images), potential, options, mover, stop, MOST_SPLITS, mirror)


def _relaxed(
    images: list[Atoms],
    potential: Potential,
    options: BandOptions,
    mover: int,
    stop: Stop | None,
    splits: int,
    mirror: Mirror | None = None,
) -> Band:
    steps = BandSteps(images, potential, options.spring_ev_square, options.most_steps, stop, mirror)
    rough = max(options.rough_ev_angstrom, options.force_ev_angstrom)
    steps.run(rough, climber=0, watch_wells=splits > 0)
    spent = 0
    for _ in range(MOST_CLIMBERS):
        well = deepest_well(steps.images) if splits else 0
        if well:
            rest, count = steps.settle(well, options.end_force_ev_angstrom)
            spent += count
            if not _is_end(rest, steps.images, mover):
                halves = [
                    _relaxed(part, potential, options, mover, stop, splits - 1)
                    for part in _parts(steps.images, well, rest, options.images)
                ]
                return _joined(halves, steps.count + spent)
            splits = 0
        highest = int(energies_of(steps.images)[1:-1].argmax()) + 1
        if steps.run(options.force_ev_angstrom, climber=highest, watch_wells=splits > 0):
            break
    return _finished(steps, options, spent)


def _finished(steps: BandSteps, options: BandOptions, spent: int) -> Band:
    energies = energies_of(steps.images)
    return Band(
        images=steps.images,
        energies_ev=energies - energies[0],
        top=int(energies.argmax()),
        largest_force_ev_angstrom=steps.force_ev_angstrom,
        steps=steps.count + spent,
        converged=steps.force_ev_angstrom <= options.force_ev_angstrom,
    )


def _is_end(rest: Atoms, images: list[Atoms], mover: int) -> bool:
    """Whether a relaxed image fell into an end of its band."""
    gaps = [rest.positions[mover] - image.positions[mover] for image in (images[0], images[-1])]
    return min(float(np.linalg.norm(gap)) for gap in gaps) < FALLEN_ANGSTROM


def _parts(images: list[Atoms], well: int, rest: Atoms, count: int) -> list[list[Atoms]]:
    """Starts of the bands from each end to a resting place."""
    return [
        resampled([*images[:well], rest], count),
        resampled([rest, *images[well + 1 :]], count),
    ]


def _joined(parts: list[Band], spent: int) -> Band:
    first, last = parts
    seam = len(first.images) - 1
    energies = np.concatenate([first.energies_ev, first.energies_ev[-1] + last.energies_ev[1:]])
    return Band(
        images=[*first.images, *last.images[1:]],
        energies_ev=energies,
        top=int(energies.argmax()),
        largest_force_ev_angstrom=max(part.largest_force_ev_angstrom for part in parts),
        steps=first.steps + last.steps + spent,
        converged=first.converged and last.converged,
        rests=(*first.rests, seam, *(seam + rest for rest in last.rests)),
    )


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
