"""The slope of an MSD and its variance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from dualion.screening.transport.self_diffusion.slope import (
    _bin_edges,
    _interval,
    bin_sums,
    fit_slope,
)
from dualion.screening.transport.self_diffusion.slope_variance import (
    Variance,
    VarianceCurve,
    expected_variance,
    scatter_inflation,
)
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN


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


@pytest.mark.parametrize("jumps", [6, 10, 40])
def test_interval_of_a_count_is_that_of_poisson(jumps: int) -> None:
    """The exact interval with the mid-P rule, 95 %: half of P(n) counts to either tail."""

    def beyond(mean: float) -> float:
        return float(stats.poisson.sf(jumps, mean) + 0.5 * stats.poisson.pmf(jumps, mean))

    exact = [
        optimize.brentq(lambda mean, tail=tail: beyond(mean) - tail, 1e-3, 5.0 * jumps)
        for tail in (0.025, 0.975)
    ]
    counted = Variance(constant=0.0, linear=0.0, quadratic=0.0, jumps=1.0)
    quantile = float(stats.norm.ppf(0.975))
    assert _interval(float(jumps), counted, quantile) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("unit", [1.0, 1e-2, 1e-4])
def test_interval_ends_at_the_nearest_growth_in_any_unit(unit: float) -> None:
    """An estimate of −1 at no growth with noise 0.1: −1 ± 2·0.1, for walks and for none.

    Beyond growth 1 a walk whose own error is its size would fit again; that is no end.
    """
    noisy = Variance(constant=(0.1 * unit) ** 2, linear=0.0, quadratic=1.0, jumps=0.0)
    assert _interval(-unit, noisy, 2.0) == pytest.approx((-1.2 * unit, -0.8 * unit), rel=1e-6)


def test_stretches_that_do_not_scatter_leave_the_expected_variance() -> None:
    assert scatter_inflation(np.zeros(8), 2.0, 1.3, 10.0) == (1.3, 8.0)
    assert scatter_inflation(np.ones(8), 0.0, 1.3, 10.0) == (1.3, 8.0)
    # Many stretches of many squares: the scatter alone decides. Σb² n/(n − 1) = 2 × 1.5.
    many = np.tile([1.0, -1.0], 5000) * np.sqrt(3.0 * 9999.0 / 10000.0 / 10000.0)
    inflation, dof = scatter_inflation(many, 1.5, 1.0, 1e6)
    assert inflation == pytest.approx(2.0, rel=1e-3)
    assert dof == pytest.approx(9999.0, rel=2e-3)


@pytest.mark.parametrize("longest", [1, 5, 16, 40, 90])
def test_stretches_tile_the_run_and_are_as_long_as_the_longest_lag(longest: int) -> None:
    edges = _bin_edges(200, longest)
    assert (edges[0], edges[-1]) == (0.0, 200.0)
    widths = np.diff(edges)
    np.testing.assert_allclose(widths, widths[0])
    assert 2 <= len(widths) <= 64
    assert widths[0] >= longest


def test_stretches_add_up_to_the_estimate_s_own_fluctuation() -> None:
    """Each origin counts in one stretch; about their mean all of them cancel."""
    rng = np.random.default_rng(8)
    walk = np.cumsum(rng.normal(size=(200, 5, 3)), axis=0)
    lags, weights = np.array([4, 8]), np.array([-0.25, 0.25])
    values = [((walk[lag:] - walk[:-lag]) ** 2).mean(axis=(1, 2)) for lag in (4, 8)]
    edges = _bin_edges(200, 8)
    sums = bin_sums(values, lags, weights, edges)
    assert sums.sum() == pytest.approx(0.0, abs=1e-12)
    expected = np.zeros(len(edges) - 1)
    for value, lag, weight in zip(values, lags, weights, strict=True):
        for origin, square in enumerate(value):
            stretch = np.searchsorted(edges, origin + lag / 2, side="right") - 1
            expected[stretch] += weight * (square - value.mean()) / len(value)
    np.testing.assert_allclose(sums, expected, atol=1e-12)


def test_jumps_add_five_thirds_of_alpha_times_the_lag_over_ions_and_frames() -> None:
    """5/3 α₂ m/(N T) of the squared slope, α₂ as if the vibration were not there."""
    lags, weights = np.array([4, 8]), np.array([-0.25, 0.25])
    curve = VarianceCurve(lags, weights, 1000, 30, 0.0, _bin_edges(1000, 8), 0.05)
    shape = replace(GAUSSIAN, jumps=0.6)
    found = expected_variance(0.05, curve, shape, 0.2, 4, 1000)  # no vibration: MSD = slope · lag
    added = found.at(0.05) - curve.at(0.05)
    assert added / 0.05**2 == pytest.approx(5.0 / 3.0 * 0.6 * 4 / (10 * 1000))
    # Vibration doubles the MSD: of the jumps alone α₂ is four times as large.
    rattling = expected_variance(0.05, curve, shape, 0.4, 4, 1000)
    assert rattling.at(0.05) - curve.at(0.05) == pytest.approx(4.0 * added)
    unsure = expected_variance(1e-6, curve, shape, 0.2, 4, 1000)
    plain = expected_variance(0.05, curve, GAUSSIAN, 0.2, 4, 1000)
    assert plain.at(0.05) == pytest.approx(curve.at(0.05))
    assert unsure.jumps >= 0.0
