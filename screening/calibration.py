"""Barriers as nature has them: rigid-lattice barriers calibrated against known ones.

Barriers of a rigid lattice grow without bound where real ions give way: a cation's calibrated
barrier is ``a + b sqrt(E_raw)``. The vacancy hop of an anion lets the lattice relax already: there
it is ``a + E_raw``. Both are fitted by least squares; interval and probabilities are those of the
predictive Student distribution (Draper and Smith, Applied Regression Analysis, 3rd ed., chapter 3,
10.1002/9781118625590). Whether an anion moves at all is a logistic regression on the root of its
raw barrier, fitted to anions of known mobility. The numbers stand in ``calibration_table.py``,
which ``benchmarks/fit_calibration.py`` writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dualion.screening.barrier_types import Mechanism
from dualion.screening.calibration_table import BARRIERS, MOBILITY

COVERAGE = 0.9
"""Share of true barriers that an interval is made to hold."""
MOVES_BELOW_EV = 0.8
"""An ion that needs less counts as moving; the labels of the known anions use the same limit."""
POOLED = "pooled"
LARGEST_ROOT = 2.0
"""Roots of barriers above 4 eV, infinite ones included, tell mobility no more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedBarrier:
    """A calibrated barrier.

    Attributes:
        value_ev: most likely barrier, eV, not below 0.
        low_ev, high_ev: ends of its prediction interval, eV, not below 0.
    """

    value_ev: float
    low_ev: float
    high_ev: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierCalibration:
    """A line ``a + b E_raw**power`` with its error.

    Attributes:
        intercept_ev: a, eV.
        slope: b, eV to the power of one minus ``power``.
        power: 0.5, or 1 where nothing saturates.
        covariance: of a and b: (aa, ab, bb).
        scatter_ev: standard deviation of the residuals, widened where left-out barriers ask for it,
            eV.
        count: barriers of the fit.
        freedom: degrees of freedom of the scatter.
        lowest_ev, highest_ev: range of the raw barriers of the fit, eV.
    """

    intercept_ev: float
    slope: float
    power: float
    covariance: tuple[float, float, float]
    scatter_ev: float
    count: int
    freedom: int
    lowest_ev: float
    highest_ev: float

    def applies(self, raw_ev: float) -> bool:
        """Whether a raw barrier lies in the range of the fit.

        Args:
            raw_ev: barrier of the rigid lattice, eV.
        """
        return self.lowest_ev <= raw_ev <= self.highest_ev

    def barrier(self, raw_ev: float) -> CalibratedBarrier | None:
        """Calibrate a barrier.

        Args:
            raw_ev: barrier of the rigid lattice, eV.

        Returns:
            The barrier with its interval, or None outside the range of the fit.
        """
        from scipy.special import stdtrit

        if not self.applies(raw_ev):
            return None
        centre, error = self._centre(raw_ev), self._error(raw_ev)
        reach = float(stdtrit(self.freedom, (1.0 + COVERAGE) / 2.0)) * error
        return CalibratedBarrier(
            value_ev=max(centre, 0.0),
            low_ev=max(centre - reach, 0.0),
            high_ev=max(centre + reach, 0.0),
        )

    def probability_below(self, raw_ev: float, limit_ev: float = MOVES_BELOW_EV) -> float:
        """Compute the probability that the true barrier is below a limit.

        Outside the range of the fit the nearest end of it counts; 0 without percolation, NaN where
        the raw barrier is unknown.

        Args:
            raw_ev: barrier of the rigid lattice, eV.
            limit_ev: the limit, eV.
        """
        from scipy.special import stdtr

        if math.isnan(raw_ev):
            return math.nan
        if math.isinf(raw_ev):
            return 0.0
        inside = min(max(raw_ev, self.lowest_ev), self.highest_ev)
        deviation = (limit_ev - self._centre(inside)) / self._error(inside)
        return float(stdtr(self.freedom, deviation))

    def _centre(self, raw_ev: float) -> float:
        return self.intercept_ev + self.slope * math.pow(raw_ev, self.power)

    def _error(self, raw_ev: float) -> float:
        root = raw_ev**self.power
        aa, ab, bb = self.covariance
        return math.sqrt(self.scatter_ev**2 + aa + 2.0 * ab * root + bb * root**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class MobilityModel:
    """A logistic regression: does an anion move?

    Attributes:
        intercept: logit at zero barrier.
        slope: of the logit over sqrt(E_raw), 1/sqrt(eV).
        bound_slope: of the logit over how bound the anion is, 0 to 1.
    """

    intercept: float
    slope: float
    bound_slope: float

    def probability(self, raw_ev: float, bound: float) -> float:
        """Compute the probability that an anion moves; NaN where its barrier is unknown.

        Args:
            raw_ev: barrier of the rigid lattice, eV; infinite without percolation.
            bound: 0 for a free anion, 1 for a ligand of a polyanion.
        """
        if math.isnan(raw_ev):
            return math.nan
        logit = self.intercept + self.slope * capped_root(raw_ev) + self.bound_slope * bound
        return 1.0 / (1.0 + math.exp(-logit))


def capped_root(raw_ev: float) -> float:
    """Square root of a barrier in eV, at most ``LARGEST_ROOT``.

    Args:
        raw_ev: the barrier, eV.
    """
    return min(math.sqrt(max(raw_ev, 0.0)), LARGEST_ROOT)


@cache
def barrier_calibration(mechanism: Mechanism, ion: str, role: str) -> BarrierCalibration | None:
    """Return the calibration of an ion's class, the pooled one where its class has too little data.

    Args:
        mechanism: how the raw barrier was computed.
        ion: element and charge, like ``Li+``.
        role: ``cation`` or ``anion``.

    Returns:
        The calibration, or None where there is none of this mechanism.
    """
    fits: Mapping[str, Mapping[str, object]] = BARRIERS.get(f"{role} {mechanism}", {})
    row = fits.get(ion_class(ion), fits.get(POOLED))
    return BarrierCalibration(**row) if row else None  # type: ignore[arg-type]


@cache
def mobility_model(mechanism: Mechanism) -> MobilityModel | None:
    """Return the model of anions whose barrier is of that mechanism, or None.

    Args:
        mechanism: how the raw barrier was computed.
    """
    row = MOBILITY.get(mechanism)
    return MobilityModel(**row) if row else None


def ion_class(ion: str) -> str:
    """Return the class by which an ion is calibrated.

    Args:
        ion: element and charge, like ``Mg2+``.

    Returns:
        The ion itself for a monovalent cation, else ``multivalent cation``, ``halide``,
        ``chalcogenide`` or ``other anion``.
    """
    element = ion.rstrip("+-0123456789.")
    if ion.endswith("+"):
        return ion if ion == f"{element}+" else "multivalent cation"
    if element in {"F", "Cl", "Br", "I"}:
        return "halide"
    return "chalcogenide" if element in {"O", "S", "Se", "Te"} else "other anion"
