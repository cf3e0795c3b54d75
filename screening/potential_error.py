"""How far a migration barrier and a defect pair of a potential may be from the true ones.

Errors of such barriers have heavy tails: over the published set below the mean absolute error is
2.9 times the median one, where a normal distribution has 1.2. Student's distribution with two
degrees of freedom, whose quantiles are algebraic, has 1.7; it is scaled to the median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dualion.screening.calibration import MOVES_BELOW_EV

MEDIAN_T2 = math.sqrt(2.0 / 3.0)
"""Median absolute value of Student's t with two degrees of freedom."""


Judgement = Literal["sound", "too_low", "unproven"]

SOUND_EV = 0.3
"""Median error of pair energies up to which they are believed: 0.15 eV of an activation energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PotentialError:
    """Error of a potential's barriers against those of DFT.

    Attributes:
        median_absolute_ev: median absolute error, eV.
        source: where it was found.
    """

    median_absolute_ev: float
    source: str

    def probability_below(self, barrier_ev: float, limit_ev: float = MOVES_BELOW_EV) -> float:
        """Compute the probability that the true barrier is below a limit.

        Args:
            barrier_ev: barrier with the potential, eV; infinite where no hop crosses the crystal.
            limit_ev: the limit, eV.

        Returns:
            The probability; 0 without percolation, NaN where the barrier is unknown.
        """
        if math.isinf(barrier_ev):
            return 0.0
        t = (limit_ev - barrier_ev) * MEDIAN_T2 / self.median_absolute_ev
        return 0.5 + 0.5 * t / math.sqrt(2.0 + t * t)


STATED: dict[str, PotentialError] = {
    "chgnet": PotentialError(
        median_absolute_ev=0.23,
        source="44 published DFT paths of Li, Na and K (Devi et al., arXiv:2508.06459), "
        "benchmarks/neb_literature.py",
    ),
    "mace": PotentialError(
        median_absolute_ev=0.124,
        source="325 published DFT paths of Li, Na and K, Devi et al., arXiv:2508.06459",
    ),
}
"""Errors by name of the potential."""

UNMEASURED = PotentialError(
    median_absolute_ev=0.25, source="twice the published error of MACE, for want of a measurement"
)
"""Of a potential whose barriers were not compared: wide."""


PAIR_ERRORS_EV: dict[str, float] = {"chgnet": -1.6, "sevennet": -1.2}
"""Median error of the energies of Schottky pairs in alkali halides by name of the potential, eV, of
``benchmarks/carriers.py``."""


def judge_pairs(name: str) -> Judgement:
    """Judge the formation energies that a potential gives to pairs of defects.

    Args:
        name: of the potential, as ``dualion neb --engine`` takes it.
    """
    error = PAIR_ERRORS_EV.get(name)
    if error is None:
        return "unproven"
    return "too_low" if error < -SOUND_EV else "sound"


def potential_error(name: str) -> PotentialError:
    """Return the error of a potential's barriers.

    Args:
        name: of the potential, as ``dualion neb --engine`` takes it.
    """
    return STATED.get(name, UNMEASURED)
