"""Where a further ion fits into a host: minima of its landscape, and voids.

The host keeps all its ions, those of the inserted element included: the inserted ion comes in
addition. Two searches complement each other. The bond valence landscape knows the chemistry, but
its screened terms let an ion come too close to the ligands of highly charged centres; the
largest empty spheres know only radii. A place counts where it is far enough from every ion of
the host, whichever search found it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.field import Framework, bvse_field, framework_of
from dualion.screening.bvse.grid import Shape, grid_shape
from dualion.screening.bvse.pair_potential import kernel_rows
from dualion.screening.bvse.potential import PotentialOptions
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances, vectors_within
from dualion.screening.percolation._refinement_kernel import refine_points
from dualion.screening.percolation.basins import basins_of
from dualion.screening.percolation.voids import (
    crystal_radii,
    crystal_radius_angstrom,
    empty_spheres,
)
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.symmetry import crystal_operations

SAME_PLACE_ANGSTROM = 0.7
"""Two places this close relax to the same one; the better one of them is kept."""
ORBIT_ANGSTROM = 0.3
"""Images of a place under the host's symmetry that are this close are one special position."""
SAME_IMAGE_ANGSTROM = 0.05
REACH_ANGSTROM = 6.0
REFINED_WITHIN_EV = 1.0
SMALLEST_SHARE = 0.6
"""Least distance to an ion of the host, as a share of the sum of the two crystal radii."""
Origin = Literal["landscape", "void"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertionOptions:
    """How insertion sites are looked for.

    Attributes:
        potential: conventions of the pair energies.
        spacing_angstrom: largest distance of grid points, Å.
        up_to_ev: minima of the landscape this far above the lowest one count, eV.
        smallest_share: least distance to an ion of the host, as a share of the sum of the two
            crystal radii. The host gives way when it relaxes, so it is well below 1.
        share_of_roomiest: places whose share is below this part of the largest one are left out.
    """

    potential: PotentialOptions = field(default_factory=PotentialOptions)
    spacing_angstrom: float = 0.2
    up_to_ev: float = 2.0
    smallest_share: float = SMALLEST_SHARE
    share_of_roomiest: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsertionSite:
    """A place for one more ion; one for all that the host's symmetry relates.

    Attributes:
        positions: shape (multiplicity, 3), fractional coordinates, exact images of each other.
        energy_ev: bond valence energy of the ion there, eV.
        share: distance to the nearest ion of the host, as a share of the sum of the crystal
            radii; the smallest over the ions.
        nearest_angstrom: distance to the ion of the host that gives ``share``, Å.
        nearest_element: that ion's element.
        origin: which search found it.
    """

    positions: Floats
    energy_ev: float
    share: float
    nearest_angstrom: float
    nearest_element: str
    origin: Origin

    @property
    def multiplicity(self) -> int:
        """Number of such places in the cell."""
        return len(self.positions)


def insertion_sites(
    host: IonicCrystal, ion: MobileIon, options: InsertionOptions | None = None
) -> tuple[InsertionSite, ...]:
    """Find places for one more ion, those with more room first.

    Args:
        host: an ordered crystal, with all its ions in place.
        ion: the ion to insert; its element may or may not be in the host.
        options: how to look.

    Returns:
        Symmetry-distinct places, in descending ``share``; none where nothing fits.

    Raises:
        StructureError: the landscape cannot be computed; the message says why.
    """
    options = options or InsertionOptions()
    framework = framework_of(host, ion, options.potential, own_element_stays=True)
    shape = grid_shape(host.cell, options.spacing_angstrom)
    found: list[tuple[Floats, Origin]] = [
        (frac, "landscape") for frac in _landscape_minima(framework, shape, options)
    ]
    found += [(frac, "void") for frac in empty_spheres(host)[0]]
    rotations, translations = crystal_operations(host)
    kept: list[InsertionSite] = []
    places = np.zeros((0, 3))
    for frac, origin in found:
        orbit = _find_orbit(frac, host.cell, rotations, translations)
        if len(places) and _nearest_distance(orbit[0], places, host) < SAME_PLACE_ANGSTROM:
            continue
        site = _describe_site(host, ion, framework, orbit, origin, options)
        if site.share >= options.smallest_share:
            kept.append(site)
            places = np.vstack([places, orbit])
    roomiest = max((site.share for site in kept), default=0.0)
    kept = [site for site in kept if site.share >= options.share_of_roomiest * roomiest]
    return tuple(sorted(kept, key=lambda site: -round(site.share, 6)))


def _nearest_distance(frac: Floats, places: Floats, host: IonicCrystal) -> float:
    return float(shortest_distances(host.cell, frac[None], places).min())


def _describe_site(
    host: IonicCrystal,
    ion: MobileIon,
    framework: Framework,
    orbit: Floats,
    origin: Origin,
    options: InsertionOptions,
) -> InsertionSite:
    near, vectors = vectors_within(host.cell, host.frac, orbit[0], REACH_ANGSTROM)
    distances = np.linalg.norm(vectors, axis=1)
    sums = crystal_radii(host)[near] + crystal_radius_angstrom(ion.number, ion.charge)
    tightest = int((distances / sums).argmin()) if len(near) else -1
    return InsertionSite(
        positions=orbit,
        energy_ev=energy_of(framework, orbit[0], cutoff_angstrom=options.potential.cutoff_angstrom),
        share=float(distances[tightest] / sums[tightest]) if len(near) else np.inf,
        nearest_angstrom=float(distances[tightest]) if len(near) else np.inf,
        nearest_element=symbol(int(host.numbers[near[tightest]])) if len(near) else "",
        origin=origin,
    )


def _landscape_minima(
    framework: Framework, shape: Shape, options: InsertionOptions
) -> list[Floats]:
    """Minima of the continuous potential, in ascending energy."""
    cutoff = options.potential.cutoff_angstrom
    energies = bvse_field(framework, shape, cutoff_angstrom=cutoff)
    level = float(energies.min()) + options.up_to_ev
    basins = basins_of(energies, framework.cell, level_ev=level)
    frac = basins.minima / np.array(shape)
    refined, refined_ev = _refine_minima(framework, frac, basins.minima_ev, cutoff)
    return [refined[i] for i in np.lexsort((*refined.T, np.round(refined_ev, 4)))]


def _refine_minima(
    framework: Framework, frac: Floats, energies_ev: Floats, cutoff_angstrom: float
) -> tuple[Floats, Floats]:
    """Points moved to the nearest minimum; where none is found, as they were."""
    positions, energies = np.empty((len(frac), 3)), np.empty(len(frac))
    inverse = np.linalg.inv(framework.cell)
    refine_points(
        np.ascontiguousarray(frac @ framework.cell),
        np.zeros((len(frac), 3)),
        np.ascontiguousarray(energies_ev),
        REFINED_WITHIN_EV,
        framework.cell,
        inverse,
        framework.frac,
        framework.kinds,
        framework.weights,
        kernel_rows(framework.pairs),
        cutoff_angstrom,
        positions,
        energies,
    )
    moved = np.isfinite(energies)
    found = np.where(moved[:, None], (positions @ inverse) % 1.0, frac)
    return found, np.where(moved, energies, energies_ev)


def energy_of(framework: Framework, frac: Floats, *, cutoff_angstrom: float) -> float:
    """Return the bond valence energy of the ion at one point, eV.

    Args:
        framework: what the ion interacts with.
        frac: shape (3,), fractional coordinates.
        cutoff_angstrom: pairs farther apart do not interact, Å.
    """
    which, vectors = vectors_within(framework.cell, framework.frac, frac, cutoff_angstrom)
    distances = np.linalg.norm(vectors, axis=1)
    total = 0.0
    for kind, pair in enumerate(framework.pairs):
        of_kind = framework.kinds[which] == kind
        weights = framework.weights[which[of_kind]]
        total += float(pair.energy_ev(np.maximum(distances[of_kind], 0.3)) @ weights)
    return total


def _find_orbit(frac: Floats, cell: Floats, rotations: Floats, translations: Floats) -> Floats:
    """The exact images of a place under the host's symmetry, shape (multiplicity, 3).

    A place close to several of its own images is moved to their middle: the special position.
    """
    images = np.einsum("oij,j->oi", rotations, frac) + translations
    gaps = images - frac
    gaps -= np.round(gaps)
    own = np.linalg.norm(gaps @ cell, axis=1) < ORBIT_ANGSTROM
    centre = frac + gaps[own].mean(axis=0)
    images = (np.einsum("oij,j->oi", rotations, centre) + translations) % 1.0
    kept: list[Floats] = []
    left = np.ones(len(images), dtype=bool)
    for index, image in enumerate(images):
        if left[index]:
            kept.append(image)
            gaps = images - image
            gaps -= np.round(gaps)
            left &= np.linalg.norm(gaps @ cell, axis=1) > SAME_IMAGE_ANGSTROM
    return np.array(kept)
