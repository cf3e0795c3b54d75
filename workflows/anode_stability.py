"""What becomes of a candidate at the metal anode: columns for tables, not a filter.

The reaction comes from energies (``structures.stability``); what the interphase is made of, LiX
of each mobile anion, and that compound's own barriers come from the bundled structures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from screening.pairs import ScreenOptions, screen_crystal
from structures.errors import StructureError
from structures.files import iter_raw_entries, parse_entry
from structures.preparation import prepare
from structures.records import RawEntry
from structures.stability import Phase, anode_reaction, interphase

AnodeColumns = dict[str, str | float | None]

COLUMN_MEANINGS = {
    "anode_reaction_ev_atom": "energy of the reaction with the metal, eV per atom; 0 for none",
    "anode_products": "phases that form at the metal, the most abundant first",
    "anode_equation": "the reaction, balanced",
    "interphase": "compound of the metal and the mobile anion",
    "interphase_e3d_cation_ev": "3D barrier of the cation in that compound, eV",
    "interphase_e3d_anion_ev": "3D barrier of the anion in that compound, eV",
}
"""Names of the columns, and what they hold; empty cells where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterphaseBarriers:
    """3D barriers in the compound of metal and anion, eV; NaN where they cannot be computed."""

    formula: str
    cation_ev: float
    anion_ev: float


def anode_columns(
    formula: str,
    *,
    metal: str,
    anion: str,
    phases: Iterable[Phase],
    options: ScreenOptions,
    formation_energy_ev_atom: float | None = None,
) -> AnodeColumns:
    """Cells of ``COLUMN_MEANINGS`` for one candidate and one mobile anion.

    Args:
        formula: composition of the candidate.
        metal: symbol of the anode.
        anion: symbol of the mobile anion.
        phases: known compounds, for example of ``stable_phases``.
        options: how barriers are computed, as for the candidate itself.
        formation_energy_ev_atom: energy of the candidate, eV/atom, if it is known.

    Raises:
        InputError: an element is none.
    """
    reaction = anode_reaction(
        formula, metal=metal, phases=phases, formation_energy_ev_atom=formation_energy_ev_atom
    )
    barriers = interphase_barriers(metal, anion, options)
    known = reaction.is_complete
    return {
        "anode_reaction_ev_atom": reaction.energy_ev_atom if known else None,
        "anode_products": "; ".join(reaction.products) if known else None,
        "anode_equation": reaction.equation if known else None,
        "interphase": barriers.formula,
        "interphase_e3d_cation_ev": _cell(barriers.cation_ev),
        "interphase_e3d_anion_ev": _cell(barriers.anion_ev),
    }


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


@lru_cache(maxsize=64)
def interphase_barriers(metal: str, anion: str, options: ScreenOptions) -> InterphaseBarriers:
    """Barriers of both ions in the bundled structure of the compound that they form.

    Raises:
        InputError: the charge of one of them is not known.
    """
    compound = interphase(metal, anion)
    missing = InterphaseBarriers(formula=compound.formula, cation_ev=math.nan, anion_ev=math.nan)
    if compound.reference is None:
        return missing
    entry = next(iter(iter_raw_entries([compound.reference])))
    if not isinstance(entry, RawEntry):
        return missing
    asked = ScreenOptions(
        cations=(metal,), anions=(anion,), criterion=options.criterion, barriers=options.barriers
    )
    try:
        result = screen_crystal(prepare(parse_entry(entry).structure), asked)
    except StructureError:
        return missing
    if not result.pairs:
        return missing
    pair = result.pairs[0]
    return InterphaseBarriers(
        formula=compound.formula,
        cation_ev=pair.cation.barriers_ev[2],
        anion_ev=pair.anion.barriers_ev[2],
    )
