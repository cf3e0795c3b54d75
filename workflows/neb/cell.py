"""The cell in which hops are computed: relaxed, repeated, with an ion missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.hops.sublattice import Sublattice, sublattice_of
from dualion.screening.ions import MobileIon
from dualion.structures.conversion import to_atoms
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError, UnpreparableStructureError
from dualion.structures.supercells import Supercell, make_supercell, near_cubic_supercell
from dualion.structures.symmetry import crystal_operations

SMALLEST_WIDTH_ANGSTROM = 10.0
LEAST_ATOMS = 60
"""Wide cells of few large ions are still small: with CHGNet, K⁺ in KCl needs 0.63 eV in 28 atoms
(9 Å), 0.62 in 40 (10 Å) and 0.54 in 64 (12.6 Å)."""
MOST_ATOMS = 200
WIDER = 1.02
"""By how much the width grows at a time until a cell holds ``LEAST_ATOMS``."""
SAME_PLACE_ANGSTROM = 0.1
SAME_VARIANT_ANGSTROM = 0.05
"""Displacements this close are the same: a relaxation leaves them uncertain by less."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopCell:
    """A supercell and how the sites of an ion lie in it.

    Attributes:
        unit: the crystal whose hops are listed, in its primitive cell.
        large: its supercell, complete.
        supercell: which one it is.
        ion: the mobile ion.
        sites: sites of the ion in the unit.
        large_sites: the same in the supercell, with the symmetry of the supercell.
        own: shape (s,), atom of the supercell at each of ``large_sites``.
        rotations: shape (m, 3, 3), fractional, and ``translations``, shape (m, 3): what maps the
            supercell onto itself.
    """

    unit: IonicCrystal
    large: IonicCrystal
    supercell: Supercell
    ion: MobileIon
    sites: Sublattice
    large_sites: Sublattice
    own: Ints
    rotations: Floats
    translations: Floats

    def site_at(self, frac: Floats) -> int:
        """Find the site of the supercell at a place.

        Args:
            frac: shape (3,), fractional coordinates of the unit.
        """
        place = (frac @ self.unit.cell) @ np.linalg.inv(self.large.cell)
        gaps = self.large_sites.frac - place
        gaps -= np.round(gaps)
        distances = np.linalg.norm(gaps @ self.large.cell, axis=1)
        site = int(distances.argmin())
        if distances[site] > SAME_PLACE_ANGSTROM:
            raise UnpreparableStructureError(
                f"A site of {self.ion} is not at its place in the supercell; give the structure "
                "in its primitive cell.",
                reason="bad_supercell",
            )
        return site


def hop_cell(
    crystal: IonicCrystal,
    ion: MobileIon,
    *,
    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM,
    most_atoms: int = MOST_ATOMS,
    least_atoms: int = LEAST_ATOMS,
) -> HopCell:
    """Build the supercell for the hops of an ion.

    Args:
        crystal: ordered, in its primitive cell.
        ion: the mobile ion.
        smallest_width_angstrom: least distance of opposite faces, Å.
        most_atoms: largest number of atoms.
        least_atoms: smallest number, where that stays under the largest.

    Raises:
        InputError: the crystal is disordered, or no cell under the limit is wide enough.
        UnpreparableStructureError: it holds no such ion.
    """
    found = hop_supercell(
        crystal,
        smallest_width_angstrom=smallest_width_angstrom,
        most_atoms=most_atoms,
        least_atoms=least_atoms,
    )
    large = make_supercell(crystal, found.matrix)
    to_atoms(large)
    large_sites = sublattice_of(large, ion)
    own = np.flatnonzero((large.numbers == ion.number) & (large.charges * ion.charge > 0.0))
    gaps = large_sites.frac[:, None] - large.frac[own][None]
    rotations, translations = crystal_operations(large)
    return HopCell(
        unit=crystal,
        large=large,
        supercell=found,
        ion=ion,
        sites=sublattice_of(crystal, ion),
        large_sites=large_sites,
        own=own[np.abs(gaps - np.round(gaps)).max(axis=2).argmin(axis=1)],
        rotations=rotations,
        translations=translations,
    )


