"""The grid on which fields are computed.

Periodic, index order (x, y, z), point (i, j, k) at fractional (i/nx, j/ny, k/nz): the end
plane, which repeats the first one, is left out.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.symmetry import niggli_cell

Shape = tuple[int, int, int]

SKEWED = 2.0
"""Product of the cell's lengths over its volume from which on the cell is reduced first."""

SMALLEST_COUNT = 4
"""Fewest points along an axis; with fewer, a point would be its own neighbour twice over."""


def grid_shape(cell: NDArray[np.float64], spacing_angstrom: float) -> Shape:
    """Return the fewest points along each axis whose distance does not exceed the spacing.

    Counts are even, so that a sublattice at (½, ½, ½) is sampled like the one at the origin,
    and products of 2, 3 and 5, which Fourier transforms like.

    Args:
        cell: shape (3, 3), Å, rows are lattice vectors.
        spacing_angstrom: largest distance of neighbouring points along an axis, Å.

    Raises:
        InputError: the spacing is not a positive number of sensible size.
    """
    if not 0.01 <= spacing_angstrom <= 2.0:
        raise InputError(
            f"A grid spacing of {spacing_angstrom} Å makes no sense; give 0.01 to 2 Å (usual: 0.2)."
        )
    counts = [_fast_even(length / spacing_angstrom) for length in np.linalg.norm(cell, axis=1)]
    return counts[0], counts[1], counts[2]


def compact(crystal: IonicCrystal) -> IonicCrystal:
    """The same crystal in its Niggli cell, where its own cell is much longer than it needs to be.

    A grid's points follow the lengths of the lattice vectors: a flat, skewed cell would have
    many times the points of its volume.
    """
    excess = float(np.prod(crystal.lengths_angstrom)) / crystal.volume_cubic_angstrom
    if excess < SKEWED:
        return crystal
    reduced = niggli_cell(crystal.cell)
    frac = crystal.frac @ crystal.cell @ np.linalg.inv(reduced)
    return dataclasses.replace(crystal, cell=reduced, frac=frac)


def peer_grid_shape(cell: NDArray[np.float64], resolution_angstrom: float) -> Shape:
    """Return the grid of bvlain at this resolution without its repeated end planes.

    Args:
        cell: shape (3, 3), Å, rows are lattice vectors.
        resolution_angstrom: largest distance of grid points that bvlain is asked for, Å.
    """
    lengths = np.linalg.norm(cell, axis=1)
    counts = [max(1, int(length // resolution_angstrom) - 1) for length in lengths]
    return counts[0], counts[1], counts[2]


def _fast_even(smallest: float) -> int:
    count = max(SMALLEST_COUNT, math.ceil(smallest - 1e-6))
    count += count % 2
    while not _is_smooth(count):
        count += 2
    return count


def _is_smooth(count: int) -> bool:
    for prime in (2, 3, 5):
        while count % prime == 0:
            count //= prime
    return count == 1
