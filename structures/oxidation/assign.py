"""Charges for all entries of a crystal: proposals, the chemically soundest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import SiteTable
from dualion.structures.elements import symbol
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.oxidation import tables
from dualion.structures.oxidation.balance import Balance, Group, balance_fractions, balance_integers
from dualion.structures.oxidation.bond_valence import UNTESTED_COST, bond_valence_sums, misfit_cost
from dualion.structures.oxidation.candidates import (
    Candidates,
    Surroundings,
    as_centre,
    candidates_of,
    likeliest,
    surroundings_of,
    with_rare_states,
    without_like_bonds,
)
from dualion.structures.oxidation.environment import Environment, Neighbours

SAME_SUM = 0.02
"""Neighbouring bond valence sums of one element that differ by more, in valence units, belong
to different environments."""
WIDEST_GROUP = 0.10
"""Largest spread of the bond valence sums of one environment, valence units."""
INTEGER_PREMIUM = 0.25
"""Extra cost per atom, ln units, up to which whole-numbered states are preferred to averages."""
WHOLE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChargeProposal:
    """Charges of the entries.

    Attributes:
        charges: shape (n,), e.
        method: ``bond_valence``, ``composition`` or ``composition_mixed``.
        flags: what had to be assumed.
    """

    charges: NDArray[np.float64]
    method: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """What all proposals share."""

    table: SiteTable
    neighbours: Neighbours
    surroundings: list[Surroundings]
    distance_scale: float
    fixed: Mapping[int, float]


def propose_charges(
    table: SiteTable,
    neighbours: Neighbours,
    environment: Environment,
    *,
    distance_scale: float,
    fixed: Mapping[int, float],
) -> Iterator[ChargeProposal]:
    """Propose oxidation states, each as near to neutral as its assumptions allow.

    The first proposal uses what chemistry expects. In disordered crystals it lets only
    elements vary that form mixed valences, because rounded occupancies are likelier than Ti³⁺.
    Later ones let every element vary, take short contacts between like atoms for errors of the
    coordinates, allow rare low states of metals (cells with surplus electrons), and take
    half-metals among stronger anions for cations (bismuth in an expanded perovskite).

    Args:
        table: the entries.
        neighbours, environment: their pairs and bonds.
        distance_scale: factor on distances for bond valence sums.
        fixed: charges that the user gives, by atomic number.

    Yields:
        Proposals whose net charge the caller checks.

    Raises:
        UnpreparableStructureError: ``not_ionic`` or ``no_oxidation_states``.
    """
    problem = _Problem(
        table=table,
        neighbours=neighbours,
        surroundings=surroundings_of(environment),
        distance_scale=distance_scale,
        fixed=fixed,
    )
    found = _candidates(problem)
    ionic = _is_ionic(table, found)
    if ionic:
        if table.is_disordered:
            yield _solve(problem, _pin(table, found))
        yield _solve(problem, found)
    if environment.like_bonds.any():
        apart = replace(problem, surroundings=[without_like_bonds(s) for s in problem.surroundings])
        loose = _candidates(apart)
        if _is_ionic(table, loose):
            ionic = True
            yield _solve(apart, loose, "short_contacts_ignored")
    if not ionic:
        _refuse_metal(table)
    numbers = table.numbers.tolist()
    rare = [
        with_rare_states(z, c) if z not in fixed else c for z, c in zip(numbers, found, strict=True)
    ]
    yield _solve(problem, rare, "unusual_oxidation_states")
    centres = [
        as_centre(z, c) if z not in fixed else c for z, c in zip(numbers, found, strict=True)
    ]
    if centres != found and _is_ionic(table, centres):
        yield _solve(problem, centres, "long_bonds_assumed")


def _candidates(problem: _Problem) -> list[Candidates]:
    """Possible charges of every entry.

    Raises:
        UnpreparableStructureError: ``no_oxidation_states``.
    """
    fixed = problem.fixed
    numbers = problem.table.numbers.tolist()
    found = [
        Candidates(((fixed[z], 0.0),), fixed[z] < 0) if z in fixed else candidates_of(z, around)
        for z, around in zip(numbers, problem.surroundings, strict=True)
    ]
    for z, entry in zip(numbers, found, strict=True):
        if not entry.costs:
            raise UnpreparableStructureError(
                f"No oxidation state of {symbol(z)} is known, which {problem.table.formula} "
                "holds; give one with the oxidation states option, or leave the structure out.",
                reason="no_oxidation_states",
            )
    return found


def _is_ionic(table: SiteTable, candidates: Sequence[Candidates]) -> bool:
    """Whether some element takes up the electrons of the metals.

    Half-metals count as anions only where every metal is electropositive (Zintl salts).
    """
    numbers = table.numbers.tolist()
    anions = {
        z
        for z, entry in zip(numbers, candidates, strict=True)
        if entry.is_anion and entry.costs[0][0] < 0
    }
    others = set(numbers) - anions
    if not anions or not others:
        return False
    noble = any(
        tables.electronegativities()[z] > tables.ZINTL_METAL_LIMIT and z not in tables.NONMETALS
        for z in others
    )
    return not (noble and anions <= tables.ZINTL_FORMERS)


def _refuse_metal(table: SiteTable) -> None:
    raise UnpreparableStructureError(
        f"{table.formula} holds no anion that takes up the electrons of its metals: it is an "
        "element, a molecule or an intermetallic, and ionic pair energies do not apply. "
        "Leave it out.",
        reason="not_ionic",
    )


def _pin(table: SiteTable, candidates: Sequence[Candidates]) -> list[Candidates]:
    """Leave a choice only to elements that form mixed valences."""
    return [
        entry if z in tables.MIXED_VALENT else likeliest(entry)
        for z, entry in zip(table.numbers.tolist(), candidates, strict=True)
    ]


def _solve(problem: _Problem, candidates: Sequence[Candidates], *flags: str) -> ChargeProposal:
    """Charges at the least cost for one list of candidates."""
    table = problem.table
    ordered = not table.is_disordered
    sums: list[dict[float, float]] = [{} for _ in candidates]
    if ordered:
        sums = bond_valence_sums(
            table, problem.neighbours, candidates, distance_scale=problem.distance_scale
        )
    groups, members = _group(table, candidates, sums)
    balance, whole = _balance(groups, ordered=ordered)
    charges = np.array(balance.charges)[members]
    if whole and any(sums):
        method = "bond_valence"
    elif np.abs(charges - np.round(charges)).max() > WHOLE:
        method = "composition_mixed"
    else:
        method = "composition"
    return ChargeProposal(charges=charges, method=method, flags=flags)


def _balance(groups: Sequence[Group], *, ordered: bool) -> tuple[Balance, bool]:
    """Whole-numbered states where they exist at a fair cost, else averages."""
    averages = balance_fractions(groups)
    if not ordered:
        return averages, False
    integers = balance_integers(groups)
    varied = sum(g.weight for g in groups if len(g.charges) > 1)
    limit = averages.cost + INTEGER_PREMIUM * varied + WHOLE
    if np.isfinite(integers.cost) and integers.cost <= limit:
        return integers, True
    return averages, False


def _group(
    table: SiteTable, candidates: Sequence[Candidates], sums: Sequence[dict[float, float]]
) -> tuple[list[Group], NDArray[np.int64]]:
    """Join entries of one element with the same candidates and nearly the same sums.

    Atoms that symmetry makes equivalent end in one group and so get one charge.
    """
    keys: dict[tuple[object, ...], list[int]] = {}
    for entry, (z, found) in enumerate(zip(table.numbers.tolist(), candidates, strict=True)):
        keys.setdefault((z, found.costs, tuple(sums[entry])), []).append(entry)
    members = np.empty(len(candidates), dtype=np.int64)
    groups: list[Group] = []
    for alike in keys.values():
        for entries in _split_by_sum(alike, sums):
            members[entries] = len(groups)
            groups.append(_make_group(table, candidates[entries[0]], entries, sums))
    return groups, members


def _split_by_sum(entries: list[int], sums: Sequence[dict[float, float]]) -> Iterator[list[int]]:
    """Cut a list of like entries where their bond valence sums have gaps."""
    if not sums[entries[0]]:
        yield entries
        return
    state = next(iter(sums[entries[0]]))
    ranked = sorted(entries, key=lambda e: sums[e][state])
    start = 0
    for k in range(1, len(ranked)):
        value = sums[ranked[k]][state]
        gap = value - sums[ranked[k - 1]][state]
        if gap > SAME_SUM or value - sums[ranked[start]][state] > WIDEST_GROUP:
            yield ranked[start:k]
            start = k
    yield ranked[start:]


def _make_group(
    table: SiteTable, found: Candidates, entries: list[int], sums: Sequence[dict[float, float]]
) -> Group:
    """One group with the mean cost of its entries."""
    number = int(table.numbers[entries[0]])
    costs = []
    for q, prior in found.costs:
        misfits = [
            misfit_cost(number, q, sums[e][q]) if q in sums[e] else UNTESTED_COST
            for e in entries
            if sums[e]
        ]
        costs.append(prior + (sum(misfits) / len(misfits) if misfits else 0.0))
    return Group(
        weight=float(table.occupancies[entries].sum()),
        charges=tuple(q for q, _ in found.costs),
        costs=tuple(costs),
    )
