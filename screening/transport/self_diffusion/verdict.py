"""What a set of ions does, by its slope, its MSD and the number of its jumps."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dualion.screening.transport.self_diffusion.msd import Msd
from dualion.screening.transport.self_diffusion.slope import Slope
from dualion.screening.transport.self_diffusion.window import WindowedSlope

MOBILE_N_EFF = 56.0
"""Effective jumps below which no ion is called mobile (He, Zhu, Mo, npj Comput. Mater. 4, 18
(2018), doi:10.1038/s41524-018-0074-y): the relative error is then above one half."""

BALLISTIC_SLOPE = 1.7
"""Log–log slope of the MSD from which motion is free flight."""

LEAST_LOG_SLOPE = 0.3
"""With a smaller log–log slope the window still holds mostly the intercept."""

CAGED_SHARE = 0.1
"""Ions whose diffusion over the run is surely below this share of a² are called vibrating."""

Verdict = Literal["diffusing", "rotating", "vibrating", "ballistic", "not resolved"]


def he_zhu_mo_error(n_eff: float) -> float:
    """Return relative error 3.43/√N_eff + 0.04 of D (He, Zhu, Mo 2018); ``inf`` without a jump."""
    return float(3.43 / np.sqrt(n_eff) + 0.04) if n_eff > 0.0 else np.inf


def window_log_slope(msd: Msd, slope: Slope) -> float:
    """Return d ln MSD/d ln t between the first and the last lag of the window.

    Args:
        msd: mean squared displacement over all lags.
        slope: the fit, whose lags bound the window.
    """
    first, last = int(slope.lags[0]), int(slope.lags[-1])
    low, high = msd.total[first], msd.total[last]
    if first == last or low <= 0.0 or high <= 0.0:
        return float("nan")
    return float(np.log(high / low) / np.log(last / first))


def choose_verdict(
    windowed: WindowedSlope,
    msd: Msd,
    n_eff: float,
    reach: float,
    hop_angstrom: float,
    log_slope: float,
) -> tuple[Verdict, tuple[str, ...]]:
    """Say what the ions do, and what a cautious reader should know.

    Args:
        windowed: slope of the MSD in the diffusive window.
        msd: mean squared displacement over all lags.
        n_eff: effective number of jumps (He, Zhu, Mo 2018).
        reach: largest MSD less the intercept, Å².
        hop_angstrom: length of a jump between sites, Å.
        log_slope: d ln MSD/d ln t at the window.

    Returns:
        The verdict, and names of flags.
    """
    slope = windowed.slope
    flags = []
    if not windowed.confirmed:
        flags.append("window_unconfirmed")
    if not windowed.merged:
        flags.append("few_jumps_or_unlike_ions")
    if _ballistic(msd):
        return "ballistic", (*flags, "free_flight")
    moves = slope.low > 0.0 and reach >= 0.5 * hop_angstrom**2
    if moves and n_eff >= MOBILE_N_EFF and windowed.confirmed and log_slope > LEAST_LOG_SLOPE:
        return "diffusing", tuple(flags)
    # Caged: what the data allow as diffusion is a small part of one jump over the whole run.
    if 3.0 * slope.high * msd.n_frames < CAGED_SHARE * hop_angstrom**2:
        return "vibrating", tuple(flags)
    if 0.0 < n_eff < MOBILE_N_EFF:
        flags.append("n_eff_below_56")
    if slope.low > 0.0 and reach < 0.5 * hop_angstrom**2:
        flags.append("msd_below_half_hop")
    return "not resolved", tuple(flags)


def _ballistic(msd: Msd) -> bool:
    """Whether the MSD still grows like t² at a quarter of the run."""
    late, early = msd.n_frames // 4, msd.n_frames // 16
    if early < 1 or msd.total[early] <= 0.0:
        return False
    growth = (late / early) ** BALLISTIC_SLOPE
    return bool(msd.total[late] > growth * msd.total[early])
