"""Exact percolation barriers of an energy field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening._percolation_kernel import add_points

CUT_EV = 10.0
"""Barriers above this count as no percolation."""

FIRST_SLAB_EV = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Percolation:
    """Barriers of one ion through one field.

    The region that percolates at a dimensionality is 26-connected on the periodic grid.

    Attributes:
        barriers_ev: E_1D, E_2D, E_3D: lowest energy above the field's minimum at which a region
            connects to its own images in 1, 2, 3 independent directions, eV; ``inf`` where none
            does below the cut.
        from_region_ev: the same energies above the minimum of the percolating region itself, eV.
            They are smaller where a deep pocket lies off the path.
        minimum_ev: energy of the field's minimum, eV.
        minimum_point: its grid index.
        critical_points: grid index of the highest point of each path; (−1, −1, −1) where none.
    """

    barriers_ev: tuple[float, float, float]
    from_region_ev: tuple[float, float, float]
    minimum_ev: float
    minimum_point: tuple[int, int, int]
    critical_points: tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]


def percolation(energies: NDArray[np.float64], *, cut_ev: float = CUT_EV) -> Percolation:
    """Barriers of a periodic energy field.

    Args:
        energies: shape (nx, ny, nz), eV, without repeated end planes.
        cut_ev: largest energy above the minimum at which a region is looked for, eV.
    """
    shape = energies.shape
    flat = np.ascontiguousarray(energies, dtype=np.float64).ravel()
    minimum = int(flat.argmin())
    critical, bottom = _critical_points(flat, shape, flat[minimum], cut_ev)
    heights = [
        tuple(
            float(flat[c] - flat[base]) if c >= 0 else np.inf
            for c, base in zip(critical, bases, strict=True)
        )
        for bases in ((minimum,) * 3, bottom)
    ]
    points = [
        tuple(int(i) for i in np.unravel_index(c, shape)) if c >= 0 else (-1,) * 3 for c in critical
    ]
    return Percolation(
        barriers_ev=heights[0],  # type: ignore[arg-type]
        from_region_ev=heights[1],  # type: ignore[arg-type]
        minimum_ev=float(flat[minimum]),
        minimum_point=tuple(int(i) for i in np.unravel_index(minimum, shape)),  # type: ignore[arg-type]
        critical_points=tuple(points),  # type: ignore[arg-type]
    )


def _critical_points(
    flat: NDArray[np.float64], shape: tuple[int, ...], minimum_ev: float, cut_ev: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat index of the highest point of each path, and of the minimum below it; −1 for none.

    The points are sorted slab by slab, since most fields percolate well below the cut.
    """
    n = flat.size
    added = np.zeros(shape, np.uint8)
    parent = np.zeros(n, np.int32)
    offset = np.zeros((n, 3), np.int16)
    size, lowest = np.zeros(n, np.int32), np.zeros(n, np.int32)
    rank, basis = np.zeros(n, np.int8), np.zeros((n, 3, 3), np.int16)
    critical, bottom = np.full(3, -1, np.int64), np.full(3, -1, np.int64)
    low, height = -np.inf, min(FIRST_SLAB_EV, cut_ev)
    while True:
        high = minimum_ev + height
        slab = np.flatnonzero((flat > low) & (flat <= high))
        order = slab[np.argsort(flat[slab])]
        done = add_points(
            order, flat, added, parent, offset, size, lowest, rank, basis, critical, bottom
        )
        if done or height >= cut_ev:
            return critical, bottom
        low, height = high, min(2.0 * height, cut_ev)
