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
