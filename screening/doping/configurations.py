"""Doped configurations: a salt put into a host, or ions of a host replaced, always neutral.

``plan_doping`` says which supercell comes nearest to the wanted amount; ``doped_configurations``
fills it. Nothing is relaxed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.lattice_energy import pair_energy_ev
from dualion.screening.doping.formula_unit_changes import ChangeUnit
from dualion.screening.doping.insertion import InsertionOptions, InsertionSite, insertion_sites
from dualion.screening.doping.site_configurations import (
    Change,
    Configuration,
    Points,
    distinct_configurations,
    points_of,
)
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError
from dualion.structures.supercells import (
    LARGEST_FACTOR,
    SMALLEST_WIDTH_ANGSTROM,
    Supercell,
    make_supercell,
    most_cubic,
    repeated_unit,
)

MOST_ATOMS = 120
"""Usual limit of a doped cell: a few hundred configurations of it can be relaxed."""
SAME_AMOUNT = 0.01
"""Amounts that miss the wanted one by this share of it more than the nearest count as equal."""
POOL_FACTOR = 16
"""Configurations that are looked at for each one that is kept."""
PER_CELL_TOLERANCE = 1e-3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DopingOptions:
    """How a host is doped.

    Attributes:
        smallest_width_angstrom: least distance of opposite faces of the supercell, Å, where the
            atom limit allows it.
        most_atoms: largest number of atoms, with what is inserted.
        insertion: how insertion sites are looked for.
        seed: seed of every random choice.
    """

    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM
    most_atoms: int = MOST_ATOMS
    insertion: InsertionOptions = field(default_factory=InsertionOptions)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DopingPlan:
    """The supercell for an amount of dopant.

    Attributes:
        supercell: which supercell of the host's cell.
        formula_unit: formula that the amounts are counted by.
        formula_units: how many the supercell holds.
        units: how many units of change go into it.
        x_asked: wanted amount per formula unit.
        x_reached: amount that the whole number of units gives.
        atoms: atoms of a doped cell.
    """

    supercell: Supercell
    formula_unit: str
    formula_units: int
    units: int
    x_asked: float
    x_reached: float
    atoms: int


def formula_unit_of(crystal: IonicCrystal) -> tuple[str, int]:
    """The reduced formula and how many of them the cell holds.

    Where occupancies give no whole numbers, the cell itself is the formula unit.
    """
    from pymatgen.core import Composition

    totals: dict[str, float] = {}
    for number, occupancy in zip(crystal.numbers.tolist(), crystal.occupancies, strict=True):
        totals[symbol(number)] = totals.get(symbol(number), 0.0) + float(occupancy)
    counts = {name: round(total) for name, total in totals.items()}
    if any(abs(totals[name] - count) > PER_CELL_TOLERANCE for name, count in counts.items()):
        return str(Composition(totals).formula).replace(" ", ""), 1
    number = math.gcd(*counts.values())
    reduced = Composition({name: count // number for name, count in counts.items()})
    return str(reduced.reduced_formula), number


def plan_doping(
    host: IonicCrystal, unit: ChangeUnit, x: float, options: DopingOptions | None = None
) -> DopingPlan:
    """The supercell whose whole number of units comes nearest to the wanted amount.

    Among equally near ones, those whose every width reaches the limit go first, then those whose
    lattice vectors do, and of these the smallest; where none is long enough, the one with the
    largest smallest width.

    Args:
        host: the crystal in its primitive cell, so that no amount is missed.
        unit: what is put in.
        x: units of amount per formula unit of the host.
        options: limits.

    Raises:
        InputError: the amount is not positive, or no cell under the atom limit can hold a unit.
    """
    options = options or DopingOptions()
    if not 0.0 < x < 100.0:
        raise InputError(f"An amount of {x:g} per formula unit makes no sense; give 0.001 to 100.")
    formula, per_cell = formula_unit_of(host)
    atoms = float(host.occupancies.sum())
    choices: list[tuple[float, int, int]] = []  # error, cells, units
    for cells in range(1, min(LARGEST_FACTOR, int(options.most_atoms / atoms + 1e-9)) + 1):
        units = max(1, round(x * cells * per_cell / unit.amount))
        if round(cells * atoms) + units * unit.added_atoms <= options.most_atoms:
            reached = units * unit.amount / (cells * per_cell)
            choices.append((abs(reached - x), cells, units))
    if not choices:
        raise InputError(
            f"A cell of {formula} with one {unit.name} has {atoms + unit.added_atoms:.4g} "
            f"atoms, more than {options.most_atoms}; allow more atoms."
        )
    least = min(error for error, _, _ in choices) + SAME_AMOUNT * x
    near = [(cells, units) for error, cells, units in choices if error <= least]
    cells, units, supercell = _best_shape(host, near, options.smallest_width_angstrom)
    return DopingPlan(
        supercell=supercell,
        formula_unit=formula,
        formula_units=cells * per_cell,
        units=units,
        x_asked=x,
        x_reached=units * unit.amount / (cells * per_cell),
        atoms=round(cells * atoms) + units * unit.added_atoms,
    )


def _best_shape(
    host: IonicCrystal, choices: Sequence[tuple[int, int]], least_angstrom: float
) -> tuple[int, int, Supercell]:
    """Cells, units and shape of the best of several sizes, which ascend."""
    tried: list[tuple[int, int, Supercell]] = []
    for cells, units in choices:
        found = most_cubic(host, cells, smallest_width_angstrom=least_angstrom)
        tried.append((cells, units, found))
        if found.wide_enough:
            return tried[-1]
    for one in tried:
        if one[2].lengths_angstrom.min() >= least_angstrom:
            return one
    return max(tried, key=lambda one: float(one[2].widths_angstrom.min()))


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
        ways: number of ways to choose the points.
    """

    host: IonicCrystal
    sites: dict[MobileIon, tuple[InsertionSite, ...]]
    configurations: tuple[DopedConfiguration, ...]
    looked_at: int
    distinct: int
    ways: int


