"""Bond valence sums of every possible state of the cations, and how well each fits.

The valence of a bond of length r is exp(α(r0 − r)) (softBV, 10.1107/S2052520618015718); the
sum over a cation's bonds is near its oxidation state when the parameters are those of that
state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structures.disorder import SiteTable
from structures.oxidation import tables
from structures.oxidation.candidates import Candidates
from structures.oxidation.environment import Neighbours

ANION_CHARGES = {7: -3, 8: -2, 9: -1, 16: -2, 17: -1, 34: -2, 35: -1, 52: -2, 53: -1}
"""Anions for which softBV has parameters, with their charge there."""
SUM_SPREAD = 0.30
"""Standard deviation of a bond valence sum from the oxidation state, valence units."""
LARGEST_MISFIT_COST = 12.0
"""Cap of the misfit's cost in ln units: a distorted site must not outweigh all others."""
UNTESTED_COST = 4.0
"""Cost of a state without parameters where other states of the atom have some."""


def misfit_costs(
    table: SiteTable,
    neighbours: Neighbours,
    candidates: list[Candidates],
    *,
    distance_scale: float,
) -> list[dict[float, float]]:
    """Cost of each candidate charge of each entry from its bond valence sum.

    Args:
        table: the entries.
        neighbours: their pairs.
        candidates: possible charges of each entry.
        distance_scale: factor on the distances before they enter the formula.

    Returns:
        Per entry a dict from charge to cost in ln units; empty where nothing can be told.
    """
    sums = _bond_valence_sums(table, neighbours, candidates, distance_scale)
    costs: list[dict[float, float]] = []
    for found in sums:
        fits = {
            q: min(0.5 * ((value - q) / SUM_SPREAD) ** 2, LARGEST_MISFIT_COST)
            for q, value in found.items()
        }
        costs.append(fits)
    return costs


def _bond_valence_sums(
    table: SiteTable,
    neighbours: Neighbours,
    candidates: list[Candidates],
    distance_scale: float,
) -> list[dict[float, float]]:
    """Bond valence sum of each entry under each candidate charge that has parameters."""
    n = len(table.numbers)
    anion = np.array([c.is_anion for c in candidates], dtype=np.bool_)
    varied = np.array([len(c.costs) > 1 for c in candidates], dtype=np.bool_)
    use = varied[neighbours.first] & ~anion[neighbours.first] & anion[neighbours.second]
    i, j = neighbours.first[use], neighbours.second[use]
    d = neighbours.distances_angstrom[use] * distance_scale
    weight = table.occupancies[j]
    states = _states_by_element(table.numbers, candidates, varied & ~anion)
    partners = set(np.unique(table.numbers[j]).tolist())
    sums: list[dict[float, float]] = [{} for _ in range(n)]
    for z, charges in states.items():
        of_element = table.numbers[i] == z
        entries = np.unique(i[of_element])
        for q in charges:
            total = _sums_of_state(
                z, q, partners, table.numbers, i[of_element], j[of_element],
                d[of_element], weight[of_element], n,
            )  # fmt: skip
            if total is not None:
                for entry in entries.tolist():
                    sums[entry][float(q)] = float(total[entry])
    return sums


def _states_by_element(
    numbers: NDArray[np.int64], candidates: list[Candidates], chosen: NDArray[np.bool_]
) -> dict[int, set[int]]:
    """Integer candidate charges of each element that has a choice."""
    states: dict[int, set[int]] = {}
    for entry in np.flatnonzero(chosen).tolist():
        found = states.setdefault(int(numbers[entry]), set())
        found.update(int(q) for q, _ in candidates[entry].costs if float(q).is_integer())
    return states


def _sums_of_state(
    z: int,
    q: int,
    partners: set[int],
    numbers: NDArray[np.int64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    d: NDArray[np.float64],
    weight: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64] | None:
    """Sums of one state over all its anions; ``None`` where an anion has no parameters."""
    total = np.zeros(n)
    for partner in partners:
        charge = ANION_CHARGES.get(partner)
        pair = numbers[j] == partner
        if not pair.any():
            continue
        found = charge and tables.bond_valence_parameters(z, q, partner, charge)
        if not found:
            return None
        valence = weight[pair] * np.exp(found.alpha_per_angstrom * (found.r0_angstrom - d[pair]))
        total += np.bincount(i[pair], weights=valence, minlength=n)
    return total
