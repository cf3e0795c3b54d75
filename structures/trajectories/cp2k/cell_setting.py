"""Along which axes the cell of a DCD lies, where two settings of it are possible.

CP2K's ``FORMAT DCD`` keeps the axes of the run, ``DCD_ALIGNED_CELL`` turns positions so that the
first lattice vector is along x and the second in the xy plane (``particle_methods.F``); the file
does not say which. In the wrong setting the images of the atoms come too close to others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_SETTING = 1e-3
"""Cells that differ by less, Å, are in one setting."""

CLEARLY_LONGER = 1.1
"""Ratio of shortest distances that decides."""

MOST_PROBES = 400
"""Atoms from which distances are measured."""


def choose_setting(
    positions: NDArray[np.float64], run: NDArray[np.float64], aligned: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Return the cell in whose setting positions are, shape (3, 3), Å, and whether that is sure.

    Args:
        positions: shape (n, 3), Å, of one frame.
        run: shape (3, 3), Å, along the axes of the run.
        aligned: shape (3, 3), Å, the same cell along x and in the xy plane.
    """
    if np.abs(run - aligned).max() < SAME_SETTING:
        return run, True
    here, there = (shortest_distance(positions, cell) for cell in (run, aligned))
    if here > CLEARLY_LONGER * there:
        return run, True
    if there > CLEARLY_LONGER * here:
        return aligned, True
    return run, False


def shortest_distance(positions: NDArray[np.float64], cell: NDArray[np.float64]) -> float:
    """Return the shortest distance between atoms and their nearest images, Å.

    Args:
        positions: shape (n, 3), Cartesian, Å.
        cell: shape (3, 3), Å, rows are lattice vectors.
    """
    fractional = positions @ np.linalg.inv(cell)
    probes = range(0, len(positions), max(1, len(positions) // MOST_PROBES))
    shortest = np.inf
    for probe in probes:
        apart = fractional - fractional[probe]
        lengths = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=1)
        lengths[probe] = np.inf
        shortest = min(shortest, float(lengths.min()))
    return shortest
