"""How much goes into which supercell."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.doping.doping_plan import DopingOptions, formula_unit_of, plan_doping
from dualion.screening.doping.formula_unit_changes import FormulaUnitChange, salt_change
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.supercells import most_cubic

SALT = IonicCrystal(
    cell=4.0 * np.eye(3), frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
    numbers=np.array([55, 17]), charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
)  # fmt: skip
"""A cube of CsCl type, 4 Å: one formula unit of two atoms."""
UNIT = salt_change("LiI")


def with_occupancies(*values: float) -> IonicCrystal:
    count = len(values)
    return IonicCrystal(
        cell=4.0 * np.eye(3), frac=np.zeros((count, 3)), numbers=np.array([55, 17, 17][:count]),
        charges=np.array([1.0, -1.0, -1.0][:count]), occupancies=np.array(values),
    )  # fmt: skip


def test_formula_units_are_counted_by_their_greatest_common_divisor() -> None:
    assert formula_unit_of(SALT) == ("CsCl", 1)
    assert formula_unit_of(with_occupancies(4.0, 4.0, 2.0)) == ("Cs2Cl3", 2)
    assert formula_unit_of(with_occupancies(1.0, 0.9991)) == ("CsCl", 1)
    assert formula_unit_of(with_occupancies(1.0, 0.9989))[0] == "Cs1Cl0.9989"
    assert formula_unit_of(with_occupancies(2.0, 1.0, 0.5)) == ("Cs2Cl1.5", 1)


def test_amounts_lie_between_zero_and_a_hundred() -> None:
    for x in (0.0, -1.0, 100.0, np.nan):
        with pytest.raises(InputError, match="makes no sense"):
            plan_doping(SALT, UNIT, x)
    assert plan_doping(SALT, UNIT, 40.0).x_reached == 40.0


@pytest.mark.parametrize(("most", "fits"), [(4, True), (3, False)])
def test_a_cell_may_hold_as_many_atoms_as_the_limit(most: int, fits: bool) -> None:
    options = DopingOptions(most_atoms=most)
    if fits:
        plan = plan_doping(SALT, UNIT, 0.5, options)
        assert (plan.units, plan.formula_units, plan.atoms, plan.x_reached) == (1, 1, 4, 1.0)
        assert plan.x_asked == 0.5
    else:
        with pytest.raises(InputError, match="with one LiI has 4 atoms, more than 3"):
            plan_doping(SALT, UNIT, 0.5, options)


def test_amounts_are_counted_in_what_one_unit_replaces() -> None:
    """Three ions replaced in one unit: 0.25 of an ion per formula unit is a unit in twelve."""
    swap = (MobileIon(17, -1.0), MobileIon(53, -1.0), 3)
    unit = FormulaUnitChange(name="swap", replaced=(swap,), amount=3)
    plan = plan_doping(SALT, unit, 0.25)
    assert (plan.formula_units % 12, plan.x_reached) == (0, 0.25)
    assert plan.units == plan.formula_units // 12
    assert plan.atoms == 2 * plan.formula_units
    assert plan.supercell.matrix.shape == (3, 3)
    assert round(abs(np.linalg.det(plan.supercell.matrix))) == plan.formula_units


def test_an_amount_within_a_hundredth_of_the_nearest_counts_as_equal() -> None:
    """0.2 is met by fifths; of these the wide cell is taken, with 27 formula units or more."""
    plan = plan_doping(SALT, UNIT, 0.2, DopingOptions(most_atoms=400, smallest_width_angstrom=11.9))
    assert plan.supercell.wide_enough
    assert abs(plan.x_reached - 0.2) <= 0.002
    cube = plan_doping(SALT, UNIT, 1 / 27, DopingOptions(smallest_width_angstrom=11.9))
    assert (cube.formula_units, cube.units) == (27, 1)
    np.testing.assert_allclose(cube.supercell.widths_angstrom, 12.0)


def test_where_none_is_wide_enough_the_widest_is_taken() -> None:
    options = DopingOptions(most_atoms=20, smallest_width_angstrom=50.0)
    plan = plan_doping(SALT, UNIT, 1.0, options)  # a unit for each cell, five cells at most
    widths = {
        cells: most_cubic(SALT, cells, smallest_width_angstrom=50.0).widths_angstrom.min()
        for cells in range(1, 6)
    }
    assert plan.supercell.widths_angstrom.min() == pytest.approx(max(widths.values()))
    assert plan.x_reached == 1.0


def test_a_cell_that_only_swaps_ions_may_fill_the_limit() -> None:
    """One ion in four formula units of two atoms: eight atoms, no more and no fewer."""
    swap = (MobileIon(17, -1.0), MobileIon(53, -1.0), 1)
    unit = FormulaUnitChange(name="swap", replaced=(swap,), amount=1)
    plan = plan_doping(SALT, unit, 0.25, DopingOptions(most_atoms=8))
    assert (plan.formula_units, plan.units, plan.atoms, plan.x_reached) == (4, 1, 8, 0.25)
