"""The slope of an MSD and its variance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from dualion.screening.transport.self_diffusion._walk_kernel import walk_covariance
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


def rattling(seed: int = 12, frames: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(scale=0.2, size=(frames, 4, 3)), axis=0)
    return walk + rng.normal(scale=0.3, size=walk.shape)


def traces(walk: np.ndarray, lag: int) -> np.ndarray:
    return ((walk[lag:] - walk[:-lag]) ** 2).mean(axis=(1, 2))


@pytest.mark.parametrize(
    ("start", "count"), [(1, 4), (25, 4), (26, 3), (33, 3), (34, 2), (60, 2), (90, 2)]
)
def test_the_lags_reach_to_four_times_the_start_within_half_the_run(start: int, count: int) -> None:
    walk = rattling()
    found = fit_slope(lambda lag: traces(walk, lag), start, 200, 12)
    assert found.lags.tolist() == [start * k for k in range(1, count + 1)]
    assert found.start == start


def weights_by_hand(lags: np.ndarray, msd: np.ndarray, frames: int) -> tuple[np.ndarray, float]:
    """Generalised least squares twice, each with the covariance of the line before it."""
    design = np.column_stack([lags, np.ones(len(lags))]).astype(float)
    slope, intercept = np.polyfit(lags, msd, 1)
    for _ in range(2):
        growth = max(slope, 1e-3 * msd.max() / lags[-1])
        full, _ = walk_covariance(lags, frames, growth, max(intercept / 2.0, 0.0), 1.0)
        inverse = np.linalg.inv(full)
        rows = np.linalg.inv(design.T @ inverse @ design) @ design.T @ inverse
        slope, intercept = rows @ msd
    return rows[0], max(intercept / 2.0, 0.0)


@pytest.mark.parametrize("kind", ["walk", "vibration", "falling"])
def test_a_fit_is_that_of_generalised_least_squares_step_by_step(kind: str) -> None:
    """Every number of the estimate from the covariance of a walk, in plain numpy."""
    walk = rattling()
    if kind == "vibration":
        walk = np.random.default_rng(13).normal(scale=0.3, size=walk.shape)
    series = {lag: traces(walk, lag) for lag in (5, 10, 15, 20)}
    if kind == "falling":
        series = {lag: value * (1.2 - 0.05 * lag) for lag, value in series.items()}
    lags = np.array([5, 10, 15, 20])
    msd = np.array([series[lag].mean() for lag in lags])
    weights, noise = weights_by_hand(lags, msd, 200)
    found = fit_slope(series.__getitem__, 5, 200, 12)
    value = weights @ msd
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)
    assert found.value == pytest.approx(value)
    assert value > 0.01 if kind == "walk" else value < 0.0
    assert found.intercept == pytest.approx((msd - value * lags).mean())
    np.testing.assert_allclose(found.bin_edges, np.linspace(0.0, 200.0, 11))
    curve = VarianceCurve(lags, weights, 200, 12, noise, found.bin_edges, max(value, 0.0))
    sums = bin_sums(list(series.values()), lags, weights, found.bin_edges)
    inflation, dof = scatter_inflation(sums, curve.binned, 1.0, 12 * 20.0 / (3.0 * 5.0))
    assert found.inflation == pytest.approx(inflation)
    assert found.dof == pytest.approx(dof)
    assert found.error == pytest.approx(np.sqrt(inflation * curve.at(max(value, 0.0))))
    assert found.binned_share == pytest.approx(curve.binned / curve.at(max(value, 0.0)))
    assert found.error_at(0.5) == pytest.approx(np.sqrt(inflation * curve.at(0.5)))
    assert found.error_at(-0.5) == pytest.approx(np.sqrt(inflation * curve.at(0.0)))
    ends = _interval(value, found.variance, float(stats.t.ppf(0.975, dof)))
    assert (found.low, found.high) == pytest.approx(ends)
    narrow = fit_slope(series.__getitem__, 5, 200, 12, confidence=0.5)
    ends = _interval(value, found.variance, float(stats.t.ppf(0.75, dof)))
    assert (narrow.low, narrow.high) == pytest.approx(ends)


def test_an_interval_has_no_end_where_the_noise_grows_faster_than_the_estimate() -> None:
    """Relative error 1: at any true growth the estimate is within two of its own errors."""
    vague = Variance(constant=0.0, linear=0.0, quadratic=1.0, jumps=0.0)
    low, high = _interval(1.0, vague, 2.0)
    assert 0.0 < low < 1.0
    assert high == np.inf


def test_an_estimate_without_error_is_its_own_interval() -> None:
    sure = Variance(constant=0.0, linear=0.0, quadratic=0.0, jumps=0.0)
    assert _interval(0.7, sure, 2.0) == (0.7, 0.7)


def test_ends_of_an_interval_are_quantiles_away_with_the_skewness_of_the_estimate() -> None:
    """At each end e: value = e ± z s(e) + (z² − 1)/6 μ₃(e)/s(e)² (Cornish and Fisher 1938)."""
    parts = Variance(constant=0.01, linear=0.02, quadratic=0.03, jumps=0.04)
    for end, sign in zip(_interval(1.0, parts, 1.7), (1.0, -1.0), strict=True):
        spread = np.sqrt(0.01 + 0.06 * end + 0.03 * end**2)
        third = parts.third_moment(end)
        assert end + sign * 1.7 * spread + (1.7**2 - 1.0) / 6.0 * third / spread**2 == (
            pytest.approx(1.0)
        )
