"""The variance of a slope: its parts, and what the scatter of stretches makes of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion._walk_kernel import walk_covariance
from dualion.screening.transport.self_diffusion.slope_variance import (
    Variance,
    VarianceCurve,
    expected_variance,
    scatter_inflation,
)
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN

LAGS, WEIGHTS = np.array([3, 6, 9]), np.array([-0.1, -0.05, 0.15])
EDGES = np.linspace(0.0, 120.0, 9)


def test_parts_of_a_variance_add_as_a_parabola() -> None:
    parts = Variance(constant=3.0, linear=5.0, quadratic=7.0, jumps=11.0)
    assert parts.at(2.0) == pytest.approx(3.0 + (5.0 + 11.0) * 2.0 + 7.0 * 4.0)
    assert parts.scaled(0.5) == Variance(constant=1.5, linear=2.5, quadratic=3.5, jumps=5.5)


@pytest.mark.parametrize("squares", [8.0, 50.0])
def test_the_skewness_of_a_walk_is_that_of_the_slope_s_filter(squares: float) -> None:
    """χ² of k squares about its mean g: variance 2g²/k, third moment 8g³/k²; the filter of a
    slope with intercept, 1 + 2 cos ω, leaves 7/9 of the skewness."""
    growth = 0.3
    walk = Variance(constant=0.0, linear=0.0, quadratic=2.0 / squares, jumps=0.0)
    assert walk.third_moment(growth) == pytest.approx(
        7.0 / 9.0 * 8.0 * growth**3 / squares**2, rel=0.04
    )


@pytest.mark.parametrize(("noise", "growth"), [(0.02, 0.05), (0.02, 0.0), (0.0, 0.05), (0.0, 0.0)])
def test_the_curve_is_the_covariance_at_any_growth(noise: float, growth: float) -> None:
    curve = VarianceCurve(LAGS, WEIGHTS, 120, 12, noise, EDGES, growth)
    for at in (0.0, 0.01, 0.2, 3.0):
        full, _ = walk_covariance(LAGS, 120, at, noise, 15.0)
        assert curve.at(at) == pytest.approx(WEIGHTS @ full @ WEIGHTS / 12, rel=1e-6, abs=1e-15)
    _, binned = walk_covariance(LAGS, 120, growth, noise, 15.0)
    assert curve.binned == pytest.approx(WEIGHTS @ binned @ WEIGHTS / 12, rel=1e-9)
    assert curve.n_coordinates == 12


def flat_curve() -> VarianceCurve:
    """One whose error is 1 whatever the growth."""
    parts = {"constant": 1.0, "linear": 0.0, "quadratic": 0.0, "n_coordinates": 30}
    return SimpleNamespace(**parts, at=lambda growth: 1.0 + 0.0 * growth)  # type: ignore[return-value]


def test_jumps_are_counted_where_the_slope_is_known_to_a_third() -> None:
    """5/3 α₂ m/(N T) of the squared slope, in each direction's share."""
    shape = replace(GAUSSIAN, jumps=0.6, directions=2.0, together=1.5)
    at = {"shape": shape, "first_msd": 0.0, "start": 4, "n_frames": 100}
    assert expected_variance(2.9, flat_curve(), **at).jumps == 0.0
    known = expected_variance(3.1, flat_curve(), **at)
    relative = 5.0 / 3.0 * 0.6 * 4 / (10 * 100)
    assert known.jumps == pytest.approx(1.5 * relative * 3.1)
    assert known.constant == pytest.approx(2.0 * 1.5)
    assert known.at(3.1) - known.constant == pytest.approx(1.5 * relative * 3.1**2)
    below = expected_variance(-5.0, flat_curve(), **at)
    assert below.jumps == 0.0


@pytest.mark.parametrize(("terms", "few"), [(4.0, 4.0), (1.0, 1.0), (0.2, 1.0)])
def test_scatter_and_prior_are_weighted_by_what_each_is_known_to(terms: float, few: float) -> None:
    """ln of a variance: known to 0.5 before, to √(2/ν) from ν squares, with mean −1/ν.

    A sum of ``few`` squares has the kurtosis excess 12/few, so its square scatters more.
    """
    observed = np.array([1.0, -2.0, 0.5, 0.5, 3.0, -3.0])
    scatter = (observed**2).sum() * 6.0 / 5.0
    dof = 5.0 * 2.0 / (2.0 + 12.0 / few)
    share = 0.25 / (0.25 + 2.0 / dof)
    expected = 1.4 * np.exp(share * (np.log(scatter / 5.0 / 1.4) + 1.0 / dof))
    inflation, known = scatter_inflation(observed, 5.0, 1.4, terms)
    assert inflation == pytest.approx(expected)
    assert known == pytest.approx(2.0 / (2.0 / dof * share))
