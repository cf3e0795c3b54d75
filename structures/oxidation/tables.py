"""Element data for oxidation states, by atomic number.

Sources: frequencies of oxidation states in the ICSD as shipped with pymatgen
(``PRIOR_PROB``), Pauling electronegativities and known states from pymatgen's periodic table,
softBV bond valence parameters as shipped with bvlain (Chen, Wong, Adams,
10.1107/S2052520618015718).
"""

from __future__ import annotations

import math
import pickle
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import covalent_radii_angstrom
from dualion.structures.elements import atomic_number
from dualion.structures.errors import MissingDependencyError

N_ELEMENTS = 119
UNSEEN_COUNT = 0.5
"""Weight of a state that chemistry knows but the ICSD statistics lack, in counts."""


USUAL_SHARE = 0.02
"""Share of the ICSD's ions of an element from which a state is usual."""
LEAST_CURVATURE = 1.0
"""Cost, ln units, of two ions of one metal in states q − 1 and q + 1 above two in state q."""


def atomic_numbers(symbols: str) -> frozenset[int]:
    """Return atomic numbers of symbols separated by blanks."""
    return frozenset(atomic_number(s) for s in symbols.split())


ALKALI = atomic_numbers("Li Na K Rb Cs Fr")
ALKALINE_EARTH = atomic_numbers("Be Mg Ca Sr Ba Ra")
NOBLE_GASES = atomic_numbers("He Ne Ar Kr Xe Rn")
NONMETALS = atomic_numbers("H B C N O F Si P S Cl Ge As Se Br Sb Te I At")
"""Elements that can be the negative end of a polar bond, half-metals included."""
HALOGENS = atomic_numbers("F Cl Br I At")
ZINTL_FORMERS = atomic_numbers("B C Si Ge Sn Pb P As Sb Bi Ga In Tl")
"""Elements whose anions exist only beside strongly electropositive metals."""
P_BLOCK = atomic_numbers("B C N O F Al Si P S Cl Ga Ge As Se Br In Sn Sb Te I Tl Pb Bi Po At")
ZINTL_METAL_LIMIT = 1.7
"""Pauling electronegativity up to which a metal gives its electrons even to a half-metal."""
MIXED_VALENT = atomic_numbers(
    "V Cr Mn Fe Co Ni Cu Mo Tc Ru Rh Pd Ag Re Os Ir Pt Au Hg Ce Pr Sm Eu Tb Yb U Np Pu"
)
"""Metals that hold several states side by side; p-block elements and d0 cations (Ti⁴⁺, Zr⁴⁺,
Nb⁵⁺, Ta⁵⁺, W⁶⁺) rather do not."""
MONOVALENT_METALS = atomic_numbers("Li Na K Rb Cs Fr Cu Ag Au Hg In Tl Ga")
"""Metals that form +1 ions; in others +1 is a state of complexes, not of salts."""
TETRAHEDRAL_HIGH_STATES = dict.fromkeys(atomic_numbers("Cr Mn Fe Co Ni"), 5)
"""Lowest state of these metals that exists only with four or fewer ligands (CrO₄²⁻, MnO₄⁻)."""
FIXED_CHARGES = {
    **dict.fromkeys(ALKALI, 1),
    **dict.fromkeys(ALKALINE_EARTH, 2),
    atomic_number("F"): -1,
    atomic_number("Al"): 3,
    atomic_number("Sc"): 3,
    atomic_number("Y"): 3,
    atomic_number("La"): 3,
    atomic_number("Lu"): 3,
    atomic_number("Gd"): 3,
    atomic_number("Zn"): 2,
    atomic_number("Cd"): 2,
    atomic_number("Hf"): 4,
    atomic_number("Th"): 4,
}
"""Elements that have one oxidation state in every crystal that this project screens."""
P_BLOCK_GROUP_VALENCE = {
    **dict.fromkeys(atomic_numbers("B Al Ga In Tl"), 3),
    **dict.fromkeys(atomic_numbers("C Si Ge Sn Pb"), 4),
    **dict.fromkeys(atomic_numbers("N P As Sb Bi"), 5),
    **dict.fromkeys(atomic_numbers("O S Se Te Po"), 6),
    **dict.fromkeys(HALOGENS, 7),
}
"""Number of valence electrons of p-block elements: their highest oxidation state."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BondValenceParameters:
    """softBV parameters of one cation state with one anion.

    Attributes:
        r0_angstrom: bond length of unit valence, Å.
        alpha_per_angstrom: 1/b, 1/Å.
    """

    r0_angstrom: float
    alpha_per_angstrom: float


@lru_cache(maxsize=1)
def electronegativities() -> NDArray[np.float64]:
    """Return Pauling electronegativities by atomic number, shape (119,); 1.5 where none is known.

    Hydrogen is set 0.1 below Pauling's 2.20, between boron (2.04) and phosphorus (2.19): it is
    a hydride beside B and Si and a proton beside P and C.
    """
    from pymatgen.core import Element

    values = np.full(N_ELEMENTS, 1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for z in range(1, N_ELEMENTS):
            x = float(Element.from_Z(z).X)
            values[z] = x if math.isfinite(x) and x > 0 else 1.5
    values[1] = 2.1
    return values


@lru_cache(maxsize=1)
def icsd_counts() -> dict[int, dict[int, float]]:
    """Counts of each non-zero integer state in the ICSD, by atomic number."""
    from pymatgen.analysis.bond_valence import PRIOR_PROB

    counts: dict[int, dict[int, float]] = {}
    for species, count in PRIOR_PROB.items():
        state = float(species.oxi_state)
        if state and state.is_integer():
            counts.setdefault(int(species.element.Z), {})[int(state)] = float(count)
    return counts


@lru_cache(maxsize=256)
def state_costs(number: int) -> dict[int, float]:
    """Return the cost, −ln(probability), of each known non-zero state of an element.

    Frequencies come from the ICSD where it has them; states that only textbooks know enter
    with a small weight, so that they are a last resort, and states that textbooks do not know
    are left out. For d- and f-metals the costs are made convex: two V⁴⁺ are likelier than V³⁺
    beside V⁵⁺ unless the bond lengths say otherwise.
    """
    from pymatgen.core import Element

    element = Element.from_Z(number)
    known = set(known_states(number))
    counts = {q: n for q, n in icsd_counts().get(number, {}).items() if q in known}
    weight = 20.0 if not counts else UNSEEN_COUNT
    for state in element.common_oxidation_states:
        if state:
            counts.setdefault(int(state), weight)
    for state in known:
        counts.setdefault(state, UNSEEN_COUNT)
    if not counts:
        return {}
    total = sum(counts.values())
    costs = {state: -math.log(count / total) for state, count in sorted(counts.items())}
    if number in P_BLOCK or number == 1:
        return costs
    mean = sum(state * count for state, count in counts.items()) / total
    return _made_convex(costs, mean)


def _made_convex(costs: dict[int, float], mean: float) -> dict[int, float]:
    """Lower convex envelope of the usual positive states, bent by ``LEAST_CURVATURE``.

    States rarer than ``USUAL_SHARE`` keep their cost: Fe⁶⁺ must not make Fe⁴⁺ cheap.
    """
    states = np.array([q for q in costs if q > 0])
    usual = [q for q in states.tolist() if costs[q] <= -math.log(USUAL_SHARE)]
    hull: list[int] = []
    for q in usual:
        while len(hull) > 1 and _above_chord(costs, hull[-2], hull[-1], q):
            hull.pop()
        hull.append(q)
    raw = np.array([costs[q] for q in states.tolist()])
    envelope = np.interp(states, hull, [costs[q] for q in hull], left=np.inf, right=np.inf)
    bend = 0.5 * LEAST_CURVATURE * (states - mean) ** 2
    return dict(zip(states.tolist(), (np.minimum(raw, envelope) + bend).tolist(), strict=True))


def _above_chord(costs: dict[int, float], left: int, middle: int, right: int) -> bool:
    """Whether the cost of the middle state lies on or above the line through the others."""
    share = (middle - left) / (right - left)
    return costs[middle] >= (1 - share) * costs[left] + share * costs[right]


@lru_cache(maxsize=256)
def known_states(number: int) -> tuple[int, ...]:
    """Return every oxidation state, common or rare, that pymatgen's periodic table lists."""
    from pymatgen.core import Element

    return tuple(int(state) for state in Element.from_Z(number).oxidation_states if state)


