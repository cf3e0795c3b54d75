"""Percolating paths of a probability density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport.motion.density import Density, density
from dualion.screening.transport.motion.density_path import (
    _find_sites_along,
    density_path_ev,
    density_paths,
    free_energy_ev,
)
from dualion.structures.errors import InputError

BOLTZMANN_EV_K = 8.617333262e-5


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


def test_density_percolates_along_a_channel_only() -> None:
    rng = np.random.default_rng(6)
    path = np.full((4000, 1, 3), 0.5) + rng.normal(scale=0.02, size=(4000, 1, 3))
    path[:, 0, 0] = rng.random(4000)
    barriers = density_path_ev(density(path, 10.0 * np.eye(3)), 600.0)
    assert barriers[0] < 0.15
    assert barriers[1] == np.inf
    assert barriers[2] == np.inf


@pytest.mark.parametrize(("away_angstrom", "there"), [(1.05, True), (1.35, False)])
def test_a_minimum_of_the_path_is_a_site_within_1_2_angstrom(
    away_angstrom: float, there: bool
) -> None:
    cell = np.diag([12.0, 9.0, 10.0])
    map_ = density(channel(np.random.default_rng(3), 0.15, 600.0 * BOLTZMANN_EV_K), cell)
    (own,) = density_paths(map_, 600.0)[1]
    beside = own.site_frac[:2] % 1.0 + [0.0, 0.0, away_angstrom / 10.0]
    (found,) = density_paths(map_, 600.0, beside)[1]
    assert (len(found.sites) > 0) is there


def density_of(values: NDArray[np.float64], frames: int = 100) -> Density:
    return Density(species="Li", values=values, cell=np.diag([8.0, 8.0, 8.0]), n_frames=frames)


def test_a_free_energy_is_the_logarithm_of_the_share_of_the_highest() -> None:
    """Below a millionth of it is the tail of the smoothing: a place where no ion was."""
    values = np.zeros((4, 4, 4))
    values[0, 0, :4] = [2.0, 1.0, 2.2e-6, 1.9e-6]
    found = free_energy_ev(density_of(values), 300.0)
    kt = BOLTZMANN_EV_K * 300.0
    assert found[0, 0, :3] == pytest.approx([0.0, kt * np.log(2.0), -kt * np.log(1.1e-6)])
    assert found[0, 0, 3] == found[1, 1, 1] == 1000.0
    for kelvin in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="above 0"):
            free_energy_ev(density_of(values), kelvin)


def test_a_barrier_has_the_error_of_the_visits_of_its_bottleneck() -> None:
    """ρ (4π)^{3/2} σ³ ion-frames lie in a Gaussian of 0.3 Å; the error is kT/√n."""
    values = np.full((8, 8, 8), 1e-12)
    values[:, 4, 4] = [4.0, 3.0, 2.0, 1.0, 0.5, 1.0, 2.0, 3.0]
    for frames in (100, 20):
        _, (path,) = density_paths(density_of(values, frames), 600.0)
        visits = 0.5 * (4.0 * np.pi) ** 1.5 * 0.3**3 * frames
        assert path.barrier_ev == pytest.approx(BOLTZMANN_EV_K * 600.0 * np.log(8.0))
        assert path.bottleneck_visits == pytest.approx(visits)
        assert path.least_error_ev == pytest.approx(BOLTZMANN_EV_K * 600.0 / np.sqrt(visits))
        assert path.sampled is bool(visits >= 10.0)
        assert path.winding in ((1, 0, 0), (-1, 0, 0))
        # Counts belong to the middle of their voxel.
        np.testing.assert_allclose(path.frac[:, 1:] % 1.0, 4.5 / 8.0)
        assert path.frac[path.bottleneck, 0] % 1.0 == pytest.approx(4.5 / 8.0)
    assert replace(path, bottleneck_visits=10.0).sampled
    assert not replace(path, bottleneck_visits=9.99).sampled


def test_sites_along_a_path_are_listed_without_repeats_with_their_cells() -> None:
    sites = np.array([[0.1, 0.5, 0.5], [0.6, 0.5, 0.5]])
    minima = np.array([[0.12, 0.5, 0.5], [0.1, 0.52, 0.5], [0.6, 0.5, 0.5], [1.1, 0.5, 0.5],
                       [0.35, 0.5, 0.5], [1.6, -0.5, 0.5]])  # fmt: skip
    visited, cells = _find_sites_along(minima, sites, 8.0 * np.eye(3))
    assert visited.tolist() == [0, 1, 0, 1]
    assert cells.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, -1, 0]]
    none, cells = _find_sites_along(minima, sites[:0], 8.0 * np.eye(3))
    assert (len(none), cells.shape) == (0, (0, 3))
