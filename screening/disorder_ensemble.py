"""Barriers of a disordered crystal from ordered configurations of it.

A field weighted by occupancy lets every ion feel the mean of its surroundings, as no ion in the
crystal does. So ordered configurations of a supercell are drawn at random with a seed, each is
judged like an ordered crystal, and median, range and the share that passes are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.barrier_types import BarrierOptions, IonBarriers
from dualion.screening.criterion import DaiCriterion, judge_pair
from dualion.screening.hops.mechanisms import mechanism_barriers
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import StructureError
from dualion.structures.ordered_configurations import sample_configurations

CONFIGURATIONS = 6
SEED = 20
LENGTH_ANGSTROM = 8.0
"""Length that a supercell has along each axis where the limit on its sites allows."""
MOST_SITES = 200
"""Largest number of sites, filled or not, of a supercell that is repeated."""

Triples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisorderEnsemble:
    """Barriers of both ions in the ordered configurations of a crystal.

    Attributes:
        cation_ev: shape (n, 3), E_1D, E_2D, E_3D of the cation in each configuration, eV; ``inf``
            where it does not percolate.
        anion_ev: the same of the anion.
        pass_share: share of the configurations that pass the criterion, 0 to 1.
    """

    cation_ev: Triples
    anion_ev: Triples
    pass_share: float

    @property
    def count(self) -> int:
        """Number of configurations."""
        return len(self.cation_ev)


def disorder_ensemble(
    crystal: IonicCrystal,
    cation: tuple[MobileIon, BarrierOptions],
    anion: tuple[MobileIon, BarrierOptions],
    criterion: DaiCriterion,
    *,
    count: int = CONFIGURATIONS,
    seed: int = SEED,
) -> DisorderEnsemble:
    """Judge ordered configurations of a disordered crystal; equal seeds give equal numbers.

    Args:
        crystal: the disordered crystal.
        cation: the cation and the conventions of its barriers.
        anion: the anion and the conventions of its barriers.
        criterion: thresholds.
        count: number of configurations.
        seed: seed of the draws.

    Raises:
        StructureError: no configuration can be drawn or computed; the message says why.
    """
    pairs: list[tuple[IonBarriers, IonBarriers]] = []
    problem: StructureError | None = None
    for drawn in _configurations(crystal, count, seed):
        try:
            pairs.append((mechanism_barriers(drawn, *cation), mechanism_barriers(drawn, *anion)))
        except StructureError as error:
            problem = error
    if not pairs:
        assert problem is not None
        raise problem
    cation_ev, anion_ev = (np.array([pair[i].best_ev for pair in pairs]) for i in (0, 1))
    passed = [
        judge_pair(tuple(c), tuple(a), criterion).dai  # type: ignore[arg-type]
        for c, a in zip(cation_ev.tolist(), anion_ev.tolist(), strict=True)
    ]
    return DisorderEnsemble(
        cation_ev=cation_ev, anion_ev=anion_ev, pass_share=sum(passed) / len(passed)
    )


def _configurations(crystal: IonicCrystal, count: int, seed: int) -> Iterator[IonicCrystal]:
    repeat = ensemble_repeats(crystal)
    for drawn in sample_configurations(crystal, count=count, seed=seed, repeat=repeat):
        yield drawn.crystal


def ensemble_repeats(crystal: IonicCrystal) -> tuple[int, int, int]:
    """Repeats of the cell along its axes: to 8 Å, as far as 200 sites allow.

    Args:
        crystal: the crystal.
    """
    counts = np.maximum(1, np.ceil(LENGTH_ANGSTROM / crystal.lengths_angstrom - 1e-9)).astype(int)
    while counts.prod() * len(crystal.numbers) > MOST_SITES and counts.max() > 1:
        counts[counts.argmax()] -= 1
    return int(counts[0]), int(counts[1]), int(counts[2])
