"""Jumps between sites."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from walks import jumping_ion

from dualion.screening.transport.motion.hops import hops


def jumpers(
    rng: np.random.Generator, ions: int, *, together: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ions that flip between two sites each, 1.8 Å apart in rows 3 Å from each other."""
    when = rng.random((1200, 1 if together else ions)) < 0.004
    state = np.broadcast_to(np.cumsum(when, axis=0) % 2, (1200, ions))
    place = np.zeros((1200, ions, 3))
    place[..., 0] = 5.0 + 1.8 * state
    place[..., 1] = 3.0 * np.arange(ions)
    sites = np.array([[5.0 + 1.8 * s, 3.0 * i, 0.0] for i in range(ions) for s in (0, 1)])
    return place + rng.normal(scale=0.1, size=place.shape), sites


def test_collective_jumps_are_told_from_those_that_meet_by_chance() -> None:
    cell = np.diag([20.0, 12.0, 20.0])
    for together in (True, False):
        walk, sites = jumpers(np.random.default_rng(8), 4, together=together)
        inverse = np.linalg.inv(cell)
        found = hops(walk @ inverse, cell, 0.1, sites=sites @ inverse)
        if together:
            assert found.collective_share == 1.0
            assert found.collective_chance < 0.5
        else:
            assert found.collective_share == pytest.approx(found.collective_chance, abs=0.2)
    links = found.network()
    assert sum(count for _, _, count, _ in links) == len(found.frames)
    assert all(length == pytest.approx(1.8) for _, _, _, length in links)
    assert {(a // 2, b // 2) for a, b, _, _ in links} == {(i, i) for i in range(4)}


def test_hops_are_counted_without_flicker() -> None:
    path, sites = jumping_ion(np.random.default_rng(3), 12)
    # Rattle at the edge between two sites, which is no jump.
    path[100:104, 0] = 0.5 * (sites[2] + sites[1]) + np.array([[0.01], [-0.01], [0.01], [-0.01]])
    found = hops(path, 10.0 * np.eye(3), 0.1)
    assert len(found.sites) == 4
    assert len(found.frames) == 12
    np.testing.assert_allclose(found.lengths_angstrom, 3.0, atol=0.3)
    np.testing.assert_allclose(found.residence_ps, 4.0, atol=0.4)
    assert found.per_ion.tolist() == [12]
    assert found.rate_per_ps == pytest.approx(12 / 51.9)  # 520 frames of one ion
    assert found.rate_error_per_ps == pytest.approx(np.sqrt(12) / 51.9)
    assert found.collective_share == 0.0
    assert found.return_share == 0.0
    assert found.occupancy.sum() == pytest.approx(1.0)


def test_two_ions_that_jump_together_are_collective() -> None:
    path, _ = jumping_ion(np.random.default_rng(4), 8)
    both = np.concatenate([path, path + np.array([0.0, 0.0, 0.3])], axis=1)
    found = hops(both, 10.0 * np.eye(3), 0.1)
    assert found.collective_share == 1.0
    assert found.per_ion.tolist() == [8, 8]
    assert found.rate_per_ps == pytest.approx(16 / (2 * 35.9))  # of one ion


def two_ions(jumps: dict[int, list[int]], frames: int = 100, apart: float = 3.0) -> np.ndarray:
    """Each ion flips between two sites at the frames that are named."""
    place = np.zeros((frames, len(jumps), 3))
    for ion, when in jumps.items():
        flips = np.zeros(frames, dtype=int)
        flips[when] = 1
        place[:, ion, 0] = 5.0 + 2.0 * (np.cumsum(flips) % 2)
        place[:, ion, 1] = 2.0 + apart * ion
    return place / 20.0


def two_ion_sites(apart: float = 3.0) -> np.ndarray:
    places = [[5.0 + 2.0 * s, 2.0 + apart * ion, 0.0] for ion in (0, 1) for s in (0, 1)]
    return np.array(places) / 20.0


@pytest.mark.parametrize(
    ("gap", "apart", "share"),
    [(0, 3.0, 1.0), (10, 3.0, 1.0), (12, 3.0, 0.0), (0, 4.4, 1.0), (0, 4.6, 0.0)],
)
def test_a_pair_of_jumps_is_collective_within_a_ps_and_the_distance(
    gap: int, apart: float, share: float
) -> None:
    """One jump each, a frame being 0.1 ps: together within 1 ps and 4.5 Å."""
    walk = two_ions({0: [50], 1: [50 + gap]}, apart=apart)
    found = hops(walk, 20.0 * np.eye(3), 0.1, sites=two_ion_sites(apart))
    assert found.per_ion.tolist() == [1, 1]
    assert found.collective_share == share


def test_the_collective_share_by_chance_is_that_of_the_poisson_law() -> None:
    """Two ions jump independently, 60 times each in 300 ps: of a jump's other ion none comes
    within 1 ps with probability exp(−2 · 60/300)."""
    rng = np.random.default_rng(12)
    jumps = {ion: sorted(rng.choice(np.arange(2, 2998), 60, replace=False)) for ion in (0, 1)}
    found = hops(two_ions(jumps, 3000), 20.0 * np.eye(3), 0.1, sites=two_ion_sites())
    assert found.collective_chance == pytest.approx(1.0 - np.exp(-0.4), abs=0.06)


def test_the_share_by_chance_is_a_mean_of_several_draws() -> None:
    """Two jumps are together or not: one draw gives 0 or 1, a mean of eight what lies between."""
    walk = two_ions({0: [20], 1: [60]}, 80)
    sites = two_ion_sites()
    found = hops(walk, 20.0 * np.eye(3), 0.1, sites=sites).collective_chance
    expected = 2.0 / 7.9  # 1 ps each way of 7.9 ps
    assert 0.0 < found < 1.0
    assert found == pytest.approx(expected, abs=3.5 * np.sqrt(expected * (1 - expected) / 8))


def test_jumps_there_and_back_return() -> None:
    """Three jumps of one ion between two sites: of two that follow another both return."""
    found = hops(two_ions({0: [20, 50, 80], 1: []}), 20.0 * np.eye(3), 0.1, sites=two_ion_sites())
    assert found.return_share == 1.0
    np.testing.assert_allclose(found.residence_ps, [3.0, 3.0], atol=0.2)


def reach(sites: np.ndarray, x: float, side: float = 20.0) -> int:
    """Jumps of an ion that goes from the first site to ``x`` Å."""
    path = np.zeros((6, 1, 3))
    path[3:, 0, 0] = x
    found = hops(path / side, side * np.eye(3), 1.0, sites=sites / side)
    return len(found.frames)


def test_a_site_is_reached_within_its_core() -> None:
    """0.35 of 2 Å is 0.7 Å; of 9 Å it would be 3.15, and 1.2 is the most."""
    near = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    assert (reach(near, 1.31), reach(near, 1.29)) == (1, 0)
    far = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    assert (reach(far, 7.81), reach(far, 7.79)) == (1, 0)
    middle = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 2.4, 0.0]])
    assert (reach(middle, 1.31), reach(middle, 1.29)) == (1, 0)  # the nearest site counts


