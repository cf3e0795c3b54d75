"""The trends of softBV's table: fitted once more in plain numpy, and kept within bounds."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from pymatgen.analysis.bond_valence import calculate_bv_sum
from pymatgen.core import Element

from dualion.screening.bvse.bond_valence_radii import (
    BOND_VALENCE_RADII,
    bond_valence_radius,
    estimated_r0,
    shannon_radius,
)
from dualion.screening.bvse.estimated_parameters import (
    EstimateModel,
    is_d_or_f_block,
    principal_quantum_number,
)
from dualion.screening.bvse.pair_parameters import estimate_model, known_pairs
from dualion.screening.bvse.softbv import ase_covalent_radii, morse_table
from dualion.structures.elements import atomic_number


@pytest.mark.parametrize("number", range(1, 105))
def test_blocks_and_periods_are_those_of_the_periodic_table(number):
    element = Element.from_Z(number)
    transition = 3 <= element.group <= 12 or element.is_lanthanoid or element.is_actinoid
    assert is_d_or_f_block(number) is bool(transition)
    shells = element.full_electronic_structure
    assert principal_quantum_number(number) == max(n for n, _, _ in shells) or number == 46


def test_no_block_follows_the_last_d_elements():
    assert not any(is_d_or_f_block(number) for number in (113, 114, 118))


@pytest.mark.parametrize(
    ("cation", "anion"), [("Al", "P"), ("Li", "O"), ("Ba", "N"), ("Zr", "I"), ("H", "S")]
)
def test_r0_is_pymatgen_s_o_keeffe_and_brese(cation, anion):
    """A sum of one bond of length d is exp((R0 − d)/0.31) there; b differs, R0 is the same."""
    centre, neighbour = (
        SimpleNamespace(specie=Element(name), nn_distance=2.0) for name in (cation, anion)
    )
    bond = abs(calculate_bv_sum(centre, [neighbour]))
    assert estimated_r0(atomic_number(cation), atomic_number(anion)) == pytest.approx(
        2.0 + 0.31 * math.log(bond), abs=1e-9
    )


def test_an_element_without_a_radius_has_one_by_the_line_over_covalent_radii():
    """And the mean c of the metals, 1.30."""
    numbers = np.array(list(BOND_VALENCE_RADII))
    x, y = ase_covalent_radii()[numbers], np.array([r for r, _ in BOND_VALENCE_RADII.values()])
    slope = np.cov(x, y, bias=True)[0, 1] / x.var()
    radius, c = bond_valence_radius(79)
    assert radius == pytest.approx(y.mean() + slope * (ase_covalent_radii()[79] - x.mean()))
    metals = [c for z, (_, c) in BOND_VALENCE_RADII.items() if Element.from_Z(z).is_metal]
    assert c == pytest.approx(np.mean(metals), abs=0.05)


@pytest.mark.parametrize(
    ("element", "charge", "radius"),
    [
        # Shannon, Acta Cryst. A 32, 751 (1976), 10.1107/S0567739476001551: crystal radii, VI
        ("Li", 1, 0.90), ("K", 1, 1.52), ("Mg", 2, 0.86), ("Al", 3, 0.675), ("Ti", 4, 0.745),
        ("Fe", 3, 0.785), ("Mn", 2, 0.97), ("La", 3, 1.172), ("U", 6, 0.87),
        # no octahedra there: B³⁺ has VI 0.41; C⁴⁺ VI 0.30; Hg¹⁺ VI 1.33; S⁶⁺ 0.43
        ("B", 3, 0.41), ("C", 4, 0.30), ("S", 6, 0.43),
        # the nearest there is: Cu¹⁺ has VI 0.91; Ra²⁺ VIII 1.62; Fr¹⁺ VI 1.94; Pt⁴⁺ VI 0.765
        ("Cu", 1, 0.91), ("Ra", 2, 1.62), ("Fr", 1, 1.94), ("Pt", 4, 0.765),
        # square planes are four-fold: Ag³⁺ IVSQ 0.81 beside VI 0.89; Au³⁺ VI 0.99
        ("Ag", 3, 0.89), ("Au", 3, 0.99),
    ],
)  # fmt: skip
def test_shannon_s_radii_at_the_coordination_nearest_to_six(element, charge, radius):
    assert shannon_radius(atomic_number(element), charge) == pytest.approx(radius, abs=1e-9)


def test_a_state_that_shannon_lacks_shrinks_by_eight_hundredths_per_charge():
    """His own neighbouring states differ by 0.09 Å per unit of charge in the median."""
    nickel, titanium = atomic_number("Ni"), atomic_number("Ti")
    assert shannon_radius(nickel, 1) == pytest.approx(0.83 + 0.08)
    assert shannon_radius(titanium, 3.25) == pytest.approx(0.81 - 0.08 / 4)
    assert shannon_radius(titanium, 3.75) == pytest.approx(0.745 + 0.08 / 4)


def test_an_element_that_shannon_lacks_is_as_much_smaller_as_others():
    """The mean of bond valence radius less crystal radius over the cations of softBV."""
    differences = [
        bond_valence_radius(z)[0] - shannon_radius(z, q)
        for z, q in morse_table()
        if Element.from_Z(z).ionic_radii.get(q)
    ]
    helium = bond_valence_radius(2)[0] - shannon_radius(2, 1.0)
    assert helium == pytest.approx(np.mean(differences), abs=0.02)


def properties(cation, anion):
    (z, q), (x, p) = cation, anion
    element = Element.from_Z(z)
    d_or_f = 3 <= element.group <= 12 or element.is_lanthanoid or element.is_actinoid
    radius, of_anion = bond_valence_radius(z)[0], bond_valence_radius(x)[0]
    return [1, q, q * q, d_or_f, element.row, radius, shannon_radius(z, q), -p, of_anion]


def test_the_fit_is_a_ridge_regression_of_all_known_pairs():
    """Penalties of 0.3, 0.3 and 1 pairs on offsets of elements, states and anions, none else."""
    pairs = [(c, a, p) for c, row in known_pairs().items() for a, p in row.items()]
    names = [{("z", c[0]): 0.3, ("q", *c): 0.3, ("x", a[0]): 1.0} for c, a, _ in pairs]
    weights = {name: penalty for of_pair in names for name, penalty in of_pair.items()}
    order = list(weights)
    base = np.array([estimated_r0(c[0], a[0]) for c, a, _ in pairs])
    design = np.array([
        [*(float(name in own) for name in order), *properties(c, a)]
        for own, (c, a, _) in zip(names, pairs, strict=True)
    ])  # fmt: skip
    targets = np.column_stack([
        [p.r_min_angstrom for _, _, p in pairs] - base,
        [-math.log(p.alpha_per_angstrom) for _, _, p in pairs],
        [p.r0_angstrom for _, _, p in pairs] - base,
    ])  # fmt: skip
    penalty = np.sqrt([*weights.values(), *[1e-6] * 9])
    q, r = np.linalg.qr(np.vstack([design, np.diag(penalty)]))
    fitted = np.linalg.solve(r, q[: len(pairs)].T @ targets)
    for (cation, anion, _), expected in zip(pairs[::7], (design @ fitted)[::7], strict=True):
        found = estimate_model().estimate(cation, anion)
        base_of_pair = estimated_r0(cation[0], anion[0])
        if 1.2 < found.alpha_per_angstrom < 2.8:
            assert found.alpha_per_angstrom == pytest.approx(math.exp(-expected[1]), rel=1e-5)
        if 0.9 * base_of_pair < base_of_pair + expected[0]:
            assert found.r_min_angstrom == pytest.approx(base_of_pair + expected[0], abs=1e-5)
        assert found.r0_angstrom == pytest.approx(base_of_pair + expected[2], abs=1e-5)


@pytest.mark.parametrize(
    ("excess", "log_b", "r_min_over_r0", "alpha"),
    [(50.0, 5.0, 2.0, 1.2), (-50.0, -5.0, 0.9, 2.8)],
)
def test_estimates_of_ions_unlike_any_are_kept_within_bounds(excess, log_b, r_min_over_r0, alpha):
    """softBV's α lie between 1.2 and 2.8 1/Å, its R_min between 0.9 and twice R0."""
    weights = np.zeros((9, 3))
    weights[0] = excess, log_b, 0.1
    found = EstimateModel(offsets={}, weights=weights).estimate((12, 2.0), (16, -2.0))
    assert found.r_min_angstrom == pytest.approx(r_min_over_r0 * estimated_r0(12, 16))
    assert found.alpha_per_angstrom == pytest.approx(alpha)
    assert found.r0_angstrom == pytest.approx(estimated_r0(12, 16) + 0.1)


@pytest.mark.parametrize(("inside", "at", "beyond"), [(1.05, 1.0, 0.6), (7.9, 8.0, 8.4)])
def test_charges_of_cations_count_between_one_and_eight(inside, at, beyond):
    """Of curium, of which no state is tabulated; D0 alone goes on with the charge."""
    within, limit, outside = (
        estimate_model().estimate((96, q), (8, -2.0)).r_min_angstrom for q in (inside, at, beyond)
    )
    assert outside == pytest.approx(limit, abs=1e-9)
    assert abs(within - limit) > 1e-5


@pytest.mark.parametrize(("inside", "at", "beyond"), [(1.05, 1.0, 0.6), (3.9, 4.0, 4.2)])
def test_charges_of_anions_count_between_one_and_four(inside, at, beyond):
    within, limit, outside = (
        estimate_model().estimate((12, 2.0), (6, -q)).r_min_angstrom for q in (inside, at, beyond)
    )
    assert outside == pytest.approx(limit, abs=1e-9)
    assert abs(within - limit) > 1e-5
