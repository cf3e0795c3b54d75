"""What a host gains by giving way around a guest: numba and numpy only, no validation."""

from __future__ import annotations

import numpy as np
from numba import njit

from dualion.screening.hops._response_kernel import lattice_gain
from dualion.screening.percolation._refinement_kernel import neighbours


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def gains_at(places, cell, inverse, frac, kinds, weights, parameters, springs, compliances, reach):
    """Energy that the host gains at each place of the guest, eV, not above zero.

    Args:
        places: (p, 3) Cartesian, Å.
        cell, inverse: (3, 3) rows are lattice vectors, Å, and its inverse.
        frac: (n, 3); kinds, weights: (n,) of the host's ions.
        parameters: (k, 4) pair energies with the guest.
        springs, compliances: (n, 3, 3) eV/Å² and Å²/eV.
        reach: ions this close to the guest give way, Å.

    Returns:
        (p,)
    """
    nobody = np.zeros((0, 3))
    origin = np.zeros((1, 3))
    result = np.empty(len(places))
    for n in range(len(places)):
        vectors, which, _ = neighbours(places[n], cell, inverse, frac, reach)
        result[n] = lattice_gain(
            origin, nobody, vectors, which, kinds, weights, parameters, springs, compliances, reach
        )[0]
    return result
