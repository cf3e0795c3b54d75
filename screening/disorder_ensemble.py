"""Barriers of a disordered crystal from ordered configurations of it.

A field weighted by occupancy lets every ion feel the mean of its surroundings, as no ion in the
crystal does. So ordered configurations of a supercell are drawn at random with a seed, the barriers
of each are computed like those of an ordered crystal, and their median, range and the share that
passes the criterion are told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dualion.screening.barrier_types import UNKNOWN, BarrierOptions, JudgedBarriers
from dualion.screening.criterion import DaiCriterion, judge_pair
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import MobileIon
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.ordered_configurations import sample_configurations

Disorder = Literal["shortlist", "ensemble", "weighted"]
"""Which disordered crystals are drawn as ordered configurations: those whose weighted barriers
leave the pair a chance, all of them, or none."""
DISORDER: tuple[Disorder, ...] = get_args(Disorder)

CONFIGURATIONS = 6
SEED = 20
LENGTH_ANGSTROM = 8.0
"""Length that a supercell has along each axis where the limit on its sites allows."""
MOST_SITES = 260
"""Largest number of sites, filled or not, of a cell that is drawn from."""
HOPELESS_CATION_EV, HOPELESS_ANION_EV = 1.5, 2.25
"""Weighted 1D barriers from which on a pair has no chance: half as high again as the largest that
the published criterion allows. A blocked ion may have one: garnets are blocked by weights alone."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisorderEnsemble:
    """Barriers of a pair in the ordered configurations of a crystal.

    Attributes:
        cation_ev: shape (n, 3), E_1D, E_2D, E_3D of the cation in each configuration, eV; ``inf``
            where it does not percolate.
        anion_ev: the same of the anion.
    """

    cation_ev: Floats
    anion_ev: Floats

    def pass_share(self, criterion: DaiCriterion) -> float:
        """Share of the configurations that pass, 0 to 1; NaN without any.

        Args:
            criterion: thresholds.
        """
        pairs = zip(self.cation_ev.tolist(), self.anion_ev.tolist(), strict=True)
        passed = [judge_pair(Triple(*c), Triple(*a), criterion).dai for c, a in pairs]
        return sum(passed) / len(passed) if passed else math.nan


def disorder_flags(
    ensemble: DisorderEnsemble, dai: bool, criterion: DaiCriterion
) -> tuple[str, ...]:
    """Return ``disorder_decides`` where most configurations give another verdict.

    Args:
        ensemble: the pair in its configurations.
        dai: the verdict by weighted barriers.
        criterion: thresholds.
    """
    return ("disorder_decides",) if (ensemble.pass_share(criterion) >= 0.5) != dai else ()


def has_a_chance(cation_ev: Triple, anion_ev: Triple) -> bool:
    """Whether weighted barriers leave a pair a chance to pass.

    Args:
        cation_ev: E_1D, E_2D, E_3D of the cation, eV; ``inf`` where it does not percolate.
        anion_ev: the same of the anion.
    """
    cation, anion = cation_ev[0], anion_ev[0]
    return (math.isinf(cation) or cation < HOPELESS_CATION_EV) and (
        math.isinf(anion) or anion < HOPELESS_ANION_EV
    )


def ensemble_barriers(
    crystal: IonicCrystal,
    ions: Mapping[MobileIon, BarrierOptions],
    *,
    judged: JudgedBarriers,
    count: int = CONFIGURATIONS,
    seed: int = SEED,
) -> dict[MobileIon, Floats]:
    """Barriers of ions in ordered configurations of a disordered crystal.

    Args:
        crystal: the disordered crystal.
        ions: conventions of each ion.
        judged: which barriers of an ion count.
        count: number of configurations.
        seed: seed of the draws; equal seeds give equal numbers.

    Returns:
        For each ion, shape (count, 3): E_1D, E_2D, E_3D, eV; NaN where a configuration could not be
        computed. Empty where the crystal is too large, or cannot be drawn from.
    """
    if len(crystal.numbers) > MOST_SITES:
        return {}
    repeat = ensemble_repeats(crystal)
    found: dict[MobileIon, list[Triple]] = {ion: [] for ion in ions}
    for drawn in sample_configurations(crystal, count=count, seed=seed, repeat=repeat):
        for ion, options in ions.items():
            try:
                barriers = mechanism_barriers(drawn.crystal, ion, options).judged_ev(judged)
            except StructureError:
                barriers = UNKNOWN
            found[ion].append(barriers)
    return {ion: np.array(values) for ion, values in found.items()}


def pair_ensemble(cation_ev: Floats, anion_ev: Floats) -> DisorderEnsemble | None:
    """Join the barriers of two ions; None where no configuration has both.

    Args:
        cation_ev: shape (n, 3), eV; NaN where a configuration could not be computed.
        anion_ev: the same of the anion.
    """
    known = ~(np.isnan(cation_ev).any(axis=1) | np.isnan(anion_ev).any(axis=1))
    if not known.any():
        return None
    return DisorderEnsemble(cation_ev=cation_ev[known], anion_ev=anion_ev[known])


def ensemble_repeats(crystal: IonicCrystal) -> tuple[int, int, int]:
    """Repeats of the cell along its axes: to 8 Å, as far as the limit on sites allows.

    Args:
        crystal: the crystal.
    """
    counts = np.maximum(1, np.ceil(LENGTH_ANGSTROM / crystal.lengths_angstrom - 1e-9)).astype(int)
    while counts.prod() * len(crystal.numbers) > MOST_SITES and counts.max() > 1:
        counts[counts.argmax()] -= 1
    return int(counts[0]), int(counts[1]), int(counts[2])
