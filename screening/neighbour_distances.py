"""Distances in a periodic cell: what lies around a point, and how far points are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def vectors_within(
    cell: Floats, frac: Floats, point: Floats, reach_angstrom: float
) -> tuple[Ints, Floats]:
    """Return the ions within reach of a point, the nearest first; each image counts on its own.

    Args:
        cell: shape (3, 3), Å.
        frac: shape (n, 3), fractional coordinates of the ions.
        point: shape (3,), fractional coordinates.
        reach_angstrom: Å.

    Returns:
        indices (m,) and vectors from the point (m, 3), Å.
    """
    margin = np.ceil(reach_angstrom * np.linalg.norm(np.linalg.inv(cell), axis=0) + 0.5)
    shifts = _shifts(margin.astype(np.int64))
    gaps = frac - point
    gaps = gaps - np.round(gaps)
    vectors = ((gaps[:, None] + shifts[None]) @ cell).reshape(-1, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    near = np.flatnonzero(lengths <= reach_angstrom)
    near = near[np.argsort(lengths[near], kind="stable")]
    return near // len(shifts), vectors[near]


def pairs_within(
    cell: Floats, first: Floats, second: Floats, reach_angstrom: float
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the pairs of points within reach of each other; each image counts on its own.

    Args:
        cell: shape (3, 3), Å.
        first: shape (n, 3), fractional coordinates.
        second: shape (m, 3), fractional coordinates.
        reach_angstrom: Å.

    Returns:
        for each pair the index of its first and its second point, the cell (p, 3) of the second as
        seen from the first, and their distance, Å.
    """
    from pymatgen.optimization.neighbors import find_points_in_spheres

    centres, neighbours, images, lengths = find_points_in_spheres(
        np.ascontiguousarray(second @ cell),
        np.ascontiguousarray(first @ cell),
        r=reach_angstrom,
        pbc=np.ones(3, dtype=np.int64),
        lattice=np.ascontiguousarray(cell),
        tol=1e-8,
    )
    cells = np.round(images).astype(np.int64)
    return np.asarray(centres), np.asarray(neighbours), cells, np.asarray(lengths)


def nearest_image_lengths(gaps: Floats, cell: Floats, *, reach: int) -> Floats:
    """Return the lengths of differences of fractional coordinates to the nearest image, Å.

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


def shortest_distances(cell: Floats, first: Floats, second: Floats) -> Floats:
    """Return the distances of points to the nearest images of others, shape (n, m), Å.

    Args:
        cell: shape (3, 3), Å, not extremely skewed: the nearest image is looked for in the 27
            cells around the rounded difference.
        first: shape (n, 3), fractional coordinates.
        second: shape (m, 3), fractional coordinates.
    """
    return nearest_image_lengths(first[:, None] - second[None], cell, reach=1)


def _shifts(most: Ints) -> Ints:
    """Whole-number vectors up to a limit in every direction, shape (m, 3)."""
    steps = [np.arange(-m, m + 1) for m in most.tolist()]
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
