"""Self-diffusion coefficient of one set of ions, with its interval and a verdict.

D = slope / 2 per coordinate, the slope from ``window.choose_window``: generalised least
squares with an intercept in a diffusive window that a rule finds. Å²/ps = 1e-4 cm²/s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.self_diffusion.lag_cache import STILL_ANGSTROM2, LagCache
from dualion.screening.transport.self_diffusion.msd import PAIRS, Msd, mean_squared_displacement
from dualion.screening.transport.self_diffusion.slope import Slope, bin_sums
from dualion.screening.transport.self_diffusion.upper_limit import (
    CM2_S_PER_A2_PS,
    d_of_one_jump,
    jump_limit,
)
from dualion.screening.transport.self_diffusion.verdict import (
    Verdict,
    choose_verdict,
    he_zhu_mo_error,
    window_log_slope,
)
from dualion.screening.transport.self_diffusion.window import WindowedSlope, choose_window

LEAST_FRAMES = 10
"""Fewer frames than this give no slope worth its error."""

DEFAULT_HOP_ANGSTROM = 3.0
"""Typical distance between cation sites of solid electrolytes, Å."""

REACH_SHARE = 0.7
"""Share of the run up to whose lag the largest MSD is looked for; later ones have few origins."""

PosteriorName = Literal["closed form", "kinisi", "closed form and kinisi"]
"""The last for replicas of which some have one and some the other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diffusion:
    """Self-diffusion of one set of ions.

    Attributes:
        species: what moves.
        n_ions: number of ions averaged over.
        d_cm2_s: D, cm²/s; NaN where the run is too short for any estimate.
        error_cm2_s: standard error of D, cm²/s; ``inf`` beside a NaN.
        low_cm2_s: lower end of the 95 % interval, cm²/s.
        high_cm2_s: upper end, cm²/s; ``inf`` where the data set none. What a run without resolved
            diffusion allows is ``upper_cm2_s``.
        tensor_cm2_s: shape (3, 3), D tensor, cm²/s.
        tensor_error_cm2_s: shape (3, 3), standard errors, cm²/s.
        tensor_dof: degrees of freedom of these errors.
        intercept_angstrom2: line's value at t = 0, Å²: vibration and back-jumps.
        window_ps: first and last lag of the fit, ps.
        n_eff: N · (largest MSD − intercept) / a², effective number of jumps.
        relative_error_he_zhu_mo: 3.43/√N_eff + 0.04.
        log_slope: d ln MSD/d ln t at the window.
        non_gaussian: α₂ at the window's start.
        inflation: variance over that of independent Gaussian walkers.
        verdict: what the ions do.
        flags: names of what a cautious reader should know.
        posterior: what gave D, its error and interval; all else is of the closed form.
        one_jump_cm2_s: D that one jump of one ion in the run makes, cm²/s; NaN where unknown.
    """

    species: str
    n_ions: int
    d_cm2_s: float
    error_cm2_s: float
    low_cm2_s: float
    high_cm2_s: float
    tensor_cm2_s: NDArray[np.float64]
    tensor_error_cm2_s: NDArray[np.float64]
    tensor_dof: float
    intercept_angstrom2: float
    window_ps: tuple[float, float]
    n_eff: float
    relative_error_he_zhu_mo: float
    log_slope: float
    non_gaussian: float
    inflation: float
    verdict: Verdict
    flags: tuple[str, ...] = ()
    posterior: PosteriorName = "closed form"
    one_jump_cm2_s: float = np.nan

    @property
    def resolved(self) -> bool:
        """Whether D is a result; else there is a limit, ``upper_cm2_s``."""
        return self.verdict == "diffusing"

    @property
    def upper_cm2_s(self) -> float:
        """Upper limit of D, cm²/s, where it is not resolved; ``inf`` without one, else NaN.

        It allows the jumps that the run was too short to see, which the interval of the slope
        does not hold (``upper_limit``).
        """
        if self.resolved:
            return float("nan")
        if self.verdict == "ballistic":  # the slope still grows
            return float("inf")
        if not np.isfinite(self.one_jump_cm2_s):
            return self.high_cm2_s
        return max(self.high_cm2_s, jump_limit(self.d_cm2_s, self.one_jump_cm2_s))

    @property
    def principal_axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Principal D, shape (3,), cm²/s, falling, and their unit vectors as rows (3, 3)."""
        if not np.isfinite(self.tensor_cm2_s).all():
            return np.full(3, np.nan), np.eye(3)
        values, vectors = np.linalg.eigh(self.tensor_cm2_s)
        return values[::-1].copy(), vectors[:, ::-1].T.copy()


def diffusion(
    positions: ArrayLike,
    frame_step_ps: float,
    *,
    species: str = "ions",
    hop_length_angstrom: float = DEFAULT_HOP_ANGSTROM,
    msd: Msd | None = None,
    earliest_ps: float = 0.0,
) -> Diffusion:
    """Estimate D of a set of ions that are alike.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.
        species: name for the result.
        hop_length_angstrom: length of a jump between sites, Å; only ``n_eff``, the verdict and
            the upper limit use it.
        msd: the MSD of these positions, if it is at hand.
        earliest_ps: the window starts no earlier than this, ps.

    Raises:
        InputError: wrong shape, a number that is not finite, or a bad time step.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    msd = msd or mean_squared_displacement(array, step_ps)
    if len(array) < LEAST_FRAMES:
        return _make_unresolved(species, array, "too_few_frames")
    if msd.total.max() < STILL_ANGSTROM2:
        return _make_motionless(species, array, step_ps, hop_length_angstrom)
    cache = LagCache(array)
    windowed = choose_window(
        cache.trace,
        len(array),
        3 * array.shape[1],
        shape=cache.shape,
        least=max(1, round(earliest_ps / step_ps)),
    )
    return _assemble(species, cache, windowed, msd, step_ps, hop_length_angstrom)


