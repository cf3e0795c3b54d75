"""Counts of grid points, and which cells are reduced."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.bvse.grid import compact, grid_shape, peer_grid_shape
from dualion.structures.errors import InputError


def fewest(least):
    """The fewest even count from a limit on that has no prime factor above 5, by trial."""
    count = max(4, least)
    while True:
        rest = count
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1 and count % 2 == 0:
            return count
        count += 1


@pytest.mark.parametrize("start", [1, 60, 119, 178])
def test_counts_are_the_fewest_that_are_fine_enough_even_and_smooth(start):
    lengths = [start, start + 20, start + 40]
    shape = grid_shape(np.diag(lengths).astype(float), 1.0)
    assert shape == tuple(fewest(length) for length in lengths)
    shape = grid_shape(np.diag(lengths) + 0.01 * np.eye(3), 1.0)
    assert shape == tuple(fewest(length + 1) for length in lengths)


def test_lengths_are_those_of_the_rows():
    cell = np.array([[3.0, 4.0, 0.0], [0.0, 10.0, 0.0], [0.0, 5.0, 12.0]])
    assert grid_shape(cell, 0.5) == (10, 20, 30)  # 5, 10 and 13 Å; 26 = 2·13 is not smooth


@pytest.mark.parametrize(
    ("spacing", "sound"), [(0.0099, False), (0.01, True), (2.0, True), (2.01, False)]
)
def test_spacings_between_a_hundredth_and_two_angstrom_are_taken(spacing, sound):
    cell = 4.0 * np.eye(3)
    if sound:
        assert grid_shape(cell, spacing) == (fewest(round(4.0 / spacing)),) * 3
    else:
        with pytest.raises(InputError, match="grid spacing"):
            grid_shape(cell, spacing)


@pytest.mark.parametrize(("shear", "reduced"), [(1.68, False), (1.78, True), (1.9, True)])
def test_cells_twice_as_long_as_their_volume_asks_are_reduced(shear, reduced):
    """a = b = c = 4 Å but for a shear of b along a: the product of lengths grows by √(1 + s²)."""
    cell = 4.0 * np.array([[1.0, 0.0, 0.0], [shear, 1.0, 0.0], [0.0, 0.0, 1.0]])
    crystal = ionic(cell, [[0.1, 0.2, 0.3], [0.6, 0.5, 0.9]], [3, 17], [1, -1])
    found = compact(crystal)
    assert (found is not crystal) is reduced
    gap = np.linalg.solve(found.cell.T, (crystal.frac @ crystal.cell - found.frac @ found.cell).T)
    assert gap == pytest.approx(np.round(gap), abs=1e-9)


def test_bvlain_s_grid_has_no_end_plane():
    """It takes ⌊length / spacing⌋ points, of which the last repeats the first; at least one."""
    assert peer_grid_shape(np.diag([5.1, 0.3, 2.5]), 0.2) == (24, 1, 11)