def doped_configurations(
    host: IonicCrystal,
    matrix: NDArray[np.int64],
    unit: ChangeUnit,
    units: int,
    *,
    most: int,
    options: DopingOptions | None = None,
) -> DopedConfigurations:
    """Symmetry-distinct configurations of a host with a number of units of change.

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
    return _filled(large, (host, matrix), unit, units, most, options or DopingOptions())


def configurations_in_cell(
    cell: IonicCrystal,
    unit: ChangeUnit,
    units: int,
    *,
    most: int,
    options: DopingOptions | None = None,
) -> DopedConfigurations:
    """Symmetry-distinct configurations of a cell that is large enough already.

    The ions that stay keep the order of the cell. For the arguments and the errors see
    ``doped_configurations``.
    """
    return _filled(cell, repeated_unit(cell), unit, units, most, options or DopingOptions())


def _filled(
    large: IonicCrystal,
    repeated: tuple[IonicCrystal, NDArray[np.int64]],
    unit: ChangeUnit,
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
    points, of_ion = _points(large, matrix, sites)
    changes = changes_of(large, unit, units, of_ion)
    chosen = distinct_configurations(points, changes, most=most * POOL_FACTOR, seed=options.seed)
    potential = options.insertion.potential
    zero = pair_energy_ev(large, potential)
    rated = [
        DopedConfiguration(
            configuration=one, estimate_ev=pair_energy_ev(one.crystal, potential) - zero
        )
        for one in chosen.configurations
    ]
    return DopedConfigurations(
        host=large,
        sites=sites,
        configurations=_selected(rated, most, options.seed),
        looked_at=len(rated),
        distinct=chosen.distinct,
        ways=chosen.ways,
    )


def _points(
    large: IonicCrystal,
    matrix: NDArray[np.int64],
    sites: dict[MobileIon, tuple[InsertionSite, ...]],
) -> tuple[Points, dict[MobileIon, NDArray[np.int64]]]:
    """The points of the supercell, and which of them each ion may be inserted at."""
    places = {
        ion: _in_supercell(np.vstack([site.positions for site in found]), matrix)
        for ion, found in sites.items()
    }
    points = points_of(large, list(places.values()))
    ends = np.cumsum([len(large.numbers), *(len(frac) for frac in places.values())])
    of_ion = {
        ion: np.arange(begin, end) for ion, begin, end in zip(places, ends, ends[1:], strict=False)
    }
    return points, of_ion


def _in_supercell(frac: Floats, matrix: NDArray[np.int64]) -> Floats:
    """Fractional coordinates of all images of points in a supercell."""
    one = np.ones(len(frac))
    carrier = IonicCrystal(
        cell=np.eye(3), frac=frac, numbers=one.astype(np.int64), charges=0 * one, occupancies=one
    )
    return make_supercell(carrier, matrix).frac


def changes_of(
    host: IonicCrystal,
    unit: ChangeUnit,
    units: int,
    of_ion: dict[MobileIon, NDArray[np.int64]],
) -> list[Change]:
    """What a number of units changes in a supercell.

    Args:
        host: the supercell.
        unit: the change.
        units: how many.
        of_ion: points that each inserted ion may be put at.
    """
    replaced = [
        Change(action="replace", ion=new, count=units * count, points=_entries(host, old))
        for old, new, count in unit.replaced
    ]
    removed = [
        Change(action="remove", ion=ion, count=units * count, points=_entries(host, ion))
        for ion, count in unit.removed
    ]
    inserted = [
        Change(action="insert", ion=ion, count=units * count, points=of_ion[ion])
        for ion, count in sorted(unit.inserted, key=lambda item: item[0].charge)
    ]
    return replaced + removed + inserted


def _entries(host: IonicCrystal, ion: MobileIon) -> NDArray[np.int64]:
    """Entries of the host that are this ion."""
    same = (host.numbers == ion.number) & (np.abs(host.charges - ion.charge) < 1e-3)
    return np.flatnonzero(same)


def _selected(
    rated: list[DopedConfiguration], most: int, seed: int
) -> tuple[DopedConfiguration, ...]:
    """The lowest half and a random half of the rest, in ascending estimate."""
    rated = sorted(rated, key=lambda one: (round(one.estimate_ev, 6), one.configuration.choice))
    if len(rated) <= most:
        return tuple(rated)
    lowest = most - most // 2
    rest = np.random.default_rng(seed).permutation(np.arange(lowest, len(rated)))[: most // 2]
    return tuple(rated[index] for index in [*range(lowest), *sorted(rest.tolist())])
