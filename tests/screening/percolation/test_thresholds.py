"""Percolation against a breadth-first search, hand-made cases and invariances."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dualion.screening.percolation.thresholds import percolation

INF = np.inf


def smooth_random(shape, seed):
    """Random field with a few wave lengths, like a real landscape."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    field = np.zeros(shape)
    for _ in range(6):
        wave = rng.integers(-2, 3, 3)
        phase = rng.uniform(0, 2 * np.pi)
        turns = sum(w * g for w, g in zip(wave, grid, strict=True))
        field += rng.normal() * np.cos(2 * np.pi * turns + phase)
    return field + 0.3 * rng.normal(size=shape)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(5, 6, 7), (4, 9, 5)])
def test_equals_breadth_first_search(shape, seed):
    field = smooth_random(shape, seed)
    assert percolation(field).barriers_ev == pytest.approx(reference.barriers(field), abs=1e-12)


@given(
    arrays(np.float64, st.tuples(*[st.integers(4, 6)] * 3), elements=st.integers(0, 4).map(float))
)
@settings(max_examples=40, deadline=None)
def test_equals_breadth_first_search_with_ties(field):
    assert percolation(field).barriers_ev == pytest.approx(reference.barriers(field), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_periodic_cover(seed):
    """Just at each barrier a region holds 3^rank images of its points in the 3×3×3 cover."""
    field = smooth_random((5, 4, 6), seed)
    for dimension, barrier in enumerate(percolation(field).barriers_ev, start=1):
        level = field.min() + barrier
        assert reference.images_in_cover(field <= level + 1e-12) >= 3**dimension
        assert reference.images_in_cover(field < level - 1e-12) < 3**dimension


def test_a_straight_channel():
    field = np.full((6, 7, 8), 50.0)
    field[2, 3, :] = 0.0
    field[2, 3, 5] = 0.4
    assert percolation(field).barriers_ev == (0.4, INF, INF)


def test_crossing_channels():
    field = np.full((6, 7, 8), 50.0)
    field[2, 3, :] = 0.1
    field[2, :, 4] = 0.2
    field[:, 3, 4] = 0.3
    field[2, 3, 4] = 0.1
    field[2, 3, 0] = 0.0
    assert percolation(field).barriers_ev == pytest.approx((0.1, 0.2, 0.3))


def test_parallel_channels_stay_one_dimensional():
    field = np.full((8, 8, 8), 50.0)
    field[1, 1, :] = 0.0
    field[5, :, 5] = 0.0
    assert percolation(field).barriers_ev == (0.0, INF, INF)


def test_diagonal_channel_winds_once():
    field = np.full((6, 6, 6), 50.0)
    field[range(6), range(6), range(6)] = 0.0
    assert percolation(field).barriers_ev == (0.0, INF, INF)


def test_double_helix_needs_true_windings():
    """A strand that makes half a turn a cell closes after two cells, with the winding (0, 0, 2).

    Counted modulo 2 it would not wind at all.
    """
    field = np.full((10, 10, 12), 50.0)
    for z in range(12):
        for angle in (np.pi * z / 12, np.pi * z / 12 + np.pi):
            field[round(4 + 3 * np.cos(angle)), round(4 + 3 * np.sin(angle)), z] = 0.0
    assert reference.winding_rank(field < 1.0) == 1
    assert percolation(field).barriers_ev == (0.0, INF, INF)


def test_region_minimum_differs_from_the_field_minimum():
    field = np.full((6, 7, 8), 50.0)
    field[2, 3, :] = 1.0
    field[2, 3, 5] = 1.4
    field[5, 6, 1] = 0.0  # a deep pocket off the path
    found = percolation(field)
    assert found.barriers_ev[0] == pytest.approx(1.4)
    assert found.from_region_ev[0] == pytest.approx(0.4)
    assert found.minimum_point == (5, 6, 1)
    assert found.critical_points[0] == (2, 3, 5)
    assert found.critical_points[2] == (-1, -1, -1)


def test_cut_hides_high_barriers():
    field = np.zeros((5, 5, 5))
    field[2] = 3.0
    assert percolation(field, cut_ev=2.9).barriers_ev == (0.0, 0.0, INF)
    assert percolation(field, cut_ev=3.0).barriers_ev == (0.0, 0.0, 3.0)


@pytest.mark.parametrize("seed", range(4))
def test_invariances(seed):
    field = smooth_random((5, 6, 7), seed)
    expected = percolation(field).barriers_ev
    for other in (
        np.roll(field, (2, 3, 4), axis=(0, 1, 2)),
        field.transpose(2, 0, 1),
        field[::-1, :, ::-1],
        np.tile(field, (2, 1, 3)),
        field + 17.0,
    ):
        assert percolation(other).barriers_ev == pytest.approx(expected, abs=1e-12)


def test_flat_field_percolates_at_once():
    assert percolation(np.zeros((4, 4, 4))).barriers_ev == (0.0, 0.0, 0.0)


def test_what_lies_at_the_origin_of_the_grid_counts_like_any_other_point():
    """Index 0 is a point, not the lack of one: the field is rolled until its pass lies there."""
    field = smooth_random((5, 6, 7), 3)
    found = percolation(field)
    for dimension, point in enumerate(found.critical_points):
        at_origin = percolation(np.roll(field, [-x for x in point], axis=(0, 1, 2)))
        assert at_origin.barriers_ev == pytest.approx(found.barriers_ev, abs=1e-12)
        assert at_origin.from_region_ev == pytest.approx(found.from_region_ev, abs=1e-12)
        assert at_origin.critical_points[dimension] == (0, 0, 0)
    lowest = percolation(np.roll(field, [-x for x in found.minimum_point], axis=(0, 1, 2)))
    assert lowest.minimum_point == (0, 0, 0)
    assert lowest.barriers_ev == pytest.approx(found.barriers_ev, abs=1e-12)
