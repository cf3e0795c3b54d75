"""The landscape as a graph: local minima, and the passes between them.

Every grid point belongs to the minimum that steepest descent leads to. Two basins that touch
are linked by the lowest step across their boundary. Which minima are connected below an
energy, and how the connections wind around the crystal, is the same in this graph as on the
grid, so its barriers are those of ``thresholds``; the graph has some ten to a few
thousand nodes and can be searched for paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dualion.screening.percolation._basins_kernel import (
    BASIN_BITS,
    CELL_BITS,
    CELL_SHIFT,
    OUTSIDE,
    STAY,
    boundary_steps,
    label_basins,
    steepest_steps,
)
from dualion.structures.errors import InputError

MOST_BASINS = 1 << BASIN_BITS
SMALLEST_COUNT = 3
"""Fewest points along an axis with 26 different neighbours."""

GridPath = list[tuple[int, int, int]]
"""Grid points one after the other, unwrapped: they may lie in any cell."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basins:
    """Minima of a periodic field up to a level, and the passes between them.

    Attributes:
        shape: grid points along each axis.
        minima: shape (n, 3), grid index of each minimum, in ascending energy.
        minima_ev: shape (n,), energies of the minima, eV.
        first, second: shape (m,), the basins that each pass links; equal where a basin touches
            its own image.
        cells: shape (m, 3), cell of the second minimum as seen from the first.
        passes_ev: shape (m,), energy of each pass, eV, ascending.
        starts: shape (m, 3), grid index of the pass's last point in the first basin.
        codes: shape (m,), step code from there into the second basin.
        steps: shape ``shape``, code of the steepest step down from each point.
    """

    shape: tuple[int, int, int]
    minima: NDArray[np.int64]
    minima_ev: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cells: NDArray[np.int64]
    passes_ev: NDArray[np.float64]
    starts: NDArray[np.int64]
    codes: NDArray[np.int64]
    steps: NDArray[np.int8]

    def crossing(self, link: int) -> GridPath:
        """Return points from the first minimum, in cell 0, over a pass to the second minimum."""
        start = tuple(int(i) for i in self.starts[link])
        up = self._descent((start[0], start[1], start[2]))[::-1]
        down = self._descent(_moved(up[-1], int(self.codes[link])))
        path = up + down
        shift = [p - m for p, m in zip(path[0], self.minima[self.first[link]], strict=True)]
        return [(x - int(shift[0]), y - int(shift[1]), z - int(shift[2])) for x, y, z in path]

    def _descent(self, point: tuple[int, int, int]) -> GridPath:
        """Points from a point down to its minimum."""
        nx, ny, nz = self.shape
        path = [point]
        while (code := int(self.steps[point[0] % nx, point[1] % ny, point[2] % nz])) != STAY:
            point = _moved(point, code)
            path.append(point)
        return path


def _moved(point: tuple[int, int, int], code: int) -> tuple[int, int, int]:
    return point[0] + code // 9 - 1, point[1] + code // 3 % 3 - 1, point[2] + code % 3 - 1


def basins_of(
    energies: NDArray[np.float64], cell: NDArray[np.float64], *, level_ev: float
) -> Basins:
    """Find the basins of a periodic field, and the lowest pass between any two of them.

    Args:
        energies: shape (nx, ny, nz), eV, without repeated end planes.
        cell: shape (3, 3), Å, rows are lattice vectors.
        level_ev: points above this energy are left out, eV.

    Raises:
        InputError: an axis has fewer than three points, or there are too many minima.
    """
    if min(energies.shape) < SMALLEST_COUNT:
        raise InputError(
            f"A grid of {energies.shape} points is too small for paths; give at least "
            f"{SMALLEST_COUNT} along each axis."
        )
    flat = np.ascontiguousarray(energies, dtype=np.float64).ravel()
    shape = np.array(energies.shape, dtype=np.int64)
    steps = np.empty(flat.size, np.int8)
    steepest_steps(flat, shape, level_ev, _inverse_distances(cell, shape), steps)
    inside = np.flatnonzero(steps != OUTSIDE)
    order = inside[np.argsort(flat[inside], kind="stable")]
    labels = np.full(flat.size, OUTSIDE, np.int32)
    cells = np.zeros((flat.size, 3), np.int16)
    count = label_basins(order, shape, steps, labels, cells)
    if count >= MOST_BASINS:
        raise InputError(f"The field has {count:,} minima; it is noise, or the grid too fine.")
    minima = order[steps[order] == STAY]
    low = _lowest_steps(flat, shape, labels, cells)
    mask = (1 << CELL_BITS) - 1
    packed = [((low.keys >> (CELL_BITS * (2 - axis))) & mask) - CELL_SHIFT for axis in range(3)]
    pairs = low.keys >> (3 * CELL_BITS)
    return Basins(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        minima=np.stack(np.unravel_index(minima, energies.shape), axis=1),
        minima_ev=flat[minima],
        first=pairs >> BASIN_BITS,
        second=pairs & (MOST_BASINS - 1),
        cells=np.stack(packed, axis=1),
        passes_ev=low.heights,
        starts=np.stack(np.unravel_index(low.points, energies.shape), axis=1),
        codes=low.codes.astype(np.int64),
        steps=steps.reshape(energies.shape),
    )


def _inverse_distances(cell: NDArray[np.float64], shape: NDArray[np.int64]) -> NDArray[np.float64]:
    """1/Å of each of the 27 steps; 0 for the one that stays."""
    offsets = np.array(list(np.ndindex(3, 3, 3))) - 1
    lengths = np.linalg.norm(offsets / shape @ cell, axis=1)
    lengths[STAY] = np.inf
    return np.asarray(1.0 / lengths)


class _Steps(NamedTuple):
    """The arrays that ``boundary_steps`` fills."""

    keys: NDArray[np.int64]
    heights: NDArray[np.float64]
    points: NDArray[np.int64]
    codes: NDArray[np.int8]


def _lowest_steps(
    flat: NDArray[np.float64],
    shape: NDArray[np.int64],
    labels: NDArray[np.int32],
    cells: NDArray[np.int16],
) -> _Steps:
    """The lowest step between any two basins, in ascending energy."""
    size = 0
    for _ in range(2):  # count, then fill
        keys, heights = np.empty(size, np.int64), np.empty(size)
        points, codes = np.empty(size, np.int64), np.empty(size, np.int8)
        size = boundary_steps(flat, shape, labels, cells, keys, heights, points, codes)
    order = np.lexsort((codes, points, heights, keys))
    lowest = order[np.unique(keys[order], return_index=True)[1]]
    lowest = lowest[np.argsort(heights[lowest], kind="stable")]
    return _Steps(keys[lowest], heights[lowest], points[lowest], codes[lowest])
