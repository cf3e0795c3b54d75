"""Arrhenius law through D at several temperatures, with its confidence band.

ln D = ln D₀ − E_a / k T by weighted least squares, the weights from the errors of ln D. Where
the points scatter more than these errors, the covariance is scaled up by the reduced χ².
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.constants import physical_constants

from dualion.structures.errors import InputError

BOLTZMANN_EV_K = physical_constants["Boltzmann constant in eV/K"][0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrhenius:
    """An activation energy and what it predicts.

    Attributes:
        activation_energy_ev: E_a, eV.
        error_ev: its standard error, eV.
        low_ev: lower end of its 95 % interval, eV.
        high_ev: upper end, eV.
        ln_d0: ln(D₀ / (cm²/s)).
        covariance: shape (2, 2), of (ln D₀, E_a/k in K).
        quantile: of Student's law for the intervals.
        temperatures_k: shape (m,), of the points that were used, K.
        d_cm2_s: shape (m,), cm²/s.
        error_cm2_s: shape (m,), cm²/s.
        left_out_k: temperatures without a resolved D, K.
        reduced_chi2: of the fit; NaN with two points.
        flags: names of what a cautious reader should know.
    """

    activation_energy_ev: float
    error_ev: float
    low_ev: float
    high_ev: float
    ln_d0: float
    covariance: NDArray[np.float64]
    quantile: float
    temperatures_k: NDArray[np.float64]
    d_cm2_s: NDArray[np.float64]
    error_cm2_s: NDArray[np.float64]
    left_out_k: tuple[float, ...]
    reduced_chi2: float
    flags: tuple[str, ...] = ()

    def predict(
        self, temperatures_k: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return D and the ends of its 95 % band, shape (m,) each, cm²/s.

        Args:
            temperatures_k: shape (m,), K; 300 for room temperature.
        """
        inverse = 1.0 / np.atleast_1d(np.asarray(temperatures_k, dtype=np.float64))
        design = np.stack([np.ones_like(inverse), -inverse], axis=1)
        slope = self.activation_energy_ev / BOLTZMANN_EV_K
        centre = design @ np.array([self.ln_d0, slope])
        half = self.quantile * np.sqrt(np.einsum("ti,ij,tj->t", design, self.covariance, design))
        return np.exp(centre), np.exp(centre - half), np.exp(centre + half)


def arrhenius(
    temperatures_k: Sequence[float], d_cm2_s: Sequence[float], error_cm2_s: Sequence[float]
) -> Arrhenius:
    """Fit E_a; temperatures whose D its error exceeds are left out and named.

    Args:
        temperatures_k: shape (m,), K.
        d_cm2_s: shape (m,), cm²/s.
        error_cm2_s: shape (m,), standard errors, cm²/s.

    Raises:
        InputError: fewer than two different temperatures have a resolved D.
    """
    t, d, s = (np.asarray(x, dtype=np.float64) for x in (temperatures_k, d_cm2_s, error_cm2_s))
    if not (len(t) == len(d) == len(s)) or (t <= 0.0).any():
        raise InputError("Give one positive temperature, one D and one error for each point.")
    good = np.isfinite(d) & (d > 0.0) & (s > 0.0) & (s < d)
    used = t[good]
    if len(np.unique(used)) < 2:
        raise InputError(
            f"An activation energy needs a resolved D at two temperatures; {len(np.unique(used))} "
            "has one. Run longer or hotter."
        )
    line, covariance, squares = _fit_line(used, d[good], s[good])
    dof = len(used) - 2
    chi2 = squares / dof if dof else np.nan
    scaled = dof > 0 and chi2 > 1.0
    # The errors are known, so scaling them is what brings Student's law in.
    quantile = float(stats.t.ppf(0.975, dof)) if scaled else float(stats.norm.ppf(0.975))
    if scaled:
        covariance = covariance * chi2
    error = float(np.sqrt(covariance[1, 1])) * BOLTZMANN_EV_K
    energy = float(line[1]) * BOLTZMANN_EV_K
    return Arrhenius(
        activation_energy_ev=energy,
        error_ev=error,
        low_ev=energy - quantile * error,
        high_ev=energy + quantile * error,
        ln_d0=float(line[0]),
        covariance=covariance,
        quantile=quantile,
        temperatures_k=used,
        d_cm2_s=d[good],
        error_cm2_s=s[good],
        left_out_k=tuple(float(x) for x in t[~good]),
        reduced_chi2=chi2,
        flags=("two_temperatures",) if dof == 0 else (),
    )


def _fit_line(
    temperatures_k: NDArray[np.float64],
    d_cm2_s: NDArray[np.float64],
    error_cm2_s: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weighted least squares of ln D = ln D₀ − (E_a/k)/T.

    Returns:
        ln D₀ and E_a/k in K, their covariance (2, 2), and the weighted sum of squares.
    """
    relative = error_cm2_s / d_cm2_s
    design = np.stack([np.ones(len(relative)), -1.0 / temperatures_k], axis=1) / relative[:, None]
    target = np.log(d_cm2_s) / relative
    covariance = np.asarray(np.linalg.inv(design.T @ design), dtype=np.float64)
    line = covariance @ (design.T @ target)
    return line, covariance, float(((target - design @ line) ** 2).sum())
