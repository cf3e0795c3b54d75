"""Who follows whom, along which way, in which direction: known walks and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport import (
    AnalysisOptions,
    analyse,
    anisotropy,
    block_diffusion,
    density,
    density_path_ev,
    density_paths,
    diffusion,
    fractional_anisotropy,
    hops,
    ion_tensors,
    radial_distribution,
    van_hove,
)
from dualion.structures.errors import InputError
from dualion.structures.trajectories import Trajectory

SKEWED = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])
BOLTZMANN_EV_K = 8.617333262e-5


def gaussian_walk(
    rng: np.random.Generator, frames: int, ions: int, spread: float = 0.3
) -> NDArray[np.float64]:
    return np.cumsum(rng.normal(scale=spread, size=(frames, ions, 3)), axis=0)


def test_distinct_van_hove_is_that_of_brute_force_over_images() -> None:
    rng = np.random.default_rng(0)
    walk = rng.random((1, 4, 3)) @ SKEWED + gaussian_walk(rng, 30, 4, 1.0)
    found = van_hove(walk, SKEWED, 0.1, longest_angstrom=9.0, bins=45)
    lags = np.rint(found.times_ps / 0.1).astype(int)
    images = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    edges = np.linspace(0.0, 9.0, 46)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    for number, lag in enumerate(lags):
        counts = np.zeros(45)
        for t in range(30 - lag):
            for i in range(4):
                for j in range(4):
                    # An ion's copies are other ions; the ion itself, as unwrapped, is not.
                    apart = walk[t + lag, j] - walk[t, i] + images @ SKEWED
                    kept = (images != 0).any(axis=1) if i == j else slice(None)
                    counts += np.histogram(np.linalg.norm(apart[kept], axis=1), edges)[0]
        expected = counts / ((30 - lag) * 4)
        relative = expected / (shells * 3 / abs(np.linalg.det(SKEWED)))
        np.testing.assert_allclose(found.distinct_part[number], relative, rtol=1e-9, atol=1e-12)
        assert found.refilled[number] == pytest.approx(expected[:5].sum())


def test_distinct_van_hove_starts_as_the_radial_distribution() -> None:
    rng = np.random.default_rng(1)
    still = np.repeat(rng.random((1, 12, 3)), 20, axis=0)
    found = van_hove(still @ SKEWED, SKEWED, 1.0, longest_angstrom=8.0, bins=160)
    rdf = radial_distribution(still, still, SKEWED[None], ("Li", "Li"))
    np.testing.assert_allclose(found.distinct_part[0], rdf.g, atol=1e-9)


def test_ions_that_change_places_refill_their_sites() -> None:
    rng = np.random.default_rng(2)
    places = np.array([[2.0, 5.0, 5.0], [5.0, 5.0, 5.0]])
    order = np.where(np.arange(400) % 2 == 0, 0, 1)
    swapping = np.stack([places[order], places[1 - order]], axis=1)
    swapping = swapping + rng.normal(scale=0.05, size=swapping.shape)
    found = van_hove(swapping, 20.0 * np.eye(3), 1.0)
    assert found.refilled[0] == pytest.approx(1.0)
    single = van_hove(swapping[:, :1], 20.0 * np.eye(3), 1.0)
    assert np.isnan(single.distinct_part).all()


def channel(rng: np.random.Generator, height_ev: float, kt_ev: float) -> NDArray[np.float64]:
    """Fractional places along x in U = height/2 (1 − cos 4πx), narrow in y and z."""
    x = rng.random(400_000)
    kept = rng.random(len(x)) < np.exp(-0.5 * height_ev * (1.0 - np.cos(4.0 * np.pi * x)) / kt_ev)
    path = np.stack([x[kept], np.full(kept.sum(), 0.3), np.full(kept.sum(), 0.6)], axis=1)
    path[:, 1:] += rng.normal(scale=0.02, size=(len(path), 2))
    return path[: len(path) // 100 * 100].reshape(-1, 1, 3)


def test_density_path_runs_through_the_sites_over_the_known_barrier() -> None:
    height, temperature = 0.15, 600.0
    path = channel(np.random.default_rng(3), height, BOLTZMANN_EV_K * temperature)
    cell = np.diag([12.0, 9.0, 10.0])
    map_ = density(path, cell, species="Li")
    barriers, paths = density_paths(map_, temperature)
    assert barriers == density_path_ev(map_, temperature)
    assert [found.dimension for found in paths] == [1]
    found = paths[0]
    # The smoothing by 0.3 Å of a well that is 6 Å long takes a few percent.
    assert found.barrier_ev == pytest.approx(height, rel=0.08)
    assert found.barrier_ev == pytest.approx(barriers[0])
    assert found.sampled
    assert 0.0 < found.least_error_ev < 0.01
    assert found.winding == (1, 0, 0)
    np.testing.assert_allclose(found.frac[:, 1:], [[0.3, 0.6]] * len(found.frac), atol=0.04)
    assert abs(np.cos(2.0 * np.pi * found.frac[found.bottleneck, 0])) < 0.2  # x = 1/4 or 3/4
    assert len(found.sites) == 3  # 0, ½ and the image of the first
    assert found.sites[0] == found.sites[-1]
    np.testing.assert_allclose(np.diff(found.site_frac[:, 0]), 0.5, atol=0.04)
    np.testing.assert_allclose(found.site_frac[-1] - found.site_frac[0], [1.0, 0.0, 0.0])
    assert found.distance_angstrom[-1] == pytest.approx(12.0, rel=0.05)


def test_a_path_that_was_seen_once_is_not_sampled() -> None:
    rng = np.random.default_rng(4)
    caged = np.array([0.5, 0.5, 0.5]) + rng.normal(scale=0.03, size=(4000, 1, 3))
    caged[:30, 0, 0] = np.linspace(0.0, 1.0, 30)
    _, paths = density_paths(density(caged, 10.0 * np.eye(3)), 600.0)
    assert paths
    assert not paths[0].sampled
    with pytest.raises(InputError, match="above 0"):
        density_path_ev(density(caged, 10.0 * np.eye(3)), 0.0)


# Binomial: a true coverage of 0.95 gives fewer than 0.88 of 100 runs once in two hundred.
def test_blocks_cover_the_truth_and_agree_with_the_fit() -> None:
    rng = np.random.default_rng(5)
    covered, ratios = [], []
    for _ in range(100):
        walk = gaussian_walk(rng, 600, 8)
        whole = diffusion(walk, 0.1)
        blocks = block_diffusion(walk, 0.1, whole.window_ps[0])[0]
        covered.append(blocks.low_cm2_s <= 4.5e-5 <= blocks.high_cm2_s)
        ratios.append(blocks.error_cm2_s / whole.error_cm2_s)
        assert blocks.mean_cm2_s == pytest.approx(blocks.d_cm2_s.mean())
    assert np.mean(covered) >= 0.88
    assert 0.7 < np.median(ratios) < 1.4
    assert block_diffusion(walk[:20], 0.1, 1.0) == ()
    assert block_diffusion(walk, 0.1, np.nan) == ()


def test_direction_is_called_only_where_it_is_there() -> None:
    rng = np.random.default_rng(6)
    chances = [
        anisotropy(diffusion(gaussian_walk(rng, 300, 10), 0.1)).isotropic_chance for _ in range(60)
    ]
    # 0.05 of 60 is 3; eight or more come once in a hundred.
    assert sum(chance < 0.05 for chance in chances) < 8
    plane = gaussian_walk(rng, 600, 10) * np.array([1.0, 1.0, 0.2])
    found = anisotropy(diffusion(plane, 0.1))
    assert found.isotropic_chance < 1e-3
    expected = fractional_anisotropy(np.diag([1.0, 1.0, 0.04]))
    assert found.fractional == pytest.approx(float(expected), abs=0.05)
    assert abs(found.axes[2] @ [0.0, 0.0, 1.0]) > 0.99
    truth = np.array([4.5e-5, 4.5e-5, 1.8e-6])
    assert (np.abs(found.principal_cm2_s - truth) < 4.0 * found.errors_cm2_s).all()


def test_fractional_anisotropy_of_a_ball_a_disc_and_a_line() -> None:
    tensors = np.stack([np.eye(3), np.diag([1.0, 1.0, 0.0]), np.diag([1.0, 0.0, 0.0]), 0 * SKEWED])
    np.testing.assert_allclose(
        fractional_anisotropy(tensors), [0.0, np.sqrt(0.5), 1.0, 0.0], atol=1e-12
    )


def test_tensors_of_single_ions_are_the_double_loop() -> None:
    walk = gaussian_walk(np.random.default_rng(7), 25, 3)
    expected = np.zeros((3, 3, 3))
    for t in range(19):
        for ion in range(3):
            step = walk[t + 6, ion] - walk[t, ion]
            expected[ion] += np.outer(step, step) / 19
    np.testing.assert_allclose(ion_tensors(walk, 6), expected)
    with pytest.raises(InputError, match="does not fit"):
        ion_tensors(walk, 25)


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


def melt(rng: np.random.Generator) -> Trajectory:
    cell = 12.0 * np.eye(3)
    return Trajectory(
        fractional=gaussian_walk(rng, 400, 16) @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Li",) * 8 + ("I",) * 8,
        frame_step_ps=0.1,
        temperature_k=900.0,
    )


def test_a_melt_of_two_species_tells_what_it_can_and_where_the_masses_speak() -> None:
    bare = {"with_structure": False, "with_density": False, "with_kinisi": False}
    trajectory = melt(np.random.default_rng(21))
    found = analyse(trajectory, AnalysisOptions(**bare)).transport[0]
    assert found.frame == "centre of mass of the cell"
    assert "numbers_fixed_by_masses" in found.flags
    assert not any(number.resolved for number in found.numbers)
    assert np.isfinite(found.onsager_s_cm).all()
    # Eight ions of each kind, of one charge and one D: half each.
    for share in found.einstein_numbers:
        assert share.low < 0.5 < share.high
    assert sum(share.value for share in found.einstein_numbers) == pytest.approx(1.0)
    asked = analyse(trajectory, AnalysisOptions(framework=("mass",), **bare)).transport[0]
    assert "barycentric" in asked.frame
    assert "numbers_fixed_by_masses" in asked.flags
    # m₊R₊ + m₋R₋ = 0 for the summed displacements, so t₊ = m₋/(m₊ + m₋) for ±1.
    assert asked.numbers[0].value == pytest.approx(126.904 / (126.904 + 6.94), abs=1e-4)
    held = analyse(trajectory, AnalysisOptions(framework=("I",), **bare)).transport[0]
    assert held.numbers[0].value == pytest.approx(1.0)
    assert held.frame == "declared: I"
    assert "numbers_fixed_by_frame" in held.flags


def test_a_crystal_that_only_vibrates_has_no_conductivity() -> None:
    rng = np.random.default_rng(22)
    cell = 12.0 * np.eye(3)
    places = rng.random((1, 24, 3)) @ cell + rng.normal(scale=0.15, size=(600, 24, 3))
    trajectory = Trajectory(
        fractional=places @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Na",) * 8 + ("Cl",) * 8 + ("Br",) * 8,
        frame_step_ps=0.1,
        temperature_k=800.0,
    )
    bare = AnalysisOptions(with_structure=False, with_kinisi=False, charges_e={"Cl": -0.5})
    found = analyse(trajectory, bare).transport[0]
    assert "nothing_diffuses" in found.flags
    assert not found.conductivity_s_cm.resolved
    assert np.isfinite(found.conductivity_s_cm.high)
    assert not any(number.resolved for number in found.numbers)
