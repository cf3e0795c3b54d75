"""Which points of a network are refined, and what is told of the passes that decide."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dualion.screening.percolation import refinement, thresholds
from dualion.screening.percolation.refinement import (
    MovedNetwork,
    _low_bottoms,
    _near_barriers,
    refine,
)
from dualion.screening.percolation.thresholds import (
    PassNetwork,
    Percolation,
    _unpack,
    percolation,
)

INF = np.inf


def test_passes_within_fifteen_hundredths_of_a_barrier_can_decide_it():
    heights = np.array([0.2, 0.34, 0.36, 0.64, 0.66, 1.0, 2.0])
    assert _near_barriers(heights, (0.2, 0.5, INF)).tolist() == [0, 1, 2, 3]
    assert _near_barriers(heights, (0.2, INF, INF)).tolist() == [0, 1]
    assert _near_barriers(heights, (INF, INF, INF)).tolist() == []
    exact = np.array([0.0, 0.15, 0.3])  # the window's ends belong to it
    assert _near_barriers(exact, (0.15, INF, INF)).tolist() == [0, 1, 2]


def test_basins_within_three_tenths_can_be_the_lowest():
    """And the bottoms of regions that percolate without the lowest: −1 + 0.9 − 0.4 = −0.5."""
    bottoms = np.array([-1.0, -0.705, -0.695, -0.5, -0.5 + 2e-6, 0.0, 0.5])
    own = SimpleNamespace(
        minimum_ev=-1.0, barriers_ev=(0.5, 0.9, INF), from_region_ev=(0.5, 0.4, INF)
    )
    assert _low_bottoms(bottoms, own).tolist() == [0, 1, 3]
    own.from_region_ev = (0.5, 0.9, INF)
    assert _low_bottoms(bottoms, own).tolist() == [0, 1]
    edge = SimpleNamespace(minimum_ev=0.0, barriers_ev=(INF,) * 3, from_region_ev=(INF,) * 3)
    assert _low_bottoms(np.array([0.0, 0.3, 0.31]), edge).tolist() == [0, 1]


@pytest.mark.parametrize("is_saddle", [True, False])
def test_the_first_pass_of_a_network_counts_like_any_other(monkeypatch, is_saddle):
    """One basin with a pass to its image along a, at index 0; nothing in two dimensions."""
    network = PassNetwork(
        bottoms=np.array([3, 5]), near=np.array([0]), far=np.array([0]),
        offsets=np.array([[1, 0, 0]]), points=np.array([[7, 3]]),
    )  # fmt: skip
    grid = Percolation(
        barriers_ev=(0.5, INF, INF), from_region_ev=(0.5, INF, INF), minimum_ev=0.0,
        minimum_point=(0, 0, 3), critical_points=((0, 0, 7), (-1,) * 3, (-1,) * 3), network=network,
    )  # fmt: skip
    moved = MovedNetwork(
        pass_ev=np.array([0.45]), bottom_ev=np.array([0.1, -0.05]),
        pass_frac=np.array([[0.1, 0.2, 0.3]]),
        bottom_frac=np.array([[0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]), is_saddle=np.array([is_saddle]),
    )  # fmt: skip
    asked = {}
    monkeypatch.setattr(refinement, "move_network", lambda *_, **how: asked.update(how) or moved)
    energies = np.arange(8.0).reshape(2, 2, 2) / 14.0  # the pass lies 0.5 eV above the minimum
    found = refine(SimpleNamespace(), energies, grid, cutoff_angstrom=9.0)
    assert found.barriers_ev == pytest.approx((0.5, INF, INF))
    assert found.from_region_ev == pytest.approx((0.35, INF, INF))
    assert found.minimum_frac.tolist() == [0.7, 0.8, 0.9]
    assert found.saddle_frac[0].tolist() == [0.1, 0.2, 0.3]
    assert np.isnan(found.saddle_frac[1:]).all()
    assert found.converged == (is_saddle, False, False)
    assert asked["passes"].tolist() == [0]
    assert asked["bottoms"].tolist() == [0]  # 3/14 eV is within the window, 5/14 eV is not


def test_packed_cells_come_back():
    cells = np.array([[0, 0, 0], [1, -1, 2], [-2048, 2047, -2048], [2047, -2048, 2047], [-5, 0, 9]])
    assert _unpack(cells @ [1 << 24, 1 << 12, 1]).tolist() == cells.tolist()


def test_nothing_above_ten_electronvolts_counts_as_a_barrier():
    field = np.zeros((5, 5, 5))
    field[2] = 9.9
    assert percolation(field).barriers_ev == (0.0, 0.0, 9.9)
    field[2] = 10.1
    assert percolation(field).barriers_ev == (0.0, 0.0, INF)


def test_slabs_and_room_for_passes_change_nothing(monkeypatch):
    """Room that must be doubled many times, and points that come in one slab or in many."""
    field = 3.0 * np.random.default_rng(4).uniform(size=(10, 9, 8))
    expected = percolation(field, beyond_ev=0.2)
    passes, basins = len(expected.network.near), len(expected.network.bottoms)
    assert passes > 32 and basins > 20
    for room, slab in ((1, 0.01), (3, 1e9), (1024, 0.3)):
        monkeypatch.setattr(thresholds, "FIRST_PASSES", room)
        monkeypatch.setattr(thresholds, "FIRST_SLAB_EV", slab)
        found = percolation(field, beyond_ev=0.2)
        assert found.barriers_ev == expected.barriers_ev
        assert found.from_region_ev == expected.from_region_ev
        assert found.critical_points == expected.critical_points
        for name in ("bottoms", "near", "far", "offsets", "points"):
            ours, theirs = getattr(found.network, name), getattr(expected.network, name)
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(("beyond", "passes"), [(0.0, 3), (0.15, 4), (0.3, 5)])
def test_the_network_is_followed_beyond_the_barrier(beyond, passes):
    """Three channels that cross, 0.1, 0.2 and 0.3 eV, and two basins off them at 0.4 and 0.5."""
    field = np.full((8, 8, 8), 5.0)
    field[2, 2, :], field[2, :, 2], field[:, 2, 2] = 0.1, 0.2, 0.3
    field[2, 2, 2] = 0.0
    for height, (x, y, z) in ((0.4, (5, 5, 2)), (0.5, (5, 2, 5))):
        field[x, y, z] = 0.05
        field[x, 3 if y == 5 else 2, 3 if z == 5 else 2] = height
        field[x, 4 if y == 5 else 2, 4 if z == 5 else 2] = height
    found = percolation(field, beyond_ev=beyond)
    assert found.barriers_ev == pytest.approx((0.1, 0.2, 0.3))
    heights = field.ravel()[found.network.points[:, 0]]
    assert heights.max() <= 0.3 + beyond + 1e-9
    assert len(np.unique(heights.round(6))) == passes


def test_points_of_one_energy_are_refined_once():
    """Symmetry relates them: all get the energy, the first alone its place; NaN moves nothing."""
    asked = []

    def stationary(starts, expected):
        asked.append((starts.tolist(), expected.tolist()))
        return starts[:, 0] + 0.01, np.array([0.05, np.nan, 0.25])

    search = object.__new__(refinement._Search)
    search._shape, search._stationary = np.array([4, 5, 10]), stationary
    points = np.array([[0], [1], [12], [57], [199]])
    energies = np.array([0.1, 0.1 + 2e-7, 0.3, 0.2, 0.1 + 2e-6])
    positions, moved = search.move(points, np.array([0, 1, 3, 4]), energies)
    places = np.array([[0, 0, 0], [0, 0, 0.1], [0, 0.2, 0.2], [0.25, 0, 0.7], [0.75, 0.8, 0.9]])
    ((starts, expected),) = asked
    assert np.array(starts)[:, 0] == pytest.approx(places[[0, 4, 3]])
    assert expected == [0.1, 0.1 + 2e-6, 0.2]
    assert moved.tolist() == [True, True, False, True, False]
    assert energies.tolist() == [0.05, 0.05, 0.3, 0.25, 0.1 + 2e-6]
    places[[0, 4, 3]] += 0.01
    assert positions == pytest.approx(places)
    untouched, none = search.move(points, np.empty(0, int), energies)
    assert untouched.shape == (5, 3) and not none.any()
