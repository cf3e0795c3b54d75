"""D by kinisi's Bayesian regression, over the MSD and the window found here.

kinisi: McCluskey, Coles, Morgan, J. Chem. Theory Comput. (2025), doi:10.1021/acs.jctc.4c01249.
It is a second opinion: its covariance takes the ions for independent, ours does not. It also holds
where the MSD outgrows the square root of time (``supported_lags``); elsewhere its matrix has
negative eigenvalues, the likelihood no maximum, and the sampler runs to 1e17 cm²/s and more.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.self_diffusion._displacement_kernel import even_moments
from dualion.screening.transport.self_diffusion.upper_limit import CM2_S_PER_A2_PS
from dualion.structures.errors import MissingDependencyError

MAX_LAGS = 60
"""Lags handed to the regression; its cost grows with their square."""

SUPPORTED_SHARE = 0.5
"""Least share of the lags at which kinisi's covariance holds; with fewer the MSD has bent, and
the lags that are left are those where it was steep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Samples of D summed up.

    Attributes:
        d_cm2_s: mean, cm²/s.
        error_cm2_s: standard deviation, cm²/s.
        low_cm2_s: 2.5 % quantile, cm²/s.
        high_cm2_s: 97.5 % quantile, cm²/s.
    """

    d_cm2_s: float
    error_cm2_s: float
    low_cm2_s: float
    high_cm2_s: float


def has_kinisi() -> bool:
    """Return whether kinisi can be imported."""
    return importlib.util.find_spec("kinisi") is not None


def kinisi_posterior(
    positions: ArrayLike, frame_step_ps: float, window_start_ps: float, *, seed: int = 0
) -> tuple[Posterior, ...]:
    """Sample the posterior of D with kinisi; none where its covariance does not hold.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.
        window_start_ps: first lag of the regression, ps.
        seed: of the sampler.

    Raises:
        MissingDependencyError: kinisi is not installed.
        InputError: wrong shape, a number that is not finite, or a bad time step.
    """
    if not has_kinisi():
        raise MissingDependencyError(
            "kinisi is not installed; install it with pip install 'dualion[kinisi]', or use the "
            "closed form."
        )
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    start = max(1, round(window_start_ps / step_ps))
    regression = kinisi_regression(array, step_ps, start)
    offered = len(_lags(start, len(array)))
    if regression.dg["da"].sizes["time interval"] < max(3, SUPPORTED_SHARE * offered):
        return ()
    before = np.random.get_state()  # noqa: NPY002  (kinisi seeds numpy's global state)
    try:
        _sample(regression, start * step_ps, seed)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    draws = np.asarray(regression.gradient.values) / 6.0 * CM2_S_PER_A2_PS
    low, high = np.quantile(draws, [0.025, 0.975])
    return (
        Posterior(
            d_cm2_s=float(draws.mean()),
            error_cm2_s=float(draws.std()),
            low_cm2_s=float(low),
            high_cm2_s=float(high),
        ),
    )


def supported_lags(
    variances: NDArray[np.float64], samples: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which lags kinisi's covariance holds for, shape (lags,).

    It sets cov(i, j) = σ²_i n_i/n_j for lags i ≤ j (McCluskey et al., eq. 8). Such a matrix,
    u_i v_j with u = n σ² and v = 1/n, is positive definite only where u/v = n²σ² grows with the
    lag; as σ² is near 2/3 MSD²/n, the MSD must outgrow the square root of time.

    Args:
        variances: shape (lags,), σ² of the MSD at rising lags, Å⁴.
        samples: shape (lags,), n, independent displacements.
    """
    growth = samples**2 * variances
    highest = np.concatenate([[0.0], np.maximum.accumulate(growth)[:-1]])
    return np.asarray(growth > highest)


def _lags(start: int, frames: int) -> NDArray[np.int64]:
    """Lags offered to the regression, frames."""
    return np.unique(np.linspace(start, max(start + 2, frames // 2), MAX_LAGS).astype(np.int64))


def kinisi_regression(array: NDArray[np.float64], step_ps: float, start: int) -> Any:
    """Return kinisi's regression object over our MSD, at the lags that it supports.

    Args:
        array: shape (frames, ions, 3), Å.
        step_ps: time between frames, ps.
        start: first lag, frames.
    """
    import scipp
    from kinisi.diffusion import Diffusion as Regression

    frames, ions, _ = array.shape
    lags = _lags(start, frames)
    moments = np.array([even_moments(array, int(lag), 1) for lag in lags])
    samples = ions * frames / lags
    variances = (moments[:, 1] - moments[:, 0] ** 2) / samples
    kept = supported_lags(variances, samples)
    lags, moments, variances, samples = (x[kept] for x in (lags, moments, variances, samples))
    data = scipp.DataArray(
        data=scipp.Variable(
            dims=["time interval"],
            values=moments[:, 0],
            variances=variances,
            unit="angstrom**2",
        ),
        coords={
            "time interval": scipp.array(dims=["time interval"], values=lags * step_ps, unit="ps"),
            "n_samples": scipp.array(dims=["time interval"], values=samples),
        },
    )
    return Regression(scipp.DataGroup({"da": data, "dimensionality": scipp.scalar(3)}))


def _sample(regression: Any, start_ps: float, seed: int) -> None:
    import scipp

    regression.bayesian_regression(
        start_dt=scipp.scalar(start_ps * (1.0 - 1e-9), unit="ps"),
        progress=False,
        random_state=np.random.RandomState(seed),
    )
