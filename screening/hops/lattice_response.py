"""Springs that hold the ions of a crystal: an Einstein crystal of its own pair energies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.field import Framework
from dualion.screening.bvse.potential import PotentialOptions, pair_of
from dualion.screening.hops._response_kernel import stiffnesses
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import MissingParametersError

REACH_ANGSTROM = 6.0
"""Ions farther away add nothing to a spring."""
SOFTEST_EV_PER_SQUARE = 2.0
"""Softest spring, eV/Å². The pair energies know no long-range forces, and the curvature of an
ion's energy may come out near zero or below; 2 eV/Å² hold an ion of 80 u at 2.5 THz."""
NO_PAIR = (1.0, 0.0, 1.0, 0.0)
"""Parameters of two species that do not interact: a Coulomb term of no strength."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Springs:
    """Harmonic wells of the ions of a framework.

    Attributes:
        stiffness: shape (n, 3, 3), eV/Å², positive definite.
        compliance: shape (n, 3, 3), its inverse, Å²/eV.
    """

    stiffness: Floats
    compliance: Floats


def springs_of(
    crystal: IonicCrystal,
    framework: Framework,
    options: PotentialOptions,
    *,
    softest_ev_per_square: float = SOFTEST_EV_PER_SQUARE,
) -> Springs:
    """Springs of all ions of a framework.

    Args:
        crystal: the crystal.
        framework: its ions, own sublattice included.
        options: conventions of the pair energies.
        softest_ev_per_square: least stiffness along any direction, eV/Å².
    """
    entries = framework.entries
    species = np.column_stack([crystal.numbers[entries], np.round(crystal.charges[entries], 6)])
    distinct, kinds = np.unique(species, axis=0, return_inverse=True)
    parameters = np.array(
        [[_row(tuple(a), tuple(b), options) for b in distinct.tolist()] for a in distinct.tolist()]
    )
    curvatures = stiffnesses(
        framework.cell,
        np.linalg.inv(framework.cell),
        framework.frac,
        framework.weights,
        kinds.ravel(),
        parameters,
        REACH_ANGSTROM,
    )
    values, modes = np.linalg.eigh(curvatures)
    values = np.maximum(values, softest_ev_per_square)
    across = np.swapaxes(modes, 1, 2)
    return Springs(
        stiffness=np.ascontiguousarray((modes * values[:, None]) @ across),
        compliance=np.ascontiguousarray((modes / values[:, None]) @ across),
    )


def _row(
    one: tuple[float, ...], other: tuple[float, ...], options: PotentialOptions
) -> tuple[float, float, float, float]:
    """Pair energy of two species as the kernel takes it; none where no parameters are known."""
    try:
        pair, _ = pair_of(MobileIon(int(one[0]), one[1]), int(other[0]), other[1], options)
    except MissingParametersError:
        return NO_PAIR
    return NO_PAIR if pair is None else pair.kernel_row()
