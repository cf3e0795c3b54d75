"""Which oxidation states an atom may have in its surroundings, and what each of them costs.

A candidate's cost is −ln of how frequent the state is for the element. Non-metals and
half-metals are told apart by their bonds: an atom bonded to more electronegative atoms is the
positive centre of a group, any other is an anion. Bonds between like atoms shift the state by
one electron each: P₂S₆⁴⁻ holds P⁴⁺, S₂²⁻ holds S⁻.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from dualion.structures.elements import atomic_number
from dualion.structures.oxidation import tables
from dualion.structures.oxidation.environment import Environment

UNLIKELY = 8.0
"""Extra cost, in ln units, of a state against the chemical role of its atom."""
MISSED_LIGAND = 3.0
"""Cost, ln units, of a ligand of a light centre beyond the range in which it is counted."""
CENTRE_MARGIN = 0.4
"""Neighbours may be partly occupied: a count is rounded up from this fraction."""

HYDROGEN, BORON, CARBON, NITROGEN, OXYGEN = (atomic_number(s) for s in ("H", "B", "C", "N", "O"))
_LIGHT_CENTRES = tables.atomic_numbers("Si P S Cl Br")
_ANION_FORMERS = tables.atomic_numbers("B C N O Si P S Cl Ge As Se Br Sn Sb Te I Bi At")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment of one entry as whole numbers; see ``Environment`` for the meaning."""

    like_bonds: int = 0
    acceptors: int = 0
    hydrogens: int = 0
    nonmetals: int = 0
    like_cluster: int = 1
    like_angstrom: float = float("inf")
    cyano: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """Possible charges of an atom.

    Attributes:
        costs: pairs of charge (e) and cost (ln units), lowest charge first.
        is_anion: whether the atom is the negative end of its bonds.
    """

    costs: tuple[tuple[float, float], ...]
    is_anion: bool


def surroundings_of(environment: Environment) -> list[Surroundings]:
    """Turn the arrays into one hashable object per entry."""

    def whole(values: list[float]) -> list[int]:
        return [int(v + 1.0 - CENTRE_MARGIN) for v in values]

    columns = zip(
        environment.like_bonds.astype(int).tolist(),
        whole(environment.acceptors.tolist()),
        whole(environment.hydrogens.tolist()),
        whole(environment.nonmetals.tolist()),
        environment.like_cluster.tolist(),
        environment.shortest_like_angstrom.round(2).tolist(),
        environment.cyano.tolist(),
        strict=True,
    )
    return [Surroundings(*row) for row in columns]


@lru_cache(maxsize=8192)
def candidates_of(number: int, around: Surroundings) -> Candidates:
    """Return the possible charges of an element in its surroundings.

    Args:
        number: atomic number.
        around: its bonds.

    Returns:
        The candidates; empty ``costs`` for an element without known states.
    """
    if number in tables.FIXED_CHARGES:
        charge = float(tables.FIXED_CHARGES[number])
        return Candidates(((charge, 0.0),), charge < 0)
    special = _SPECIAL.get(number)
    if special is not None:
        return special(around)
    if number in tables.P_BLOCK:
        return _p_block(number, around)
    return _metal(number, around)


def _candidates(costs: dict[float, float], *, is_anion: bool) -> Candidates:
    return Candidates(tuple(sorted(costs.items())), is_anion)


def _one(charge: float) -> Candidates:
    return Candidates(((charge, 0.0),), charge <= 0)


def _metal(number: int, around: Surroundings) -> Candidates:
    """Metals: every known positive state; those that ask for other ligands at a cost."""
    high = tables.TETRAHEDRAL_HIGH_STATES.get(number, 99)
    costs = {}
    for state, cost in tables.state_costs(number).items():
        odd = state == 1 and number not in tables.MONOVALENT_METALS
        crowded = state >= high and around.acceptors > 4
        if state > 0:
            costs[float(state)] = cost + (UNLIKELY if odd or crowded else 0.0)
    return _candidates(costs, is_anion=False)


