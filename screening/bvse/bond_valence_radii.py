"""Radii from which bond valence parameters of any pair can be estimated.

Two sets: the bond valence radii r and electronegativity-like parameters c of O'Keeffe &
Brese, J. Am. Chem. Soc. 113, 3226 (1991), 10.1021/ja00009a002, which give R0 of any two
elements; and Shannon's crystal radii, Acta Cryst. A 32, 751 (1976),
10.1107/S0567739476001551, as shipped in bvlain, which know the charge of a cation.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

import numpy as np

from dualion.screening.bvse.softbv import _data_folder, ase_covalent_radii
from dualion.structures.elements import symbol

BOND_VALENCE_RADII: dict[int, tuple[float, float]] = {
    1: (0.38, 0.89),
    3: (1.0, 0.97),
    4: (0.81, 1.47),
    5: (0.79, 1.6),
    6: (0.78, 2.0),
    7: (0.72, 2.61),
    8: (0.63, 3.15),
    9: (0.58, 3.98),
    11: (1.36, 1.01),
    12: (1.21, 1.23),
    13: (1.13, 1.47),
    14: (1.12, 1.58),
    15: (1.09, 1.96),
    16: (1.03, 2.35),
    17: (0.99, 2.74),
    19: (1.73, 0.91),
    20: (1.5, 1.04),
    21: (1.34, 1.2),
    22: (1.27, 1.32),
    23: (1.21, 1.45),
    24: (1.16, 1.56),
    25: (1.17, 1.6),
    26: (1.16, 1.64),
    27: (1.09, 1.7),
    28: (1.04, 1.75),
    29: (0.87, 1.75),
    30: (1.07, 1.66),
    31: (1.14, 1.82),
    32: (1.21, 1.51),
    33: (1.21, 2.23),
    34: (1.18, 2.51),
    35: (1.13, 2.58),
    37: (1.84, 0.89),
    38: (1.66, 0.99),
    39: (1.52, 1.11),
    40: (1.43, 1.22),
    41: (1.4, 1.23),
    42: (1.37, 1.3),
    44: (1.21, 1.42),
    45: (1.18, 1.54),
    46: (1.11, 1.35),
    47: (1.12, 1.42),
    48: (1.28, 1.46),
    49: (1.34, 1.49),
    50: (1.37, 1.72),
    51: (1.41, 1.72),
    52: (1.4, 2.72),
    53: (1.33, 2.38),
    55: (2.05, 0.86),
    56: (1.88, 0.97),
    57: (1.71, 1.08),
    58: (1.68, 1.08),
    59: (1.66, 1.07),
    60: (1.64, 1.07),
    62: (1.61, 1.07),
    63: (1.62, 1.01),
    64: (1.58, 1.11),
    65: (1.56, 1.1),
    66: (1.54, 1.1),
    67: (1.53, 1.1),
    68: (1.51, 1.11),
    69: (1.5, 1.11),
    70: (1.49, 1.06),
    71: (1.47, 1.14),
    72: (1.42, 1.23),
    73: (1.39, 1.33),
    74: (1.38, 1.4),
    75: (1.37, 1.46),
    77: (1.37, 1.55),
    80: (1.32, 1.44),
    81: (1.62, 1.44),
    82: (1.53, 1.55),
    83: (1.54, 1.67),
    90: (1.7, 1.11),
    92: (1.59, 1.22),
}
"""Atomic number → (r in Å, c) of O'Keeffe & Brese."""

TYPICAL_C = 1.3
"""c of an element that the table lacks; all of them are metals, whose c is 0.9 to 1.8."""

RADIUS_PER_CHARGE_ANGSTROM = -0.08
"""Change of a Shannon radius per unit of charge, where a state is not tabulated, Å."""

BOND_VALENCE_ABOVE_SHANNON_ANGSTROM = 0.44
"""Mean of bond valence radius less crystal radius over softBV's cations, Å."""

_COORDINATIONS = (
    "", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV",
)  # fmt: skip
"""Roman numerals, each at its number."""


def bond_valence_radius(number: int) -> tuple[float, float]:
    """r in Å and c of an element; r from the covalent radius where the table has no entry."""
    if number in BOND_VALENCE_RADII:
        return BOND_VALENCE_RADII[number]
    slope, intercept = _radius_from_covalent()
    return slope * float(ase_covalent_radii()[number]) + intercept, TYPICAL_C


def estimated_r0(cation: int, anion: int) -> float:
    """Return R0 in Å of two elements for b = 0.37 Å (equation 3 of O'Keeffe & Brese).

    Args:
        cation: atomic number.
        anion: atomic number.
    """
    (r1, c1), (r2, c2) = bond_valence_radius(cation), bond_valence_radius(anion)
    polarity = (math.sqrt(c1) - math.sqrt(c2)) ** 2
    return r1 + r2 - r1 * r2 * polarity / (c1 * r1 + c2 * r2)


@lru_cache(maxsize=1)
def _radius_from_covalent() -> tuple[float, float]:
    """Slope and intercept (Å) of the bond valence radius over the covalent radius."""
    covalent = ase_covalent_radii()[list(BOND_VALENCE_RADII)]
    slope, intercept = np.polyfit(covalent, [r for r, _ in BOND_VALENCE_RADII.values()], 1)
    return float(slope), float(intercept)


@lru_cache(maxsize=1)
def _shannon() -> dict[str, dict[int, float]]:
    """Symbol → charge → crystal radius in Å at the coordination nearest to six."""
    with (_data_folder() / "shannon-radii.json").open(encoding="utf-8") as handle:
        table = json.load(handle)
    return {
        element: {int(charge): _nearest_to_octahedral(row) for charge, row in states.items()}
        for element, states in table.items()
    }


def _nearest_to_octahedral(row: dict[str, dict[str, Any]]) -> float:
    """Crystal radius at the coordination nearest to six; the first where several are equal.

    The file keys high-spin octahedral ions by an empty coordination; they come first, since
    high spin is the rule with the anions of ionic conductors.
    """

    octahedral = _COORDINATIONS.index("VI")

    def distance(key: str) -> tuple[int, bool]:
        roman = key.removesuffix("SQ").removesuffix("PY") or "VI"
        return abs(_COORDINATIONS.index(roman) - octahedral), key != ""

    return float(row[min(row, key=distance)]["r_crystal"])


def shannon_radius(number: int, charge: float) -> float:
    """Return crystal radius of a cation in Å, from the bond valence radius if Shannon has none.

    The radii are Shannon's, Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551.

    Args:
        number: atomic number.
        charge: formal charge, e, above 0.
    """
    states = _shannon().get(symbol(number), {})
    positive = [known for known in states if known > 0]
    if not positive:
        return bond_valence_radius(number)[0] - BOND_VALENCE_ABOVE_SHANNON_ANGSTROM
    nearest = min(positive, key=lambda known: abs(known - charge))
    return states[nearest] + RADIUS_PER_CHARGE_ANGSTROM * (charge - nearest)
