"""Bond valence sums of every possible state of the cations, and how well each fits.

The valence of a bond of length r is exp(α(r0 − r)) (softBV, 10.1107/S2052520618015718); the
sum over a cation's bonds is near its oxidation state when the parameters are those of that
state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import SiteTable
from dualion.structures.oxidation import tables
from dualion.structures.oxidation.candidates import Candidates
from dualion.structures.oxidation.environment import Neighbours

ANION_CHARGES = {7: -3, 8: -2, 9: -1, 16: -2, 17: -1, 34: -2, 35: -1, 52: -2, 53: -1}
"""Anions for which softBV has parameters, with their charge there."""
RELATIVE_SPREAD = 0.13
"""Standard deviation of a bond valence sum from the state, as a share of the state: what
P–O, Si–O, Al–O, Nb–O and W–O sums of known states show in relaxed cells."""
LARGEST_MISFIT_COST = 12.0
"""Cap of the misfit's cost in ln units: a distorted site must not outweigh all others."""
UNTESTED_COST = 4.0
"""Cost of a state without parameters where other states of the atom have some."""


EXPECTED_SUMS = {(27, 3): 2.55, (27, 4): 4.8, (24, 4): 4.4, (28, 4): 4.5}
"""Sums, by atomic number and state, of Co³⁺, Co⁴⁺, Cr⁴⁺ and Ni⁴⁺ where the parameters miss the
state by more than a tenth: the median over relaxed cells whose composition fixes the state
(LiCoO₂, Li₂NiO₃) and, for Co⁴⁺ and Cr⁴⁺, the sum at Co³⁺ and Cr³⁺ sites times the 1.2 that one
electron changes the sum of their neighbours."""


def misfit_cost(number: int, state: float, bond_valence_sum: float) -> float:
    """Return cost, ln units, of a state whose bond valence sum differs from the expected one.

    Args:
        number: atomic number.
        state: oxidation state, e.
        bond_valence_sum: valence units.
    """
    expected = EXPECTED_SUMS.get((number, int(state)), state)
    deviation = (bond_valence_sum - expected) / (RELATIVE_SPREAD * expected)
    return min(0.5 * deviation**2, LARGEST_MISFIT_COST)


def bond_valence_sums(
    table: SiteTable,
    neighbours: Neighbours,
    candidates: Sequence[Candidates],
    *,
    distance_scale: float,
) -> list[dict[float, float]]:
    """Return bond valence sum of each entry under each of its positive whole-numbered candidates.

    Args:
        table: the entries.
        neighbours: their pairs.
        candidates: possible charges of each entry.
        distance_scale: factor on the distances before they enter the formula.

    Returns:
        Per entry a dict from charge (e) to sum (valence units); empty for anions, for entries
        without a choice, and where the neighbouring anions have no parameters.
    """
    anion = np.array([c.is_anion for c in candidates], dtype=np.bool_)
    varied = np.array([len(c.costs) > 1 for c in candidates], dtype=np.bool_) & ~anion
    sums: list[dict[float, float]] = [{} for _ in candidates]
    use = varied[neighbours.first] & anion[neighbours.second]
    if not use.any():
        return sums
    i, j = neighbours.first[use], neighbours.second[use]
    d = neighbours.distances_angstrom[use] * distance_scale
    states = _states_by_element(table.numbers, candidates, varied)
    for z, charges in states.items():
        mine = table.numbers[i] == z
        bonds = _Bonds(i[mine], table.numbers[j[mine]], d[mine], table.occupancies[j[mine]])
        for q in charges:
            total = bonds.sums(z, q, len(sums))
            if total is not None:
                for entry in bonds.entries:
                    sums[entry][float(q)] = float(total[entry])
    return sums


def _states_by_element(
    numbers: NDArray[np.int64], candidates: Sequence[Candidates], chosen: NDArray[np.bool_]
) -> dict[int, list[int]]:
    """Positive integer candidates of each element that has a choice, ascending."""
    states: dict[int, set[int]] = {}
    for entry in np.flatnonzero(chosen).tolist():
        found = states.setdefault(int(numbers[entry]), set())
        found.update(int(q) for q, _ in candidates[entry].costs if q > 0 and q == int(q))
    return {z: sorted(charges) for z, charges in states.items()}


class _Bonds:
    """Bonds of the cations of one element to all anions near them."""

    def __init__(
        self,
        cations: NDArray[np.int64],
        anion_numbers: NDArray[np.int64],
        distances_angstrom: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> None:
        self.entries: list[int] = np.unique(cations).tolist()
        self._by_anion = [
            (z, cations[m], distances_angstrom[m], weights[m])
            for z in np.unique(anion_numbers).tolist()
            for m in [anion_numbers == z]
        ]

    def sums(self, cation: int, charge: int, n: int) -> NDArray[np.float64] | None:
        """Return the sums of one state, shape (n,); ``None`` where an anion has no parameters.

        Args:
            cation: atomic number.
            charge: its oxidation state, e.
            n: number of entries.
        """
        total = np.zeros(n)
        for anion, cations, distances, weights in self._by_anion:
            anion_charge = ANION_CHARGES.get(anion)
            if anion_charge is None:
                return None
            found = tables.bond_valence_parameters(cation, charge, anion, anion_charge)
            if found is None:
                return None
            exponent = found.alpha_per_angstrom * (found.r0_angstrom - distances)
            total += np.bincount(cations, weights=weights * np.exp(exponent), minlength=n)
        return total
