"""Pair energies inside kernels: numba and numpy only, no validation."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MORSE = 0
SCREENED_COULOMB = 1
"""Kinds of pair potentials: the first number of a kernel row."""


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def radial(parameters, r):
    """Pair energy and its first two derivatives by r; NaN for a kind that is not known.

    Args:
        parameters: (4,) a row of ``PairPotential.kernel_row``: the kind, then its constants.
        r: distance, Å.

    Returns:
        Energy (eV), first (eV/Å) and second derivative (eV/Å²).
    """
    if parameters[0] == MORSE:
        depth, alpha, r_min = parameters[1], parameters[2], parameters[3]
        y = math.exp(alpha * (r_min - r))
        return (
            depth * y * (y - 2.0),
            -2.0 * depth * alpha * y * (y - 1.0),
            2.0 * depth * alpha * alpha * y * (2.0 * y - 1.0),
        )
    if parameters[0] != SCREENED_COULOMB:
        return np.nan, np.nan, np.nan
    strength, length = parameters[1], parameters[2]
    x = r / length
    screened = math.erfc(x) / r
    gauss = 2.0 / (math.sqrt(math.pi) * length) * math.exp(-x * x) / r
    first = -screened / r - gauss
    second = 2.0 * screened / (r * r) + 2.0 * gauss / r + 2.0 * gauss * x / length
    return strength * screened, strength * first, strength * second
