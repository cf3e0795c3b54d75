"""Bases of a lattice: reduced ones, and the one whose cell is widest.

Rows are lattice vectors. The width of a cell is the distance of its opposite faces.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REDUCTION_STEPS = 100


def widths_of(cell: Floats) -> Floats:
    """Return distances of opposite faces, shape (..., 3), Å, of cells with shape (..., 3, 3)."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(cell), axis=-2))


def reduce_cells(cells: Floats) -> Floats:
    """Return Minkowski-reduced right-handed bases of lattices, shape (m, 3, 3).

    The greedy reduction of Nguyen & Stehlé (ACM Trans. Algorithms 5, 46 (2009),
    10.1145/1597036.1597050): the longest vector is reduced by its nearest neighbour in the
    lattice of the two others, until nothing gets shorter.
    """
    basis = np.array(cells, dtype=np.float64)
    for _ in range(REDUCTION_STEPS):
        before = (basis**2).sum(axis=(1, 2))
        basis = _by_length(basis)
        basis[:, 1] -= _nearest_multiple(basis[:, 1], basis[:, 0])[:, None] * basis[:, 0]
        basis = _by_length(basis)
        basis[:, 2] = _nearest_to_plane(basis)
        if ((basis**2).sum(axis=(1, 2)) > before - 1e-9).all():
            break
    basis = _by_length(basis)
    basis[np.linalg.det(basis) < 0] *= -1.0
    return basis


def _by_length(basis: Floats) -> Floats:
    order = np.argsort(np.round((basis**2).sum(axis=2), 9), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(basis, order[:, :, None], axis=1))


def _nearest_multiple(vector: Floats, by: Floats) -> Floats:
    return np.asarray(np.rint((vector * by).sum(axis=1) / (by**2).sum(axis=1)))


def _nearest_to_plane(basis: Floats) -> Floats:
    """The third vector less its closest point in the lattice of the first two, shape (m, 3)."""
    first, second, third = basis[:, 0], basis[:, 1], basis[:, 2]
    gram = np.einsum("mij,mkj->mik", basis[:, :2], basis[:, :2])
    right = np.einsum("mij,mj->mi", basis[:, :2], third)
    near = np.floor(np.linalg.solve(gram, right[:, :, None])[:, :, 0])
    best, best_square = third, (third**2).sum(axis=1) - 1e-9
    for step in np.ndindex(4, 4):
        y = near + np.array(step) - 1
        moved = third - y[:, :1] * first - y[:, 1:] * second
        square = (moved**2).sum(axis=1)
        closer = square < best_square
        best = np.where(closer[:, None], moved, best)
        best_square = np.where(closer, square - 1e-9, best_square)
    return best


@lru_cache(maxsize=1)
def _unimodular() -> Ints:
    """Changes of basis with entries −1, 0, 1, one of each set of vectors, shape (m, 3, 3)."""
    rows = [row for row in itertools.product((-1, 0, 1), repeat=3) if row > (0, 0, 0)]
    triples = np.array(list(itertools.combinations(rows, 3)), dtype=np.int64)
    return np.asarray(triples[np.abs(np.rint(np.linalg.det(triples))) == 1])


def widest_basis(cell: Floats) -> Floats:
    """Return the basis of a reduced lattice whose smallest width is largest."""
    bases = _unimodular() @ cell
    lengths = np.linalg.norm(bases, axis=2)
    widths = widths_of(bases).min(axis=1)
    order = np.lexsort(
        (np.round(lengths.sum(axis=1), 6), np.round(lengths.max(axis=1), 6), -np.round(widths, 6))
    )
    return np.asarray(bases[order[0]])
