"""The map of one ion in one crystal: its field, sites, paths and bottlenecks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.barriers import MAX_GRID_POINTS, UNKNOWN, BarrierOptions
from screening.field import bvse_field, framework_of
from screening.grid import grid_shape
from screening.ions import MobileIon
from screening.pair_parameters import ParameterQuality
from screening.path import MigrationPath, minimum_energy_paths
from screening.percolation import percolation
from screening.refinement import PASS_WINDOW_EV, refine
from screening.sites import NearAtom, Site, nearest_atoms, sites_of
from structures.crystal import IonicCrystal
from structures.errors import UnpreparableStructureError


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
        crystal: the crystal.
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
    barriers_ev: tuple[float, float, float]
    from_region_ev: tuple[float, float, float]
    refined_ev: tuple[float, float, float]
    quality: ParameterQuality
    paths: tuple[MigrationPath, ...]
    bottlenecks: tuple[Bottleneck, ...]
    sites: tuple[Site, ...]


def map_ion(crystal: IonicCrystal, ion: MobileIon, options: BarrierOptions) -> IonMap:
    """Field, sites and paths of an ion, by this package's own engine.

    Raises:
        StructureError: the crystal cannot be treated; the message says why.
    """
    shape = grid_shape(crystal.cell, options.spacing_angstrom)
    if (points := shape[0] * shape[1] * shape[2]) > MAX_GRID_POINTS:
        raise UnpreparableStructureError(
            f"The grid would have {points:,} points, more than {MAX_GRID_POINTS:,}; choose a "
            "larger --spacing or a smaller cell.",
            reason="cell_too_large",
        )
    framework = framework_of(crystal, ion, options.potential)
    cutoff = options.potential.cutoff_angstrom
    field = bvse_field(framework, shape, cutoff_angstrom=cutoff)
    beyond = PASS_WINDOW_EV if options.refined else 0.0
    found = percolation(field, cut_ev=options.cut_ev, beyond_ev=beyond)
    refined = UNKNOWN
    if options.refined:
        refined = refine(framework, field, found, cutoff_angstrom=cutoff).barriers_ev
    paths = minimum_energy_paths(field, crystal.cell, found=found)
    return IonMap(
        crystal=crystal,
        ion=ion,
        energies_ev=field,
        barriers_ev=found.barriers_ev,
        from_region_ev=found.from_region_ev,
        refined_ev=refined,
        quality=framework.quality,
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
