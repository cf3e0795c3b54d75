"""Distances in a periodic cell: what lies around a point, and how far points are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def vectors_within(
    cell: Floats, frac: Floats, point: Floats, reach_angstrom: float
) -> tuple[Ints, Floats]:
    """Ions within reach of a point, the nearest first; each image counts on its own.

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


def shortest_distances(cell: Floats, first: Floats, second: Floats) -> Floats:
    """Distances of points to the nearest images of others, shape (n, m), Å.

    Args:
        cell: shape (3, 3), Å, not extremely skewed: the nearest image is looked for in the 27
            cells around the rounded difference.
        first: shape (n, 3), fractional coordinates.
        second: shape (m, 3), fractional coordinates.
    """
    gaps = first[:, None] - second[None]
    gaps = gaps - np.round(gaps)
    shortest = np.full(gaps.shape[:2], np.inf)
    for shift in _shifts(np.ones(3, dtype=np.int64)):
        vectors = (gaps + shift) @ cell
        np.minimum(shortest, np.einsum("ijk,ijk->ij", vectors, vectors), out=shortest)
    return np.asarray(np.sqrt(shortest))


def _shifts(most: Ints) -> Ints:
    """Whole-number vectors up to a limit in every direction, shape (m, 3)."""
    steps = [np.arange(-m, m + 1) for m in most.tolist()]
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
