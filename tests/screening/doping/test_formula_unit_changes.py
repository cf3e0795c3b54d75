"""Neutral units of change: their charges, their smallest whole numbers, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.doping.formula_unit_changes import (
    FormulaUnitChange,
    host_ion,
    mobile_cation,
    salt_change,
    salt_formula,
    salt_ions,
    substitution_change,
)
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError

LITHIUM, MAGNESIUM, IODIDE = MobileIon(3, 1.0), MobileIon(12, 2.0), MobileIon(53, -1.0)


def host_of(*ions: tuple[int, float]) -> IonicCrystal:
    count = len(ions)
    return IonicCrystal(
        cell=9.0 * np.eye(3), frac=np.arange(count)[:, None] / count * np.ones(3),
        numbers=np.array([number for number, _ in ions]),
        charges=np.array([charge for _, charge in ions]), occupancies=np.ones(count),
    )  # fmt: skip


THIOPHOSPHATE = host_of((3, 1.0), (3, 1.0), (3, 1.0), (15, 5.0), *[(16, -2.0)] * 4)
IRON = host_of((3, 1.0), (26, 2.0), (26, 3.0), (8, -2.0), (8, -2.0), (8, -2.0))


def test_a_unit_adds_the_charges_of_all_its_changes() -> None:
    unit = FormulaUnitChange(
        name="all", inserted=((MAGNESIUM, 3),), removed=((LITHIUM, 2), (IODIDE, 4)),
        replaced=((LITHIUM, MAGNESIUM, 5),),
    )  # fmt: skip
    assert unit.net_charge == 3 * 2 - (2 - 4) + 5 * (2 - 1)
    assert unit.added_atoms == 3 - 6


@pytest.mark.parametrize(
    ("cation", "anion", "formula"),
    [(1.0, -6.0, "Li6S"), (6.0, -1.0, "LiS6"), (5.0, -6.0, "Li6S5"), (2.0, -2.0, "LiS"),
     (0.66666667, -1.0, "Li3S2")],
)  # fmt: skip
def test_salts_hold_up_to_six_of_each_ion(cation: float, anion: float, formula: str) -> None:
    assert salt_formula(MobileIon(3, cation), MobileIon(16, anion)) == formula


@pytest.mark.parametrize(("cation", "anion"), [(1.0, -7.0), (7.0, -1.0), (0.6667, -1.0)])
def test_salts_of_seven_are_not_named(cation: float, anion: float) -> None:
    with pytest.raises(InputError, match="small whole numbers"):
        salt_formula(MobileIon(3, cation), MobileIon(16, anion))


@pytest.mark.parametrize("text", ["Fe3O4", "NaCl2Br", "O2", "Li("])
def test_mixed_states_and_other_formulas_are_no_salts(text: str) -> None:
    with pytest.raises(InputError, match="no salt"):
        salt_ions(text)


def test_a_salt_is_counted_by_its_smallest_formula() -> None:
    assert salt_ions("Li4S2") == ((LITHIUM, 2), (MobileIon(16, -2.0), 1))
    assert salt_ions("Al2O3") == ((MobileIon(13, 3.0), 2), (MobileIon(8, -2.0), 3))
    unit = salt_change("Mg Cl2")
    assert (unit.name, unit.amount, unit.net_charge, unit.added_atoms) == ("MgCl2", 1, 0.0, 3)


@pytest.mark.parametrize(
    ("text", "inserted", "removed", "swaps"),
    [
        ("S=Br", (), ((LITHIUM, 1),), 1),
        ("P5+=Si4+", ((LITHIUM, 1),), (), 1),
        ("P=Al", ((LITHIUM, 2),), (), 1),
        ("S=N", ((LITHIUM, 1),), (), 1),
        ("S=Se", (), (), 1),
        ("S2-=O1.5-", (), ((LITHIUM, 1),), 2),
        ("S=O2.25-", ((LITHIUM, 1),), (), 4),
    ],
)
def test_a_substitution_is_balanced_by_the_mobile_cation(text, inserted, removed, swaps) -> None:
    unit = substitution_change(text, THIOPHOSPHATE)
    assert (unit.inserted, unit.removed, unit.amount) == (inserted, removed, swaps)
    assert unit.replaced[0][2] == swaps
    assert unit.net_charge == pytest.approx(0.0)
    assert unit.name == text


def test_divalent_cations_balance_two_at_once() -> None:
    host = host_of((12, 2.0), (15, 5.0), (16, -2.0), (16, -2.0))
    unit = substitution_change("P=Ge", host)
    assert (unit.replaced[0][2], unit.inserted) == (2, ((MAGNESIUM, 1),))


@pytest.mark.parametrize("text", ["S", "=I", "S=", "S=I=Br", "="])
def test_a_substitution_names_two_ions(text: str) -> None:
    with pytest.raises(InputError, match="no substitution"):
        substitution_change(text, THIOPHOSPHATE)


def test_the_new_ion_has_the_common_state_nearest_to_the_old_one() -> None:
    def new(text: str) -> MobileIon:
        return substitution_change(text, THIOPHOSPHATE).replaced[0][1]

    assert new("P=As") == MobileIon(33, 5.0)  # of +3 and +5
    assert new("Li=Cu") == MobileIon(29, 2.0)
    assert new("S=P") == MobileIon(15, -3.0)
    with pytest.raises(InputError, match=r"like Mg-"):
        new("S=Mg")
    with pytest.raises(InputError, match=r"like F\+"):
        new("P=F")


def test_an_ion_of_the_host_is_named_by_its_element_where_that_is_clear() -> None:
    assert host_ion(THIOPHOSPHATE, "S") == host_ion(THIOPHOSPHATE, "S2-") == MobileIon(16, -2.0)
    assert host_ion(IRON, "Fe3+") == MobileIon(26, 3.0)
    assert host_ion(IRON, "Fe2+") == MobileIon(26, 2.0)
    for text in ("Fe", "Fe4+"):
        with pytest.raises(InputError, match=r"holds Fe as Fe2\+, Fe3\+; name one of them"):
            host_ion(IRON, text)
    with pytest.raises(InputError, match="holds Li, P, S"):
        host_ion(THIOPHOSPHATE, "Cl")
    with pytest.raises(InputError, match="holds no Cl-"):
        host_ion(THIOPHOSPHATE, "Cl-")


def test_the_mobile_cation_is_a_cation() -> None:
    assert mobile_cation(THIOPHOSPHATE) == LITHIUM
    assert mobile_cation(host_of((11, 1.0), (17, -1.0))) == MobileIon(11, 1.0)
    with pytest.raises(InputError, match="no usual mobile cation"):
        mobile_cation(host_of((57, 3.0), (9, -1.0), (9, -1.0), (9, -1.0)))
    with pytest.raises(InputError, match="no usual mobile cation"):
        mobile_cation(host_of((3, 0.0), (3, 0.0)))
