"""Defects: neutral, named, at the concentration that is told, chosen with a seed."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.screening.doping import defects
from dualion.screening.doping.defects import (
    PERFECT,
    default_cells,
    insert_defects,
    mobile_pair,
    plan_defects,
    schottky_change,
)
from dualion.screening.doping.doping_plan import DopingOptions
from dualion.screening.doping.formula_unit_changes import host_ion
from dualion.screening.doping.site_configurations import LIKE_ANGSTROM
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.supercells import make_supercell
from dualion.structures.symmetry import primitive_crystal


@cache
def cell(name="LiI", repeat=(3, 3, 3)):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return make_supercell(primitive_crystal(prepare(record.structure)), repeat)


def counts(crystal):
    return {z: int((crystal.numbers == z).sum()) for z in np.unique(crystal.numbers).tolist()}


def test_a_schottky_pair_of_lithium_iodide():
    plan = plan_defects(cell(), "schottky", count=1)
    found = insert_defects(cell(), plan)
    assert found.name == plan.name == "schottky_Li1_I1"
    assert counts(found.crystal) == {3: 26, 53: 26}
    assert found.crystal.is_neutral
    assert plan.reached_per_formula_unit == pytest.approx(1 / 27)


def test_schottky_keeps_the_ratio_of_the_charges():
    unit = schottky_change(MobileIon(3, 1.0), MobileIon(16, -2.0))
    assert [count for _, count in unit.removed] == [2, 1]
    unit = schottky_change(MobileIon(13, 3.0), MobileIon(16, -2.0))
    assert [count for _, count in unit.removed] == [2, 3]
    assert unit.net_charge == 0.0
    with pytest.raises(InputError, match="a cation and an anion"):
        schottky_change(MobileIon(16, -2.0), MobileIon(3, 1.0))


def test_a_frenkel_pair_moves_one_ion_away():
    plan = plan_defects(cell(), "frenkel", ions=("Li",), count=1)
    found = insert_defects(cell(), plan)
    assert found.name == "frenkel_Li1"
    assert counts(found.crystal) == counts(cell())
    apart = shortest_distances(cell().cell, found.crystal.frac, cell().frac)
    moved = np.flatnonzero(apart.min(axis=1) > 0.5)
    left = np.flatnonzero(apart.min(axis=0) > 0.5)
    assert len(moved) == len(left) == 1
    assert found.crystal.numbers[moved[0]] == cell().numbers[left[0]] == 3
    assert apart[moved[0], left[0]] >= LIKE_ANGSTROM
    assert apart[moved[0]].min() == pytest.approx(6.0 * math.sqrt(3) / 4, abs=0.05)


def test_inserted_salt_is_named_by_its_units():
    plan = plan_defects(cell(), "salt", salt="LiCl", per_formula_unit=0.07)
    found = insert_defects(cell(), plan)
    assert found.name == "salt_LiCl_2"
    assert counts(found.crystal) == {3: 29, 17: 2, 53: 27}
    assert found.crystal.is_neutral


@pytest.mark.parametrize(("asked", "count"), [(0.001, 1), (0.05, 1), (0.1, 3), (0.2, 5)])
def test_the_reached_concentration_is_told(asked, count):
    plan = plan_defects(cell(), "frenkel", per_formula_unit=asked)
    assert plan.count == count
    assert plan.asked_per_formula_unit == asked
    assert plan.reached_per_formula_unit == count / 27


def test_the_seed_decides():
    plan = plan_defects(cell("Li3PS4_gamma", (1, 1, 1)), "schottky", ions=("Li", "S"), count=1)
    assert plan.name == "schottky_Li2_S1"

    def removed(seed):
        found = insert_defects(cell("Li3PS4_gamma", (1, 1, 1)), plan, DopingOptions(seed=seed))
        assert found.crystal.is_neutral and found.seed == seed
        return found.crystal.frac.tolist()

    assert removed(3) == removed(3)
    assert len({str(removed(seed)) for seed in range(6)}) > 1


def test_the_usual_plan_is_the_perfect_cell_and_a_vacancy_pair():
    crystal = cell()
    cation, anion = mobile_pair(crystal)
    assert (str(cation), str(anion)) == ("Li+", "I-")
    perfect, defective = default_cells(crystal, cation, anion)
    assert (perfect.name, defective.name) == (PERFECT, "schottky_Li1_I1")
    assert perfect.crystal is crystal and perfect.plan is None
    assert (perfect.degeneracy, perfect.distinct) == (1, 1)  # it is the only one of its kind
    assert len(defective.crystal.numbers) == len(crystal.numbers) - 2


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("schottky", {}, "per formula unit"),
        ("schottky", {"count": 1, "per_formula_unit": 0.1}, "per formula unit"),
        ("frenkel", {"per_formula_unit": -0.1}, "above 0"),
        ("twist", {"count": 1}, "no defect 'twist'"),
        ("salt", {"count": 1, "salt": "I"}, "no salt"),
        ("schottky", {"count": 1, "ions": ("Na", "I")}, "holds no Na"),
    ],
)
def test_wrong_plans_are_refused(kind, options, message):
    with pytest.raises(InputError, match=message):
        plan_defects(cell(), kind, **options)


def test_more_vacancies_than_ions_are_refused():
    plan = plan_defects(cell(), "schottky", count=28)
    with pytest.raises(InputError, match="27 places to remove"):
        insert_defects(cell(), plan)


def test_ions_are_read_by_element_or_with_their_charge():
    assert host_ion(cell(), "I") == host_ion(cell(), "I-") == MobileIon(53, -1.0)


def fake(monkeypatch, count):
    """Configurations in cell that are numbered; what was asked for."""
    asked = []

    def configurations(crystal, unit, units, *, most, options):
        asked.append((unit, units, most, options.seed))
        one = [
            SimpleNamespace(configuration=SimpleNamespace(crystal=n, degeneracy=10 + n))
            for n in range(count)
        ]
        return SimpleNamespace(configurations=one, distinct=99)

    monkeypatch.setattr(defects, "configurations_in_cell", configurations)
    return asked


def test_the_seed_chooses_among_the_four_lowest(monkeypatch):
    plan = plan_defects(cell(), "schottky", count=2)
    assert plan.name == "schottky_Li2_I2"
    asked = fake(monkeypatch, 9)
    found = [insert_defects(cell(), plan, DopingOptions(seed=seed)) for seed in range(40)]
    assert {one.crystal for one in found} == {0, 1, 2, 3}
    assert {(one.degeneracy, one.distinct) for one in found} == {(10 + n, 99) for n in range(4)}
    assert asked[3] == (plan.unit, 2, 8, 3)
    fake(monkeypatch, 2)
    few = {insert_defects(cell(), plan, DopingOptions(seed=seed)).crystal for seed in range(20)}
    assert few == {0, 1}


@pytest.mark.parametrize("options", [{}, {"per_formula_unit": 0.0}, {"count": -1},
                                     {"count": 2, "per_formula_unit": 0.1}])  # fmt: skip
def test_a_concentration_or_a_number_is_given_and_above_zero(options):
    with pytest.raises(InputError, match="per formula unit, above 0, or as a number"):
        plan_defects(cell(), "frenkel", **options)


def test_defects_are_named_by_what_they_hold():
    assert plan_defects(cell(), "salt", salt="MgCl2", count=3).name == "salt_MgCl2_3"
    assert plan_defects(cell(), "frenkel", count=2).name == "frenkel_Li2"
    own = plan_defects(cell(), "frenkel", ions=("I",), count=1)
    assert (own.name, own.unit.inserted) == ("frenkel_I1", ((MobileIon(53, -1.0), 1),))
    assert math.isnan(own.asked_per_formula_unit)


def test_ions_that_balance_in_no_small_numbers_leave_no_schottky_defect():
    assert schottky_change(MobileIon(3, 1.0), MobileIon(7, -6.0)).removed[0][1] == 6
    with pytest.raises(InputError, match="no small whole numbers"):
        schottky_change(MobileIon(3, 1.0), MobileIon(7, -7.0))
    for wrong in ((MobileIon(3, 0.0), MobileIon(7, -1.0)), (MobileIon(3, 1.0), MobileIon(7, 0.0))):
        with pytest.raises(InputError, match="a cation and an anion"):
            schottky_change(*wrong)


def test_the_mobile_anion_is_the_one_of_the_smallest_charge():
    mixed = IonicCrystal(
        cell=9.0 * np.eye(3), frac=np.linspace(0.0, 0.8, 5)[:, None] * np.ones(3),
        numbers=np.array([3, 15, 16, 17, 16]), charges=np.array([1.0, 5.0, -2.0, -1.0, -2.0]),
        occupancies=np.ones(5),
    )  # fmt: skip
    assert mobile_pair(mixed) == (MobileIon(3, 1.0), MobileIon(17, -1.0))
    bare = replace(mixed, charges=np.array([1.0, 5.0, 0.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="no anion"):
        mobile_pair(bare)
