"""Slopes of the products of collective paths, with their errors: the algebra of σ_ij and t_i."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.self_diffusion.slope import Slope, bin_sums
from dualion.screening.transport.self_diffusion.slope_variance import scatter_inflation

FAR_RATIO = 4.0
"""Scatter over analytical variance beyond which the latter is not believed."""


def displacement_products(
    one: NDArray[np.float64], other: NDArray[np.float64], lag: int
) -> NDArray[np.float64]:
    """Return ΔJ·ΔJ'/3 over one lag for each time origin, shape (frames − lag,).

    Args:
        one: shape (frames, 3), a collective path J, e·Å.
        other: shape (frames, 3), a collective path J', e·Å.
        lag: frames between the two ends.
    """
    return np.asarray(((one[lag:] - one[:-lag]) * (other[lag:] - other[:-lag])).sum(axis=1) / 3.0)


ROUNDING = 1e-7
"""A transport number with a smaller error is fixed, not measured: its variance is a difference
of squares, which rounding leaves at 1e-16."""

LARGEST_RATIO = 1e60
"""Relative error of a slope from which it is no number: its square must not overflow."""


class CollectiveSlopes:
    """Slopes and scatter of all products of collective displacements, on one window."""

    def __init__(self, paths: NDArray[np.float64], slope: Slope) -> None:
        self.slope = slope
        count = paths.shape[1]
        bins = len(slope.bin_edges) - 1
        self.values = np.zeros((count, count))
        self.bins = np.zeros((count, count, bins))
        for i in range(count):
            for j in range(i, count):
                parts = [
                    displacement_products(paths[:, i], paths[:, j], int(lag)) for lag in slope.lags
                ]
                mean = sum(w * p.mean() for w, p in zip(slope.weights, parts, strict=True))
                self.values[i, j] = self.values[j, i] = float(mean)
                scatter = bin_sums(parts, slope.lags, slope.weights, slope.bin_edges)
                self.bins[i, j] = self.bins[j, i] = scatter
        # Relative variance of the square of a Gaussian path: 2 g², noise included, no inflation.
        value = max(slope.value, 1e-3 * slope.error, 1e-150)
        ratio = min(slope.error_at(slope.value) / value, LARGEST_RATIO)
        self.relative = ratio**2 / slope.inflation
        self.terms = (slope.bin_edges[1] - slope.bin_edges[0]) / slope.start

    def _spread(self, bins: NDArray[np.float64], gaussian: float) -> tuple[float, float]:
        """Standard error and degrees of freedom of a combination of products.

        The analytical variance of a product knows nothing of what vibrates along with it, so
        it is dropped where the scatter of the stretches is far from it.
        """
        count = len(bins)
        scatter = float((bins**2).sum()) * count / (count - 1) / self.slope.binned_share
        if gaussian <= 0.0 or not 1.0 / FAR_RATIO < scatter / gaussian < FAR_RATIO:
            return float(np.sqrt(max(scatter, gaussian))), float(count - 1)
        inflation, dof = scatter_inflation(
            bins, gaussian * self.slope.binned_share, 1.0, self.terms
        )
        return float(np.sqrt(inflation * gaussian)), dof

    def entries(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return σ_ij and their standard errors, (e·Å)² per frame."""
        count = len(self.values)
        errors = np.zeros((count, count))
        for i in range(count):
            for j in range(count):
                own = max(self.values[i, i], 0.0) * max(self.values[j, j], 0.0)
                gaussian = 0.5 * self.relative * (own + self.values[i, j] ** 2)
                errors[i, j] = self._spread(self.bins[i, j], gaussian)[0]
        return self.values, errors

    def number(self, chosen: NDArray[np.bool_]) -> Measured:
        """Return the transport number of some groups together.

        t is the slope of the regression of J_chosen on J; its scatter is that of the product
        of J with the remainder J_chosen − t J.
        """
        total = float(self.values.sum())
        if not chosen.any():
            return Measured(value=0.0, error=0.0, low=0.0, high=0.0)
        if chosen.all():
            return Measured(value=1.0, error=0.0, low=1.0, high=1.0)
        own = float(self.values[np.ix_(chosen, chosen)].sum())
        if abs(own) < 1e-12 * max(float(np.abs(self.values).max()), 1e-300):
            return Measured(value=0.0, error=0.0, low=0.0, high=0.0)
        if total <= 0.0 or self.slope.low <= 0.0:
            return UNKNOWN
        part = float(self.values[chosen].sum())
        t = part / total
        remainder = max(own - 2.0 * t * part + t**2 * total, 0.0)
        gaussian = 0.5 * self.relative * remainder / total
        bins = (self.bins[chosen].sum(axis=(0, 1)) - t * self.bins.sum(axis=(0, 1))) / total
        error, dof = self._spread(bins, gaussian)
        if error < ROUNDING:
            return Measured(value=t, error=0.0, low=t, high=t)
        # σ itself is a sum of few squares, so t follows Student's law.
        squares = 2.0 / max(self.relative, 1e-12)
        quantile = float(stats.t.ppf(0.975, max(1.0, min(dof, squares))))
        return Measured(value=t, error=error, low=t - quantile * error, high=t + quantile * error)
