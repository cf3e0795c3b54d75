"""The long-time slope of a mean squared displacement, with its error.

The slope is a fixed combination Σ_k w_k MSD(k) of a few lags m, 2m, …; the weights are those
of generalised least squares with a free intercept, from the analytically known covariance of
a Gaussian walk with white noise (``walk_covariance``). Because every MSD value is a mean over
time, the estimate is a sum over stretches of the trajectory, and its variance is read from
the scatter of those stretches: that holds the non-Gaussian steps of hopping ions and the
correlation between ions, which no formula for independent walkers has. The analytical
variance calibrates it: it corrects the scatter for stretches that share displacements, and
where stretches are few the result is drawn towards it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from dualion.screening.transport.self_diffusion._walk_kernel import walk_covariance
from dualion.screening.transport.self_diffusion.slope_variance import (
    Variance,
    VarianceCurve,
    expected_variance,
    scatter_inflation,
)
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN, StepShape

MULTIPLES = 4
"""The slope uses the lags m, 2m, … up to this multiple of the window's start m, as far as
they fit into half the run; two at least."""

MAX_BINS = 64
"""Stretches of time whose scatter gives the variance, at most."""

Series = Callable[[int], NDArray[np.float64]]
"""Lag in frames → mean over coordinates of the squared displacement per origin, Å²."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slope:
    """Growth of the variance of one coordinate in one frame, with its error.

    Attributes:
        value: Å² per frame and coordinate (2 D Δt).
        error: standard error of ``value``.
        low: lower end of the interval.
        high: upper end of the interval, ``inf`` where the data set no limit.
        intercept: Å² per coordinate, extrapolation of the line to lag 0.
        start: first lag m, frames.
        lags: shape (p,), frames.
        weights: shape (p,), 1/frame; the estimate is ``weights @ msd``.
        dof: degrees of freedom of the interval.
        inflation: variance over that of independent Gaussian walkers.
        bin_edges: shape (bins + 1,), frames.
        variance: of this estimate, as a function of the true growth.
        binned_share: what the bin sums of a Gaussian walk hold of its variance.
    """

    value: float
    error: float
    low: float
    high: float
    intercept: float
    start: int
    lags: NDArray[np.int64]
    weights: NDArray[np.float64]
    dof: float
    inflation: float
    bin_edges: NDArray[np.float64]
    variance: Variance
    binned_share: float

    def error_at(self, growth: float) -> float:
        """Return the standard error that this estimate would have if the truth were ``growth``."""
        return float(np.sqrt(self.variance.at(max(growth, 0.0))))


