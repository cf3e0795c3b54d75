"""Published point estimators of D, by name, for comparison with the literature.

None of them has an error that can be trusted; ``diffusion.diffusion`` is the estimate to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.self_diffusion.msd import (
    collective_positions,
    mean_squared_displacement,
)
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS
from dualion.structures.errors import InputError

EstimatorName = Literal["end_point", "first_frame_line", "windowed_line"]
ESTIMATORS: tuple[EstimatorName, ...] = ("end_point", "first_frame_line", "windowed_line")


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEstimate:
    """A value of D without an error of its own.

    Attributes:
        name: the estimator.
        d_cm2_s: tracer D, cm²/s.
        d_collective_cm2_s: D of the summed displacement over the ions, cm²/s.
        haven_ratio: tracer over collective.
    """

    name: EstimatorName
    d_cm2_s: float
    d_collective_cm2_s: float
    haven_ratio: float


def point_estimate(
    name: EstimatorName, positions: ArrayLike, frame_step_ps: float
) -> PointEstimate:
    """Return a published estimator of D.

    ``end_point``: MSD/6t of the last frame against the first, the numbers of Cen et al.
    (2025). ``first_frame_line``: plain least-squares line through |r(t) − r(0)|².
    ``windowed_line``: line weighted by 1/t through the MSD over all origins at about 200 lags
    from 1 ps up to where 30 observations per ion-window are left, as pymatgen's
    DiffusionAnalyzer does with ``smoothed="max"``.

    Args:
        name: one of ``ESTIMATORS``.
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.

    Raises:
        InputError: the name is unknown, or the run is too short for the estimator.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    if name not in ESTIMATORS:
        raise InputError(f"There is no estimator {name!r}; choose from {', '.join(ESTIMATORS)}.")
    ions = array.shape[1]
    summed = collective_positions(array)
    tracer = _slope(name, array, step_ps, ions)
    collective = _slope(name, summed, step_ps, ions) / ions
    unit = CM2_S_PER_A2_PS / 6.0
    ratio = tracer / collective if collective > 0.0 else np.nan
    return PointEstimate(
        name=name,
        d_cm2_s=tracer * unit,
        d_collective_cm2_s=collective * unit,
        haven_ratio=float(ratio),
    )


def _slope(name: EstimatorName, array: NDArray[np.float64], step_ps: float, ions: int) -> float:
    """Slope of the squared displacement, Å²/ps."""
    times = np.arange(len(array), dtype=np.float64) * step_ps
    from_first = ((array - array[0]) ** 2).sum(axis=2).mean(axis=1)
    if name == "end_point":
        return float(from_first[-1] / times[-1])
    if name == "first_frame_line":
        return _line(times, from_first, np.ones(len(times)))
    lags = _windowed_lags(len(array), ions, step_ps)
    msd = mean_squared_displacement(array, step_ps).total[lags]
    return _line(times[lags], msd, np.reciprocal(times[lags]))


def _windowed_lags(n_frames: int, ions: int, step_ps: float) -> NDArray[np.int64]:
    least, observations = int(1.0 / step_ps + 1e-9), 30
    most = min(ions * n_frames // observations, n_frames)
    if least < 1 or least >= most:
        raise InputError(
            f"A run of {n_frames} frames of {step_ps} ps is too short for the windowed line, "
            "which starts at 1 ps."
        )
    return np.arange(least, most, max((most - least) // 200, 1))


def _line(
    times: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Slope of the weighted least-squares line."""
    mean_time = float(np.average(times, weights=weights))
    mean_value = float(np.average(values, weights=weights))
    spread = float((weights * (times - mean_time) ** 2).sum())
    return float((weights * (times - mean_time) * (values - mean_value)).sum() / spread)
