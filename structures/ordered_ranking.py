"""Which ordered configuration of a disordered crystal to take: Ewald first, then an engine.

Draws are neutral, equal ones are counted as one, and the electrostatic energy of the formal charges
(Ewald, Ann. Phys. 369, 253 (1921), 10.1002/andp.19213690304, by pymatgen) puts them in order. It
knows charges only; so the lowest few may be ranked again by the energy of an engine.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.structures.conversion import to_structure
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.ordered_configurations import OrderedConfiguration, sample_configurations

SAME_EWALD_EV = 1e-3
"""Only configurations whose electrostatic energies are this close can be the same, eV a cell."""
MATCHED_ANGSTROM = 0.05
DRAWS = 64
RATED = 5
Energy = Callable[[IonicCrystal], float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedConfiguration:
    """One distinct configuration.

    Attributes:
        configuration: the filled sites, with wanted and placed numbers.
        ewald_ev: electrostatic energy of the cell, eV.
        energy_ev: the engine's energy, eV; NaN where it was not asked for.
        drawn: how often it was drawn.
    """

    configuration: OrderedConfiguration
    ewald_ev: float
    energy_ev: float
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderedRanking:
    """Configurations in the order in which they should be taken.

    Attributes:
        ranked: distinct ones, the best first.
        draws: how many were drawn.
        wanted: ions that the occupancies ask for, by element.
        placed: ions of the best one, by element.
    """

    ranked: tuple[RankedConfiguration, ...]
    draws: int
    wanted: dict[str, float]
    placed: dict[str, int]

    @property
    def best(self) -> IonicCrystal:
        """The crystal to take."""
        return self.ranked[0].configuration.crystal

    @property
    def note(self) -> str:
        """What was rounded, in words; empty where nothing was."""
        parts = [
            f"{self.placed[name]} {name} in place of {wanted:.4g}"
            for name, wanted in self.wanted.items()
            if abs(self.placed[name] - wanted) > 1e-6
        ]
        return f"Whole ions: {', '.join(parts)}." if parts else ""


def ewald_energy_ev(crystal: IonicCrystal) -> float:
    """Return electrostatic energy of the formal charges of an ordered crystal, eV a cell."""
    from pymatgen.analysis.ewald import EwaldSummation

    return float(EwaldSummation(to_structure(crystal)).total_energy)


def ranked_configurations(
    crystal: IonicCrystal,
    *,
    repeat: Sequence[int] | NDArray[np.int64] = (1, 1, 1),
    draws: int = DRAWS,
    seed: int = 0,
    energy: Energy | None = None,
    rated: int = RATED,
) -> OrderedRanking:
    """Draw neutral configurations, drop equal ones, and rank them.

    Args:
        crystal: the disordered crystal; of an ordered one there is one configuration.
        repeat: three repeats, or a 3 × 3 matrix of whole numbers.
        draws: how many are drawn.
        seed: seed of the draws.
        energy: an engine's energy of a crystal, eV; it ranks the lowest ``rated`` again.
        rated: how many it ranks.

    Raises:
        UnpreparableStructureError: no draw can be made neutral.
    """
    draws = draws if crystal.is_disordered else 1
    drawn = sample_configurations(crystal, count=draws, seed=seed, repeat=repeat, neutral=True)
    distinct = sorted(_distinct(drawn), key=lambda one: one.ewald_ev)
    if not distinct:
        raise UnpreparableStructureError(
            "No configuration was drawn; ask for at least one.", reason="no_configuration"
        )
    if energy is not None:
        best = [
            dataclasses.replace(one, energy_ev=energy(one.configuration.crystal))
            for one in distinct[:rated]
        ]
        # What the engine cannot hold has no finite energy and goes behind.
        best.sort(key=lambda one: one.energy_ev if math.isfinite(one.energy_ev) else math.inf)
        distinct[:rated] = best
    first = distinct[0].configuration
    return OrderedRanking(
        ranked=tuple(distinct),
        draws=draws,
        wanted={symbol(z): wanted for z, wanted in first.wanted.items()},
        placed={symbol(z): placed for z, placed in first.placed.items()},
    )


def _distinct(drawn: Iterable[OrderedConfiguration]) -> list[RankedConfiguration]:
    """Each configuration once, whichever of its images was drawn."""
    found: list[RankedConfiguration] = []
    for one in drawn:
        ewald_ev = ewald_energy_ev(one.crystal)
        for index, other in enumerate(found):
            close = abs(other.ewald_ev - ewald_ev) < SAME_EWALD_EV
            if close and _same(other.configuration.crystal, one.crystal):
                found[index] = dataclasses.replace(other, drawn=other.drawn + 1)
                break
        else:
            ranked = RankedConfiguration(
                configuration=one, ewald_ev=ewald_ev, energy_ev=math.nan, drawn=1
            )
            found.append(ranked)
    return found


def _same(first: IonicCrystal, second: IonicCrystal) -> bool:
    """Whether two crystals are the same up to symmetry and a shift."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher(
        ltol=0.01, stol=MATCHED_ANGSTROM, angle_tol=0.5, primitive_cell=False, scale=False
    )
    return bool(matcher.fit(to_structure(first), to_structure(second)))
