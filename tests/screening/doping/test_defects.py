"""Defects: neutral, named, at the concentration that is told, chosen with a seed."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

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
