"""Neighbours, bonds and chemical roles of the entries of a crystal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import SiteTable, covalent_radii_angstrom
from dualion.structures.errors import UnpreparableStructureError
from dualion.structures.oxidation import tables

NEIGHBOUR_CUTOFF_ANGSTROM = 4.0
"""The radius of pymatgen's bond valence analysis."""
MOST_PERIODIC_IMAGES = 20_000
BONDED_RADII = 1.25
"""Two atoms count as bonded below this multiple of their summed covalent radii."""
COEXISTING = 1.05
"""Entries whose occupancies add up to more than this are there together part of the time;
below, they may exclude each other (split sites) and are no bond."""
MOST_LIGANDS = 3.5
"""A centre with more electronegative neighbours than this has no bond to a like atom."""
_CATENATING = sorted(tables.P_BLOCK | {1})
_DIVALENT = sorted(tables.HALOGENS | tables.atomic_numbers("O S Se Te"))
ANION_MARGIN = 0.05
"""Least difference of Pauling electronegativity that gives a bond a direction."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """All pairs of entries within ``NEIGHBOUR_CUTOFF_ANGSTROM``, each in both directions.

    Attributes:
        first, second: shape (m,), entries of each pair; entries of one shared site at zero
            distance are left out.
        distances_angstrom: shape (m,), Å.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distances_angstrom: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Environment:
    """What the surroundings say about each entry.

    Attributes:
        like_bonds: shape (n,), bonds to atoms of the same non-metal.
        acceptors: shape (n,), bonded non-metal atoms that are more electronegative.
        hydrogens: shape (n,), bonded hydrogen atoms.
        nonmetals: shape (n,), bonded non-metal atoms of any kind.
        like_cluster: shape (n,), size of the cluster of like-bonded atoms.
        shortest_like_angstrom: shape (n,), Å, shortest like bond; ``inf`` where none.
        cyano: shape (n,), whether the entry is a carbon or nitrogen of a C≡N group.
    """

    like_bonds: NDArray[np.float64]
    acceptors: NDArray[np.float64]
    hydrogens: NDArray[np.float64]
    nonmetals: NDArray[np.float64]
    like_cluster: NDArray[np.int64]
    shortest_like_angstrom: NDArray[np.float64]
    cyano: NDArray[np.bool_]


def find_neighbours(table: SiteTable) -> Neighbours:
    """Find all pairs within the cutoff, once for the whole preparation.

    Raises:
        UnpreparableStructureError: the cell is so skewed or thin that it has too many images
            within the cutoff.
    """
    from pymatgen.optimization.neighbors import find_points_in_spheres

    heights = 1.0 / np.linalg.norm(np.linalg.inv(table.cell), axis=0)
    images = np.prod(2.0 * np.ceil(NEIGHBOUR_CUTOFF_ANGSTROM / heights) + 1.0)
    if images > MOST_PERIODIC_IMAGES:
        raise UnpreparableStructureError(
            f"The cell of {table.formula} is {heights.min():.3g} Å thin, so thin or skewed that "
            "its neighbours cannot be counted; reduce the cell (Niggli) or check its lattice.",
            reason="flat_cell",
        )
    cartesian = np.ascontiguousarray((table.frac - np.floor(table.frac)) @ table.cell)
    first, second, _, distances = find_points_in_spheres(
        cartesian,
        cartesian,
        r=NEIGHBOUR_CUTOFF_ANGSTROM,
        pbc=np.ones(3, dtype=np.int64),
        lattice=np.ascontiguousarray(table.cell),
        tol=1e-8,
    )
    same_place = (distances < 1e-3) & (table.site_index[first] == table.site_index[second])
    keep = ~same_place
    return Neighbours(
        first=np.asarray(first)[keep].astype(np.int64),
        second=np.asarray(second)[keep].astype(np.int64),
        distances_angstrom=np.asarray(distances)[keep],
    )


def analyse(table: SiteTable, neighbours: Neighbours) -> Environment:
    """Count the bonds of every entry that matter for its oxidation state.

    Args:
        table: the sites.
        neighbours: what lies around each of them.
    """
    i, j, d = neighbours.first, neighbours.second, neighbours.distances_angstrom
    n = len(table.numbers)
    z, occupancy = table.numbers, table.occupancies
    nonmetal = np.isin(z, list(tables.NONMETALS))
    radii = covalent_radii_angstrom()[z]
    near = d < BONDED_RADII * (radii[i] + radii[j])
    i, j, d = i[near], j[near], d[near]
    electronegativity = tables.electronegativities()[z]
    polar = nonmetal[j] & (z[i] != z[j])
    accepts = polar & (electronegativity[j] > electronegativity[i] + ANION_MARGIN)
    weight = occupancy[j]

    def count(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(i[mask], weights=weight[mask], minlength=n).astype(np.float64)

    acceptors = count(accepts)
    like = (z[i] == z[j]) & (d < tables.bond_length_limits_angstrom()[z[i]])
    like &= (occupancy[i] + occupancy[j] > COEXISTING) & np.isin(z[i], _CATENATING)
    like = _possible_like_bonds(like, z, acceptors, i, j)
    like_bonds = np.bincount(i[like], minlength=n).astype(np.float64)
    shortest = np.full(n, np.inf)
    np.minimum.at(shortest, i[like], d[like])
    return Environment(
        like_bonds=like_bonds,
        acceptors=acceptors,
        hydrogens=count(polar & (z[j] == 1)),
        nonmetals=count(polar & nonmetal[i]) + like_bonds,
        like_cluster=_cluster_sizes(n, i[like], j[like]),
        shortest_like_angstrom=shortest,
        cyano=_cyano(z, i[polar], j[polar], d[polar], n),
    )


def _possible_like_bonds(
    like: NDArray[np.bool_],
    z: NDArray[np.int64],
    acceptors: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Drop contacts that are no bonds.

    Centres with four ligands have no electron left for one (edge-sharing SbO₆ or SnS₆), and a
    chalcogen or halogen with more than two of them is an artefact of disorder.
    """
    possible = like & (acceptors[i] < MOST_LIGANDS) & (acceptors[j] < MOST_LIGANDS)
    contacts = np.bincount(i[possible], minlength=len(z))
    crowded = np.isin(z, _DIVALENT) & (contacts > 2)
    return np.asarray(possible & ~crowded[i] & ~crowded[j])


def _cluster_sizes(
    n: int, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of atoms in the like-bonded cluster of each entry (1 where it has no like bond)."""
    root = list(range(n))

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        root[find(a)] = find(b)
    labels = np.array([find(k) for k in range(n)])
    return np.asarray(np.bincount(labels)[labels], dtype=np.int64)


def _cyano(
    z: NDArray[np.int64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    d: NDArray[np.float64],
    n: int,
) -> NDArray[np.bool_]:
    """Mark carbon and nitrogen whose only non-metal neighbour is the other, at 1.05–1.25 Å."""
    partners = np.bincount(i, minlength=n)
    triple = (z[i] == 6) & (z[j] == 7) & (d < 1.25) & (partners[i] == 1) & (partners[j] == 1)
    marked = np.zeros(n, dtype=np.bool_)
    marked[i[triple]] = True
    marked[j[triple]] = True
    return marked
