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
        one: shape (frames, m, 3), fractional, any image.
        other: shape (frames, k, 3), fractional, any image.
        cells: shape (frames, 3, 3), Å.
        images: shape (p, 3), cell offsets to look at.
        same: whether both are the same atoms, perhaps at other times; an atom's distance to
            itself, as unwrapped, does not count, and that to its images does.
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
                turn_a, turn_b, turn_c = np.rint(a), np.rint(b), np.rint(c)
                a -= turn_a
                b -= turn_b
                c -= turn_c
                itself = same and i == j
                for p in range(len(images)):
                    if (
                        itself
                        and images[p, 0] == turn_a
                        and images[p, 1] == turn_b
                        and images[p, 2] == turn_c
                    ):
                        continue
                    u = a + images[p, 0]
                    v = b + images[p, 1]
                    w = c + images[p, 2]
                    x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                    y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                    z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                    r2 = x * x + y * y + z * z
                    if r2 < limit:
                        counts[int(np.sqrt(r2) / longest * bins)] += 1
    return counts
