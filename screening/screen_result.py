"""What a screening finds of one structure: pairs that were judged, and those that were not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dualion.screening.barrier_types import UNKNOWN, IonBarriers
from dualion.screening.criterion import Triple, Verdict
from dualion.screening.disorder_ensemble import DisorderEnsemble
from dualion.screening.guests.judge import GuestFailure, GuestPair
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal

BOUND_FROM = 0.5
"""An anion counts as bound if at least this share of its sites is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """One cation–anion pair of one structure.

    Attributes:
        cation: barriers of the cation.
        anion: barriers of the anion that decide.
        cation_ev: E_1D, E_2D, E_3D of the cation of which the verdict is made, eV.
        anion_ev: the same of the anion.
        verdict: the DAI verdict.
        published_anion: barriers of the anion by the published recipe.
        published_verdict: the verdict by that recipe, of barriers on the grid.
        bound_fraction: share of the anion's sites that are ligands of a polyanion.
        bound_strength: how firmly they are bound, 0 to 1, without a step.
        flags: names of what a cautious reader should know.
        ensemble: the pair in ordered configurations of a disordered crystal; None where those
            were not asked for.
    """

    cation: IonBarriers
    anion: IonBarriers
    cation_ev: Triple
    anion_ev: Triple
    verdict: Verdict
    published_anion: IonBarriers
    published_verdict: Verdict
    bound_fraction: float
    bound_strength: float
    flags: tuple[str, ...]
    ensemble: DisorderEnsemble | None = None

    @property
    def anion_bound(self) -> bool:
        """Whether most of the anion's sites are ligands of a polyanion."""
        return self.bound_fraction >= BOUND_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFailure:
    """A pair that could not be judged.

    Attributes:
        cation: the mobile cation.
        anion: the anion.
        reason: stable snake_case name.
        message: what, why and what to do.
        cation_barriers: barriers of the cation where those are known.
        cation_ev: those of which a verdict would be made, eV; NaN where they are not known.
        published_anion: barriers of the anion by the published recipe where those are known.
    """

    cation: MobileIon
    anion: MobileIon
    reason: str
    message: str
    cation_barriers: IonBarriers | None = None
    cation_ev: Triple = UNKNOWN
    published_anion: IonBarriers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenResult:
    """All pairs of one structure, in ascending atomic number of the anion.

    Attributes:
        crystal: the prepared crystal.
        pairs: the pairs that were judged.
        failures: the pairs that were not, with reasons.
        gii_vu: global instability index of the cell, valence units; NaN where a pair's bond
            valence is not known.
        guests: the guests that were judged, cation by cation.
        guest_failures: the guests that were not, with reasons.
    """

    crystal: IonicCrystal
    pairs: tuple[PairResult, ...]
    failures: tuple[PairFailure, ...] = ()
    gii_vu: float = math.nan
    guests: tuple[GuestPair, ...] = ()
    guest_failures: tuple[GuestFailure, ...] = ()

    @property
    def dai(self) -> bool:
        """Whether any pair passes, guests included."""
        return any(verdict.dai for verdict in self.verdicts)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on all pairs, then those on guests."""
        own = tuple(pair.verdict for pair in self.pairs)
        return own + tuple(pair.verdict for pair in self.guests)