def fit_slope(
    series: Series,
    start: int,
    n_frames: int,
    n_coordinates: int,
    *,
    shape: StepShape = GAUSSIAN,
    confidence: float = 0.95,
) -> Slope:
    """Estimate the slope from the lags m, 2m, … for one window start m.

    Args:
        series: squared displacement per origin for a lag, mean over coordinates.
        start: the window's start m, frames.
        n_frames: length of the trajectory.
        n_coordinates: how many coordinates the series averages over (3 per ion).
        shape: of the displacements over lag m; sets the variance that is expected before the
            scatter of stretches is looked at.
        confidence: probability content of the interval.
    """
    lags = np.arange(1, MULTIPLES + 1, dtype=np.int64) * start
    lags = lags[: max(2, int((lags <= n_frames // 2).sum()))]
    values = [series(int(lag)) for lag in lags]
    msd = np.array([value.mean() for value in values])
    edges = _bin_edges(n_frames, int(lags[-1]))
    weights, noise = _weights(lags, msd, n_frames)
    value = float(weights @ msd)
    curve = VarianceCurve(lags, weights, n_frames, n_coordinates, noise, edges, max(value, 0.0))
    observed = bin_sums(values, lags, weights, edges)
    variance = expected_variance(value, curve, shape, float(msd[0]), start, n_frames)
    gaussian = curve.at(max(value, 0.0))
    prior = variance.at(max(value, 0.0)) / gaussian if gaussian > 0.0 else 1.0
    terms = n_coordinates * (edges[1] - edges[0]) / (3.0 * start)
    inflation, dof = scatter_inflation(observed, curve.binned, prior, terms)
    variance = variance.scaled(inflation / prior)
    low, high = _interval(value, variance, stats.t.ppf(0.5 + confidence / 2, dof))
    return Slope(
        value=value,
        error=float(np.sqrt(variance.at(max(value, 0.0)))),
        low=low,
        high=high,
        intercept=float(np.mean(msd - value * lags)),
        start=start,
        lags=lags,
        weights=weights,
        dof=dof,
        inflation=inflation,
        bin_edges=edges,
        variance=variance,
        binned_share=curve.binned / gaussian if gaussian > 0.0 else 1.0,
    )


def _bin_edges(n_frames: int, longest: int) -> NDArray[np.float64]:
    width = max(longest, n_frames / MAX_BINS)
    count = max(2, int(n_frames // width))
    return np.linspace(0.0, n_frames, count + 1)


def _weights(
    lags: NDArray[np.int64], msd: NDArray[np.float64], n_frames: int
) -> tuple[NDArray[np.float64], float]:
    """Return GLS slope weights, and the noise that they were made for."""
    design = np.stack([lags.astype(float), np.ones(len(lags))], axis=1)
    slope, intercept = np.linalg.lstsq(design, msd, rcond=None)[0]
    solution = np.linalg.pinv(design)
    scale = max(float(np.abs(msd).max()), 1e-300)
    for _ in range(2):
        growth = max(slope, 1e-3 * scale / lags[-1])
        noise = max(intercept / 2.0, 0.0)
        covariance, _ = walk_covariance(lags, n_frames, growth / scale, noise / scale, 1.0)
        solved = np.linalg.solve(covariance, design)
        solution = np.linalg.solve(design.T @ solved, solved.T)
        slope, intercept = solution @ msd
    return np.asarray(solution[0]), float(max(intercept / 2.0, 0.0))


def bin_sums(
    values: list[NDArray[np.float64]],
    lags: NDArray[np.int64],
    weights: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what each stretch of time adds to the estimate beyond its mean, shape (bins,).

    A displacement belongs to the stretch that holds its midpoint.

    Args:
        values: for each lag the squared displacement per origin, shape (origins,), Å².
        lags: shape (p,), frames.
        weights: shape (p,), 1/frame.
        edges: shape (bins + 1,), frames.
    """
    sums = np.zeros(len(edges) - 1)
    width = edges[1] - edges[0]
    for value, lag, weight in zip(values, lags, weights, strict=True):
        middle = np.arange(len(value)) + 0.5 * float(lag)
        owner = np.minimum((middle / width).astype(np.int64), len(sums) - 1)
        centred = weight * (value - value.mean()) / len(value)
        sums += np.bincount(owner, weights=centred, minlength=len(sums))
    return sums


def _interval(value: float, variance: Variance, quantile: float) -> tuple[float, float]:
    """Ends of the interval: the growths from which ``value`` is a quantile away.

    The variance depends on the true growth, and the estimate is skewed as a sum of squares
    and a number of jumps are; both enter (a score interval with a Cornish–Fisher term).
    """

    def excess(growth: float, sign: float) -> float:
        """Return how far the estimate lies above the quantile of what a true growth gives.

        Args:
            growth: the true growth, in the unit of the estimate.
            sign: +1 for the lower end of the interval, −1 for the upper one.
        """
        spread = np.sqrt(variance.at(max(growth, 0.0)))
        skew = variance.third_moment(max(growth, 0.0)) / spread**3 if spread > 0.0 else 0.0
        shift = sign * quantile + skew * (quantile**2 - 1.0) / 6.0
        return float(value - growth - shift * spread)

    step = max(abs(value), np.sqrt(variance.constant), 1e-300)
    low = _root(lambda growth: excess(growth, 1.0), value, -step)
    high = _root(lambda growth: excess(growth, -1.0), value, step)
    return low, high


def _root(function: Callable[[float], float], start: float, step: float) -> float:
    """Nearest sign change from ``start`` in the direction of ``step``; ±inf where none is."""
    near = start
    at_near = function(near)
    if at_near == 0.0:
        return near
    width = 0.1 * step
    for _ in range(60):
        far = near + width
        if function(far) * at_near < 0.0:
            return float(optimize.brentq(function, *sorted((near, far))))
        near, width = far, 1.3 * width
    return float(np.copysign(np.inf, step))
