"""Probability densities and their sites."""

from __future__ import annotations

import numpy as np
import pytest
from walks import jumping_ion

from dualion.screening.transport.motion.density import density, density_sites

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
