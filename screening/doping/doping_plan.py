"""How much of a dopant goes into which supercell of a host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from dualion.screening.doping.formula_unit_changes import FormulaUnitChange
from dualion.screening.doping.insertion import InsertionOptions
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.errors import InputError
from dualion.structures.supercells import (
    LARGEST_FACTOR,
    SMALLEST_WIDTH_ANGSTROM,
    Supercell,
    most_cubic,
)

MOST_ATOMS = 120
"""Usual limit of a doped cell: a few hundred configurations of it can be relaxed."""

SAME_AMOUNT = 0.01
"""Amounts that miss the wanted one by this share of it more than the nearest count as equal."""

PER_CELL_TOLERANCE = 1e-3


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
    """Return the reduced formula and how many of them the cell holds.

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
    host: IonicCrystal, unit: FormulaUnitChange, x: float, options: DopingOptions | None = None
) -> DopingPlan:
    """Return the supercell whose whole number of units comes nearest to the wanted amount.

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
    cells, units, supercell = _choose_shape(host, near, options.smallest_width_angstrom)
    return DopingPlan(
        supercell=supercell,
        formula_unit=formula,
        formula_units=cells * per_cell,
        units=units,
        x_asked=x,
        x_reached=units * unit.amount / (cells * per_cell),
        atoms=round(cells * atoms) + units * unit.added_atoms,
    )


def _choose_shape(
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