def hop_supercell(
    crystal: IonicCrystal,
    *,
    smallest_width_angstrom: float,
    most_atoms: int,
    least_atoms: int,
) -> Supercell:
    """Choose the smallest supercell that is wide enough and holds enough atoms.

    Args:
        crystal: ordered, in its primitive cell.
        smallest_width_angstrom: least distance of opposite faces, Å.
        most_atoms: largest number of atoms.
        least_atoms: smallest number, where that stays under the largest.

    Raises:
        InputError: no cell under the limit is wide enough.
    """
    width = smallest_width_angstrom
    found = near_cubic_supercell(crystal, smallest_width_angstrom=width, most_atoms=most_atoms)
    if not found.wide_enough:
        raise InputError(
            f"No supercell of at most {most_atoms} atoms is {smallest_width_angstrom:g} Å wide; "
            f"the best is {found.widths_angstrom.min():.1f} Å. Allow more atoms, or less width."
        )
    while found.factor * len(crystal.numbers) < least_atoms:
        width *= WIDER
        try:
            wider = near_cubic_supercell(
                crystal, smallest_width_angstrom=width, most_atoms=most_atoms
            )
        except InputError:
            break
        if not wider.wide_enough:
            break
        found = wider
    return found


def carried_displacements(cell: HopCell, displacements: Floats, source: int, target: int) -> Floats:
    """Displacements around a vacancy at one site, carried to an equal site by symmetry.

    Args:
        cell: the supercell.
        displacements: shape (n, 3), of all atoms of the supercell, Å.
        source, target: sites of ``large_sites`` in one orbit.

    Returns:
        The displacements of the same atoms around a vacancy at the target, Å.

    Raises:
        ValueError: no operation of the supercell maps source onto target.
    """
    return carried_variants(cell, displacements, source, target)[0]


def carried_variants(
    cell: HopCell, displacements: Floats, source: int, target: int
) -> list[Floats]:
    """All ways to carry displacements to an equal site: several where they break its symmetry.

    Args:
        cell: the supercell.
        displacements: shape (n, 3), of all atoms of the supercell, Å.
        source, target: sites of ``large_sites`` in one orbit.

    Returns:
        Displacements of the same atoms around a vacancy at the target, each of shape (n, 3), Å.

    Raises:
        ValueError: no operation of the supercell maps source onto target.
    """
    basis, inverse = cell.large.cell, np.linalg.inv(cell.large.cell)
    begin, end = cell.large_sites.frac[source], cell.large_sites.frac[target]
    gaps = cell.rotations @ begin + cell.translations - end
    there = np.abs((gaps - np.round(gaps)) @ basis).max(axis=1) <= SAME_PLACE_ANGSTROM
    found: list[Floats] = []
    for operation in np.flatnonzero(there).tolist():
        rotation = cell.rotations[operation]
        where = images_of_atoms(cell.large, rotation, cell.translations[operation])
        carried = np.zeros(displacements.shape)
        carried[where] = (displacements @ inverse) @ rotation.T @ basis
        if all(np.abs(carried - other).max() > SAME_VARIANT_ANGSTROM for other in found):
            found.append(carried)
    if not found:
        raise ValueError(f"no operation maps site {source} onto site {target}")
    return found


def images_of_atoms(crystal: IonicCrystal, rotation: Floats, translation: Floats) -> Ints:
    """Return the atom onto which an operation maps each atom, shape (n,).

    Args:
        crystal: n atoms.
        rotation: shape (3, 3), and ``translation``, shape (3,), fractional.
    """
    from scipy.spatial import cKDTree

    moved = crystal.frac @ rotation.T + translation
    moved -= np.floor(moved)
    moved[moved >= 1.0] = 0.0
    _, nearest = cKDTree(crystal.frac, boxsize=1.0).query(moved)
    return np.asarray(nearest, dtype=np.int64)
