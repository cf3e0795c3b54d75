"""Distances to the nearest periodic image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest_image_lengths(
    gaps: NDArray[np.float64], cell: NDArray[np.float64], *, reach: int
) -> NDArray[np.float64]:
    """Lengths of differences of fractional coordinates to the nearest image, Å.

    Args:
        gaps: shape (…, 3), differences.
        cell: shape (3, 3), Å, rows are lattice vectors.
        reach: cells on each side of the rounded difference that are looked at. Rounding alone (0)
            finds what is much nearer than half the cell's shortest height, in any cell; one cell
            more (1) finds the nearest image in any cell that is not extremely skewed.

    Returns:
        Lengths, shape (…), Å.
    """
    rounded = gaps - np.round(gaps)
    shortest = np.full(rounded.shape[:-1], np.inf)
    for image in np.ndindex(*(2 * reach + 1,) * 3):
        vectors = (rounded + (np.array(image) - reach)) @ cell
        np.minimum(shortest, np.einsum("...k,...k->...", vectors, vectors), out=shortest)
    return np.asarray(np.sqrt(shortest))
