"""Morse parameters of pairs that softBV's table lacks, estimated from its trends.

R_min, b = 1/α and R0 of the tabulated pairs are fitted by ridge regression: R_min and R0 as
what they differ by from O'Keeffe & Brese's R0 of the two elements, b as its logarithm, over

- properties of the pair (charge, radii, period and block of the cation, charge and radius of
  the anion), which are free, and
- an offset of each cation element, each cation state and each anion, drawn towards zero.

A pair of a cation and an anion that both occur in the table is thus placed by what else is
known of each of them, and an ion that the table lacks by its charge and radii alone. D0
follows from the others by softBV's own relation, which every tabulated pair obeys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.bond_valence_radii import (
    bond_valence_radius,
    estimated_r0,
    shannon_radius,
)
from dualion.screening.bvse.softbv import MorseParameters, MorseTable

Ion = tuple[int, float]
"""Atomic number and charge in e."""

OffsetName = tuple[str, int] | tuple[str, int, int]
"""Kind (``element``, ``state`` or ``anion``), atomic number, and the charge of a state."""

COULOMB_EV_ANGSTROM = 14.4
"""e²/4πε₀ as the softBV family of codes rounds it, eV Å (CODATA: 14.39964…)."""

ALPHA_RANGE = (1.2, 2.8)
"""Range of α over nearly all of the table, 1/Å; estimates are kept inside."""

R_MIN_OVER_R0 = (0.9, 2.0)
"""Range of R_min over O'Keeffe & Brese's R0; a guard for ions unlike any in the table."""

PENALTIES = {"element": 0.3, "state": 0.3, "anion": 1.0}
"""Ridge penalties of the offsets, in units of one pair; found by leaving pairs, anions and
cations out, and flat within a factor of three."""

LARGEST_CATION_CHARGE_E = 8.0
LARGEST_ANION_CHARGE_E = 4.0

_D_AND_F_BLOCK = (range(21, 31), range(39, 49), range(57, 81), range(89, 113))


def is_d_or_f_block(number: int) -> bool:
    """Return whether the element belongs to groups 3 to 12, the lanthanides or the actinides."""
    return any(number in block for block in _D_AND_F_BLOCK)


@cache
def principal_quantum_number(number: int) -> int:
    """Return the principal quantum number of an element's valence shell: its period.

    So has softBV's table all elements that it knows.
    """
    from pymatgen.core import Element

    return int(Element.from_Z(number).row)


def bond_breaking_energy(
    cation: Ion, anion: Ion, *, r_min_angstrom: float, alpha_per_angstrom: float
) -> float:
    """Return D0 in eV from the other parameters.

    With the charges V in e and principal quantum numbers n, D0 = 14.4 V_A |V_X| / (2 α² R_min
    √(n_A n_X)) for cations of the s and p block, and 14.4 √(2 V_A |V_X|) / (α² R_min
    √(n_A n_X)) for those of the d and f block (Adams & Rao, Phys. Status Solidi A 208, 1746
    (2011), 10.1002/pssa.201001116; the factor √2 is what the tabulated values need).

    Args:
        cation: atomic number and charge, e.
        anion: atomic number and charge, e.
        r_min_angstrom: distance of the minimum, Å.
        alpha_per_angstrom: α of the Morse term, 1/Å.
    """
    charges = cation[1] * abs(anion[1])
    strength = float(np.sqrt(2.0 * charges)) if is_d_or_f_block(cation[0]) else charges / 2.0
    shells = principal_quantum_number(cation[0]) * principal_quantum_number(anion[0])
    depth = COULOMB_EV_ANGSTROM * strength / (r_min_angstrom * alpha_per_angstrom**2)
    return float(depth / shells**0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateModel:
    """A fit to tabulated pairs.

    Attributes:
        offsets: cation elements, cation states and anions of the fit → column.
        weights: shape (columns, 3), offsets before properties: of R_min − R0(O'Keeffe & Brese),
            Å; ln(b/Å); and R0 − R0(O'Keeffe & Brese), Å.
    """

    offsets: dict[OffsetName, int]
    weights: NDArray[np.float64]

    def estimate(self, cation: Ion, anion: Ion) -> MorseParameters:
        """Return the parameters of a pair; charges in e, those of the cation positive.

        Args:
            cation: atomic number and charge, e.
            anion: atomic number and charge, e.
        """
        row = _design_row(cation, anion, self.offsets)
        r_min_excess, log_b, r0_excess = (float(x) for x in row @ self.weights)
        base = estimated_r0(cation[0], anion[0])
        shortest, longest = (factor * base for factor in R_MIN_OVER_R0)
        r_min = min(max(base + r_min_excess, shortest), longest)
        alpha = min(max(float(np.exp(-log_b)), ALPHA_RANGE[0]), ALPHA_RANGE[1])
        return MorseParameters(
            r_min_angstrom=r_min,
            alpha_per_angstrom=alpha,
            d0_ev=bond_breaking_energy(
                cation, anion, r_min_angstrom=r_min, alpha_per_angstrom=alpha
            ),
            r0_angstrom=base + r0_excess,
        )


def fit_estimates(table: MorseTable) -> EstimateModel:
    """Fit the pairs of a table; every α must be positive."""
    pairs = [(c, a, found) for c, row in table.items() for a, found in row.items()]
    labels = {name for cation, anion, _ in pairs for name in _offset_names(cation, anion)}
    offsets = {name: column for column, name in enumerate(sorted(labels))}
    design = np.array([_design_row(c, a, offsets) for c, a, _ in pairs])
    targets = np.array([_targets(c, a, found) for c, a, found in pairs])
    # Properties are practically free; the tiny penalty settles columns that are collinear.
    penalty = np.full(design.shape[1], 1e-6)
    for name, column in offsets.items():
        penalty[column] = PENALTIES[name[0]]
    weights = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ targets)
    return EstimateModel(offsets=offsets, weights=weights)


def _targets(cation: Ion, anion: Ion, found: MorseParameters) -> tuple[float, float, float]:
    base = estimated_r0(cation[0], anion[0])
    log_b = -float(np.log(found.alpha_per_angstrom))
    return found.r_min_angstrom - base, log_b, found.r0_angstrom - base


def _offset_names(cation: Ion, anion: Ion) -> tuple[OffsetName, ...]:
    return (
        ("element", cation[0]),
        ("state", cation[0], round(cation[1])),
        ("anion", anion[0]),
    )


def _properties(cation: Ion, anion: Ion) -> list[float]:
    """What the trends go with, the constant included."""
    charge = min(max(cation[1], 1.0), LARGEST_CATION_CHARGE_E)
    anion_charge = min(max(abs(anion[1]), 1.0), LARGEST_ANION_CHARGE_E)
    return [
        1.0,
        charge,
        charge**2,
        float(is_d_or_f_block(cation[0])),
        float(principal_quantum_number(cation[0])),
        bond_valence_radius(cation[0])[0],
        shannon_radius(cation[0], charge),
        anion_charge,
        bond_valence_radius(anion[0])[0],
    ]


def _design_row(cation: Ion, anion: Ion, offsets: dict[OffsetName, int]) -> NDArray[np.float64]:
    own = np.zeros(len(offsets))
    for name in _offset_names(cation, anion):
        if name in offsets:
            own[offsets[name]] = 1.0
    return np.concatenate([own, _properties(cation, anion)])
