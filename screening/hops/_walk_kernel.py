"""Walk of one vacancy over a periodic block of cells: numba and numpy only, no validation."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def walk(begins, targets, cells, vectors, cumulative, repeats, jumps, random):
    """Let a vacancy jump and record how far every ion is carried.

    A jump of the vacancy moves the ion of the target site by the opposite vector. Jumps are drawn
    by their rates, and a site counts with its mean residence time.

    Args:
        begins: (s + 1,) rows of the jumps out of each site of a cell.
        targets: (j,) site that each jump leads to; cells: (j, 3) its cell; vectors: (j, 3) Å.
        cumulative: (j,) rates of the jumps out of one site, summed up to each, 1/s.
        repeats: (3,) cells of the block.
        jumps: number of jumps; random: numpy's generator.

    Returns:
        time s, sum over ions of the outer product of their displacements (3, 3) Å², sum over
        jumps of the outer product of each (3, 3) Å².
    """
    sites = len(begins) - 1
    nx, ny, nz = repeats
    occupant = np.arange(nx * ny * nz * sites)
    carried = np.zeros((len(occupant), 3))
    single = np.zeros((3, 3))
    x, y, z, site = 0, 0, 0, 0
    time = 0.0
    for _ in range(jumps):
        first, last = begins[site], begins[site + 1]
        total = cumulative[last - 1]
        time += 1.0 / total
        chosen = first + np.searchsorted(cumulative[first:last], random.random() * total)
        here = ((x * ny + y) * nz + z) * sites + site
        x = (x + cells[chosen, 0]) % nx
        y = (y + cells[chosen, 1]) % ny
        z = (z + cells[chosen, 2]) % nz
        site = targets[chosen]
        there = ((x * ny + y) * nz + z) * sites + site
        ion = occupant[there]
        occupant[there], occupant[here] = occupant[here], ion
        for a in range(3):
            carried[ion, a] -= vectors[chosen, a]
            for b in range(3):
                single[a, b] += vectors[chosen, a] * vectors[chosen, b]
    return time, carried.T @ carried, single
