"""A fingerprint of a crystal that does not depend on the choice of its cell.

For every pair of elements, each site of the first has a weighted number of neighbours of the
second; the fingerprint is how that number is distributed over the sites (means of the eight
octiles), for two radial weights, with lengths in units of the mean spacing (V/N)^(1/3). Small
displacements change it little; supercells, rotations and the order of sites not at all. It
sorts out what cannot match; pymatgen's StructureMatcher decides on the rest. Comparing crystals
by the distribution of their sites' environments, not by their cells, is the idea of pointwise
distance distributions, Widdowson & Kurlin, NeurIPS 35 (2022), arXiv:2108.04798.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

CUTOFF_SPACINGS = 2.4
OCTILES = 8
RADIAL_POWERS = (2, 8)
"""Weights (1 − (r/cutoff)²)^p: the first sees about three shells, the second the nearest."""

COUNT_SCALE = 0.5
"""Added to a count of neighbours when counts are compared, so that zeros compare well."""

CompositionKey = tuple[tuple[str, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fingerprint:
    """What is compared before structures are.

    Attributes:
        elements: symbols, sorted; D counts as H.
        fractions: shape (n_elements,), atomic fractions.
        profiles: shape (n_features,), octile means of weighted neighbour counts; the same
            order for all crystals of the same elements.
        ordered: whether every site is full of one element.
    """

    elements: tuple[str, ...]
    fractions: NDArray[np.float64]
    profiles: NDArray[np.float32]
    ordered: bool

    @property
    def key(self) -> CompositionKey:
        """What two crystals must share to be compared: elements, and exact shares if ordered."""
        shares = tuple(np.round(self.fractions, 6).tolist()) if self.ordered else ()
        return self.elements, shares


def fingerprint(structure: Structure) -> Fingerprint:
    """Fingerprint of a structure, partial occupancies as weights."""
    elements, sites = element_occupancies(structure)
    total = float(sites.sum())
    cutoff_angstrom = CUTOFF_SPACINGS * (structure.volume / total) ** (1.0 / 3.0)
    first, second, _, distances = structure.get_neighbor_list(cutoff_angstrom)
    closeness = 1.0 - (distances / cutoff_angstrom) ** 2
    profiles = []
    for power in RADIAL_POWERS:
        weights = closeness**power
        for other in range(len(elements)):
            shares = weights * sites[second, other]
            counts = np.bincount(first, weights=shares, minlength=len(sites)).astype(np.float64)
            profiles += [_octiles(counts, sites[:, one]) for one in range(len(elements))]
    return Fingerprint(
        elements=elements,
        fractions=sites.sum(axis=0) / total,
        profiles=np.concatenate(profiles).astype(np.float32),
        ordered=bool((np.isclose(sites, 1.0) | (sites == 0.0)).all()),
    )


def element_occupancies(structure: Structure) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Elements, sorted, and the occupancy of each on each site, shape (n_sites, n_elements)."""
    contents = []
    for site in structure:
        content: dict[str, float] = {}
        for kind, amount in site.species.items():
            symbol = "H" if kind.symbol == "D" else kind.symbol
            content[symbol] = content.get(symbol, 0.0) + float(amount)
        contents.append(content)
    elements = tuple(sorted({symbol for content in contents for symbol in content}))
    sites = np.array([[content.get(symbol, 0.0) for symbol in elements] for content in contents])
    return elements, sites


def _octiles(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of a weighted distribution over its eight octiles, ascending, shape (8,)."""
    order = np.argsort(values)
    shares = np.concatenate([[0.0], np.cumsum(weights[order])])
    shares /= shares[-1]
    integral = np.concatenate([[0.0], np.cumsum(values[order] * np.diff(shares))])
    edges = np.linspace(0.0, 1.0, OCTILES + 1)
    return np.asarray(np.diff(np.interp(edges, shares, integral)) * OCTILES)


def differences(
    one: Fingerprint, others: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Largest and mean relative difference of profiles.

    Args:
        one: a fingerprint.
        others: shape (n, n_features), profiles of crystals of the same elements.

    Returns:
        Two arrays of shape (n,).
    """
    scale = COUNT_SCALE + np.maximum(one.profiles[None, :], others)
    relative = np.abs(one.profiles[None, :] - others) / scale
    return relative.max(axis=1), relative.mean(axis=1)
