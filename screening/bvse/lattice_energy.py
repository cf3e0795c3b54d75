"""Bond valence energy of a whole crystal: a cheap order of configurations before relaxing.

The sum of the pair energies of ``potential`` over all pairs. It carries no meaning as an
energy of formation; between configurations of one composition it tells crowded from roomy ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.potential import SMALLEST_DISTANCE_ANGSTROM, PotentialOptions, pair_of
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import pairs_within
from dualion.structures.crystal import IonicCrystal

REACH_ANGSTROM = 8.0


def lattice_energy_ev(
    crystal: IonicCrystal,
    options: PotentialOptions | None = None,
    *,
    reach_angstrom: float = REACH_ANGSTROM,
) -> float:
    """Sum of the pair energies of the cell, eV.

    Args:
        crystal: ordered crystal.
        options: conventions of the pair energies.
        reach_angstrom: pairs farther apart do not count, Å.

    Raises:
        MissingParametersError: a pair has no parameters.
    """
    options = options or PotentialOptions()
    species = np.column_stack([crystal.numbers, np.round(crystal.charges, 6)])
    distinct, kinds = np.unique(species, axis=0, return_inverse=True)
    first, second, distances = _pairs(crystal, reach_angstrom)
    keys = kinds.ravel()[first] * len(distinct) + kinds.ravel()[second]
    total = 0.0
    for key in np.unique(keys).tolist():
        one, other = distinct[key // len(distinct)], distinct[key % len(distinct)]
        pair, _ = pair_of(
            MobileIon(int(one[0]), float(one[1])), int(other[0]), float(other[1]), options
        )
        if pair is not None:
            total += 0.5 * float(pair.energy_ev(distances[keys == key]).sum())
    return total


def _pairs(
    crystal: IonicCrystal, reach_angstrom: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Both entries and the distance in Å of every pair, each in both directions."""
    first, second, _, distances = pairs_within(
        crystal.cell, crystal.frac, crystal.frac, reach_angstrom
    )
    apart = distances > 1e-6
    return first[apart], second[apart], np.maximum(distances[apart], SMALLEST_DISTANCE_ANGSTROM)
