"""Slopes of collective products and their errors, from the definition in plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from walks import gaussian_walk

from dualion.screening.transport.collective.slopes import CollectiveSlopes, displacement_products
from dualion.screening.transport.measured import UNKNOWN
from dualion.screening.transport.self_diffusion.slope import Slope, bin_sums, fit_slope
from dualion.screening.transport.self_diffusion.slope_variance import scatter_inflation

PATHS = gaussian_walk(np.random.default_rng(3), 200, 3) * np.array([1.0, 0.7, 0.4])[:, None]
TOTAL = PATHS.sum(axis=1)
SLOPE = fit_slope(lambda lag: displacement_products(TOTAL, TOTAL, lag), 2, 200, 3)


def product(i: int, j: int, lag: int) -> np.ndarray:
    moved = PATHS[lag:] - PATHS[:-lag]
    return (moved[:, i] * moved[:, j]).sum(axis=1) / 3.0


def value_of(i: int, j: int) -> float:
    terms = zip(SLOPE.weights, SLOPE.lags, strict=True)
    return float(sum(w * product(i, j, int(lag)).mean() for w, lag in terms))


def bins_of(i: int, j: int) -> np.ndarray:
    parts = [product(i, j, int(lag)) for lag in SLOPE.lags]
    return bin_sums(parts, SLOPE.lags, SLOPE.weights, SLOPE.bin_edges)


VALUES = np.array([[value_of(i, j) for j in range(3)] for i in range(3)])
RELATIVE = (SLOPE.error / SLOPE.value) ** 2 / SLOPE.inflation


def spread(bins: np.ndarray, gaussian: float, slope: Slope = SLOPE) -> tuple[float, float]:
    """Error and degrees of freedom: the scatter alone where it is far from the analytical."""
    scatter = (bins**2).sum() * len(bins) / (len(bins) - 1) / slope.binned_share
    if not 0.25 * gaussian < scatter < 4.0 * gaussian:
        return np.sqrt(max(scatter, gaussian)), len(bins) - 1
    terms = (slope.bin_edges[1] - slope.bin_edges[0]) / slope.start
    inflation, dof = scatter_inflation(bins, gaussian * slope.binned_share, 1.0, terms)
    return np.sqrt(inflation * gaussian), dof


def test_entries_are_the_slopes_of_products_with_the_error_of_gaussian_paths() -> None:
    """Var σ_ij = (σ_ii σ_jj + σ_ij²)/2 of the relative variance of a square."""
    matrix, errors = CollectiveSlopes(PATHS, SLOPE).entries()
    np.testing.assert_allclose(matrix, VALUES)
    for i in range(3):
        for j in range(3):
            own = max(VALUES[i, i], 0.0) * max(VALUES[j, j], 0.0)
            gaussian = 0.5 * RELATIVE * (own + VALUES[i, j] ** 2)
            assert errors[i, j] == pytest.approx(spread(bins_of(i, j), gaussian)[0])


@pytest.mark.parametrize("chosen", [[True, False, False], [False, True, True]])
def test_a_number_is_the_regression_of_a_part_on_the_whole(chosen: list[bool]) -> None:
    picked = np.array(chosen)
    found = CollectiveSlopes(PATHS, SLOPE).number(picked)
    total, part = VALUES.sum(), VALUES[picked].sum()
    t = part / total
    own = VALUES[np.ix_(picked, picked)].sum()
    gaussian = 0.5 * RELATIVE * (own - 2.0 * t * part + t**2 * total) / total
    every = np.array([[bins_of(i, j) for j in range(3)] for i in range(3)])
    bins = (every[picked].sum(axis=(0, 1)) - t * every.sum(axis=(0, 1))) / total
    error, dof = spread(bins, gaussian)
    quantile = stats.t.ppf(0.975, max(1.0, min(dof, 2.0 / RELATIVE)))
    assert found.value == pytest.approx(t)
    assert found.error == pytest.approx(error)
    assert found.low == pytest.approx(t - quantile * error)
    assert found.high == pytest.approx(t + quantile * error)


def test_numbers_without_a_choice_have_no_error() -> None:
    algebra = CollectiveSlopes(PATHS, SLOPE)
    none = algebra.number(np.zeros(3, dtype=bool))
    assert (none.value, none.error, none.low, none.high) == (0.0, 0.0, 0.0, 0.0)
    every = algebra.number(np.ones(3, dtype=bool))
    assert (every.value, every.error, every.low, every.high) == (1.0, 0.0, 1.0, 1.0)
    # A path that is nowhere beside the others carries nothing; one in proportion is fixed.
    still = PATHS * np.array([1.0, 1.0, 1e-7])[:, None]
    tiny = CollectiveSlopes(still, SLOPE).number(np.array([False, False, True]))
    assert (tiny.value, tiny.error, tiny.high) == (0.0, 0.0, 0.0)
    tied = np.stack([0.75 * TOTAL, 0.25 * TOTAL], axis=1)
    fixed = CollectiveSlopes(tied, SLOPE).number(np.array([True, False]))
    assert (fixed.error, fixed.low) == (0.0, fixed.value)
    assert fixed.value == pytest.approx(0.75)
    near = tied.copy()
    near[:, 0] += 1e-3 * PATHS[:, 0]
    assert CollectiveSlopes(near, SLOPE).number(np.array([True, False])).error > 1e-6


def test_a_conductivity_that_may_be_nothing_has_no_numbers() -> None:
    picked = np.array([True, False, False])
    for low in (0.0, -1.0):
        vague = CollectiveSlopes(PATHS, replace(SLOPE, low=low))
        assert vague.number(picked) is UNKNOWN
    opposed = np.stack([TOTAL, -TOTAL], axis=1)
    assert CollectiveSlopes(opposed, SLOPE).number(np.array([True, False])) is UNKNOWN


@pytest.mark.parametrize(("ratio", "own"), [(0.24, True), (0.26, False), (3.9, False), (4.1, True)])
def test_the_scatter_alone_is_believed_where_it_is_far_from_the_analytical(
    ratio: float, own: bool
) -> None:
    algebra = CollectiveSlopes(PATHS, SLOPE)
    bins = np.where(np.arange(len(SLOPE.bin_edges) - 1) % 2, 1.0, -1.0)
    scatter = (bins**2).sum() * len(bins) / (len(bins) - 1) / SLOPE.binned_share
    error, dof = algebra._spread(bins, scatter / ratio)
    assert (dof == len(bins) - 1) is own
    expected = spread(bins, scatter / ratio)
    assert (error, dof) == pytest.approx(expected)
    # Without an analytical variance there is only the scatter.
    assert algebra._spread(bins, 0.0) == pytest.approx((np.sqrt(scatter), len(bins) - 1))
    assert algebra._spread(0.0 * bins, 4.0) == pytest.approx((2.0, len(bins) - 1))


def test_a_slope_of_no_sign_has_a_relative_error_that_does_not_overflow() -> None:
    """A value within a thousandth of its error counts as that."""
    for value in (0.0, -1.0, 1e-9):
        lost = CollectiveSlopes(PATHS, replace(SLOPE, value=value))
        error = SLOPE.error_at(value)
        assert lost.relative == pytest.approx((error / (1e-3 * SLOPE.error)) ** 2 / SLOPE.inflation)
    sharp = CollectiveSlopes(PATHS, replace(SLOPE, value=2e-3 * SLOPE.error))
    error = SLOPE.error_at(2e-3 * SLOPE.error)
    assert sharp.relative == pytest.approx((error / (2e-3 * SLOPE.error)) ** 2 / SLOPE.inflation)
