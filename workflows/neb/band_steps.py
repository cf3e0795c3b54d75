"""Steps of a nudged elastic band whose images are computed in one call of the potential."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.mep import NEB
from ase.mep.neb import ImprovedTangentMethod
from ase.optimize import FIRE, LBFGS
from numpy.typing import NDArray

from dualion.workflows.doping.relaxation import StopRequested
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.mirror import Mirror

if TYPE_CHECKING:
    from ase import Atoms

WELL_EV = 0.01
"""An image this far below the highest ones at both its sides lies in a well."""
HIGHER_EV = 0.005
"""Another image that is this far above the climbing one takes its place."""
LONGEST_STEP_ANGSTROM = 0.1
CURVATURE_EV_SQUARE = 30.0
"""First guess of the curvature of LBFGS, eV/Å²."""
WORSE = 3.0
"""Force, as a multiple of the least so far, at which LBFGS gives way to FIRE."""
CAREFUL_STEP_ANGSTROM = 0.05

Floats = NDArray[np.float64]
Stop = Callable[[], bool]


class HeldClimber(ImprovedTangentMethod):  # type: ignore[misc]
    """Improved tangents (Henkelman & Jónsson, J. Chem. Phys. 113, 9978 (2000), 10.1063/1.1323224)
    with one image that climbs.

    ASE lets the image climb that is highest at each step: two of about the same height take turns.

    Attributes:
        climber: index of the climbing image; 0 for none.
    """

    climber = 0

    def add_image_force(
        self,
        state: Any,
        tangential_force: float,
        tangent: Floats,
        imgforce: Floats,
        spring1: Any,
        spring2: Any,
        i: int,
    ) -> None:
        """Turn the force of an image into that of the band, in place; arguments as ASE's."""
        if i == self.climber:
            imgforce -= 2.0 * tangential_force * tangent
        else:
            super().add_image_force(state, tangential_force, tangent, imgforce, spring1, spring2, i)


class BatchedNEB(NEB):  # type: ignore[misc]
    """ASE's band with all images of a step computed in one call.

    Args:
        images: the images, their ends with results.
        potential: what computes them.
        spring_ev_square: spring between images, eV/Å².
        climber: index of the climbing image; 0 for none.
        mirror: symmetry by which the second half follows from the first; None for none.
    """

    def __init__(
        self,
        images: list[Atoms],
        potential: Potential,
        *,
        spring_ev_square: float,
        climber: int = 0,
        mirror: Mirror | None = None,
    ) -> None:
        super().__init__(images, method="improvedtangent", k=spring_ev_square)
        self._potential, self._mirror = potential, mirror
        self.neb_method = HeldClimber(self)
        self.neb_method.climber = climber

    def get_forces(self) -> Floats:
        """Compute the images that were moved, then the forces of the band, eV/Å."""
        half = len(self.images) if self._mirror is None else (len(self.images) + 1) // 2
        ends = (0, len(self.images) - 1)
        moved = [
            image
            for number, image in enumerate(self.images)
            if (number < half or number in ends) and _is_stale(image)
        ]
        if moved:
            self._potential.evaluate(moved)
            if self._mirror is not None:
                self._mirror.complete(self.images)
        return np.asarray(super().get_forces())


