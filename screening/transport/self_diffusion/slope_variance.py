"""Variance of a slope: what is expected of independent walkers, and what the scatter adds.

The analytical variance is that of a Gaussian walk with white noise (``walk_covariance``). The
scatter of the estimate between stretches of the run corrects it: that holds the non-Gaussian
steps of hopping ions and the correlation between ions, which no formula for independent
walkers has. Where stretches are few the result is drawn towards the analytical variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion._walk_kernel import walk_covariance
from dualion.screening.transport.self_diffusion.step_shape import StepShape

PRIOR_LOG_SPREAD = 0.5
"""Prior scatter of ln(true variance / analytical variance)."""

SKEW_SHARE = 0.8
"""Skewness of the estimate over that of the χ² variable of the same relative error.

∫ψ³/(∫ψ²)^{3/2}/√(∫ψ²) with ψ = 1 + 2 cos ω, the filter of a slope with intercept: 7/9.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """Variance of a slope where the true growth is g: c₀ + (c₁ + j) g + c₂ g².

    Attributes:
        constant: c₀, of vibration alone.
        linear: c₁, of vibration and walk together.
        quadratic: c₂, of the walk.
        jumps: j, of the number of jumps in the run, which scatters like a count.
    """

    constant: float
    linear: float
    quadratic: float
    jumps: float

    def at(self, growth: float) -> float:
        """Return the variance where the true growth is ``growth``, not negative."""
        linear = self.linear + self.jumps
        return self.constant + growth * (linear + growth * self.quadratic)

    def scaled(self, factor: float) -> Variance:
        """Return this with all parts multiplied."""
        return Variance(
            constant=factor * self.constant,
            linear=factor * self.linear,
            quadratic=factor * self.quadratic,
            jumps=factor * self.jumps,
        )

    def third_moment(self, growth: float) -> float:
        """Return the third central moment: of a sum of squares, and of a number of jumps."""
        return growth * (2.0 * SKEW_SHARE * (self.quadratic * growth) ** 2 + self.jumps**2)


class VarianceCurve:
    """Analytical variance of the slope as a function of the true growth: a parabola."""

    def __init__(
        self,
        lags: NDArray[np.int64],
        weights: NDArray[np.float64],
        n_frames: int,
        n_coordinates: int,
        noise: float,
        edges: NDArray[np.float64],
        growth: float,
    ) -> None:
        width = float(edges[1] - edges[0])

        def variance(at: float) -> tuple[float, float]:
            full, binned = walk_covariance(lags, n_frames, at, noise, width)
            return (
                float(weights @ full @ weights) / n_coordinates,
                float(weights @ binned @ weights) / n_coordinates,
            )

        scale = growth or noise / float(lags[-1]) or 1.0
        none, one, two = (variance(f * scale)[0] for f in (0.0, 1.0, 2.0))
        self.constant = none
        self.quadratic = max((two - 2.0 * one + none) / (2.0 * scale**2), 0.0)
        self.linear = max((one - none) / scale - self.quadratic * scale, 0.0)
        self.binned = variance(growth)[1]
        self.n_coordinates = n_coordinates

    def at(self, growth: float) -> float:
        """Return the variance where the true growth is ``growth``."""
        return self.constant + growth * (self.linear + growth * self.quadratic)


def expected_variance(
    value: float,
    curve: VarianceCurve,
    shape: StepShape,
    first_msd: float,
    start: int,
    n_frames: int,
) -> Variance:
    """Return the variance before the scatter of stretches is looked at.

    The number of jumps in the run fluctuates, which adds 5/3 α₂ m / (N T) to the relative
    variance, α₂ being that of the jumps alone: of ``first_msd`` (Å² per coordinate, at lag m),
    all but the growth is vibration, which is Gaussian.

    Args:
        value: slope, Å² per frame and coordinate.
        curve: variance of independent Gaussian walkers.
        shape: of the displacements over lag m.
        first_msd: MSD at lag m, Å² per coordinate.
        start: the window's start m, frames.
        n_frames: length T of the trajectory.
    """
    jumps = 0.0
    if value > 3.0 * np.sqrt(curve.at(max(value, 0.0))) and shape.jumps > 0.0:
        alone = shape.jumps * max(first_msd / (value * start), 1.0) ** 2
        relative = (5.0 / 3.0) * alone * start / (n_frames * curve.n_coordinates / 3.0)
        jumps = relative * value / shape.directions
    return Variance(
        constant=curve.constant, linear=curve.linear, quadratic=curve.quadratic, jumps=jumps
    ).scaled(shape.directions * shape.together)


def scatter_inflation(
    observed: NDArray[np.float64], expected: float, prior: float, terms: float
) -> tuple[float, float]:
    """Combine the scatter of the stretches with the prior.

    Args:
        observed: shape (bins,), bin sums.
        expected: sum of their squares for Gaussian walkers.
        prior: variance over the Gaussian one, expected before looking.
        terms: independent squares in one bin.

    Returns:
        The variance over the Gaussian one, and the degrees of freedom it is known with.
    """
    bins = len(observed)
    scatter = float((observed**2).sum()) * bins / (bins - 1)
    if expected <= 0.0 or scatter <= 0.0:
        return prior, float(bins)
    # A stretch is a sum of few squares, so its square scatters more than a Gaussian's.
    dof = (bins - 1) * 2.0 / (2.0 + 12.0 / max(terms, 1.0))
    spread = 2.0 / dof
    share = PRIOR_LOG_SPREAD**2 / (PRIOR_LOG_SPREAD**2 + spread)
    # E[ln χ²_ν/ν] ≈ −1/ν.
    log_ratio = np.log(scatter / expected / prior) + 1.0 / dof
    return float(prior * np.exp(share * log_ratio)), float(2.0 / (spread * share))
