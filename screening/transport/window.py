"""Where the diffusive regime begins: the rule that picks the first lag of the fit.

A start m is allowed once the jumps have merged (non-Gaussian parameter at most 1, which for
hops of length a means MSD ≥ 0.6 a²) and the run is long enough for the lags that it needs.
Among the allowed starts the earliest is taken whose slope agrees with those of all later
starts within their own errors (Lepski's rule): earlier ones are more precise, and a bias from
vibration or back-jumps would show against the later ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from screening.transport.slope import Series, Slope, fit_slope

GROWTH = 1.5
"""Ratio of one candidate start to the one before."""

LATEST_SHARE = 4
"""The latest start is the run over this, so that twice the start is half the run."""

MERGED = 1.0
"""Largest non-Gaussian parameter at the window's start."""

DISAGREEMENT = 0.005
"""Chance that a later start of a clean walk is found to disagree, on each side; small, because
there may be twenty later starts, and a clean walk shall keep its earliest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowedSlope:
    """The slope at the chosen start.

    Attributes:
        slope: the estimate, its interval widened by what the choice of the start changes.
        confirmed: whether at least one later start agrees with the chosen one.
        merged: whether the jumps have merged at the chosen start.
    """

    slope: Slope
    confirmed: bool
    merged: bool


def candidate_starts(n_frames: int, least: int = 1) -> list[int]:
    """Starts to try, in frames, from ``least``."""
    last = max(n_frames // LATEST_SHARE, 1)
    starts = [max(1, min(least, last))]
    while True:
        following = max(starts[-1] + 1, round(starts[-1] * GROWTH))
        if following > last:
            return starts
        starts.append(following)


def choose_window(
    series: Series,
    n_frames: int,
    n_coordinates: int,
    *,
    excess: Callable[[int], float] | None = None,
    least: int = 1,
) -> WindowedSlope:
    """Pick the start of the diffusive regime and fit there.

    Args:
        series: squared displacement per origin for a lag, mean over coordinates, Å².
        n_frames: length of the trajectory.
        n_coordinates: how many coordinates the series averages over.
        excess: lag → non-Gaussian parameter; none for collective coordinates, which are
            Gaussian by the central limit theorem.
        least: no earlier start than this, frames.
    """
    starts = candidate_starts(n_frames, least)
    alphas = [excess(m) if excess else 0.0 for m in starts]
    allowed = [i for i, alpha in enumerate(alphas) if alpha <= MERGED]
    first = allowed[0] if allowed else len(starts) - 1
    fits = [
        fit_slope(series, m, n_frames, n_coordinates, excess=alpha)
        for m, alpha in zip(starts[first:], alphas[first:], strict=True)
    ]
    chosen = next(i for i in range(len(fits)) if _agrees(fits[i], fits[i + 1 :]))
    return WindowedSlope(
        slope=_widened(fits[chosen], fits[chosen + 1 :]),
        confirmed=chosen + 1 < len(fits),
        merged=bool(allowed),
    )


def _difference_error(early: Slope, late: Slope) -> float:
    """Standard error of late − early if the truth is the early slope.

    The earlier estimate is nearly efficient, so the variances subtract. Both are taken at the
    same true slope: an estimate's own error shrinks with its value, which would favour starts
    whose slope is low by chance.
    """
    before, after = early.error_at(early.value), late.error_at(early.value)
    return float(np.sqrt(max(after**2 - before**2, 0.25 * after**2)))


def _agrees(slope: Slope, later: list[Slope]) -> bool:
    return all(
        abs(slope.value - other.value)
        <= stats.t.ppf(1.0 - DISAGREEMENT, other.dof) * _difference_error(slope, other)
        for other in later
    )


def _widened(slope: Slope, later: list[Slope]) -> Slope:
    """Add the part of the change to a twice later start that its error does not explain."""
    following = next((s for s in later if s.start >= 2 * slope.start), None)
    if following is None:
        return slope
    change = (slope.value - following.value) ** 2 - _difference_error(slope, following) ** 2
    if change <= 0.0 or slope.error <= 0.0:
        return slope
    factor = float(np.sqrt(1.0 + change / slope.error**2))
    return replace(
        slope,
        error=slope.error * factor,
        low=slope.value - (slope.value - slope.low) * factor,
        high=slope.value + (slope.high - slope.value) * factor,
    )
