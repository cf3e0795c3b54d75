"""Doped configurations: a salt put into a host, or ions of a host replaced, always neutral.

``plan_doping`` says which supercell comes nearest to the wanted amount; ``doped_configurations``
fills it. Nothing is relaxed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.lattice_energy import lattice_energy_ev
from dualion.screening.doping.changeable_points import Points, changeable_points
from dualion.screening.doping.doping_plan import DopingOptions
from dualion.screening.doping.formula_unit_changes import FormulaUnitChange
from dualion.screening.doping.insertion import InsertionSite, insertion_sites
from dualion.screening.doping.site_configurations import (
    Configuration,
    SiteChange,
    distinct_configurations,
)
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.supercells import (
    make_supercell,
    repeated_unit,
)

POOL_FACTOR = 16
"""Configurations that are looked at for each one that is kept."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DopedConfiguration:
    """One configuration and a cheap estimate of its energy.

    Attributes:
        configuration: the changed points, the degeneracy, the crystal.
        estimate_ev: bond valence energy of the cell less that of the host, eV: an order before
            relaxing, nothing more.
    """

    configuration: Configuration
    estimate_ev: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DopedConfigurations:
    """Configurations of one doped cell.

    Attributes:
        host: the host in the supercell, with all its ions.
        sites: insertion sites by ion, of the cell in which they were looked for.
        configurations: those that are kept, in ascending estimate.
        looked_at: symmetry-distinct configurations that they were taken from.
        distinct: how many there are in all; −1 where there are too many to count.
        combinations: number of ways to choose the points.
    """

    host: IonicCrystal
    sites: dict[MobileIon, tuple[InsertionSite, ...]]
    configurations: tuple[DopedConfiguration, ...]
    looked_at: int
    distinct: int
    combinations: int


def doped_configurations(
    host: IonicCrystal,
    matrix: NDArray[np.int64],
    unit: FormulaUnitChange,
    units: int,
    *,
    most: int,
    options: DopingOptions | None = None,
) -> DopedConfigurations:
    """Generate symmetry-distinct configurations of a host with a number of units of change.

    Where there are more than ``most``, half of them are the lowest by the bond valence estimate and
    half are drawn at random from the rest, since the estimate is a rough one.

    Args:
        host: ordered crystal.
        matrix: shape (3, 3), its supercell.
        unit: the change.
        units: how many.
        most: largest number of configurations.
        options: seed, and how sites are looked for.

    Raises:
        InputError: there is no room for an ion, or the changes exclude each other.
        StructureError: a landscape cannot be computed.
    """
    large = make_supercell(host, matrix)
    return _fill_cell(large, (host, matrix), unit, units, most, options or DopingOptions())


def configurations_in_cell(
    cell: IonicCrystal,
    unit: FormulaUnitChange,
    units: int,
    *,
    most: int,
    options: DopingOptions | None = None,
) -> DopedConfigurations:
    """Generate symmetry-distinct configurations of a cell that is large enough already.

    The ions that stay keep the order of the cell.

    Args:
        cell: ordered crystal, the supercell itself.
        unit: the change.
        units: how many.
        most: largest number of configurations.
        options: seed, and how sites are looked for.

    Raises:
        InputError: there is no room for an ion, or the changes exclude each other.
        StructureError: a landscape cannot be computed.
    """
    return _fill_cell(cell, repeated_unit(cell), unit, units, most, options or DopingOptions())


def _fill_cell(
    large: IonicCrystal,
    repeated: tuple[IonicCrystal, NDArray[np.int64]],
    unit: FormulaUnitChange,
    units: int,
    most: int,
    options: DopingOptions,
) -> DopedConfigurations:
    """Configurations of a supercell whose sites are looked for in the cell that it repeats."""
    host, matrix = repeated
    inserted = [ion for ion, _ in unit.inserted]
    sites = {ion: insertion_sites(host, ion, options.insertion) for ion in inserted}
    for ion, found in sites.items():
        if not found:
            raise InputError(
                f"No place in the host is far enough from its ions for {ion}; try a substitution."
            )
    points, of_ion = _collect_points(large, matrix, sites)
    changes = site_changes(large, unit, units, of_ion)
    chosen = distinct_configurations(points, changes, most=most * POOL_FACTOR, seed=options.seed)
    potential = options.insertion.potential
    zero = lattice_energy_ev(large, potential)
    rated = [
        DopedConfiguration(
            configuration=one, estimate_ev=lattice_energy_ev(one.crystal, potential) - zero
        )
        for one in chosen.configurations
    ]
    return DopedConfigurations(
        host=large,
        sites=sites,
        configurations=_select_configurations(rated, most, options.seed),
        looked_at=len(rated),
        distinct=chosen.distinct,
        combinations=chosen.combinations,
    )


def _collect_points(
    large: IonicCrystal,
    matrix: NDArray[np.int64],
    sites: dict[MobileIon, tuple[InsertionSite, ...]],
) -> tuple[Points, dict[MobileIon, NDArray[np.int64]]]:
    """The points of the supercell, and which of them each ion may be inserted at."""
    places = {
        ion: _repeat_points(np.vstack([site.positions for site in found]), matrix)
        for ion, found in sites.items()
    }
    points = changeable_points(large, list(places.values()))
    ends = np.cumsum([len(large.numbers), *(len(frac) for frac in places.values())])
    of_ion = {
        ion: np.arange(begin, end) for ion, begin, end in zip(places, ends, ends[1:], strict=False)
    }
    return points, of_ion


def _repeat_points(frac: Floats, matrix: NDArray[np.int64]) -> Floats:
    """Fractional coordinates of all images of points in a supercell."""
    one = np.ones(len(frac))
    carrier = IonicCrystal(
        cell=np.eye(3), frac=frac, numbers=one.astype(np.int64), charges=0 * one, occupancies=one
    )
    return make_supercell(carrier, matrix).frac


def site_changes(
    host: IonicCrystal,
    unit: FormulaUnitChange,
    units: int,
    of_ion: dict[MobileIon, NDArray[np.int64]],
) -> list[SiteChange]:
    """Return what a number of units changes in a supercell.

    Args:
        host: the supercell.
        unit: the change.
        units: how many.
        of_ion: points that each inserted ion may be put at.
    """
    replaced = [
        SiteChange(action="replace", ion=new, count=units * count, points=_find_entries(host, old))
        for old, new, count in unit.replaced
    ]
    removed = [
        SiteChange(action="remove", ion=ion, count=units * count, points=_find_entries(host, ion))
        for ion, count in unit.removed
    ]
    inserted = [
        SiteChange(action="insert", ion=ion, count=units * count, points=of_ion[ion])
        for ion, count in sorted(unit.inserted, key=lambda item: item[0].charge)
    ]
    return replaced + removed + inserted


def _find_entries(host: IonicCrystal, ion: MobileIon) -> NDArray[np.int64]:
    """Entries of the host that are this ion."""
    same = (host.numbers == ion.number) & (np.abs(host.charges - ion.charge) < 1e-3)
    return np.flatnonzero(same)


def _select_configurations(
    rated: list[DopedConfiguration], most: int, seed: int
) -> tuple[DopedConfiguration, ...]:
    """The lowest half and a random half of the rest, in ascending estimate."""
    rated = sorted(rated, key=lambda one: (round(one.estimate_ev, 6), one.configuration.choice))
    if len(rated) <= most:
        return tuple(rated)
    lowest = most - most // 2
    rest = np.random.default_rng(seed).permutation(np.arange(lowest, len(rated)))[: most // 2]
    return tuple(rated[index] for index in [*range(lowest), *sorted(rest.tolist())])
