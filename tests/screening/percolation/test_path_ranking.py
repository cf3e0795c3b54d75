"""Which of several loops is taken, and how long it is: small fields, costs worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from dualion.screening.percolation import basins as basins_module
from dualion.screening.percolation.basins import basins_of
from dualion.screening.percolation.path import minimum_energy_paths
from dualion.structures.errors import InputError

CUBE = np.diag([16.0] * 3)
"""One ångström a grid step."""
WALL = 50.0
DIRECT = [(8, 5), (8, 6), (8, 7), (8, 8), (8, 9)]
DETOUR = [(9, 4), (10, 4), (11, 5), (12, 6), (13, 7), (12, 8), (11, 9), (10, 10), (9, 10)]
"""(x, z) of two ways from the minimum at (8, 4) to that at (8, 10): 6 Å over one pass, and
2 √34 Å over two passes with a minimum at (13, 7) between."""


def forked(top, direct_pass, detour_pass):
    """A channel along z over a pass of the top's energy at z = 13, with two ways in its middle."""
    field = np.full((16, 16, 16), WALL)
    x, z = np.array(DIRECT).T
    field[x, 8, z] = [0.2, 0.25, direct_pass, 0.25, 0.2]
    x, z = np.array(DETOUR).T
    field[x, 8, z] = [0.1, 0.2, detour_pass, 0.2, 0.1, 0.2, detour_pass, 0.2, 0.1]
    field[8, 8, [4, 10]] = 0.0
    field[8, 8, [11, 12, 13, 14, 15]] = [0.5, 0.9, top, 0.9, 0.5]
    field[8, 8, :4] = [0.4, 0.3, 0.2, 0.1]
    return field


def takes_detour(field):
    (path,) = minimum_energy_paths(field, CUBE)
    return [13, 8, 7] in (path.points % 16).tolist()


@pytest.mark.parametrize(("gain", "detour"), [(1.05, True), (0.95, False)])
def test_loops_are_ranked_by_resistance_at_a_tenth_of_an_electronvolt(gain, detour):
    """∫ exp(E/kT) ds: the longer way resists less if it is lower by kT ln of its extra length."""
    lower = 0.1 * math.log(2.0 * math.sqrt(34.0) / 6.0)
    assert takes_detour(forked(1.0, 0.8, 0.8 - gain * lower)) is detour


@pytest.mark.parametrize("detour_pass", [0.55, 0.3])
def test_of_ways_far_below_the_level_the_shorter_is_taken(detour_pass):
    """Two and a half electronvolts below it, neither resists; the detour's lower pass is no use."""
    assert not takes_detour(forked(3.0, 0.5, detour_pass))


def test_the_length_is_that_of_the_mean_of_five_points():
    """Two on either side, around the loop."""
    field = forked(1.0, 0.8, 0.3)
    (path,) = minimum_energy_paths(field, CUBE)
    count, turn = len(path.points) - 1, np.array([0, 0, 16])
    unrolled = [path.points[i % count] + i // count * turn for i in range(-2, count + 3)]
    means = [np.mean(unrolled[i : i + 5], axis=0) for i in range(count + 1)]
    lengths = [math.dist(a, b) for a, b in pairwise(means)]
    assert path.distance_angstrom == pytest.approx(np.concatenate([[0.0], np.cumsum(lengths)]))
    assert path.distance_angstrom[-1] < 16 - 6 + 2 * math.sqrt(34.0)
    assert path.frac * 16 == pytest.approx(path.points)


def test_a_path_starts_in_the_first_cell():
    """Also where its lowest minimum lies elsewhere on the loop than the deciding pass."""
    field = np.roll(forked(1.0, 0.8, 0.3), (5, 3, 9), axis=(0, 1, 2))
    (path,) = minimum_energy_paths(field, CUBE)
    assert ((path.points[0] >= 0) & (path.points[0] < 16)).all()
    assert path.winding == (0, 0, 1)
    assert [int(i) for i in path.minima] == sorted(path.minima)
    assert path.energies_ev[list(path.minima)].max() == pytest.approx(0.1)
    assert len(path.minima) == 4


def test_three_points_are_enough_along_an_axis():
    field = np.random.default_rng(3).uniform(size=(3, 4, 5))
    assert len(basins_of(field, CUBE, level_ev=np.inf).minima) > 0


def test_more_minima_than_numbers_are_refused(monkeypatch):
    field = np.full((8, 8, 8), WALL)
    field[1, 1, 1], field[5, 5, 5] = 0.0, 0.1
    monkeypatch.setattr(basins_module, "MOST_BASINS", 3)
    assert len(basins_of(field, CUBE, level_ev=1.0).minima) == 2
    monkeypatch.setattr(basins_module, "MOST_BASINS", 2)
    with pytest.raises(InputError, match="2 minima"):
        basins_of(field, CUBE, level_ev=1.0)


def test_points_above_the_level_are_in_no_basin():
    field = np.full((8, 8, 8), WALL)
    field[1, 1, 1], field[1, 1, 3], field[5, 5, 5] = 0.0, 0.5, 1.5
    found = basins_of(field, CUBE, level_ev=0.5)
    assert found.minima.tolist() == [[1, 1, 1], [1, 1, 3]]
    assert found.minima_ev.tolist() == [0.0, 0.5]
    assert len(found.passes_ev) == 0
