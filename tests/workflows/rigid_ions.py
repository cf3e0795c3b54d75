"""Sodium chloride by rigid ions: Born–Mayer repulsion and a damped, shifted Coulomb sum.

Parameters of Catlow, Diller and Norgett, J. Phys. C 10, 1395 (1977), 10.1088/0022-3719/10/9/006,
without shells; the sum of Wolf et al., J. Chem. Phys. 110, 8254 (1999), 10.1063/1.478738, with
forces that vanish at its end (Fennell and Gezelter, J. Chem. Phys. 124, 234104 (2006),
10.1063/1.2206581).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list
from scipy.constants import e, epsilon_0, pi
from scipy.special import erfc

COULOMB_EV_ANGSTROM = e / (4.0 * pi * epsilon_0) * 1e10
CHARGE = {11: 1.0, 17: -1.0}
REPULSION = {28: (2314.7, 0.2903), 34: (1227.2, 0.3214), 22: (0.0, 1.0)}
"""Prefactor, eV, and length, Å, by the sum of both atomic numbers."""
ALPHA, REACH = 0.25, 8.0


def coulomb(r: Any) -> tuple[Any, Any]:
    """Energy of two like unit charges and its derivative, before the shift."""
    energy = erfc(ALPHA * r) / r
    slope = -energy / r - 2.0 * ALPHA / np.sqrt(pi) * np.exp(-((ALPHA * r) ** 2)) / r
    return energy, slope


class RigidIons(Calculator):
    """Energies and forces of sodium chloride."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        first, second, distance, vector = neighbor_list("ijdD", self.atoms, REACH)
        numbers = self.atoms.numbers
        charges = np.array([CHARGE[z] for z in numbers])
        kinds = numbers[first] + numbers[second]
        factor = np.array([REPULSION[kind][0] for kind in kinds])
        length = np.array([REPULSION[kind][1] for kind in kinds])
        end, end_slope = coulomb(REACH)
        plain, plain_slope = coulomb(distance)
        strength = COULOMB_EV_ANGSTROM * charges[first] * charges[second]
        hard = factor * np.exp(-distance / length)
        energy = strength * (plain - end - end_slope * (distance - REACH)) + hard
        slope = strength * (plain_slope - end_slope) - hard / length
        forces = np.zeros((len(numbers), 3))
        np.add.at(forces, first, (slope / distance)[:, None] * vector)
        own = COULOMB_EV_ANGSTROM * (0.5 * end + ALPHA / np.sqrt(pi)) * (charges**2).sum()
        self.results = {"energy": float(0.5 * energy.sum() - own), "forces": forces}
