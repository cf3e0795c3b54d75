"""Where a mobile ion can rest: local minima of its landscape, and the atoms near a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import nearest_image_lengths, vectors_within
from dualion.screening.percolation.basins import Basins, basins_of
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.symmetry import operations

PERSISTENCE_EV = 0.02
"""A minimum with a lower way out than this is a ripple of the grid, no site."""
SITES_UP_TO_EV = 2.0
SAME_SITE_ANGSTROM = 0.5
"""How far the grid may move images of one site: a diagonal of voxels, and a little."""
NEAREST_SEARCH_ANGSTROM = 6.0
MOST_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NearAtom:
    """An atom near a point.

    Attributes:
        index: entry of the crystal.
        element: chemical symbol.
        charge: e.
        occupancy: probability that the atom is there.
        distance_angstrom: Å.
    """

    index: int
    element: str
    charge: float
    occupancy: float
    distance_angstrom: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """A local minimum of the landscape, one for all that symmetry relates.

    Attributes:
        frac: shape (3,), fractional coordinates of the lowest of them.
        energy_ev: energy above the field's minimum, eV.
        multiplicity: how many there are in the cell.
        positions: shape (multiplicity, 3), fractional coordinates of all, in ascending energy.
        neighbours: framework atoms near it, the nearest first.
    """

    frac: NDArray[np.float64]
    energy_ev: float
    multiplicity: int
    positions: NDArray[np.float64]
    neighbours: tuple[NearAtom, ...]


def sites_of(
    energies: NDArray[np.float64],
    crystal: IonicCrystal,
    ion: MobileIon,
    *,
    up_to_ev: float = SITES_UP_TO_EV,
) -> tuple[Site, ...]:
    """Find the sites of a mobile ion, in ascending energy.

    Args:
        energies: shape (nx, ny, nz), eV: the ion's field in this crystal.
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        up_to_ev: energy above the field's minimum up to which minima count, eV.
    """
    lowest = float(energies.min())
    basins = basins_of(energies, crystal.cell, level_ev=lowest + up_to_ev + PERSISTENCE_EV)
    kept = _find_persistent(basins)
    kept = kept[basins.minima_ev[kept] <= lowest + up_to_ev]
    frac = basins.minima[kept] / np.array(basins.shape)
    heights = basins.minima_ev[kept] - lowest
    return tuple(
        Site(
            frac=frac[orbit[0]],
            energy_ev=float(heights[orbit[0]]),
            multiplicity=len(orbit),
            positions=frac[orbit],
            neighbours=nearest_atoms(crystal, frac[orbit[0]], ion),
        )
        for orbit in _orbits(frac, crystal, ion)
    )


def _find_persistent(basins: Basins) -> NDArray[np.int64]:
    """Minima that are separated from every deeper one by at least the persistence.

    Regions are joined pass by pass, as in persistent homology; where two meet, the one with the
    higher minimum ends (Edelsbrunner et al., Discrete Comput. Geom. 28, 511 (2002),
    10.1007/s00454-002-2885-2).
    """
    parents = list(range(len(basins.minima)))  # roots are the lowest minima of their regions
    is_site = np.ones(len(parents), dtype=bool)

    def root(node: int) -> int:
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    links = zip(
        basins.first.tolist(), basins.second.tolist(), basins.passes_ev.tolist(), strict=True
    )
    for first, second, height in links:
        low, high = sorted((root(first), root(second)))
        if low != high:
            parents[high] = low
            is_site[high] = height - basins.minima_ev[high] >= PERSISTENCE_EV
    return np.flatnonzero(is_site)


def _orbits(
    frac: NDArray[np.float64], crystal: IonicCrystal, ion: MobileIon
) -> list[NDArray[np.int64]]:
    """Indices of the minima that the framework's symmetry relates, lowest first."""
    rotations, translations = _framework_operations(crystal, ion)
    left = np.ones(len(frac), dtype=bool)
    orbits = []
    for index in range(len(frac)):
        if not left[index]:
            continue
        images = np.einsum("oij,j->oi", rotations, frac[index]) + translations
        others = np.flatnonzero(left)
        gaps = images[:, None] - frac[others][None]
        near = nearest_image_lengths(gaps, crystal.cell, reach=0) < SAME_SITE_ANGSTROM
        orbit = others[near.any(axis=0) | (others == index)]
        left[orbit] = False
        orbits.append(orbit)
    return orbits


def _framework_operations(
    crystal: IonicCrystal, ion: MobileIon
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Symmetry of the crystal without the mobile element; species on one site count as one."""
    content: dict[tuple[float, ...], list[tuple[float, ...]]] = {}
    for entry in np.flatnonzero(crystal.numbers != ion.number):
        at = tuple((np.round(crystal.frac[entry], 5) % 1.0).tolist())
        what = (crystal.numbers[entry], crystal.charges[entry], crystal.occupancies[entry])
        content.setdefault(at, []).append(tuple(round(float(x), 4) for x in what))
    names = [tuple(sorted(species)) for species in content.values()]
    numbering = {name: number for number, name in enumerate(sorted(set(names)), start=1)}
    return operations(crystal.cell, np.array(list(content)), [numbering[n] for n in names])


def nearest_atoms(
    crystal: IonicCrystal,
    frac: NDArray[np.float64],
    ion: MobileIon,
    *,
    most: int = MOST_NEIGHBOURS,
) -> tuple[NearAtom, ...]:
    """Return the framework atoms near a point, the nearest first; images count on their own.

    Args:
        crystal: the crystal.
        frac: shape (3,), fractional coordinates of the point.
        ion: the mobile ion, whose element is no part of the framework.
        most: how many atoms.
    """
    framework = np.flatnonzero(crystal.numbers != ion.number)
    which, vectors = vectors_within(
        crystal.cell, crystal.frac[framework], np.asarray(frac), NEAREST_SEARCH_ANGSTROM
    )
    distances = np.linalg.norm(vectors, axis=1)
    return tuple(
        NearAtom(
            index=entry,
            element=symbol(int(crystal.numbers[entry])),
            charge=float(crystal.charges[entry]),
            occupancy=float(crystal.occupancies[entry]),
            distance_angstrom=distance,
        )
        for entry, distance in zip(
            framework[which[:most]].tolist(), distances[:most].tolist(), strict=True
        )
    )
