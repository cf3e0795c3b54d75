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
    assert sum(link.jumps for link in links) == len(found.frames)
    assert all(link.length_angstrom == pytest.approx(1.8) for link in links)
    assert {(link.origin // 2, link.target // 2) for link in links} == {(i, i) for i in range(4)}


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


def lattice_walk(
    jumps: list[tuple[int, int]], start: int, frames: int, sites: int = 6
) -> np.ndarray:
    """Sites of one ion on a ring of them, unwrapped: at each frame named a step of ±1."""
    place = np.full(frames, start)
    for frame, step in jumps:
        place[frame:] += step
    return place


SKEWED = np.array([[12.0, 0.0, 0.0], [5.0, 9.0, 0.0], [-2.0, 1.5, 8.0]])


def ring(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict[tuple[int, int], int]]:
    """Three ions that step along a row of six sites through a skewed cell, over its faces too.

    Returns:
        Places, shape (frames, ions, 3), fractional; the site after each frame, unwrapped; jumps by
        the two sites of each.
    """
    frames, links, places = 4000, {}, []
    for ion in range(3):
        when = np.sort(rng.choice(np.arange(5, frames - 5, 25), 40, replace=False))
        steps = [(int(frame), int(rng.choice((-1, 1)))) for frame in when]
        walk = lattice_walk(steps, 2 * ion, frames)
        for frame, step in steps:
            link = (int(walk[frame - 1] % 6), int((walk[frame - 1] + step) % 6))
            links[link] = links.get(link, 0) + 1
        places.append(walk)
    walks = np.stack(places, axis=1)
    fractional = np.zeros((frames, 3, 3))
    fractional[..., 0] = walks / 6.0 + 0.05
    fractional[..., 1:] = 0.4
    return fractional, walks, links


@pytest.mark.parametrize("vibration", [0.0, 0.12])
@pytest.mark.parametrize("given", [True, False])
def test_jumps_of_a_known_walk_are_counted_to_the_last(vibration: float, given: bool) -> None:
    rng = np.random.default_rng(21)
    fractional, walks, links = ring(rng)
    shaken = fractional + rng.normal(scale=vibration, size=fractional.shape) @ np.linalg.inv(SKEWED)
    sites = np.array([[k / 6.0 + 0.05, 0.4, 0.4] for k in range(6)])
    found = hops(shaken, SKEWED, 0.05, sites=sites if given else None)
    assert len(found.sites) == 6
    assert found.per_ion.tolist() == [40, 40, 40]
    np.testing.assert_allclose(found.lengths_angstrom, 2.0, atol=0.0 if given else 0.3)
    order = np.argsort(found.sites[:, 0] % 1.0)
    place = np.empty(6, dtype=int)
    place[order] = np.arange(6)
    counted = {(place[k.origin], place[k.target]): k.jumps for k in found.network()}
    assert counted == links
    assert all(k.error == np.sqrt(k.jumps) for k in found.network())
    shares = np.array([[(walks[:, ion] % 6 == s).mean() for s in range(6)] for ion in range(3)])
    late = 3.0 / len(walks)  # an ion between two cores is still in the first
    np.testing.assert_allclose(found.occupancy[order], shares.sum(axis=0), atol=120 * late)
    crossing = [k for k in found.network() if {place[k.origin], place[k.target]} == {0, 5}]
    assert {k.offset for k in crossing} == {(1, 0, 0), (-1, 0, 0)}


def test_a_jump_to_the_copy_of_a_site_in_the_next_cell_counts() -> None:
    """One site in a cell of 3 Å: each jump leads to its own copy, 3 Å away, there or on."""
    steps = [(50, 1), (100, 1), (150, -1), (200, 1)]
    fractional = np.zeros((260, 1, 3))
    fractional[:, 0, 1] = lattice_walk(steps, 0, 260) + 0.25
    found = hops(fractional, np.diag([9.0, 3.0, 9.0]), 0.1, sites=np.array([[0.0, 0.25, 0.0]]))
    assert found.offsets.tolist() == [[0, 1, 0], [0, 1, 0], [0, -1, 0], [0, 1, 0]]
    np.testing.assert_allclose(found.lengths_angstrom, 3.0)
    assert found.return_share == pytest.approx(2 / 3)
    assert found.occupancy.tolist() == [1.0]


def test_the_core_of_a_skewed_cell_is_set_by_its_nearest_image() -> None:
    """Two sites 2.6 Å apart over the edge of a rhombohedral cell: rounding finds 5 Å."""
    from dualion.screening.transport.motion.hops import CORE_SHARE, _core_radii

    cell = 5.0 * np.array([[1.0, 0.0, 0.0], [0.95, 0.312, 0.0], [0.0, 0.0, 1.0]])
    sites = np.array([[0.0, 0.0, 0.0], [0.45, 0.45, 0.0]])
    images = [
        np.linalg.norm((sites[1] - sites[0] + [a, b, 0]) @ cell)
        for a in (-2, -1, 0, 1)
        for b in (-2, -1, 0, 1)
    ]
    own = np.linalg.norm(cell[1] - cell[0])
    expected = CORE_SHARE * min(min(images), own)
    assert expected < CORE_SHARE * np.linalg.norm((sites[1] - sites[0]) @ cell)
    np.testing.assert_allclose(_core_radii(sites, cell), min(expected, 1.2))


def test_the_error_of_an_occupancy_is_the_scatter_of_ten_blocks() -> None:
    """An ion that is in its first site in blocks 1 to 4 of ten and in the other from then on."""
    walk = two_ions({0: [40], 1: []})
    found = hops(walk, 20.0 * np.eye(3), 0.1, sites=two_ion_sites())
    shares = np.array([1.0] * 4 + [0.0] * 6)
    np.testing.assert_allclose(found.occupancy[:3], [0.4, 0.6, 1.0])
    np.testing.assert_allclose(found.occupancy_error[:2], shares.std(ddof=1) / np.sqrt(10))
    assert found.occupancy_error[2] == 0.0
    short = hops(walk[30:45], 20.0 * np.eye(3), 0.1, sites=two_ion_sites())
    assert np.isnan(short.occupancy_error).all()


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
    links = [(link.origin, link.target, link.jumps) for link in found.network()]
    assert links == [(0, 1, 1), (2, 3, 1), (3, 2, 1)]
    assert [link.length_angstrom for link in found.network()] == pytest.approx([2.0] * 3)
    # A site 1 Å behind the edge is 2 Å from one 1 Å before it; jumps over the edge meet there.
    edge = np.array([[19.0, 0.0, 0.0], [1.0, 0.0, 0.0], [19.0, 3.0, 0.0], [1.0, 3.0, 0.0]]) / 20.0
    path = np.zeros((40, 2, 3))
    path[:, 0], path[:, 1] = edge[0], edge[2]
    path[10:, 0], path[15:, 1] = edge[1] + [1.0, 0.0, 0.0], edge[3] + [1.0, 0.0, 0.0]
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
