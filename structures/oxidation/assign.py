"""Charges for all entries of a crystal, neutral, with the method that found them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structures.disorder import SiteTable
from structures.elements import symbol
from structures.errors import UnpreparableStructureError
from structures.oxidation import bond_valence, tables
from structures.oxidation.balance import Balance, Group, balance_fractions, balance_integers
from structures.oxidation.candidates import Candidates, candidates_of, surroundings_of
from structures.oxidation.environment import Environment, Neighbours

SAME_SURROUNDINGS = 0.08
"""Entries of one element whose costs differ by less than this (valence units) are alike."""
INTEGER_PREMIUM = 1.0
"""Extra cost per atom, ln units, up to which whole-numbered states are preferred to averages."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChargeAssignment:
    """Charges of the entries.

    Attributes:
        charges: shape (n,), e.
        method: ``bond_valence``, ``composition`` or ``composition_mixed``.
        net_charge: e per cell, what no state could take up; zero within rounding otherwise.
    """

    charges: NDArray[np.float64]
    method: str
    net_charge: float


def assign_charges(
    table: SiteTable,
    neighbours: Neighbours,
    environment: Environment,
    *,
    distance_scale: float,
    fixed: Mapping[int, float] | None = None,
) -> ChargeAssignment:
    """Find the likeliest neutral oxidation states.

    Args:
        table: the entries.
        neighbours, environment: their pairs and bonds.
        distance_scale: factor on distances for bond valence sums.
        fixed: charges that the user gives, by atomic number.

    Returns:
        The charges; ``net_charge`` is not zero where no known states are neutral.

    Raises:
        UnpreparableStructureError: ``not_ionic`` or ``no_oxidation_states``.
    """
    candidates = _all_candidates(table, environment, fixed or {})
    _check_ionic(table, candidates)
    misfits: list[dict[float, float]] = [{} for _ in candidates]
    if not table.is_disordered:
        misfits = bond_valence.misfit_costs(
            table, neighbours, candidates, distance_scale=distance_scale
        )
    groups, members = _group(table, candidates, misfits)
    balance, whole = _solve(groups, ordered=not table.is_disordered)
    charges = np.array(balance.charges)[members]
    method = _method(charges, whole, any(misfits))
    return ChargeAssignment(charges=charges, method=method, net_charge=balance.net_charge)


def _all_candidates(
    table: SiteTable, environment: Environment, fixed: Mapping[int, float]
) -> list[Candidates]:
    """Possible charges of every entry."""
    found = [
        Candidates(((fixed[z], 0.0),), fixed[z] < 0) if z in fixed else candidates_of(z, around)
        for z, around in zip(table.numbers.tolist(), surroundings_of(environment), strict=True)
    ]
    for z, entry in zip(table.numbers.tolist(), found, strict=True):
        if not entry.costs:
            raise UnpreparableStructureError(
                f"No oxidation state of {symbol(z)} is known, which {table.formula} holds; "
                "give one with the oxidation states option.",
                reason="no_oxidation_states",
            )
    return found


def _check_ionic(table: SiteTable, candidates: list[Candidates]) -> None:
    """Refuse elements and intermetallics."""
    anions = {
        z
        for z, entry in zip(table.numbers.tolist(), candidates, strict=True)
        if entry.is_anion and entry.costs[0][0] < 0
    }
    metals = set(table.numbers.tolist()) - anions
    metallic = anions <= tables.ZINTL_FORMERS and any(
        tables.electronegativities()[z] > 1.7 and z not in tables.NONMETALS for z in metals
    )
    if not anions or not metals or metallic:
        raise UnpreparableStructureError(
            f"{table.formula} holds no anion that takes up the electrons of its metals: it is an "
            "element, a molecule or an intermetallic, and ionic pair energies do not apply. "
            "Leave it out.",
            reason="not_ionic",
        )


def _group(
    table: SiteTable, candidates: list[Candidates], misfits: list[dict[float, float]]
) -> tuple[list[Group], NDArray[np.int64]]:
    """Join entries of one element with the same candidates and like surroundings."""
    keys: dict[tuple[object, ...], list[int]] = {}
    for entry, (z, found, misfit) in enumerate(
        zip(table.numbers.tolist(), candidates, misfits, strict=True)
    ):
        print_ = tuple(round(v / (4 * SAME_SURROUNDINGS)) for v in misfit.values())
        keys.setdefault((z, found.costs, print_), []).append(entry)
    members = np.empty(len(candidates), dtype=np.int64)
    groups: list[Group] = []
    for k, entries in enumerate(keys.values()):
        members[entries] = k
        groups.append(_make_group(table, candidates[entries[0]], entries, misfits))
    return groups, members


def _make_group(
    table: SiteTable,
    found: Candidates,
    entries: list[int],
    misfits: list[dict[float, float]],
) -> Group:
    """One group with the mean cost of its entries."""
    weight = float(table.occupancies[entries].sum())
    charges = tuple(q for q, _ in found.costs)
    costs = []
    for q, prior in found.costs:
        fits = [misfits[e].get(q, bond_valence.UNTESTED_COST) for e in entries if misfits[e]]
        costs.append(prior + (sum(fits) / len(fits) if fits else 0.0))
    return Group(weight=weight, charges=charges, costs=tuple(costs))


def _solve(groups: list[Group], *, ordered: bool) -> tuple[Balance, bool]:
    """Whole-numbered states where they exist at a fair cost, else averages."""
    averages = balance_fractions(groups)
    if not ordered:
        return averages, False
    integers = balance_integers(groups)
    varied = sum(g.weight for g in groups if len(g.charges) > 1)
    if integers.cost <= averages.cost + INTEGER_PREMIUM * varied + 1e-6:
        if np.isfinite(integers.cost):
            return integers, True
    return averages, False


def _method(charges: NDArray[np.float64], whole: bool, has_sums: bool) -> str:
    """Name how the charges were found."""
    if whole and has_sums:
        return "bond_valence"
    mixed = np.abs(charges - np.round(charges)).max() > 1e-6
    return "composition_mixed" if mixed else "composition"