def likeliest(candidates: Candidates) -> Candidates:
    """Keep the cheapest charge only."""
    best = min(candidates.costs, key=lambda pair: pair[1])
    return Candidates((best,), candidates.is_anion)


def with_rare_states(number: int, candidates: Candidates) -> Candidates:
    """Let a metal take every state that chemistry knows of it, at a price.

    Args:
        number: atomic number.
        candidates: the states so far, with their costs.
    """
    if number in tables.NONMETALS or number in tables.ALKALI or candidates.is_anion:
        return candidates
    costs = dict(candidates.costs)
    for state in tables.known_states(number):
        if state > 0:
            costs.setdefault(float(state), UNLIKELY)
    return _candidates(costs, is_anion=False)


def as_centre(number: int, candidates: Candidates) -> Candidates:
    """Let a half-metal that passed for an anion be a cation whose bonds are too long to count.

    Args:
        number: atomic number.
        candidates: the states so far, with their costs.
    """
    if number not in tables.ZINTL_FORMERS or not candidates.is_anion:
        return candidates
    costs = {float(q): cost for q, cost in tables.state_costs(number).items() if q > 0}
    return _candidates(costs, is_anion=False) if costs else candidates


def without_like_bonds(around: Surroundings) -> Surroundings:
    """Return the same surroundings with bonds to like atoms counted as those to other elements."""
    return replace(
        around,
        nonmetals=max(0, around.nonmetals - around.like_bonds),
        like_bonds=0,
        like_cluster=1,
        like_angstrom=float("inf"),
    )


def _p_block(number: int, around: Surroundings) -> Candidates:
    """Main-group elements: N − 8 as anions, N, N − 2, … as centres, shifted by like bonds.

    The number of ligands tells the state of light centres (PO₄ 5, PF₃ 3, SO₄ 6, SO₃ 4, ClO₃ 5).
    Heavy ones have states of either parity of the lone pair at any coordination number.
    """
    valence = tables.P_BLOCK_GROUP_VALENCE[number]
    shift = around.like_bonds
    if number in _ANION_FORMERS and around.acceptors == 0:
        if number in tables.HALOGENS and around.like_cluster > 1:
            return _one(-1.0 / around.like_cluster if around.like_cluster % 2 else 0.0)
        if valence == 6 and around.like_cluster == 4 and shift == 2:
            return _candidates({0.5: 0.0, 0.0: 1.0}, is_anion=False)  # squares Te₄²⁺, Se₄²⁺
        return _one(float(min(0, valence - 8 + shift)))
    if number in _LIGHT_CENTRES:
        return _light_centre(valence, around)
    known = tables.state_costs(number)
    costs = {
        float(max(state - shift, 0)): known.get(state, UNLIKELY) for state in range(valence, 0, -2)
    }
    return _candidates(costs, is_anion=False)


def _light_centre(valence: int, around: Surroundings) -> Candidates:
    """The full valence for four ligands, two less for each missing one.

    A stretched bond may have been missed, so higher states stay possible at a cost, and more
    than one lone pair is believed only of halogens and of centres that bear hydrogen.
    """
    missing = 4 - min(4, around.acceptors + around.like_bonds) if valence > 4 else 0
    lowest = 1 if valence == 7 or around.hydrogens else valence - 2
    expected = max(valence - 2 * missing, lowest)
    costs = {
        float(max(state - around.like_bonds, 0)): MISSED_LIGAND * (state - expected) / 2
        for state in range(expected, valence + 1, 2)
    }
    return _candidates(costs, is_anion=False)


def _oxygen(around: Surroundings) -> Candidates:
    """Oxide, peroxide (O–O near 1.5 Å), superoxide (near 1.3 Å), ozonide."""
    if around.like_bonds == 0:
        return _one(-2.0)
    if around.like_cluster == 2:
        return _candidates(_diatomic_costs(_DIOXYGEN, around.like_angstrom), is_anion=True)
    if around.like_cluster == 3:
        return _one(-1.0 / 3.0)
    return _one(float(min(0, around.like_bonds - 2)))