def _assemble(
    species: str,
    cache: LagCache,
    windowed: WindowedSlope,
    msd: Msd,
    step_ps: float,
    hop_angstrom: float,
) -> Diffusion:
    slope = windowed.slope
    unit = CM2_S_PER_A2_PS / (2.0 * step_ps)
    tensor, tensor_error = _tensor(cache, slope)
    alpha = cache.shape(slope.start).non_gaussian
    log_slope = window_log_slope(msd, slope)
    reach = float(msd.total[: int(REACH_SHARE * msd.n_frames)].max()) - 3.0 * slope.intercept
    n_eff = cache.n_ions * max(reach, 0.0) / hop_angstrom**2
    verdict, flags = choose_verdict(windowed, msd, n_eff, reach, hop_angstrom, log_slope)
    return Diffusion(
        species=species,
        n_ions=cache.n_ions,
        d_cm2_s=slope.value * unit,
        error_cm2_s=slope.error * unit,
        low_cm2_s=slope.low * unit,
        high_cm2_s=slope.high * unit,
        tensor_cm2_s=tensor * unit,
        tensor_error_cm2_s=tensor_error * unit,
        tensor_dof=float(len(slope.bin_edges) - 2),
        intercept_angstrom2=3.0 * slope.intercept,
        window_ps=(slope.start * step_ps, float(slope.lags[-1]) * step_ps),
        n_eff=n_eff,
        relative_error_he_zhu_mo=he_zhu_mo_error(n_eff),
        log_slope=log_slope,
        non_gaussian=alpha,
        inflation=slope.inflation,
        verdict=verdict,
        flags=flags,
        one_jump_cm2_s=d_of_one_jump(cache.n_ions, cache.n_frames * step_ps, hop_angstrom),
    )


def _tensor(cache: LagCache, slope: Slope) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope of each tensor component and its error, shape (3, 3), Å² per frame.

    The scatter over stretches is scaled by the ratio of the trace's error to its own scatter,
    so that the components share the trace's calibration.
    """
    values = [cache.tensor(int(lag)) for lag in slope.lags]
    trace = bin_sums(
        [v[:3].mean(axis=0) for v in values], slope.lags, slope.weights, slope.bin_edges
    )
    scatter = float(np.sqrt((trace**2).sum()))
    calibration = slope.error / scatter if scatter > 0.0 else np.nan
    mean, error = np.zeros((3, 3)), np.zeros((3, 3))
    for number, (a, b) in enumerate(PAIRS):
        parts = [v[number] for v in values]
        mean[a, b] = mean[b, a] = float(
            sum(w * p.mean() for w, p in zip(slope.weights, parts, strict=True))
        )
        sums = bin_sums(parts, slope.lags, slope.weights, slope.bin_edges)
        error[a, b] = error[b, a] = calibration * float(np.sqrt((sums**2).sum()))
    return mean, error


def _make_unresolved(species: str, array: NDArray[np.float64], flag: str) -> Diffusion:
    empty = np.full((3, 3), np.nan)
    return Diffusion(
        species=species,
        n_ions=array.shape[1],
        d_cm2_s=np.nan,
        error_cm2_s=np.inf,
        low_cm2_s=-np.inf,
        high_cm2_s=np.inf,
        tensor_cm2_s=empty,
        tensor_error_cm2_s=np.full((3, 3), np.inf),
        tensor_dof=0.0,
        intercept_angstrom2=np.nan,
        window_ps=(np.nan, np.nan),
        n_eff=0.0,
        relative_error_he_zhu_mo=np.inf,
        log_slope=np.nan,
        non_gaussian=np.nan,
        inflation=np.nan,
        verdict="not resolved",
        flags=(flag,),
    )


def _make_motionless(
    species: str, array: NDArray[np.float64], step_ps: float, hop_angstrom: float
) -> Diffusion:
    """Atoms that do not move at all: a static file or a run at zero temperature."""
    one_jump = d_of_one_jump(array.shape[1], len(array) * step_ps, hop_angstrom)
    limit = jump_limit(0.0, one_jump)
    return replace(
        _make_unresolved(species, array, "no_motion"),
        d_cm2_s=0.0,
        error_cm2_s=limit,
        low_cm2_s=0.0,
        high_cm2_s=limit,
        verdict="vibrating",
        one_jump_cm2_s=one_jump,
    )
