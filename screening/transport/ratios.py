"""Intervals of ratios of measured numbers.

A ratio of two uncertain numbers is skewed, and unbounded where the lower one may be zero; its
interval is the set of ratios ρ for which top − ρ·bottom may be zero (Fieller, J. R. Stat. Soc. B
16, 175 (1954), doi:10.1111/j.2517-6161.1954.tb00159.x). Where the intervals of both are not
symmetric, each side takes the end that faces it (MOVER-R; Newcombe, Stat. Methods Med. Res. 25,
1774 (2016), doi:10.1177/0962280213502144), which is Fieller's where they are.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from dualion.screening.transport.measured import UNKNOWN, Measured

QUANTILE = float(stats.norm.ppf(0.975))


def positive_ratio(top: Measured, bottom: Measured) -> Measured:
    """Ratio of two positive numbers that were measured apart from each other.

    Args:
        top: with its 95 % interval.
        bottom: with its 95 % interval; where that holds 0, the ratio has no upper limit.

    Returns:
        The ratio, its error to first order and its 95 % interval, cut at 0; unknown where one of
        them is not positive.
    """
    a, b = top.value, bottom.value
    if not (np.isfinite(a) and np.isfinite(b) and a > 0.0 and b > 0.0):
        return UNKNOWN
    relative = float(np.hypot(top.error / a, bottom.error / b))
    low, high = 0.0, np.inf
    if np.isfinite(bottom.high) and np.isfinite(top.low):
        rest = top.low * (2.0 * a - top.low)
        root = (a * b) ** 2 - rest * bottom.high * (2.0 * b - bottom.high)
        low = rest / (a * b + float(np.sqrt(max(root, 0.0))))
    if bottom.low > 0.0 and np.isfinite(top.high):
        scale = bottom.low * (2.0 * b - bottom.low)
        root = (a * b) ** 2 - top.high * (2.0 * a - top.high) * scale
        high = (a * b + float(np.sqrt(max(root, 0.0)))) / scale
    return Measured(value=a / b, error=a / b * relative, low=max(low, 0.0), high=high)


def share(part: float, part_error: float, rest: float, rest_error: float) -> Measured:
    """Share of one number in its sum with another that was measured apart from it.

    Args:
        part: the number.
        part_error: its standard error.
        rest: what else is in the sum.
        rest_error: its standard error.

    Returns:
        The share with its 95 % interval by Fieller; unknown where the sum may be zero.
    """
    total = part + rest
    variance = part_error**2 + rest_error**2
    z2 = QUANTILE**2
    scale = total**2 - z2 * variance
    if not (np.isfinite(total) and total > 0.0 and scale > 0.0):
        return UNKNOWN
    value = part / total
    # part − ρ·total has the variance σ_p² − 2ρσ_p² + ρ²σ²: part is in the total.
    middle = (part * total - z2 * part_error**2) / scale
    spread = middle**2 - (part**2 - z2 * part_error**2) / scale
    reach = float(np.sqrt(max(spread, 0.0)))
    # ∂(part/total) is 1 − share by the part itself, −share by the rest.
    error = float(np.hypot((1.0 - value) * part_error, value * rest_error)) / total
    return Measured(value=value, error=error, low=middle - reach, high=middle + reach)
