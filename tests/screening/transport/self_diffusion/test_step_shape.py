"""What one lag tells of the error of a slope: known motions."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.lag_cache import LagCache


def test_strings_of_ions_and_single_axes_are_counted() -> None:
    rng = np.random.default_rng(0)
    free = LagCache(np.cumsum(rng.normal(size=(3000, 40, 3)), axis=0)).shape(4)
    assert free.together == pytest.approx(1.0, abs=0.15)
    assert free.directions == pytest.approx(1.0, abs=0.01)
    assert free.jumps == pytest.approx(0.0, abs=0.03)
    strings = np.repeat(np.cumsum(rng.normal(size=(3000, 8, 3)), axis=0), 5, axis=1)
    assert LagCache(strings).shape(4).together == pytest.approx(5.0, rel=0.25)
    axis = np.cumsum(rng.normal(size=(3000, 40, 1)), axis=0) * np.array([0.6, 0.0, 0.8])
    along = LagCache(axis).shape(4)
    assert along.directions == pytest.approx(3.0, rel=0.01)
    # ⟨x⁴⟩ = 3⟨x²⟩²: α₂ = 0.8 comes from the direction alone.
    assert along.non_gaussian == pytest.approx(0.8, abs=0.1)
    assert along.jumps == pytest.approx(0.0, abs=0.1)


def test_jumps_give_their_number() -> None:
    rng = np.random.default_rng(1)
    steps = np.zeros((4000, 40, 3))
    hop = rng.random((4000, 40)) < 0.02
    steps[hop] = 2.0 * rng.choice([-1.0, 1.0], (hop.sum(), 3)) / np.sqrt(3.0)
    found = LagCache(np.cumsum(steps, axis=0)).shape(10)
    assert found.jumps == pytest.approx(0.6 / (0.02 * 10), rel=0.1)


def test_one_ion_goes_with_no_other() -> None:
    walk = np.cumsum(np.random.default_rng(2).normal(size=(500, 1, 3)), axis=0)
    assert LagCache(walk).shape(5).together == 1.0
