"""Make a crystal ready for the physics: neutral, with charges, occupancies checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dualion.structures.contacts import check_contacts
from dualion.structures.crystal import IonicCrystal
from dualion.structures.disorder import SiteTable, read_sites, rebalance_occupancies
from dualion.structures.elements import atomic_number, symbol
from dualion.structures.errors import InputError, UnpreparableStructureError
from dualion.structures.oxidation import ChargeProposal, propose_charges, tables
from dualion.structures.oxidation.environment import analyse, find_neighbours
from dualion.structures.oxidation.forced import FORCED_METHOD, force_neutral
from dualion.structures.oxidation.source_states import (
    LARGEST_STATE,
    has_source_states,
    source_states_make_sense,
)

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

_HYDROGEN_BEARERS = (7, 8, 16)
CellKind = Literal["dft", "experiment", "unknown"]

DISTANCE_SCALE: dict[str, float] = {"dft": 0.985, "experiment": 0.995, "unknown": 0.99}
"""Factor on distances before bond valence sums: PBE cells are about 1 % too large."""
NEUTRAL_E = 1e-6
"""Net charge per entry, e, below which a cell needs no repair."""
LARGEST_REPAIR_SHARE = 0.03
"""Net charge, as a share of the positive charge, that rounded occupancies can explain."""


def prepare(
    structure: Structure | Atoms,
    *,
    cell_kind: CellKind = "unknown",
    oxidation_states: Mapping[str, float] | None = None,
    strict: bool = False,
) -> IonicCrystal:
    """Give every ion its charge and every site its occupancy.

    Where no states balance a salt, because atoms or occupancies are missing or electrons are
    left over, the cell is made neutral by force (``forced``): cations then
    keep their barriers, anions only roughly. Such crystals have the method
    ``composition_forced`` and the flag ``charge_balance_forced``.

    Args:
        structure: the crystal, with or without oxidation states, partial occupancies allowed.
        cell_kind: where the cell comes from; relaxed cells are slightly too large, which
            bond valence sums would read as lower states.
        oxidation_states: charges in e by element symbol that the user insists on; elements
            left out are found.
        strict: whether to refuse what is neutral by force only, and sites of disordered files
            that lie on top of each other.

    Returns:
        A crystal whose net charge is zero; ``oxidation_method`` is ``given``, ``user``,
        ``bond_valence``, ``composition``, ``composition_mixed`` or ``composition_forced``.

    Raises:
        UnpreparableStructureError: the physics cannot take the structure; ``reason`` says why.
        InputError: ``oxidation_states`` names no element or an impossible state.
    """
    table = read_sites(_as_structure(structure))
    neighbours = find_neighbours(table)
    table = check_contacts(
        table,
        neighbours.first,
        neighbours.second,
        neighbours.distances_angstrom,
        weight_crowded=not strict,
    )
    environment = analyse(table, neighbours)
    fixed = _checked_states(oxidation_states or {})
    if not fixed and has_source_states(table):
        if source_states_make_sense(table, environment):
            given = ChargeProposal(charges=table.given_charges, method="given")
            neutral = _neutralised(table, given)
            if neutral is not None:
                return _crystal(neutral, given.charges, given.method)
        table = table.with_flags("given_oxidation_rejected")
    proposals = propose_charges(
        table, neighbours, environment, distance_scale=DISTANCE_SCALE[cell_kind], fixed=fixed
    )
    table, chosen, note = _balanced(
        table, proposals, fixed=fixed, cell_kind=cell_kind, strict=strict
    )
    wanted = bool(fixed) and set(table.numbers.tolist()) <= set(fixed)
    wanted &= chosen.method != FORCED_METHOD
    return _crystal(table, chosen.charges, "user" if wanted else chosen.method, note)


def _checked_states(oxidation_states: Mapping[str, float]) -> dict[int, float]:
    """Charges that the user gives, by atomic number."""
    fixed: dict[int, float] = {}
    for name, state in oxidation_states.items():
        if not abs(state) <= LARGEST_STATE:
            raise InputError(
                f"The oxidation state {state} of {name} lies beyond ±{LARGEST_STATE:g}; "
                "give the charge of one ion in e."
            )
        fixed[atomic_number(name)] = float(state)
    return fixed


def _as_structure(structure: Structure | Atoms) -> Structure:
    """Convert ase Atoms; pass pymatgen structures on."""
    if hasattr(structure, "lattice"):
        return structure
    from pymatgen.io.ase import AseAtomsAdaptor

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return AseAtomsAdaptor.get_structure(structure)
    except (ValueError, TypeError, KeyError, AttributeError, np.linalg.LinAlgError) as error:
        raise UnpreparableStructureError(
            f"The atoms cannot be turned into a periodic structure ({error}); they need a cell "
            "with three lattice vectors.",
            reason="flat_cell",
        ) from error


def _balanced(
    table: SiteTable,
    proposals: Iterable[ChargeProposal],
    *,
    fixed: Mapping[int, float],
    cell_kind: CellKind,
    strict: bool,
) -> tuple[SiteTable, ChargeProposal, str]:
    """The first proposal that is neutral, or nearly so; else, unless ``strict``, a forced one.

    The text says what was forced; it is empty where nothing was.

    Raises:
        UnpreparableStructureError: none is; the message names the soundest proposal.
    """
    tried: list[ChargeProposal] = []
    for proposal in proposals:
        neutral = _neutralised(table, proposal)
        if neutral is not None:
            return neutral.with_flags(*proposal.flags), proposal, ""
        tried.append(proposal)
    refusal = _unbalanced(table, tried[0].charges)  # propose_charges yields or raises
    forced = None
    if not strict:
        forced = force_neutral(table, tried, kept=fixed, all_atoms_given=cell_kind == "dft")
    if forced is None:
        raise refusal
    changed, proposal = forced
    return changed.with_flags(*proposal.flags), proposal, f"Neutral by force only: {refusal}"


def _neutralised(table: SiteTable, proposal: ChargeProposal) -> SiteTable | None:
    """The table with which a proposal is neutral, or ``None``."""
    net = float(proposal.charges @ table.occupancies)
    if abs(net) <= NEUTRAL_E * len(table.numbers):
        return table
    return rebalance_occupancies(table, proposal.charges, largest_share=LARGEST_REPAIR_SHARE)


def _unbalanced(table: SiteTable, charges: NDArray[np.float64]) -> UnpreparableStructureError:
    """Explain why no neutral states were found."""
    net = float(charges @ table.occupancies)
    positive = float(np.clip(charges, 0, None) @ table.occupancies)
    alkali = float(np.isin(table.numbers, list(tables.ALKALI)).sum())
    start = (
        f"{table.formula} keeps a net charge of {net:+.3g} e with "
        f"{_describe_states(table, charges)} ({abs(net) / max(positive, 1e-9):.1%} of its "
        "positive charge)"
    )
    if not table.is_disordered and 0 < net <= alkali:
        return UnpreparableStructureError(
            f"{start}. All its sites are full and fewer alkali ions would balance it: the "
            "occupancies were probably lost, or the cell holds surplus electrons. Take the "
            "structure from a source that keeps occupancies.",
            reason="occupancies_lost",
        )
    if net < 0 and np.isin(table.numbers, _HYDROGEN_BEARERS).any():
        return UnpreparableStructureError(
            f"{start}. Cations are missing: often hydrogen atoms, or disordered ions, that the "
            "source leaves out. Take the structure from a source that has all atoms.",
            reason="cations_missing",
        )
    return UnpreparableStructureError(
        f"{start}. Atoms or occupancies are missing or wrong. Correct them, or give the "
        "oxidation states.",
        reason="charge_unbalanced",
    )


def _describe_states(table: SiteTable, charges: NDArray[np.float64]) -> str:
    """Average state of each element, for messages."""
    parts = []
    for z in np.unique(table.numbers).tolist():
        chosen = table.numbers == z
        mean = np.average(charges[chosen], weights=table.occupancies[chosen])
        parts.append(f"{symbol(z)} {mean:+.3g}")
    return ", ".join(parts)


def _crystal(
    table: SiteTable, charges: NDArray[np.float64], method: str, note: str = ""
) -> IonicCrystal:
    """Build the result."""
    return IonicCrystal(
        cell=table.cell,
        frac=table.frac,
        numbers=table.numbers,
        charges=charges,
        occupancies=table.occupancies,
        flags=table.flags,
        oxidation_method=method,
        occupancy_handling="weighted" if table.is_disordered else "full",
        note=note,
    )
