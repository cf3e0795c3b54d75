"""A cheap ionic potential as an ASE calculator: Born–Mayer repulsion and damped Coulomb energies.

Coulomb energies are damped and shifted (Fennell & Gezelter, J. Chem. Phys. 124, 234104 (2006),
10.1063/1.2206581), so that a cell with an ion missing needs no background.
"""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from pymatgen.optimization.neighbors import find_points_in_spheres
from scipy.special import erfc

CHARGES = {3: 1.0, 11: 1.0, 9: -1.0, 17: -1.0, 53: -1.0}
RADII_ANGSTROM = {3: 0.816, 11: 1.17, 9: 1.179, 17: 1.585, 53: 1.907}
"""Fumi & Tosi, J. Phys. Chem. Solids 25, 31 (1964), 10.1016/0022-3697(64)90159-3."""
COULOMB = 14.399645
REACH, ALPHA, RHO, STRENGTH = 6.0, 0.3, 0.33, 0.21


class BornMayer(Calculator):
    """Li, Na, F, Cl and I as rigid ions."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        charges = np.array([CHARGES[int(z)] for z in atoms.numbers])  # KeyError: not known
        radii = np.array([RADII_ANGSTROM[int(z)] for z in atoms.numbers])
        i, j, r, vectors = _neighbours(atoms)
        energy, slope = _pair(charges[i] * charges[j], radii[i] + radii[j], r)
        pull = (slope / r)[:, None] * vectors
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, pull)
        virial = 0.5 * np.einsum("pa,pb->ab", pull, vectors) / atoms.get_volume()
        self.results = {
            "energy": 0.5 * float(energy.sum()),
            "forces": forces,
            "stress": virial.flat[[0, 4, 8, 5, 2, 1]],
        }


def _neighbours(atoms):
    """Pairs within reach: indices, distances and vectors, Å."""
    places, cell = np.ascontiguousarray(atoms.positions), np.ascontiguousarray(atoms.cell[:])
    i, j, images, r = find_points_in_spheres(
        places, places, r=REACH, pbc=np.ones(3, dtype=np.int64), lattice=cell, tol=1e-8
    )
    apart = r > 1e-8
    i, j, images, r = i[apart], j[apart], images[apart], r[apart]
    return i, j, r, places[j] + images @ cell - places[i]


def _pair(products, contacts, r):
    """Energies, eV, and their slopes, eV/Å."""
    end = _screened(REACH)
    value, slope = _screened(r)
    coulomb = COULOMB * products * (value - end[0] - end[1] * (r - REACH))
    repulsion = STRENGTH * np.exp((contacts - r) / RHO)
    cut = STRENGTH * np.exp((contacts - REACH) / RHO)
    energy = coulomb + repulsion - cut
    return energy, COULOMB * products * (slope - end[1]) - repulsion / RHO


def _screened(r):
    """erfc(αr)/r and its slope."""
    value = erfc(ALPHA * r) / r
    gauss = 2.0 * ALPHA / np.sqrt(np.pi) * np.exp(-((ALPHA * r) ** 2))
    return value, -(value + gauss) / r