class BandSteps:
    """A band on its way to a force limit.

    Args:
        images: the start, with both ends; moved in place.
        potential: what computes it.
        spring_ev_square: spring between images, eV/Å².
        most_steps: most steps.
        stop: asked after every step; True stops.
        mirror: symmetry that swaps the ends; None for none.

    Attributes:
        images: the images at present.
        count: steps so far.
        force_ev_angstrom: largest force of the band, eV/Å.
    """

    def __init__(
        self,
        images: list[Atoms],
        potential: Potential,
        spring_ev_square: float,
        most_steps: int,
        stop: Stop | None,
        mirror: Mirror | None = None,
    ) -> None:
        self.images, self._mirror = images, mirror
        self.count = 0
        self.force_ev_angstrom = np.inf
        self._potential, self._spring = potential, spring_ev_square
        self._most, self._stop = most_steps, stop

    def run(self, limit_ev_angstrom: float, *, climber: int, watch_wells: bool) -> bool:
        """Relax the band, by LBFGS, and carefully from its best state where that leads astray.

        Args:
            limit_ev_angstrom: largest force of the band, eV/Å.
            climber: index of the climbing image; 0 for none.
            watch_wells: whether to stop where an image lies in a well.

        Returns:
            Whether the limit was reached, or no step is left; False where the band must be split,
            or another image must climb.

        Raises:
            StructureError: the potential failed.
            StopRequested: a stop was requested.
        """
        band = BatchedNEB(
            self.images,
            self._potential,
            spring_ev_square=self._spring,
            climber=climber,
            # An image on one side that climbs alone is not the mirror of the other.
            mirror=self._mirror if climber in (0, len(self.images) // 2) else None,
        )
        best, least = band.get_positions(), np.inf
        for careful in (False, True):
            optimizer = _optimizer(band, careful)
            for force in self._forces(optimizer, limit_ev_angstrom):
                if force < least:
                    best, least = band.get_positions(), force
                elif force > WORSE * max(least, limit_ev_angstrom) and not careful:
                    band.set_positions(best)
                    break
                if self._changed(climber, watch_wells):
                    return False
            else:
                break
        if self.force_ev_angstrom > max(least, limit_ev_angstrom):
            band.set_positions(best)
            self.force_ev_angstrom = _largest(band.get_forces())
        return True

    def settle(self, image: int, limit_ev_angstrom: float) -> tuple[Atoms, int]:
        """Relax an image alone.

        Args:
            image: index of the image.
            limit_ev_angstrom: largest force, eV/Å.

        Returns:
            The relaxed image, with its results, and the number of steps.
        """
        rest = self.images[image].copy()
        rest.calc = self._potential.calculator
        optimizer = LBFGS(rest, logfile=None, maxstep=LONGEST_STEP_ANGSTROM)
        with self._potential.guarded():
            for _ in optimizer.irun(fmax=limit_ev_angstrom, steps=self._most):
                self._ask()
        self._potential.evaluate([rest])
        return rest, int(optimizer.nsteps)

    def _forces(self, optimizer: Any, limit: float) -> Any:
        """Yield the largest force before the first and after each step."""
        before = self.count
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in optimizer.irun(fmax=limit, steps=max(self._most - before, 0)):
                self.count = before + optimizer.nsteps
                gradient = np.asarray(optimizer.optimizable.get_gradient())
                self.force_ev_angstrom = _largest(gradient)
                yield self.force_ev_angstrom
                self._ask()

    def _ask(self) -> None:
        if self._stop is not None and self._stop():
            raise StopRequested

    def _changed(self, climber: int, watch_wells: bool) -> bool:
        """Whether the band must be split, or another image must climb."""
        if self.count >= self._most:
            return False
        if watch_wells and deepest_well(self.images):
            return True
        energies = energies_of(self.images)
        return bool(climber and energies[1:-1].max() > energies[climber] + HIGHER_EV)


def energies_of(images: list[Atoms]) -> Floats:
    """Return the energies of images, shape (i,), eV."""
    return np.array([image.get_potential_energy() for image in images])


def deepest_well(images: list[Atoms]) -> int:
    """Return the image between the ends that lies deepest in a well; 0 for none."""
    energies = energies_of(images)
    left = np.maximum.accumulate(energies)
    right = np.maximum.accumulate(energies[::-1])[::-1]
    depths = np.minimum(left, right) - energies
    deepest = int(depths[1:-1].argmax()) + 1
    return deepest if depths[deepest] > WELL_EV else 0


def _optimizer(band: BatchedNEB, careful: bool) -> Any:
    if careful:
        return FIRE(band, logfile=None, maxstep=CAREFUL_STEP_ANGSTROM)
    return LBFGS(band, logfile=None, maxstep=LONGEST_STEP_ANGSTROM, alpha=CURVATURE_EV_SQUARE)


def _is_stale(image: Atoms) -> bool:
    return image.calc is None or bool(image.calc.calculation_required(image, ["forces"]))


def _largest(gradient: Floats) -> float:
    return float(np.linalg.norm(gradient.reshape(-1, 3), axis=1).max())
