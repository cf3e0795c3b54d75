"""The sites of a mobile ion in its own crystal, and how symmetry maps them onto each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.symmetry import crystal_operations

SAME_SITE = 1e-4
"""Fractional coordinates this close are one site with several entries."""
SYMMETRY_TOLERANCE = 0.02
"""Fractional distance within which an image of a site counts as a site."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sublattice:
    """Sites of a mobile ion.

    Attributes:
        cell: shape (3, 3), Å.
        frac: shape (s, 3), fractional coordinates.
        occupancies: shape (s,), probability that the mobile element is there.
        images: shape (m, s), the site onto which each symmetry operation maps each site.
        shifts: shape (m, s, 3), the cell in which that image lies.
        rotations: shape (m, 3, 3), of the operations, fractional.
    """

    cell: Floats
    frac: Floats
    occupancies: Floats
    images: Ints
    shifts: Ints
    rotations: Ints

    @property
    def orbits(self) -> Ints:
        """Shape (s,), the first of all sites that symmetry relates to each site."""
        return np.asarray(self.images.min(axis=0))


MOST_IMAGES = 300_000_000
"""Largest number of distances, operations times pairs of sites: about ten seconds."""


def sublattice_of(crystal: IonicCrystal, ion: MobileIon) -> Sublattice:
    """The sites that hold the mobile element with a charge of the ion's sign.

    Args:
        crystal: the crystal, disordered or not.
        ion: the mobile ion.

    Raises:
        UnpreparableStructureError: the crystal has no such ion, or is too large a supercell.
    """
    own = np.flatnonzero(is_own(crystal, ion))
    if not len(own):
        raise UnpreparableStructureError(
            f"The crystal holds no {ion}; name an ion that is in it.", reason="no_such_ion"
        )
    site, first = _sites_of_entries(crystal.frac[own])
    rotations, translations = crystal_operations(crystal)
    frac = crystal.frac[own[first]]
    if len(rotations) * len(frac) ** 2 > MOST_IMAGES:
        raise UnpreparableStructureError(
            f"{ion} has {len(frac)} sites and the cell {len(rotations):,} symmetry operations, too "
            "many for hops; give its primitive cell.",
            reason="cell_too_large",
        )
    images, shifts, sound = _mapped(frac, rotations, translations)
    return Sublattice(
        cell=crystal.cell,
        frac=frac,
        occupancies=np.asarray(np.bincount(site, crystal.occupancies[own]), dtype=np.float64),
        images=images[sound],
        shifts=shifts[sound],
        rotations=np.round(rotations[sound]).astype(np.int64),
    )


def is_own(crystal: IonicCrystal, ion: MobileIon) -> NDArray[np.bool_]:
    """Tell which entries of a crystal are ions of the mobile sublattice, shape (n,).

    Args:
        crystal: the crystal, n entries.
        ion: the mobile ion; its element and the sign of its charge count.
    """
    same_sign = np.sign(crystal.charges) == np.sign(ion.charge)
    return np.asarray((crystal.numbers == ion.number) & same_sign)


def _sites_of_entries(frac: Floats) -> tuple[Ints, Ints]:
    """The site of each entry, and the first entry of each site."""
    gaps = frac[:, None] - frac[None]
    together = (np.abs(gaps - np.round(gaps)) < SAME_SITE).all(axis=2)
    first, site = np.unique(together.argmax(axis=1), return_inverse=True)
    return site.ravel(), first


def _mapped(
    frac: Floats, rotations: Floats, translations: Floats
) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Image and its cell for every operation and site, and which operations map all sites."""
    moved = np.einsum("oij,sj->osi", rotations, frac) + translations[:, None]
    images = np.empty(moved.shape[:2], np.int64)
    shifts = np.empty(moved.shape, np.int64)
    sound = np.empty(len(moved), dtype=bool)
    for operation, there in enumerate(moved):
        gaps = there[:, None] - frac[None]
        cells = np.round(gaps)
        apart = np.abs(gaps - cells).max(axis=2)
        images[operation] = image = apart.argmin(axis=1)
        rows = np.arange(len(frac))
        shifts[operation] = cells[rows, image]
        sound[operation] = bool((apart[rows, image] < SYMMETRY_TOLERANCE).all())
    return images, shifts, sound
