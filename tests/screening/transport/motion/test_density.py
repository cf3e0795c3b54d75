"""Probability densities and their sites."""

from __future__ import annotations

import numpy as np
import pytest
from walks import jumping_ion

from dualion.screening.transport.motion.density import Density, density, density_sites

SKEWED = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])


def test_density_integrates_to_the_ions_and_shows_the_sites() -> None:
    path, sites = jumping_ion(np.random.default_rng(5), 11)
    map_ = density(path @ np.eye(3), SKEWED)
    per_point = abs(np.linalg.det(SKEWED)) / map_.values.size
    assert map_.values.sum() * per_point == pytest.approx(1.0)
    found = density_sites(map_)
    apart = found[:, None] - sites[None]
    lengths = np.linalg.norm((apart - np.rint(apart)) @ SKEWED, axis=2)
    assert len(found) == 4
    assert lengths.min(axis=0).max() < 0.4


def test_a_site_lies_where_the_ions_are() -> None:
    """Ions in the middle of a grid point: the site is that point, not half a point off."""
    cell = np.diag([5.0, 6.0, 7.0])  # 20, 24 and 28 points
    place = np.array([3.5 / 20, 11.5 / 24, 20.5 / 28])
    found = density_sites(density(np.tile(place, (10, 1, 1)), cell))
    np.testing.assert_allclose(found, place[None], atol=1e-12)


def test_a_site_between_grid_points_is_found_to_a_few_hundredths_of_an_angstrom() -> None:
    """Ions that vibrate about a place anywhere in a grid cell of 0.25 Å, in a skewed cell too."""
    rng = np.random.default_rng(7)
    for cell in (np.diag([5.0, 6.0, 7.0]), SKEWED):
        places = rng.random((4, 3))
        places[:, 0] = (np.arange(4) + rng.random(4) * 0.2) / 4.0
        shaken = places + rng.normal(scale=0.12, size=(4000, 4, 3)) @ np.linalg.inv(cell)
        found = density_sites(density(shaken, cell))
        apart = found[:, None] - places[None]
        lengths = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=2)
        assert len(found) == 4
        assert lengths.min(axis=0).max() < 0.05


def test_points_are_a_quarter_of_an_angstrom_apart_and_four_at_least() -> None:
    still = np.zeros((3, 1, 3))
    assert density(still, np.diag([5.0, 6.1, 0.7])).values.shape == (20, 25, 4)
    assert density(still, np.diag([5.0, 6.0, 7.0]), spacing_angstrom=0.5).values.shape == (
        10,
        12,
        14,
    )


def test_counts_are_smoothed_over_three_tenths_of_an_angstrom() -> None:
    """Along each axis the density of one place has that standard deviation, round the edge too."""
    cell = np.diag([5.0, 6.1, 7.3])
    values = density(np.full((10, 1, 3), 1e-6), cell).values
    for axis in range(3):
        profile = values.sum(axis=tuple({0, 1, 2} - {axis}))
        count = len(profile)
        apart = (np.arange(count) + count // 2) % count - count // 2
        spread = np.sqrt((profile * apart**2).sum() / profile.sum()) * cell[axis, axis] / count
        assert spread == pytest.approx(0.3, rel=0.02)


def test_any_image_counts_and_the_edge_is_inside() -> None:
    cell = np.diag([5.0, 6.0, 7.0])
    inside = density(np.full((4, 2, 3), 0.26), cell).values
    outside = density(np.full((4, 2, 3), 0.26) + np.array([3.0, -2.0, 7.0]), cell).values
    np.testing.assert_allclose(outside, inside)
    edge = density(np.full((4, 1, 3), -1e-18), cell)
    assert np.unravel_index(edge.values.argmax(), (20, 24, 28)) == (19, 23, 27)
    assert edge.n_frames == 4
    many = density(np.full((1700, 1, 3), 0.26), cell).values
    np.testing.assert_allclose(many, inside / 2.0)


def map_of(values: dict[tuple[int, int, int], float], side: float, base: float = 0.0) -> Density:
    grid = np.full((8, 8, 8), base)
    for point, value in values.items():
        grid[point] = value
    return Density(species="Li", values=grid, cell=side * np.eye(3), n_frames=1)


def test_sites_are_maxima_that_are_visited_and_apart() -> None:
    """The most visited first; from a twentieth of the highest on, twice the mean and 1.2 Å."""
    points = {(1, 1, 1): 50.0, (5, 5, 5): 100.0, (1, 5, 1): 5.2, (5, 1, 5): 4.8}
    found = density_sites(map_of(points, 8.0))
    np.testing.assert_allclose(found * 8.0, [[5.5, 5.5, 5.5], [1.5, 1.5, 1.5], [1.5, 5.5, 1.5]])
    for value, count in ((2.0, 0), (2.02, 1)):  # the mean is 1 + (value − 1)/512
        assert len(density_sites(map_of({(2, 2, 2): value}, 8.0, base=1.0))) == count
    pair = {(0, 0, 0): 9.0, (0, 0, 6): 8.0}  # two points apart round the edge
    assert len(density_sites(map_of(pair, 4.7))) == 1
    assert len(density_sites(map_of(pair, 4.9))) == 2