def _nitrogen(around: Surroundings) -> Candidates:
    """Nitride, amide, nitrate, nitrite; N₂ and N₃⁻ by their short bonds."""
    alone = around.nonmetals == around.like_bonds
    if around.like_cluster == 3 and around.like_angstrom < 1.30:
        return _one(-1.0 / 3.0)
    if around.like_cluster == 2 and alone and around.like_angstrom < 1.33:
        return _candidates(_diatomic_costs(_DINITROGEN, around.like_angstrom), is_anion=True)
    if around.cyano or around.acceptors == 0:
        return _one(float(min(0, -3 + around.like_bonds)))
    state = {1: 1.0, 2: 3.0}.get(around.acceptors, 5.0) - around.like_bonds
    return _one(state)


_DIOXYGEN = ((-1.0, 1.49), (-0.5, 1.33), (0.0, 1.22))
_DINITROGEN = ((-1.0, 1.23), (-0.5, 1.17), (0.0, 1.10))
"""Charge per atom and bond length in Å: O₂²⁻, O₂⁻, O₂; N₂²⁻, N₂⁻, N₂."""


def _diatomic_costs(
    states: tuple[tuple[float, float], ...], length_angstrom: float
) -> dict[float, float]:
    """Cost of each charge of a diatomic unit from its bond length."""
    return {q: 0.5 * ((length - length_angstrom) / 0.03) ** 2 for q, length in states}


def _hydrogen(around: Surroundings) -> Candidates:
    """Proton beside an electronegative atom, hydride beside boron, silicon and metals."""
    if around.like_bonds:
        return _one(0.0)
    if around.acceptors:
        return _candidates({1.0: 0.0, -1.0: UNLIKELY}, is_anion=False)
    return _candidates({-1.0: 0.0, 1.0: UNLIKELY}, is_anion=True)


def _carbon(around: Surroundings) -> Candidates:
    """Carbon by counting bonds: +1 for each to an acceptor, −1 for each to hydrogen.

    Bond orders are unknown, so neighbouring states stay possible at a cost. Carbonate,
    cyanamide and thiocyanate give 4, oxalate 3, formate and cyanide 2, acetylide −1.
    """
    if around.cyano:
        return _one(2.0)
    if around.nonmetals == 0:
        return _one(-4.0)
    if around.nonmetals == around.like_bonds:
        if around.like_cluster == 2:
            return _one(-1.0)
        return _spread(-1.0, is_anion=True)
    if around.hydrogens == 0 and around.like_bonds == 0:
        return _one(4.0) if around.acceptors > 1 else _spread(2.0, is_anion=False)
    to_carbon = around.like_bonds
    missing = 4 - around.hydrogens - to_carbon
    expected = float(missing - around.hydrogens) if around.acceptors else float(-around.hydrogens)
    return _spread(expected, is_anion=expected < 0)


def _spread(expected: float, *, is_anion: bool) -> Candidates:
    """All states of carbon or boron, each the dearer the farther from the expected one."""
    costs = {float(q): 2.0 * abs(q - expected) for q in range(-4, 5)}
    return _candidates(costs, is_anion=is_anion)


def _boron(around: Surroundings) -> Candidates:
    """Borate, borohydride and nitride as B³⁺; clusters with B–B bonds by neutrality."""
    if around.like_bonds:
        costs = {float(q): 1.0 + 0.5 * abs(3 - around.like_bonds - q) for q in range(-2, 4)}
        return _candidates(costs, is_anion=around.acceptors == 0)
    return _one(3.0)


_SPECIAL = {
    HYDROGEN: _hydrogen,
    BORON: _boron,
    CARBON: _carbon,
    NITROGEN: _nitrogen,
    OXYGEN: _oxygen,
}
