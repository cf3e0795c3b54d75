"""Where the diffusive regime begins: the rule that picks the first lag of the fit.

A start m is allowed once the jumps have merged (non-Gaussian parameter at most 1, which for
hops of length a means MSD ≥ 0.6 a²) and the run is long enough for the lags that it needs.
The earliest start is looked for whose slope agrees with those of all later starts within
their own errors (Lepski's rule): earlier ones are more precise, and a bias from vibration or
back-jumps would show against the later ones. Where some start disagreed, a memory was seen,
and the fit starts twice as late as the first that agrees: what the errors hide there has
faded by then (undersmoothing, as in Hall, Ann. Stat. 20, 675 (1992)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from dualion.screening.transport.self_diffusion.slope import Series, Slope, fit_slope
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN, StepShape

GROWTH = 1.5
"""Ratio of one candidate start to the one before."""

LATEST_SHARE = 4
"""The latest start is the run over this, so that twice the start is half the run."""

MERGED = 1.0
"""Largest non-Gaussian parameter at the window's start."""

SETTLING = 2.0
"""Where earlier starts were rejected, the fit starts this much later than the first that agrees."""

PRECISION_GAIN = 0.7
"""A later start is preferred where its interval is shorter than this share; errors are
themselves known to a fifth, so a smaller gain may be chance."""

DISAGREEMENT = 0.0015
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
    """List starts to try, in frames: ``least``, and later and earlier ones in even ratios.

    The earlier ones are tried for the memory that they show.

    Args:
        n_frames: length of the trajectory.
        least: the start that the fit may not precede, frames.
    """
    last = max(n_frames // LATEST_SHARE, 1)
    starts = [max(1, min(least, last))]
    while (following := max(starts[-1] + 1, round(starts[-1] * GROWTH))) <= last:
        starts.append(following)
    while (before := min(starts[0] - 1, round(starts[0] / GROWTH))) >= 1:
        starts.insert(0, before)
    return starts


def choose_window(
    series: Series,
    n_frames: int,
    n_coordinates: int,
    *,
    shape: Callable[[int], StepShape] | None = None,
    least: int = 1,
) -> WindowedSlope:
    """Pick the start of the diffusive regime and fit there.

    Args:
        series: squared displacement per origin for a lag, mean over coordinates, Å².
        n_frames: length of the trajectory.
        n_coordinates: how many coordinates the series averages over.
        shape: lag → shape of the displacements; none for collective coordinates, which are
            Gaussian by the central limit theorem.
        least: no earlier start than this, frames.
    """
    starts = candidate_starts(n_frames, least)
    shapes = [shape(m) if shape else GAUSSIAN for m in starts]
    fits = [
        fit_slope(series, m, n_frames, n_coordinates, shape=one)
        for m, one in zip(starts, shapes, strict=True)
    ]
    allowed = [i for i, m in enumerate(starts) if m >= least and shapes[i].non_gaussian <= MERGED]
    chosen = _find_precise(fits, max(_find_settled(fits), allowed[0] if allowed else len(fits) - 1))
    return WindowedSlope(
        slope=_widen(fits[chosen], fits[chosen + 1 :]),
        confirmed=chosen + 1 < len(fits),
        merged=bool(allowed),
    )


def _find_settled(fits: list[Slope]) -> int:
    """Number of the first start at which no memory of earlier motion is left.

    Where earlier starts disagreed with the later ones, what is left of the memory at the
    first that agrees is as large as the errors that hide it; so the fit starts later.
    """
    agreed = next(i for i in range(len(fits)) if _agrees(fits[i], fits[i + 1 :]))
    if agreed == 0:
        return 0
    late = (i for i, fit in enumerate(fits) if fit.start >= SETTLING * fits[agreed].start)
    return next(late, len(fits) - 1)


def _find_precise(fits: list[Slope], chosen: int) -> int:
    """Number of a later start whose interval is much shorter, if there is one.

    A walk is known best from its earliest displacements; what hardly leaves its vibration,
    from late ones.
    """
    later = range(chosen, max(chosen + 1, len(fits) - 1))
    best = min(later, key=lambda i: fits[i].high - fits[i].low)
    much = fits[best].high - fits[best].low < PRECISION_GAIN * (
        fits[chosen].high - fits[chosen].low
    )
    return best if much else chosen


def _difference_error(early: Slope, late: Slope) -> float:
    """Standard error of late − early if the truth is the early slope.

    The more precise of the two, which is the earlier unless all is vibration, is nearly
    efficient, so the variances subtract. Both are taken at the same true slope: an estimate's
    own error shrinks with its value, which would favour starts whose slope is low by chance.
    """
    before, after = early.error_at(early.value) ** 2, late.error_at(early.value) ** 2
    return float(np.sqrt(max(abs(after - before), 0.25 * max(after, before))))


def _agrees(slope: Slope, later: list[Slope]) -> bool:
    return all(
        abs(slope.value - other.value)
        <= stats.t.ppf(1.0 - DISAGREEMENT, other.dof) * _difference_error(slope, other)
        for other in later
    )


def _widen(slope: Slope, later: list[Slope]) -> Slope:
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
