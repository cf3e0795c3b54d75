"""Basins of a periodic grid: numba and numpy only, no validation.

Every grid point points to the neighbour of steepest descent; the chains end at the local
minima, and the points of one minimum are its basin. Chains and boundaries carry integer cell
offsets, since a basin reaches over the cell's faces. A step to a neighbour has the code
9(dx+1) + 3(dy+1) + (dz+1); code 13 stays where it is and marks a minimum.

Needs at least three points along each axis, so that the 26 neighbours differ.
"""

from __future__ import annotations

import numpy as np
from numba import njit

STAY = 13
OUTSIDE = -1
CELL_BITS = 5
CELL_SHIFT = 1 << (CELL_BITS - 1)
BASIN_BITS = 24


@njit(cache=True, nogil=True, inline="always")
def _step(x, y, z, code, nx, ny, nz):
    """Flat index of a neighbour and the cell that it lies in."""
    u = x + code // 9 - 1
    v = y + code // 3 % 3 - 1
    w = z + code % 3 - 1
    a = -1 if u < 0 else (1 if u >= nx else 0)
    b = -1 if v < 0 else (1 if v >= ny else 0)
    c = -1 if w < 0 else (1 if w >= nz else 0)
    return ((u - a * nx) * ny + v - b * ny) * nz + w - c * nz, a, b, c


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def steepest_steps(energies, shape, level, inverse_distances, steps):
    """Return the code of the steepest step down from every point.

    Among equals a point steps down to the smaller index, so that plateaus have no circles.

    Args:
        energies: (n,) eV, the flat grid, last axis fastest.
        shape: (3,) points along each axis.
        level: points above it lie outside, eV.
        inverse_distances: (27,) 1/Å, by step code.
        steps: (n,) int8, filled: a step code, or OUTSIDE.
    """
    nx, ny, nz = shape[0], shape[1], shape[2]
    for point in range(energies.shape[0]):
        here = energies[point]
        if here > level:
            steps[point] = OUTSIDE
            continue
        x, y, z = point // (ny * nz), point // nz % ny, point % nz
        best, steepest, equal = STAY, 0.0, point
        for code in range(27):
            if code == STAY:
                continue
            other, _, _, _ = _step(x, y, z, code, nx, ny, nz)
            slope = (here - energies[other]) * inverse_distances[code]
            if slope > steepest:
                best, steepest = code, slope
            elif steepest == 0.0 and slope == 0.0 and other < equal:
                best, equal = code, other
        steps[point] = best


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def label_basins(order, shape, steps, labels, cells):
    """Follow every chain to its minimum.

    Args:
        order: points inside, in ascending energy and, among equals, ascending index.
        shape: (3,) points along each axis.
        steps: (n,) step codes.
        labels: (n,) int32, filled with the number of the basin; untouched outside.
        cells: (n, 3) int16, filled with the cell of the minimum as seen from the point.

    Returns:
        Number of basins; they are numbered in ascending energy.
    """
    nx, ny, nz = shape[0], shape[1], shape[2]
    count = 0
    for point in order:
        if steps[point] == STAY:
            labels[point] = count
            count += 1
            continue
        x, y, z = point // (ny * nz), point // nz % ny, point % nz
        below, a, b, c = _step(x, y, z, steps[point], nx, ny, nz)
        labels[point] = labels[below]
        cells[point, 0] = cells[below, 0] + a
        cells[point, 1] = cells[below, 1] + b
        cells[point, 2] = cells[below, 2] + c
    return count


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def boundary_steps(energies, shape, labels, cells, keys, heights, points, codes):
    """Find steps between two basins, or between a basin and its own image.

    Call it with empty arrays to count them, and again to fill arrays of that length.

    Args:
        energies: (n,) eV.
        shape: (3,) points along each axis.
        labels, cells: of ``label_basins``; the label is OUTSIDE outside.
        keys: (m,) int64, basins and cell packed: first, second, and the cell of the second
            minimum as seen from the first; the first basin has the smaller number.
        heights: (m,) eV, the higher end of the step.
        points: (m,) int64, where the step starts, in the first basin.
        codes: (m,) int8, its step code.

    Returns:
        How many steps there are.
    """
    nx, ny, nz = shape[0], shape[1], shape[2]
    found = 0
    for point in range(energies.shape[0]):
        first = labels[point]
        if first == OUTSIDE:
            continue
        x, y, z = point // (ny * nz), point // nz % ny, point % nz
        for code in range(27):
            other, a, b, c = _step(x, y, z, code, nx, ny, nz)
            second = labels[other]
            if second < first:  # also what is outside; the step back is counted
                continue
            a += cells[other, 0] - cells[point, 0]
            b += cells[other, 1] - cells[point, 1]
            c += cells[other, 2] - cells[point, 2]
            if first == second and (a, b, c) <= (0, 0, 0):
                continue
            if max(abs(a), abs(b), abs(c)) >= CELL_SHIFT:  # no basin is a spiral of 16 cells
                continue
            if found < keys.shape[0]:
                key = (np.int64(first) << BASIN_BITS) | np.int64(second)
                key = (key << CELL_BITS) | np.int64(a + CELL_SHIFT)
                key = (key << CELL_BITS) | np.int64(b + CELL_SHIFT)
                keys[found] = (key << CELL_BITS) | np.int64(c + CELL_SHIFT)
                heights[found] = max(energies[point], energies[other])
                points[found] = point
                codes[found] = code
            found += 1
    return found
