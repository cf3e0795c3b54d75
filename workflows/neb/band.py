"""A nudged elastic band whose images are computed in one call of the potential."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.mep import NEB
from ase.optimize import FIRE
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.neb.forces import Potential

if TYPE_CHECKING:
    from ase import Atoms

Floats = NDArray[np.float64]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandOptions:
    """How bands are relaxed.

    Attributes:
        images: number of images between the ends; an odd one puts an image into the middle.
        spring_ev_square: spring between images, eV/Å².
        rough_ev_angstrom: largest force at which the highest image begins to climb, eV/Å.
        force_ev_angstrom: largest force of a converged band, eV/Å.
        end_force_ev_angstrom: the same of its ends, eV/Å.
        most_steps: most steps.

    Raises:
        InputError: a limit is out of range.
    """

    images: int = 3
    spring_ev_square: float = 1.0
    rough_ev_angstrom: float = 0.3
    force_ev_angstrom: float = 0.05
    end_force_ev_angstrom: float = 0.03
    most_steps: int = 200

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
    """

    images: list[Atoms]
    energies_ev: Floats
    top: int
    largest_force_ev_angstrom: float
    steps: int
    converged: bool


class BatchedNEB(NEB):  # type: ignore[misc]
    """ASE's band with all images of a step computed in one call.

    Args:
        images: the images, their ends with results.
        potential: what computes them.
        options: those of ``NEB``.
    """

    def __init__(self, images: list[Atoms], potential: Potential, **options: Any) -> None:
        super().__init__(images, method="improvedtangent", **options)
        self._potential = potential

    def get_forces(self) -> Floats:
        """Compute the images that were moved, then the forces of the band, eV/Å."""
        moved = [image for image in self.images if _is_stale(image)]
        if moved:
            self._potential.evaluate(moved)
        return np.asarray(super().get_forces())


def relax_band(
    images: Sequence[Atoms], potential: Potential, options: BandOptions, *, stop: Stop | None = None
) -> Band:
    """Relax a band: first without, then with a climbing image (Henkelman, Uberuaga & Jónsson,
    J. Chem. Phys. 113, 9901 (2000), 10.1063/1.1329672).

    Args:
        images: the start, both ends relaxed.
        potential: what computes it.
        options: limits.
        stop: asked after every step; True stops.

    Raises:
        StructureError: the potential failed.
        StopRequested: ``stop`` returned True.
    """
    images = list(images)
    steps, force = 0, np.inf
    for climb, limit in ((False, options.rough_ev_angstrom), (True, options.force_ev_angstrom)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            band = BatchedNEB(images, potential, k=options.spring_ev_square, climb=climb)
            optimizer = FIRE(band, logfile=None)
            for _ in optimizer.irun(fmax=limit, steps=options.most_steps - steps):
                force = _largest(np.asarray(optimizer.optimizable.get_gradient()))
                if stop is not None and stop():
                    raise StopRequested
            steps += optimizer.nsteps
    energies = np.array([image.get_potential_energy() for image in images])
    return Band(
        images=images,
        energies_ev=energies - energies[0],
        top=int(energies.argmax()),
        largest_force_ev_angstrom=force,
        steps=steps,
        converged=force <= options.force_ev_angstrom,
    )


def _is_stale(image: Atoms) -> bool:
    return image.calc is None or bool(image.calc.calculation_required(image, ["forces"]))


def _largest(gradient: Floats) -> float:
    return float(np.linalg.norm(gradient.reshape(-1, 3), axis=1).max())
