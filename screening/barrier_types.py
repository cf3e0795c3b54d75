"""What is asked of a barrier and what it is: options, results, results known from before."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import PotentialOptions
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.thresholds import CUT_EV
from dualion.screening.triple import Triple
from dualion.structures.documents import Document
from dualion.structures.errors import InputError

EngineName = Literal["native", "bvlain"]
ENGINE_NAMES: tuple[EngineName, ...] = get_args(EngineName)
UNKNOWN = Triple(math.nan, math.nan, math.nan)
Mechanism = Literal["empty_lattice", "vacancy", "interstitial"]
"""How an ion moves: through the crystal without its own sublattice; into an empty neighbour, all
others in place; or as one ion more in the complete crystal."""
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
Lattice = Literal["rigid", "relaxing"]
"""Whether the ions around a hop stay where they are, or give way."""
LATTICES: tuple[Lattice, ...] = get_args(Lattice)
JudgedBarriers = Literal["refined", "grid"]
"""Which barriers a verdict is made of: free of the grid's error, or those on its points."""
JUDGED_BARRIERS: tuple[JudgedBarriers, ...] = get_args(JudgedBarriers)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierOptions:
    """How barriers are computed.

    Attributes:
        spacing_angstrom: largest distance of grid points along an axis, Å.
        cut_ev: barriers above this count as no percolation, eV.
        potential: conventions of the pair energies.
        engine: ``native``, or ``bvlain`` for comparison.
        refined: whether barriers are also computed free of the grid's error.
        mechanism: how the ion moves.
        lattice: whether the ions around a vacancy hop give way; around a field none does.
    """

    spacing_angstrom: float = 0.2
    cut_ev: float = CUT_EV
    potential: PotentialOptions = field(default_factory=PotentialOptions)
    engine: EngineName = "native"
    refined: bool = True
    mechanism: Mechanism = "empty_lattice"
    lattice: Lattice = "relaxing"

    def __post_init__(self) -> None:
        if self.mechanism not in MECHANISMS:
            raise InputError(
                f"There is no mechanism {self.mechanism!r}; known: {', '.join(MECHANISMS)}."
            )
        if self.lattice not in LATTICES:
            raise InputError(f"There is no lattice {self.lattice!r}; known: {', '.join(LATTICES)}.")
        if self.engine == "bvlain" and self.mechanism != "empty_lattice":
            raise InputError(
                f"The engine bvlain has no mechanism {self.mechanism!r}; choose the engine native."
            )
        if self.engine not in ENGINE_NAMES:
            raise InputError(
                f"There is no engine {self.engine!r}; known: {', '.join(ENGINE_NAMES)}."
            )
        if not self.cut_ev > 0.0:
            raise InputError("The cut of the percolation search must be above 0 eV.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IonBarriers(Document):
    """Barriers of one ion.

    Attributes:
        ion: the mobile ion.
        barriers_ev: E_1D, E_2D, E_3D above the field's minimum, eV; ``inf`` for none.
        from_region_ev: the same above the minimum of the percolating region, eV; NaN where the
            engine does not tell.
        refined_ev: E_1D, E_2D, E_3D of the continuous potential, free of the grid's error, eV;
            NaN where they were not asked for.
        quality: the least trustworthy pair parameters in use.
        shape: grid points along each axis; empty where the barriers are those of hops.
        mechanism: how the ion moves.
        rigid_ev: E_1D, E_2D, E_3D if no other ion gave way, eV; NaN where they are not known.
    """

    ion: MobileIon
    barriers_ev: Triple
    from_region_ev: Triple
    refined_ev: Triple
    quality: ParameterQuality
    shape: tuple[int, ...]
    mechanism: Mechanism = "empty_lattice"
    rigid_ev: Triple = UNKNOWN

    def __repr__(self) -> str:
        """Ion, judged barriers and mechanism, in a line."""
        told = ", ".join(f"{ev:.3f}" for ev in self.judged_ev("refined"))
        return f"IonBarriers({self.ion}: {told} eV, {self.mechanism})"

    def judged_ev(self, judged: JudgedBarriers) -> Triple:
        """E_1D, E_2D, E_3D that a verdict is made of, eV.

        Args:
            judged: refined barriers, each on the grid where it was not refined; or those on the
                grid.
        """
        if judged == "grid":
            return self.barriers_ev
        return Triple.first_known(self.refined_ev, self.barriers_ev)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBarriers:
    """Numbers of an ``IonBarriers`` that were computed before, under the same conventions.

    Attributes:
        barriers_ev, from_region_ev, refined_ev, rigid_ev: as there.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    refined_ev: Triple
    rigid_ev: Triple = UNKNOWN
