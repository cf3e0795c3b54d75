"""What a screening finds of one structure: pairs that were judged, and those that were not."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

from dualion.screening.barrier_types import UNKNOWN, IonBarriers
from dualion.screening.criterion import Verdict
from dualion.screening.disorder_ensemble import DisorderEnsemble
from dualion.screening.guests.judge import GuestFailure, GuestPair
from dualion.screening.ions import MobileIon
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal
from dualion.structures.documents import Document

BOUND_FROM = 0.5
"""An anion counts as bound if at least this share of its sites is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult(Document):
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

    def __repr__(self) -> str:
        """Ions, barriers in three dimensions and verdict, in a line."""
        told = "passes" if self.verdict.dai else "does not pass"
        return (
            f"PairResult({self.cation.ion} {self.cation_ev.e3d:.3f} eV, "
            f"{self.anion.ion} {self.anion_ev.e3d:.3f} eV: {told})"
        )

    @property
    def anion_bound(self) -> bool:
        """Whether most of the anion's sites are ligands of a polyanion."""
        return self.bound_fraction >= BOUND_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFailure(Document):
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
class ScreenResult(Document):
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

    def __repr__(self) -> str:
        """Formula and what came of its pairs, in a line."""
        ions = [f"{p.cation.ion}/{p.anion.ion}" for p in self.pairs if p.verdict.dai]
        ions += [f"{p.cation.ion}/{p.guest.guest} (guest)" for p in self.guests if p.verdict.dai]
        passed = f"{', '.join(ions)} pass" if ions else "none passes"
        judged = len(self.pairs) + len(self.guests)
        failed = len(self.failures) + len(self.guest_failures)
        return f"ScreenResult({self.crystal.formula}: {judged} judged, {failed} failed, {passed})"

    def _repr_html_(self) -> str:
        """Show the pairs as a table, for notebooks."""
        rows = [(p.cation.ion, p.anion.ion, p.cation_ev, p.anion_ev, p.verdict) for p in self.pairs]
        rows += [
            (p.cation.ion, p.guest.guest, p.cation_ev, p.guest.in_place.barriers_ev, p.verdict)
            for p in self.guests
        ]
        body = "".join(
            f"<tr><td>{cation}</td><td>{anion}</td><td>{own.e3d:.3f}</td><td>{other.e3d:.3f}</td>"
            f"<td>{verdict.ratios[2]:.2f}</td><td>{'passes' if verdict.dai else '–'}</td></tr>"
            for cation, anion, own, other, verdict in rows
        )
        head = "".join(
            f"<th>{name}</th>"
            for name in ("cation", "anion", "E_3D cation (eV)", "E_3D anion (eV)", "ratio", "DAI")
        )
        return f"<p>{html.escape(repr(self))}</p><table><tr>{head}</tr>{body}</table>"

    @property
    def dai(self) -> bool:
        """Whether any pair passes, guests included."""
        return any(verdict.dai for verdict in self.verdicts)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on all pairs, then those on guests."""
        own = tuple(pair.verdict for pair in self.pairs)
        return own + tuple(pair.verdict for pair in self.guests)
