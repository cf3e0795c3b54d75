"""Make a crystal ready for the physics: neutral, with charges, occupancies checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from structures.crystal import IonicCrystal
from structures.disorder import SiteTable, check_contacts, read_sites, rebalance_occupancies
from structures.elements import atomic_number
from structures.errors import UnpreparableStructureError
from structures.oxidation import tables
from structures.oxidation.assign import ChargeAssignment, assign_charges
from structures.oxidation.environment import Environment, Neighbours, analyse, find_neighbours
from structures.oxidation.given import given_charges

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

CellKind = Literal["dft", "experiment", "unknown"]

DISTANCE_SCALE: dict[str, float] = {"dft": 0.99, "experiment": 1.0, "unknown": 0.995}
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
) -> IonicCrystal:
    """Give every ion its charge and every site its occupancy.

    Args:
        structure: the crystal, with or without oxidation states, partial occupancies allowed.
        cell_kind: where the cell comes from; relaxed cells are slightly too large, which
            bond valence sums would read as lower states.
        oxidation_states: charges in e by element symbol that the user insists on; elements
            left out are found.

    Returns:
        A crystal whose net charge is zero; ``oxidation_method`` is ``given``, ``user``,
        ``bond_valence``, ``composition`` or ``composition_mixed``.

    Raises:
        UnpreparableStructureError: the physics cannot take the structure; ``reason`` says why.
        InputError: ``oxidation_states`` names no element.
    """
    table = read_sites(_as_structure(structure))
    neighbours = find_neighbours(table)
    table = check_contacts(
        table, neighbours.first, neighbours.second, neighbours.distances_angstrom
    )
    environment = analyse(table, neighbours)
    fixed = {atomic_number(name): float(q) for name, q in (oxidation_states or {}).items()}
    if not fixed:
        given = given_charges(table, environment)
        if given.charges is not None:
            return _crystal(table, given.charges, "given")
        table = table.with_flags(*given.flags)
    found = assign_charges(
        table, neighbours, environment, distance_scale=DISTANCE_SCALE[cell_kind], fixed=fixed
    )
    table = _neutral_table(table, found)
    method = "user" if fixed and set(table.numbers.tolist()) <= set(fixed) else found.method
    return _crystal(table, found.charges, method)


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


def _neutral_table(table: SiteTable, found: ChargeAssignment) -> SiteTable:
    """Return the table with which the charges are neutral, or say why there is none."""
    net = float(found.charges @ table.occupancies)
    if abs(net) <= NEUTRAL_E * len(table.numbers):
        return table
    repaired = rebalance_occupancies(table, found.charges, largest_share=LARGEST_REPAIR_SHARE)
    if repaired is not None:
        return repaired
    positive = float(np.clip(found.charges, 0, None) @ table.occupancies)
    states = _describe_states(table, found.charges)
    alkali = np.isin(table.numbers, list(tables.ALKALI))
    if not table.is_disordered and 0 < net <= float(alkali.sum()):
        raise UnpreparableStructureError(
            f"{table.formula} has a net charge of {net:+.3g} e with {states}, all its sites are "
            "full and the excess lies within its alkali ions: the occupancies were probably "
            "lost. Take the structure from a source that keeps them.",
            reason="occupancies_lost",
        )
    raise UnpreparableStructureError(
        f"{table.formula} has a net charge of {net:+.3g} e with {states}, "
        f"{abs(net) / max(positive, 1e-9):.1%} of its positive charge; atoms or occupancies are "
        "missing or wrong. Correct them, or give the oxidation states.",
        reason="charge_unbalanced",
    )


def _describe_states(table: SiteTable, charges: NDArray[np.float64]) -> str:
    """Average state of each element, for messages."""
    from structures.elements import symbol

    parts = []
    for z in np.unique(table.numbers).tolist():
        chosen = table.numbers == z
        mean = np.average(charges[chosen], weights=table.occupancies[chosen])
        parts.append(f"{symbol(z)} {mean:+.3g}")
    return ", ".join(parts)


def _crystal(table: SiteTable, charges: NDArray[np.float64], method: str) -> IonicCrystal:
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
    )
