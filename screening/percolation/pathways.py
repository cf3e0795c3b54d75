"""The map of one ion in one crystal: its field, sites, paths and bottlenecks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import landscape
from dualion.screening.bvse.grid import compact
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.path import MigrationPath, minimum_energy_paths
from dualion.screening.percolation.sites import NearAtom, Site, nearest_atoms, sites_of
from dualion.screening.triple import Triple
from dualion.structures.crystal import IonicCrystal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """The highest point of a path.

    Attributes:
        dimension: dimensionality of the path.
        frac: its fractional coordinates, in [0, 1).
        energy_ev: energy above the field's minimum, eV.
        neighbours: framework atoms near it, the nearest first.
    """

    dimension: int
    frac: tuple[float, float, float]
    energy_ev: float
    neighbours: tuple[NearAtom, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IonMap:
    """How one ion can rest and move in one crystal.

    Attributes:
        crystal: the crystal in the cell of the grid: its own, or the Niggli cell where its own is
            much skewed.
        ion: the mobile ion.
        energies_ev: shape (nx, ny, nz), its field, eV.
        barriers_ev: E_1D, E_2D, E_3D on this grid, eV; ``inf`` for none.
        from_region_ev: the same above the minimum of the percolating region, eV.
        refined_ev: E_1D, E_2D, E_3D of the continuous potential, eV; NaN where not asked for.
        quality: the least trustworthy pair parameters in use.
        paths: one for each finite barrier, in ascending dimensionality.
        bottlenecks: one for each path.
        sites: local minima, in ascending energy.
    """

    crystal: IonicCrystal
    ion: MobileIon
    energies_ev: NDArray[np.float64]
    barriers_ev: Triple
    from_region_ev: Triple
    refined_ev: Triple
    quality: ParameterQuality
    paths: tuple[MigrationPath, ...]
    bottlenecks: tuple[Bottleneck, ...]
    sites: tuple[Site, ...]


def map_ion(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> IonMap:
    """Compute field, sites and paths of an ion, by this package's own engine.

    Args:
        crystal: the crystal, with every site of the mobile element.
        ion: the mobile ion.
        options: conventions and the spacing of the grid, Å.

    Raises:
        StructureError: the crystal cannot be treated; the message says why.
    """
    crystal = compact(crystal)  # the grid of the tables' barriers
    found = landscape(crystal, ion, options)
    field, barriers = found.energies_ev, found.barriers
    paths = minimum_energy_paths(field, crystal.cell, found=found.grid)
    return IonMap(
        crystal=crystal,
        ion=ion,
        energies_ev=field,
        barriers_ev=barriers.barriers_ev,
        from_region_ev=barriers.from_region_ev,
        refined_ev=barriers.refined_ev,
        quality=barriers.quality,
        paths=paths,
        bottlenecks=tuple(_bottleneck(path, crystal, ion) for path in paths),
        sites=sites_of(field, crystal, ion),
    )


def _bottleneck(path: MigrationPath, crystal: IonicCrystal, ion: MobileIon) -> Bottleneck:
    frac = path.bottleneck_frac
    return Bottleneck(
        dimension=path.dimension,
        frac=(float(frac[0]), float(frac[1]), float(frac[2])),
        energy_ev=path.barrier_ev,
        neighbours=nearest_atoms(crystal, frac, ion),
    )
