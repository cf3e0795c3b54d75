"""How far the mean squared displacement of a run may be from that of an endless one.

The scatter of the ions gives the error where there are eight or more. Fewer give none worth its
name; there the error is that of a walk, whose squared displacements over overlapping stretches
correlate as (1 − h/k)² (Qian, Sheetz, Elson, Biophys. J. 60, 910 (1991),
doi:10.1016/S0006-3495(91)82125-7), with the spread of the displacements themselves. It is too large
for ions that only vibrate, which forget sooner. Both count ions that go together once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dualion.screening.transport._checks import checked_positions, checked_step, log_lags
from dualion.screening.transport.self_diffusion._displacement_kernel import ion_tensor_sums
from dualion.screening.transport.self_diffusion.lag_cache import STILL_ANGSTROM2, LagCache

LEAST_IONS = 8
"""Fewer ions scatter too little to tell an error."""

LAGS = 30
REACH_SHARE = 0.7
"""Share of the run up to whose lag a band is given; beyond, few origins are left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MsdBand:
    """The 95 % interval of a mean squared displacement, at lags that are even on a log axis.

    Attributes:
        times_ps: shape (m,), ps.
        msd_angstrom2: shape (m,), Å².
        low_angstrom2: shape (m,), lower end, Å².
        high_angstrom2: shape (m,), upper end, Å².
    """

    times_ps: NDArray[np.float64]
    msd_angstrom2: NDArray[np.float64]
    low_angstrom2: NDArray[np.float64]
    high_angstrom2: NDArray[np.float64]


def msd_band(positions: ArrayLike, frame_step_ps: float) -> MsdBand:
    """Return the 95 % interval of the MSD of a set of ions.

    A squared displacement is never negative, so the interval is that of a scaled χ² of the same
    relative error.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.

    Raises:
        InputError: wrong shape, a number that is not finite, or a bad time step.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    lags = log_lags(max(2, int(REACH_SHARE * len(array))), LAGS)
    cache = LagCache(array)
    found = np.array([_mean_and_relative(cache, int(lag)) for lag in lags])
    mean, relative = found[:, 0], np.maximum(found[:, 1], 1e-6)
    dof = 2.0 / relative**2
    return MsdBand(
        times_ps=np.asarray(lags * step_ps, dtype=np.float64),
        msd_angstrom2=mean,
        low_angstrom2=mean * dof / stats.chi2.ppf(0.975, dof),
        high_angstrom2=mean * dof / stats.chi2.ppf(0.025, dof),
    )


def _mean_and_relative(cache: LagCache, lag: int) -> tuple[float, float]:
    """The MSD over one lag, Å², and its relative standard error."""
    origins = cache.n_frames - lag
    of_ions = np.trace(ion_tensor_sums(cache.positions, lag), axis1=1, axis2=2) / origins
    mean = float(of_ions.mean())
    if mean <= STILL_ANGSTROM2:
        return mean, 0.0
    shape = cache.shape(min(lag, cache.n_frames // 3))  # later lags have too few origins
    if cache.n_ions >= LEAST_IONS:
        variance = float(of_ions.var(ddof=1)) / mean**2
    else:
        spread = max(2.0 / 3.0 * shape.directions, 2.0 / 3.0 + 5.0 / 3.0 * shape.non_gaussian)
        variance = spread * overlap_share(lag, origins)
    return mean, float(np.sqrt(variance * shape.together / cache.n_ions))


def overlap_share(lag: int, origins: int) -> float:
    """Variance of a walk's mean square over overlapping stretches, over that of one stretch.

    Args:
        lag: frames of a stretch.
        origins: number of stretches, each a frame later than the one before.
    """
    apart = np.arange(1, min(lag, origins))
    pairs = 2.0 * (origins - apart) * (1.0 - apart / lag) ** 2
    return float((origins + pairs.sum()) / origins**2)
