"""Atoms too close to be there together: split sites, lost occupancies, or errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import SLIGHT_EXCESS, SiteTable, covalent_radii_angstrom
from dualion.structures.elements import symbol
from dualion.structures.errors import UnpreparableStructureError

CROWDING_EXCESS = 0.25
"""Two sites too close to be filled together may have occupancies that add up to this far
above 1 (refinements are noisy); beyond, atoms really lie on top of each other."""
CLOSEST_CONTACT_RADII = 0.55
"""Contacts below this share of the summed covalent radii are impossible for two atoms that
are there at once. The shortest real ones (C≡N, uranyl, N–H in neutron data) lie above 0.75."""
LARGEST_CONTACT_RADIUS_ANGSTROM = 1.1
"""Cap of the radii in that test: alkali cations are far smaller than their covalent radii."""


def check_contacts(
    table: SiteTable,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    distances_angstrom: NDArray[np.float64],
    *,
    weight_crowded: bool = False,
) -> SiteTable:
    """Refuse atoms on top of each other; flag sites that exclude each other.

    Args:
        table: the entries.
        first, second: shape (m,), entries of each pair, both directions.
        distances_angstrom: shape (m,), Å, their distances.
        weight_crowded: whether sites on top of each other share their place, with occupancies
            scaled down to 1 in sum, where the file shows by other partial occupancies that it
            is disordered. In a fully ordered file they are an error.

    Returns:
        The table, flagged ``split_sites``, and ``crowded_sites`` or ``crowded_sites_weighted``
        where their occupancies add up to more than 1.

    Raises:
        UnpreparableStructureError: ``overlapping_atoms``.
    """
    radii = np.minimum(covalent_radii_angstrom()[table.numbers], LARGEST_CONTACT_RADIUS_ANGSTROM)
    limits = CLOSEST_CONTACT_RADII * (radii[first] + radii[second])
    close = distances_angstrom < limits
    if not close.any():
        return table
    i, j, d = first[close], second[close], distances_angstrom[close]
    together = table.occupancies[i] + table.occupancies[j]
    crowded = together > 1.0 + CROWDING_EXCESS
    if not crowded.any():
        slight = together.max() > 1.0 + SLIGHT_EXCESS
        return table.with_flags("split_sites", *(["crowded_sites"] if slight else []))
    on_itself = (table.site_index[i] == table.site_index[j])[crowded].any()
    if weight_crowded and table.is_disordered and not on_itself:
        return _share_places(table, i[crowded], j[crowded])
    worst = int(np.argmax(together))
    raise _overlapping(table, int(i[worst]), int(j[worst]), float(d[worst]))


def _share_places(
    table: SiteTable, first: NDArray[np.int64], second: NDArray[np.int64]
) -> SiteTable:
    """Scale sites that exclude each other so that no place holds more than one atom.

    A place is a site with all sites that exclude it. Each site is scaled for the fullest place
    that it belongs to, which keeps the ratio of the species on it.
    """
    sites = table.site_index
    n_sites = int(sites.max()) + 1
    own = np.bincount(sites, weights=table.occupancies, minlength=n_sites)
    others = np.bincount(first, weights=table.occupancies[second], minlength=len(sites))
    held = own.copy()
    np.maximum.at(held, sites, own[sites] + others)
    fullest = held.copy()
    np.maximum.at(fullest, sites[first], held[sites[second]])
    occupancies = table.occupancies / np.maximum(fullest, 1.0)[sites]
    return replace(table, occupancies=occupancies).with_flags(
        "split_sites", "crowded_sites_weighted"
    )


def _overlapping(
    table: SiteTable, one: int, two: int, distance_angstrom: float
) -> UnpreparableStructureError:
    """Name the two atoms that lie on top of each other."""
    a, b = symbol(int(table.numbers[one])), symbol(int(table.numbers[two]))
    return UnpreparableStructureError(
        f"{a} and {b} of {table.formula} are {distance_angstrom:.2f} Å apart with occupancies "
        f"{table.occupancies[one]:.2f} and {table.occupancies[two]:.2f}: they cannot be there "
        "together. Remove the duplicate, or give the occupancies of the split site.",
        reason="overlapping_atoms",
    )
