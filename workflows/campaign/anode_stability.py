"""What becomes of a candidate at the metal anode: columns for tables, not a filter.

The reaction comes from energies (``stability``); what the interphase is made of, LiX
of each mobile anion, and that compound's own barriers come from the bundled structures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from dualion.results.columns import Row
from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.entry import prepare_entry
from dualion.structures.errors import DualionError, InputError, StructureError
from dualion.structures.files import iter_raw_entries
from dualion.structures.records import RawEntry
from dualion.structures.sources.errors import MissingCredentialsError, OfflineError
from dualion.structures.stability import Phase, anode_reaction, interphase

PhaseSource = Callable[[frozenset[str]], Iterable[Phase]]
"""Known compounds of a chemical system, given its elements, the metal's among them."""

MOST_FAILURES = 3
"""Systems that a source may fail to answer before it is asked no more: retries take minutes."""


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
) -> Row:
    """Cells of ``ANODE_REACTION`` and ``INTERPHASE`` for one candidate and one mobile anion.

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
    reaction = reaction_columns(
        formula, metal=metal, phases=phases, formation_energy_ev_atom=formation_energy_ev_atom
    )
    return {**reaction, **interphase_columns(metal, anion, options)}


def reaction_columns(
    formula: str,
    *,
    metal: str,
    phases: Iterable[Phase],
    formation_energy_ev_atom: float | None = None,
) -> Row:
    """Compute the cells of ``ANODE_REACTION``, empty where no compound of the elements is known.

    Args:
        formula: composition of the candidate.
        metal: symbol of the anode.
        phases: known compounds of the elements of the candidate and the anode.
        formation_energy_ev_atom: energy of the candidate, eV/atom; None where it is not known.

    Raises:
        InputError: the metal is no element, or the formula no composition.
    """
    reaction = anode_reaction(
        formula, metal=metal, phases=phases, formation_energy_ev_atom=formation_energy_ev_atom
    )
    known = reaction.is_complete
    return {
        "anode_reaction_ev_atom": reaction.energy_ev_atom if known else None,
        "anode_products": "; ".join(reaction.products) if known else None,
        "anode_equation": reaction.equation if known else None,
    }


def interphase_columns(metal: str, anion: str, options: ScreenOptions) -> Row:
    """Compute the cells of ``INTERPHASE``.

    Args:
        metal: symbol of the anode.
        anion: symbol of the mobile anion.
        options: how barriers are computed, as for the candidate itself.

    Raises:
        InputError: the charge of one of the ions is not known.
    """
    barriers = interphase_barriers(metal, anion, options)
    return {
        "interphase": barriers.formula,
        "interphase_e3d_cation_ev": _cell(barriers.cation_ev),
        "interphase_e3d_anion_ev": _cell(barriers.anion_ev),
    }


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


@lru_cache(maxsize=64)
def interphase_barriers(metal: str, anion: str, options: ScreenOptions) -> InterphaseBarriers:
    """Compute the barriers of both ions in the bundled structure of the compound that they form.

    Args:
        metal: symbol of the anode.
        anion: symbol of the mobile anion.
        options: how barriers are computed; its ions are replaced by these two.

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
    asked = replace(options, cations=(metal,), anions=(anion,), guests=())
    try:
        result = screen_crystal(prepare_entry(entry, strict=asked.strict).crystal, asked)
    except StructureError:
        return missing
    if not result.pairs:
        return missing
    pair = result.pairs[0]
    return InterphaseBarriers(
        formula=compound.formula,
        cation_ev=pair.cation_ev[2],
        anion_ev=pair.anion_ev[2],
    )


@dataclass(slots=True, kw_only=True)
class AnodeStability:
    """Fills the columns of rows; what cannot be had leaves cells empty and ends nothing.

    Attributes:
        options: how barriers are computed, as for the rows themselves.
        phases_of: where known compounds come from; None for no reactions.
        problem: the first thing that went wrong; empty where nothing did.
    """

    options: ScreenOptions
    phases_of: PhaseSource | None = None
    problem: str = ""
    _phases: dict[frozenset[str], list[Phase]] = field(default_factory=dict)
    _reactions: dict[tuple[str, str], Row] = field(default_factory=dict)
    _failed: set[frozenset[str]] = field(default_factory=set)

    def interphase_of(self, row: Row) -> Row:
        """Cells of the interphase of a row's ions."""
        try:
            return interphase_columns(_symbol(row["cation"]), _symbol(row["anion"]), self.options)
        except InputError:  # a cation or an anion without a usual charge: nothing to say
            return {}
        except Exception as error:  # a column beside the result must not cost the result
            self._note(error)
            return {}

    def reaction_of(self, row: Row) -> Row:
        """Cells of the reaction of a row's composition with the metal of its cation."""
        formula, metal = str(row["reduced_formula"]), _symbol(row["cation"])
        if (formula, metal) not in self._reactions:
            try:
                found = self._reaction(formula, metal)
            except Exception as error:  # as above; energies come from outside
                self._note(error)
                found = {}
            self._reactions[formula, metal] = found
        return self._reactions[formula, metal]

    def _reaction(self, formula: str, metal: str) -> Row:
        from pymatgen.core import Composition

        elements = {element.symbol for element in Composition(formula).elements}
        phases = self._phases_of(frozenset(elements | {metal}))
        return reaction_columns(formula, metal=metal, phases=phases) if phases else {}

    def _phases_of(self, system: frozenset[str]) -> list[Phase]:
        """Compounds of a system, asked for once; none from a source that has failed too often."""
        if system not in self._phases:
            self._phases[system] = []
            if self.phases_of is not None and len(self._failed) < MOST_FAILURES:
                try:
                    self._phases[system] = list(self.phases_of(system))
                except (OfflineError, MissingCredentialsError) as error:  # at once, without retries
                    self._note(error)
                except Exception:
                    self._failed.add(system)
                    raise
        return self._phases[system]

    def _note(self, error: Exception) -> None:
        """Keep the first problem; the text of a foreign exception may hold a key of a request."""
        known = isinstance(error, DualionError)
        self.problem = self.problem or (str(error) if known else type(error).__name__)


def _symbol(ion: object) -> str:
    """Element of an ion as tables write it, for example ``S`` of ``S2-``."""
    found = re.match(r"[A-Z][a-z]?", str(ion))
    return found.group() if found else ""
