"""Doping: the amount that is reached, neutrality, distances, symmetry, seeds."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest

from dualion.screening.bvse.lattice_energy import lattice_energy_ev
from dualion.screening.bvse.potential import PotentialOptions, pair_of
from dualion.screening.doping.changeable_points import changeable_points
from dualion.screening.doping.configurations import doped_configurations
from dualion.screening.doping.doping_plan import DopingOptions, formula_unit_of, plan_doping
from dualion.screening.doping.formula_unit_changes import (
    FormulaUnitChange,
    salt_change,
    salt_formula,
    salt_ions,
    substitution_change,
)
from dualion.screening.doping.site_configurations import (
    LIKE_ANGSTROM,
    SiteChange,
    distinct_configurations,
)
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances
from dualion.structures.errors import InputError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.supercells import make_supercell
from dualion.structures.symmetry import primitive_crystal

IDENTITY = np.eye(3, dtype=np.int64)
LITHIUM, IODIDE = MobileIon(3, 1.0), MobileIon(53, -1.0)


@cache
def bundled(name):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return primitive_crystal(prepare(record.structure))


def counts(crystal):
    return {z: int((crystal.numbers == z).sum()) for z in np.unique(crystal.numbers).tolist()}


def test_the_papers_amount_is_reached_exactly():
    plan = plan_doping(bundled("Li3PS4_gamma"), salt_change("LiI"), 0.2)
    assert plan.x_reached == 0.2
    assert (plan.formula_unit, plan.formula_units, plan.units, plan.atoms) == ("Li3PS4", 10, 2, 84)
    assert plan.supercell.lengths_angstrom.min() > 10.0


def test_a_wider_cell_is_taken_where_the_limit_allows_it():
    options = DopingOptions(most_atoms=200)
    plan = plan_doping(bundled("Li3PS4_gamma"), salt_change("LiI"), 0.2, options)
    assert plan.supercell.wide_enough
    assert (plan.x_reached, plan.formula_units) == (0.2, 20)


@pytest.mark.parametrize("x", [0.01, 0.07, 0.13, 0.31, 0.5])
def test_no_other_cell_under_the_limit_comes_nearer(x):
    plan = plan_doping(bundled("Li3PS4_gamma"), salt_change("LiCl"), x)
    reachable = [k / (2 * n) for n in range(1, 8) for k in range(1, 60) if 16 * n + 2 * k <= 120]
    nearest = min(abs(reached - x) for reached in reachable)
    assert abs(plan.x_reached - x) <= nearest + 0.011 * x
    assert plan.x_reached == plan.units / plan.formula_units


def test_what_cannot_be_held_is_explained():
    with pytest.raises(InputError, match="more than 17; allow more atoms"):
        plan_doping(bundled("Li3PS4_gamma"), salt_change("LiI"), 0.2, DopingOptions(most_atoms=17))
    with pytest.raises(InputError, match="makes no sense"):
        plan_doping(bundled("Li3PS4_gamma"), salt_change("LiI"), 0.0)


def test_salts_and_substitutions_are_neutral():
    assert salt_ions("MgCl2") == ((MobileIon(12, 2.0), 1), (MobileIon(17, -1.0), 2))
    assert salt_ions("Li2S") == ((LITHIUM, 2), (MobileIon(16, -2.0), 1))
    assert salt_change("NaI").net_charge == 0.0
    host = bundled("Li3PS4_gamma")
    removing = substitution_change("S=I", host)
    assert removing.removed == ((LITHIUM, 1),)
    adding = substitution_change("P=Ge", host)
    assert adding.inserted == ((LITHIUM, 1),)
    assert adding.replaced == ((MobileIon(15, 5.0), MobileIon(32, 4.0), 1),)
    even = substitution_change("S=Se", host)
    assert not even.inserted and not even.removed
    own = substitution_change("Li=Mg", host)
    assert own.removed == ((LITHIUM, 1),)
    assert own.replaced == ((LITHIUM, MobileIon(12, 2.0), 1),)
    assert abs(own.net_charge) < 1e-9
    assert abs(removing.net_charge) + abs(adding.net_charge) + abs(even.net_charge) < 1e-9


def test_a_neutral_unit_replaces_six_ions_at_most():
    host = bundled("Li3PS4_gamma")
    sixth = substitution_change("S=Se1.8333333333-", host)  # +1/6 e for each
    ((_, _, replaced),) = sixth.replaced
    assert (replaced, sixth.amount, sixth.removed) == (6, 6, ((LITHIUM, 1),))
    assert substitution_change("S=Se1.8-", host).replaced[0][2] == 5
    with pytest.raises(InputError, match="no whole number"):
        substitution_change("S=Se1.857142857-", host)  # +1/7 e


@pytest.mark.parametrize("text", ["Li", "LiBF4", "xyz", "", "CuZn"])
def test_what_is_no_salt_is_refused(text):
    with pytest.raises(InputError, match="no salt"):
        salt_ions(text)


@pytest.mark.parametrize(("text", "message"), [
    ("S", "no substitution"), ("O=I", "holds no O"), ("S=Mg", "write its charge"),
    ("S3-=I-", "name one of them"),
])  # fmt: skip
def test_what_is_no_substitution_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        substitution_change(text, bundled("Li3PS4_gamma"))


def test_formula_units_are_counted():
    assert formula_unit_of(bundled("LiI")) == ("LiI", 1)
    assert formula_unit_of(bundled("Li3PS4_gamma")) == ("Li3PS4", 2)


@pytest.fixture(scope="module")
def doped():
    """γ-Li3PS4 with 0.2 LiI, six configurations."""
    host, unit = bundled("Li3PS4_gamma"), salt_change("LiI")
    plan = plan_doping(host, unit, 0.2)
    return doped_configurations(host, plan.supercell.matrix, unit, plan.units, most=6)


def test_configurations_are_neutral_and_hold_the_salt(doped):
    assert len(doped.configurations) == 6
    assert counts(doped.host) == {3: 30, 15: 10, 16: 40}
    for one in doped.configurations:
        assert counts(one.configuration.crystal) == {3: 32, 15: 10, 16: 40, 53: 2}
        assert one.configuration.crystal.net_charge == pytest.approx(0.0)


def test_inserted_ions_keep_apart(doped):
    for one in doped.configurations:
        crystal = one.configuration.crystal
        new = crystal.frac[-4:]
        charges = crystal.charges[-4:]
        apart = shortest_distances(crystal.cell, new, crystal.frac)
        apart[apart < 1e-9] = np.inf
        assert apart.min() > 1.5
        among = shortest_distances(crystal.cell, new, new)
        for i, j in itertools.combinations(range(4), 2):
            assert among[i, j] >= (LIKE_ANGSTROM if charges[i] * charges[j] > 0 else 2.0)


def test_the_same_seed_gives_the_same_configurations():
    host, unit = bundled("LiI"), salt_change("LiI")

    def choices(seed):
        options = DopingOptions(seed=seed)
        found = doped_configurations(host, 3 * IDENTITY, unit, 2, most=3, options=options)
        assert found.distinct == -1
        return [one.configuration.choice for one in found.configurations]

    first = choices(7)
    assert first == choices(7)
    assert first != choices(8)


def test_lithium_iodide_in_itself_has_the_configurations_of_its_symmetry():
    """Against counting pairs of interstitials in the conventional cube."""
    cube = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    found = doped_configurations(bundled("LiI"), cube, salt_change("LiI"), 1, most=50)
    assert [site.multiplicity for site in found.sites[LITHIUM]] == [2]
    places = (2 * np.array(list(np.ndindex(2, 2, 2))) + 1) / 4
    apart = shortest_distances(found.host.cell, places, places)
    allowed = int((apart[~np.eye(8, dtype=bool)] >= 2.0).sum())
    assert sum(one.configuration.degeneracy for one in found.configurations) == allowed == 56
    # neighbours along an edge, across a face, across the cube
    assert found.distinct == len(found.configurations) == 3


def test_degeneracies_add_up_to_all_ways():
    """Two vacancies in a 2 × 2 × 2 rock salt, against counting every pair by hand."""
    host = make_supercell(bundled("LiI"), (2, 2, 2))
    lithium = np.flatnonzero(host.numbers == 3)
    iodide = np.flatnonzero(host.numbers == 53)
    changes = [
        SiteChange(action="remove", ion=LITHIUM, count=1, points=lithium),
        SiteChange(action="remove", ion=IODIDE, count=1, points=iodide),
    ]
    found = distinct_configurations(changeable_points(host, []), changes, most=100, seed=0)
    assert found.complete
    assert sum(one.degeneracy for one in found.configurations) == 8 * 8 == found.combinations
    shells = np.unique(np.round(shortest_distances(host.cell, host.frac[:1], host.frac[iodide]), 3))
    assert found.distinct >= len(shells)


def test_unbalanced_changes_are_refused():
    host = bundled("LiI")
    change = SiteChange(action="remove", ion=LITHIUM, count=1, points=np.array([0]))
    with pytest.raises(InputError, match="charge of -1 e"):
        distinct_configurations(changeable_points(host, []), [change], most=1, seed=0)


def test_more_than_there_is_cannot_be_removed():
    host = bundled("LiI")
    change = SiteChange(action="remove", ion=LITHIUM, count=2, points=np.array([0]))
    with pytest.raises(InputError, match="1 places to remove"):
        distinct_configurations(changeable_points(host, []), [change], most=1, seed=0)


def test_substitution_swaps_and_balances():
    host = bundled("Li3PS4_gamma")
    unit = substitution_change("S=I", host)
    plan = plan_doping(host, unit, 0.1)
    found = doped_configurations(host, plan.supercell.matrix, unit, plan.units, most=4)
    for one in found.configurations:
        crystal = one.configuration.crystal
        assert counts(crystal) == {3: 29, 15: 10, 16: 39, 53: 1}
        assert crystal.net_charge == pytest.approx(0.0)


def test_a_change_that_moves_an_ion_needs_no_salt():
    unit = FormulaUnitChange(name="move", inserted=((LITHIUM, 1),), removed=((LITHIUM, 1),))
    assert unit.net_charge == 0.0
    assert unit.added_atoms == 0


def test_the_pair_energy_is_the_plain_sum():
    crystal = bundled("LiI")
    shifts = np.array(list(itertools.product(range(-4, 5), repeat=3)))
    total = 0.0
    for i, j in itertools.product(range(2), repeat=2):
        gaps = np.linalg.norm((crystal.frac[i] - crystal.frac[j] + shifts) @ crystal.cell, axis=1)
        ion = MobileIon(int(crystal.numbers[i]), float(crystal.charges[i]))
        pair, _ = pair_of(
            ion, int(crystal.numbers[j]), float(crystal.charges[j]), PotentialOptions()
        )
        near = gaps[(gaps > 1e-6) & (gaps <= 8.0)]
        total += 0.5 * math.fsum(pair.energy_ev(near).tolist())
    assert lattice_energy_ev(crystal) == pytest.approx(total)
    twice = make_supercell(crystal, IDENTITY * 2)
    assert lattice_energy_ev(twice) == pytest.approx(8 * total)


@pytest.mark.parametrize(
    ("cation", "anion", "formula"),
    [
        ((3, 1.0), (53, -1.0), "LiI"),
        ((3, 1.0), (16, -2.0), "Li2S"),
        ((12, 2.0), (17, -1.0), "MgCl2"),
        ((13, 3.0), (8, -2.0), "Al2O3"),
        ((3, 1.0), (7, -3.0), "Li3N"),
        ((22, 4.0), (7, -3.0), "Ti3N4"),
    ],
)
def test_the_salt_of_two_ions_has_the_smallest_neutral_formula(cation, anion, formula):
    ions = MobileIon(*cation), MobileIon(*anion)
    assert salt_formula(*ions) == formula
    found = salt_ions(formula)
    assert sum(ion.charge * count for ion, count in found) == 0.0
    assert tuple(ion for ion, _ in found) == ions


def test_ions_that_balance_in_no_small_numbers_make_no_salt():
    with pytest.raises(InputError, match="no salt of small whole numbers"):
        salt_formula(MobileIon(26, 2.63), MobileIon(8, -2.0))
    with pytest.raises(InputError, match="no salt of small whole numbers"):
        salt_formula(MobileIon(40, 8.0), MobileIon(9, -1.0))
