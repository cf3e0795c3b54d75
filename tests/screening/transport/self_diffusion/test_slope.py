"""The slope of an MSD and its variance."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.slope import fit_slope
from dualion.screening.transport.self_diffusion.slope_variance import Variance


def test_weights_are_those_of_least_squares_with_an_intercept() -> None:
    """Exact on a line: the slope of a + b k is b for any intercept."""
    walk = np.random.default_rng(5).normal(size=200)
    fit = fit_slope(lambda lag: 3.0 + 0.7 * lag + 0.0 * walk[lag:], 2, 200, 3)
    assert fit.value == pytest.approx(0.7)
    assert fit.intercept == pytest.approx(3.0)


def test_variance_of_a_count_grows_like_the_count() -> None:
    counted = Variance(constant=0.0, linear=0.0, quadratic=0.0, jumps=0.5)
    assert counted.at(2.0) == 1.0
    # A Poisson number of mean g/j, each worth j: variance g·j, third moment g·j².
    assert counted.third_moment(2.0) == pytest.approx(2.0 * 0.5**2)
    assert counted.scaled(3.0).at(2.0) == 3.0
