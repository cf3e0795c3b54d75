"""The percolating paths of a probability density: its free energy as a landscape.

F = −kT ln(ρ/ρ_max) of the smoothed density is a field like that of ``field``, so its
barriers and paths are found by the same percolation and the same path search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.percolation.path import MigrationPath, minimum_energy_paths
from dualion.screening.percolation.thresholds import Percolation, percolation
from dualion.screening.transport.motion.density import (
    BOLTZMANN_EV_K,
    SMOOTHING_ANGSTROM,
    Density,
    density_sites,
)
from dualion.structures.errors import InputError

UNVISITED_EV = 1e3
CUT_EV = 50.0
"""Energies above this are places where no ion was seen."""

VISITED_SHARE = 1e-6
"""Below this share of the highest density, the tail of the smoothing is all there is."""

LEAST_VISITS = 10.0
"""A bottleneck that fewer ion-frames have seen is the tail of the smoothing, no measurement."""

AT_SITE_ANGSTROM = 1.2
"""A minimum of the path this near to a site is that site, Å."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensityPath:
    """One closed path along which the density percolates.

    Attributes:
        species: what moves along it.
        dimension: 1, 2 or 3.
        winding: lattice translation from its first to its last point, in cells.
        frac: shape (p, 3), fractional coordinates, unwrapped; the last point is the image of the
            first, which is the densest.
        distance_angstrom: shape (p,), length up to each point, Å.
        energies_ev: shape (p,), F above the density's maximum, eV.
        bottleneck: index of the highest point.
        sites: shape (k,), index of the sites it runs through, in order; the last is the image of
            the first.
        site_cells: shape (k, 3), the cell that each of them is in.
        site_frac: shape (k, 3), fractional coordinates of these sites, unwrapped.
        bottleneck_visits: ion-frames that the density at the bottleneck rests on.
        least_error_ev: kT/√visits, eV: the error of the barrier if all visits were independent.
    """

    species: str
    dimension: int
    winding: tuple[int, int, int]
    frac: NDArray[np.float64]
    distance_angstrom: NDArray[np.float64]
    energies_ev: NDArray[np.float64]
    bottleneck: int
    sites: NDArray[np.int64]
    site_cells: NDArray[np.int64]
    site_frac: NDArray[np.float64]
    bottleneck_visits: float
    least_error_ev: float

    @property
    def sampled(self) -> bool:
        """Whether enough ions were seen at the bottleneck for the barrier to mean something."""
        return self.bottleneck_visits >= LEAST_VISITS

    @property
    def barrier_ev(self) -> float:
        """F of the bottleneck above the density's maximum, eV."""
        return float(self.energies_ev[self.bottleneck])


def free_energy_ev(map_: Density, temperature_k: float) -> NDArray[np.float64]:
    """Return F of each grid point, shape (nx, ny, nz), eV, 0 at the densest; 1000 where none was.

    Args:
        map_: the density.
        temperature_k: temperature, K.

    Raises:
        InputError: the temperature is not positive.
    """
    if not (np.isfinite(temperature_k) and temperature_k > 0.0):
        raise InputError(f"The temperature is {temperature_k} K; a free energy needs one above 0.")
    visited = map_.values > VISITED_SHARE * map_.values.max()
    energy = np.full(map_.values.shape, UNVISITED_EV)
    ratio = map_.values[visited] / map_.values.max()
    energy[visited] = -BOLTZMANN_EV_K * temperature_k * np.log(ratio)
    return energy


def density_path_ev(map_: Density, temperature_k: float) -> tuple[float, float, float]:
    """Return the free-energy barriers of the density in 1, 2 and 3 dimensions, eV.

    ``inf`` where the density does not connect a cell to its images: the run has not visited
    the path, which does not mean that there is none.

    Args:
        map_: the density.
        temperature_k: temperature, K.

    Raises:
        InputError: the temperature is not positive.
    """
    return percolation(free_energy_ev(map_, temperature_k), cut_ev=CUT_EV).barriers_ev


def density_paths(
    map_: Density, temperature_k: float, sites: NDArray[np.float64] | None = None
) -> tuple[tuple[float, float, float], tuple[DensityPath, ...]]:
    """Return barriers as ``density_path_ev``, and the path of each that is finite.

    Args:
        map_: the density.
        temperature_k: temperature, K.
        sites: shape (s, 3), fractional; found from the density where not given.

    Raises:
        InputError: the temperature is not positive.
    """
    energy = free_energy_ev(map_, temperature_k)
    found: Percolation = percolation(energy, cut_ev=CUT_EV)
    if sites is None:
        sites = density_sites(map_)
    paths = minimum_energy_paths(energy, map_.cell, found=found, cut_ev=CUT_EV)
    kt_ev = BOLTZMANN_EV_K * temperature_k
    return found.barriers_ev, tuple(_describe_path(path, map_, sites, kt_ev) for path in paths)


def _describe_path(
    path: MigrationPath, map_: Density, sites: NDArray[np.float64], kt_ev: float
) -> DensityPath:
    # Counts belong to the middle of their voxel, the points of a field to its corner.
    frac = path.frac + 0.5 / np.array(map_.values.shape)
    visited, cells = _find_sites_along(frac[list(path.minima)], sites, map_.cell)
    # A Gaussian of width σ averages over (4π)^{3/2} σ³.
    volume = (4.0 * np.pi) ** 1.5 * SMOOTHING_ANGSTROM**3
    density = map_.values.max() * np.exp(-path.barrier_ev / kt_ev)
    visits = float(density * volume * map_.n_frames)
    return DensityPath(
        species=map_.species,
        dimension=path.dimension,
        winding=path.winding,
        frac=frac,
        distance_angstrom=path.distance_angstrom,
        energies_ev=path.energies_ev,
        bottleneck=path.bottleneck,
        sites=visited,
        site_cells=cells,
        site_frac=sites[visited] + cells,
        bottleneck_visits=visits,
        least_error_ev=float(kt_ev / np.sqrt(visits)) if visits > 0.0 else np.inf,
    )


def _find_sites_along(
    minima: NDArray[np.float64], sites: NDArray[np.float64], cell: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sites that a path's minima are at, without repeats, and their cells."""
    visited: list[int] = []
    cells: list[tuple[int, ...]] = []
    for point in minima if len(sites) else minima[:0]:
        turns = np.rint(point - sites)
        lengths = np.linalg.norm((point - sites - turns) @ cell, axis=1)
        nearest = int(lengths.argmin())
        where = tuple(int(n) for n in turns[nearest])
        if lengths[nearest] > AT_SITE_ANGSTROM:
            continue
        if not visited or (visited[-1], cells[-1]) != (nearest, where):
            visited.append(nearest)
            cells.append(where)
    return np.array(visited, dtype=np.int64), np.array(cells, dtype=np.int64).reshape(-1, 3)
