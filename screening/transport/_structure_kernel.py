"""Pair-distance histograms. numba and numpy only, no validation."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def pair_histogram(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    cells: NDArray[np.float64],
    images: NDArray[np.int64],
    same: bool,
    longest: float,
    bins: int,
) -> NDArray[np.int64]:
    """Count pair distances over all frames and images, as ordered pairs.

    Args:
        one: shape (frames, m, 3), fractional, folded.
        other: shape (frames, k, 3), fractional, folded.
        cells: shape (frames, 3, 3), Å.
        images: shape (p, 3), cell offsets to look at.
        same: whether both are the same atoms, whose distance to themselves does not count.
        longest: largest distance, Å.
        bins: number of bins.

    Returns:
        Shape (bins,).
    """
    counts = np.zeros(bins, dtype=np.int64)
    limit = longest * longest
    for t in range(len(one)):
        cell = cells[t]
        for i in range(one.shape[1]):
            for j in range(other.shape[1]):
                a = other[t, j, 0] - one[t, i, 0]
                b = other[t, j, 1] - one[t, i, 1]
                c = other[t, j, 2] - one[t, i, 2]
                a -= np.rint(a)
                b -= np.rint(b)
                c -= np.rint(c)
                for p in range(len(images)):
                    u = a + images[p, 0]
                    v = b + images[p, 1]
                    w = c + images[p, 2]
                    x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                    y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                    z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                    r2 = x * x + y * y + z * z
                    if r2 < limit and not (same and i == j and r2 < 1e-12):
                        counts[int(np.sqrt(r2) / longest * bins)] += 1
    return counts
