"""The nearest image, against all images of a large block of cells."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.neighbour_distances import nearest_image_lengths

CELL = np.array([[4.1, 0.3, -0.2], [-1.9, 5.3, 0.4], [1.7, 2.2, 6.2]])


def test_equals_the_shortest_of_all_images():
    gaps = np.random.default_rng(0).uniform(-3.0, 3.0, (4, 50, 3))
    images = np.array(list(np.ndindex(11, 11, 11))) - 5
    every = np.linalg.norm((gaps[..., None, :] + images) @ CELL, axis=-1).min(axis=-1)
    assert nearest_image_lengths(gaps, CELL, reach=1) == pytest.approx(every, abs=1e-12)
    near = every < 1.0
    assert near.any()
    rounded = nearest_image_lengths(gaps, CELL, reach=0)
    assert rounded[near] == pytest.approx(every[near], abs=1e-12)
    assert (rounded >= every - 1e-12).all()