@pytest.mark.parametrize(("x", "share"), [(1.19, 1.0), (1.21, 0.5)])
def test_a_site_alone_has_the_largest_core(x: float, share: float) -> None:
    path = np.zeros((6, 2, 3))
    path[:, 1, 0] = x
    found = hops(path / 20.0, 20.0 * np.eye(3), 1.0, sites=np.zeros((1, 3)))
    assert found.occupancy.tolist() == [2.0 * share]
    assert (found.rate_per_ps, found.return_share, found.collective_chance) == (0.0, 0.0, 0.0)
    assert found.rate_error_per_ps == pytest.approx(1.0 / (2 * 5.0))  # as of one jump


def test_a_jump_is_told_by_its_frame_ends_and_length_over_the_nearest_image() -> None:
    walk = two_ions({0: [50], 1: [20, 70]})
    found = hops(walk, 20.0 * np.eye(3), 0.1, sites=two_ion_sites())
    assert found.frames.tolist() == [20, 50, 70]
    assert found.ions.tolist() == [1, 0, 1]
    assert found.origins.tolist() == [2, 0, 3]
    assert found.targets.tolist() == [3, 1, 2]
    assert found.residence_ps.tolist() == [5.0]
    assert found.return_share == 1.0
    assert found.occupancy == pytest.approx([0.5, 0.5, 0.5, 0.5])
    two = pytest.approx(2.0)
    assert found.network() == [(0, 1, 1, two), (2, 3, 1, two), (3, 2, 1, two)]
    # A site 1 Å behind the edge is 2 Å from one 1 Å before it; jumps over the edge meet there.
    edge = np.array([[19.0, 0.0, 0.0], [1.0, 0.0, 0.0], [19.0, 3.0, 0.0], [1.0, 3.0, 0.0]]) / 20.0
    path = np.zeros((40, 2, 3))
    path[:, 0], path[:, 1] = edge[0], edge[2]
    path[10:, 0], path[15:, 1] = edge[1], edge[3]
    over = hops(path, 20.0 * np.eye(3), 0.1, sites=edge)
    assert over.lengths_angstrom == pytest.approx([2.0, 2.0])
    assert over.collective_share == 1.0


def test_a_jump_on_is_no_return() -> None:
    path = np.zeros((90, 1, 3))
    path[30:60, 0, 0], path[60:, 0, 0] = 3.0, 6.0
    sites = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [6.0, 0.0, 0.0]]) / 20.0
    found = hops(path / 20.0, 20.0 * np.eye(3), 0.1, sites=sites)
    assert found.per_ion.tolist() == [2]
    assert (found.return_share, found.collective_share) == (0.0, 0.0)
    assert found.collective_chance == 0.0  # an ion is not collective with itself