@lru_cache(maxsize=1)
def _bond_valence_table() -> dict[tuple[int, int, int, int], BondValenceParameters]:
    """softBV parameters keyed by cation, its charge, anion, its charge."""
    spec = find_spec("bvlain")  # found, not imported: its data are needed, not its 1 s of imports
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError("bvlain is not installed; reinstall dualion to get it.")
    path = Path(spec.submodule_search_locations[0]) / "data" / "cation.pkl"
    raw = pickle.loads(path.read_bytes())
    return {
        (int(z), int(q), int(z2), int(q2)): BondValenceParameters(
            r0_angstrom=float(entry["r0"]), alpha_per_angstrom=float(entry["alpha"])
        )
        for z, states in raw.items()
        for q, partners in states.items()
        for z2, anion_states in partners.items()
        for q2, entry in anion_states.items()
    }


@lru_cache(maxsize=4096)
def bond_valence_parameters(
    cation: int, cation_charge: int, anion: int, anion_charge: int
) -> BondValenceParameters | None:
    """Return softBV parameters of a pair, of the nearest state where it has none of its own.

    Args:
        cation: atomic number.
        cation_charge: oxidation state, e.
        anion: atomic number.
        anion_charge: oxidation state, e.

    Returns:
        The parameters, or ``None`` where the table has none for the two elements or where the
        nearest state is more than one electron away.
    """
    table = _bond_valence_table()
    for charge in (cation_charge, cation_charge - 1, cation_charge + 1):
        found = table.get((cation, charge, anion, anion_charge))
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1)
def bond_length_limits_angstrom() -> NDArray[np.float64]:
    """Return the longest like-atom bond by atomic number, Å, shape (119,).

    Typical single bonds are O–O 1.49, N–N 1.45, S–S 2.05, Se–Se 2.35, P–P 2.22, C–C 1.54,
    Si–Si 2.35, Te–Te 2.8, I–I 2.7 to 2.9 (I₃⁻). Beyond 1.15 times the summed covalent radii (1.1
    for Sn and heavier, whose oxides share edges at 3.3 Å) no bond is assumed. Hydrogen: only H₂.
    """
    radii = covalent_radii_angstrom()
    limits = np.where(np.arange(len(radii)) < 50, 2.3, 2.2) * radii
    limits[1] = 0.95
    limits[8] = 1.70
    return limits
