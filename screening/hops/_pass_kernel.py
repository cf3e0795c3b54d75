"""Lowest pass between the two ends of a hop: numba and numpy only, no validation.

A grid is laid along the hop, inside the spheroid whose points make the way from end to end
longer by no more than a given excess. It is flooded from the minimum at the first end, always
at its lowest dry point, until that at the second end is under water: the highest level that was
needed is the minimax energy of the hop (Dijkstra, Numer. Math. 1, 269 (1959),
10.1007/BF01386390, with the maximum in place of the sum). Only points that the flood touches
are computed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_SAME_DISTANCE = 1e-6
_ACROSS_ENOUGH = 0.5


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False, fastmath=True)
def tabulated_energy(x, y, z, ions, table, bins_per_square, reach2):
    """Sum of tabulated pair energies at a point, eV.

    Args:
        x, y, z: Å.
        ions: coordinates xs, ys, zs (m,) Å, where each one's values begin (m,), weights (m,).
        table: values of all kinds one after the other, over r² in equal bins, eV.
        reach2: Å², where the values of a kind end.
    """
    xs, ys, zs, begins, weights = ions
    total = 0.0
    for n in range(len(begins)):
        dx, dy, dz = xs[n] - x, ys[n] - y, zs[n] - z
        r2 = dx * dx + dy * dy + dz * dz
        if r2 < reach2:
            position = r2 * bins_per_square
            whole = np.int64(position)
            low = begins[n] + whole
            value = table[low]
            total += weights[n] * (value + (position - whole) * (table[low + 1] - value))
    return total


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _push(heap, count, levels, point):
    """Add a point to a heap of points whose lowest level comes first; returns its new size."""
    place = count
    while place > 0:
        above = (place - 1) // 2
        if levels[heap[above]] <= levels[point]:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = point
    return count + 1


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _pop(heap, count, levels):
    """Take the lowest point from a heap; returns it and the heap's new size."""
    lowest = heap[0]
    count -= 1
    point = heap[count]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and levels[heap[below + 1]] < levels[heap[below]]:
            below += 1
        if levels[heap[below]] >= levels[point]:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = point
    return lowest, count


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def frame_of(along, vectors):
    """Return the axes of a hop's grid, which turn with the crystal.

    Args:
        along: (3,) from the first end of the hop to the second, Å.
        vectors: (m, 3) from the middle of the hop to the ions, Å.

    Returns:
        unit vectors (3, 3) as rows: the first along the hop, the second towards the nearest ion
        beside it.
    """
    axes = np.zeros((3, 3))
    axes[0] = along / math.sqrt((along**2).sum())
    nearest = np.inf
    for n in range(len(vectors)):
        beside = vectors[n] - (vectors[n] * axes[0]).sum() * axes[0]
        size = math.sqrt((beside**2).sum())
        r2 = (vectors[n] ** 2).sum()
        if size > _ACROSS_ENOUGH and r2 < nearest - _SAME_DISTANCE:
            nearest = r2
            axes[1] = beside / size
    if nearest == np.inf:
        axes[1, np.argmin(np.abs(axes[0]))] = 1.0
        axes[1] -= (axes[1] * axes[0]).sum() * axes[0]
        axes[1] /= math.sqrt((axes[1] ** 2).sum())
    axes[2] = np.cross(axes[0], axes[1])
    return axes


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def grid_along(length, spacing, excess):
    """Lay a grid along a hop; both ends and the middle are grid points.

    Args:
        length: length of the hop, Å.
        spacing: largest distance of grid points, Å.
        excess: the way over a point may be this much longer than the hop, Å.

    Returns:
        half the length, the spacing along and that across the hop, Å; the number of steps from end
        to end, of those beyond each end and of those to each side; the longest way, Å.
    """
    half = 0.5 * length
    steps = 2 * max(1, math.ceil(half / spacing))
    along = length / steps
    beyond = int(0.5 * excess / along)
    wide = int(math.sqrt((half + 0.5 * excess) ** 2 - half**2) / spacing)
    return half, along, spacing, steps, beyond, wide, length + excess + _SAME_DISTANCE


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def place_of(index, grid):
    """Return the local coordinates of a grid point, Å from the hop's middle.

    Args:
        index: flat index of the grid point.
        grid: the grid, as ``grid_along`` gives it.
    """
    half, along, spacing, _, beyond, wide, _ = grid
    row = 2 * wide + 1
    a, b, c = index // (row * row), (index // row) % row, index % row
    return (a - beyond) * along - half, (b - wide) * spacing, (c - wide) * spacing


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _level(index, grid, ions, table, bins_per_square, reach2):
    """Energy of a grid point, eV; infinite outside the spheroid."""
    half, limit = grid[0], grid[6]
    x, y, z = place_of(index, grid)
    off = y * y + z * z
    if math.sqrt((x + half) ** 2 + off) + math.sqrt((x - half) ** 2 + off) > limit:
        return np.inf
    return tabulated_energy(x, y, z, ions, table, bins_per_square, reach2)


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _points_around(index, grid, found):
    """Fill in the grid points around one, up to 26; returns how many."""
    _, _, _, steps, beyond, wide, _ = grid
    row, long = 2 * wide + 1, steps + 2 * beyond + 1
    a, b, c = index // (row * row), (index // row) % row, index % row
    count = 0
    for i in range(max(a - 1, 0), min(a + 2, long)):
        for j in range(max(b - 1, 0), min(b + 2, row)):
            for k in range(max(c - 1, 0), min(c + 2, row)):
                other = (i * row + j) * row + k
                if other != index:
                    found[count] = other
                    count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _flood(start, goal, levels, grid, ions, table, bins_per_square, reach2):
    """Grid point of the highest level on the lowest way from start to goal."""
    around = np.empty(26, np.int64)
    levels[start] = _level(start, grid, ions, table, bins_per_square, reach2)
    shore = np.empty(len(levels), np.int64)
    count = _push(shore, 0, levels, start)
    highest, top = levels[start], start
    while True:
        point, count = _pop(shore, count, levels)
        if levels[point] > highest:
            highest, top = levels[point], point
        if point == goal:
            return top
        for n in range(_points_around(point, grid, around)):
            other = around[n]
            if math.isnan(levels[other]):
                levels[other] = _level(other, grid, ions, table, bins_per_square, reach2)
                if levels[other] < np.inf:
                    count = _push(shore, count, levels, other)


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _descend(point, levels, grid, ions, table, bins_per_square, reach2):
    """The local minimum of the grid below a point."""
    around = np.empty(26, np.int64)
    while True:
        lowest = point
        for n in range(_points_around(point, grid, around)):
            other = around[n]
            if math.isnan(levels[other]):
                levels[other] = _level(other, grid, ions, table, bins_per_square, reach2)
            if levels[other] < levels[lowest]:
                lowest = other
        if lowest == point:
            return point
        point = lowest


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def lowest_pass(along, vectors, rows, weights, tables, bins_per_square, reach, spacing, excess):
    """Pass of a hop and the minima at its ends, on a grid along it.

    Args:
        along: (3,) from the first end to the second, Å.
        vectors: (m, 3) from the middle of the hop to the ions, Å.
        rows, weights: (m,) row of ``tables`` and occupancy of each ion.
        tables: (k, b) pair energies over r² in equal bins, eV; reach: Å, where they end.
        spacing: largest distance of grid points, Å.
        excess: the way over a point may be this much longer than the hop, Å.

    Returns:
        places (3, 3) of first end, second end and pass, Å from the middle, and whether there is
        a pass at all: without one the two ends lie in one well, or on a slope.
    """
    axes = frame_of(along, vectors)
    local = vectors @ axes.T
    begins = rows * tables.shape[1]
    ions = (local[:, 0].copy(), local[:, 1].copy(), local[:, 2].copy(), begins, weights)
    table = tables.ravel()
    grid = grid_along(math.sqrt((along**2).sum()), spacing, excess)
    steps, beyond, wide = grid[3], grid[4], grid[5]
    row = 2 * wide + 1
    start = (beyond * row + wide) * row + wide
    goal = ((beyond + steps) * row + wide) * row + wide
    levels = np.full((steps + 2 * beyond + 1) * row * row, np.nan)
    reach2 = reach * reach
    first = _descend(start, levels, grid, ions, table, bins_per_square, reach2)
    second = _descend(goal, levels, grid, ions, table, bins_per_square, reach2)
    levels[:] = np.nan
    top = _flood(first, second, levels, grid, ions, table, bins_per_square, reach2)
    places = np.zeros((3, 3))
    for n, point in enumerate((first, second, top)):
        x, y, z = place_of(point, grid)
        places[n] = x * axes[0] + y * axes[1] + z * axes[2]
    return places, top != first and top != second
