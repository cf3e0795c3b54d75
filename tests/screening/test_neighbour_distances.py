"""The nearest image, against all images of a large block of cells."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.neighbour_distances import (
    nearest_image_lengths,
    pairs_within,
    shortest_distances,
    vectors_within,
)

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


@pytest.mark.parametrize("reach", [2.5, 6.0, 9.0])
def test_vectors_within_reach_are_all_of_them(reach):
    """Against every image in a large block; the nearest first, each from the point to the ion."""
    rng = np.random.default_rng(2)
    frac, point = rng.uniform(-1.0, 2.0, (5, 3)), rng.uniform(-1.0, 2.0, 3)
    images = np.array(list(np.ndindex(13, 13, 13))) - 6
    every = ((frac[:, None] + images - point) @ CELL).reshape(-1, 3)
    lengths = np.linalg.norm(every, axis=1)
    expected = np.flatnonzero(lengths <= reach)
    which, vectors = vectors_within(CELL, frac, point, reach)
    found = np.linalg.norm(vectors, axis=1)
    assert found == pytest.approx(np.sort(lengths[expected]))
    assert np.bincount(which, minlength=5).tolist() == (
        np.bincount(expected // len(images), minlength=5).tolist()
    )
    cells = (vectors + point @ CELL - frac[which] @ CELL) @ np.linalg.inv(CELL)
    assert cells == pytest.approx(np.round(cells), abs=1e-9)


def test_an_ion_at_the_reach_itself_counts():
    which, vectors = vectors_within(6.0 * np.eye(3), np.array([[0.5, 0.0, 0.0]]), np.zeros(3), 3.0)
    assert sorted(vectors[:, 0].tolist()) == [-3.0, 3.0]
    assert which.tolist() == [0, 0]


def test_distances_of_points_are_those_of_their_nearest_images():
    rng = np.random.default_rng(4)
    first, second = rng.uniform(-1.0, 2.0, (3, 3)), rng.uniform(-1.0, 2.0, (4, 3))
    found = shortest_distances(CELL, first, second)
    for (i, j), distance in np.ndenumerate(found):
        _, vectors = vectors_within(CELL, second[j : j + 1], first[i], 9.0)
        assert distance == pytest.approx(np.linalg.norm(vectors[0]))


def test_pairs_within_reach_are_those_around_each_point():
    rng = np.random.default_rng(6)
    first, second = rng.uniform(0.0, 1.0, (3, 3)), rng.uniform(0.0, 1.0, (4, 3))
    near, far, cells, lengths = pairs_within(CELL, first, second, 5.0)
    vectors = (second[far] + cells - first[near]) @ CELL
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(lengths)
    for point in range(3):
        _, around = vectors_within(CELL, second, first[point], 5.0)
        expected = np.linalg.norm(around, axis=1)
        assert np.sort(lengths[near == point]) == pytest.approx(expected)
