"""D of each stretch of a run: the plainest error there is, beside the interval of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.slope import MULTIPLES, fit_slope
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS

MOST_BLOCKS = 10
FEWEST_BLOCKS = 3
"""The scatter of two numbers is no error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockDiffusion:
    """D of blocks of equal length that share no displacement.

    Attributes:
        block_ps: length of a block, ps.
        d_cm2_s: shape (blocks,), D of each, cm²/s.
        mean_cm2_s: their mean, cm²/s.
        error_cm2_s: standard error of the mean from their scatter, cm²/s.
        low_cm2_s: lower end of the 95 % interval (Student), cm²/s.
        high_cm2_s: upper end, cm²/s.
    """

    block_ps: float
    d_cm2_s: NDArray[np.float64]
    mean_cm2_s: float
    error_cm2_s: float
    low_cm2_s: float
    high_cm2_s: float


def block_diffusion(
    positions: ArrayLike, frame_step_ps: float, start_ps: float
) -> tuple[BlockDiffusion, ...]:
    """Estimate D in each block of a run, with the fit of the whole run.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.
        start_ps: start of the diffusive window of the whole run, ps.

    Returns:
        One result; none where the run holds fewer than three blocks of twice the window's lags.

    Raises:
        InputError: wrong shape, a number that is not finite, or a bad time step.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    if not np.isfinite(start_ps):
        return ()
    start = max(1, round(start_ps / step_ps))
    count = min(MOST_BLOCKS, len(array) // (2 * MULTIPLES * start))
    if count < FEWEST_BLOCKS:
        count = min(FEWEST_BLOCKS, len(array) // (MULTIPLES * start))
    if count < FEWEST_BLOCKS:
        return ()
    length = len(array) // count
    unit = CM2_S_PER_A2_PS / (2.0 * step_ps)
    values = []
    for number in range(count):
        own = np.ascontiguousarray(array[number * length : (number + 1) * length])
        slope = fit_slope(LagCache(own).trace, start, length, 3 * array.shape[1])
        values.append(slope.value * unit)
    return (_summarise(np.array(values), length * step_ps),)


def _summarise(values: NDArray[np.float64], block_ps: float) -> BlockDiffusion:
    mean = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return BlockDiffusion(
        block_ps=block_ps,
        d_cm2_s=values,
        mean_cm2_s=mean,
        error_cm2_s=error,
        low_cm2_s=mean - reach,
        high_cm2_s=mean + reach,
    )
