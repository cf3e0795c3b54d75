"""The field kernels against a double loop, analytic cases and invariances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import reference
from conftest import ionic

from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.potential import CoulombPair, MorsePair, PotentialOptions, pair_of
from dualion.screening.ions import MobileIon
from dualion.structures.errors import MissingParametersError, UnpreparableStructureError

LI, OXIDE = MobileIon(3, 1.0), MobileIon(8, -2.0)
DEFAULT = PotentialOptions()


def computed(crystal, ion, shape, *, split=True):
    framework = framework_of(crystal, ion, DEFAULT)
    return bvse_field(framework, shape, cutoff_angstrom=DEFAULT.cutoff_angstrom, split=split)


def assert_same(ours, expected):
    """Equal within the tables' error where an ion can be, up to 10 eV above the minimum.

    Linear interpolation over r² errs by a share of the pair energy's curvature, which grows
    with the energy itself.
    """
    height = expected - expected.min()
    low = height < 10.0
    assert low.sum() > 20
    assert (np.abs(ours - expected) < 5e-5 * (1.0 + height))[low].all()


@pytest.mark.parametrize("ion", [LI, OXIDE, MobileIon(9, -1.0)], ids=str)
@pytest.mark.parametrize("split", [True, False])
def test_field_equals_the_double_loop(triclinic, ion, split):
    shape = (22, 30, 34)
    energies = computed(triclinic, ion, shape, split=split)
    coarse = (11, 6, 17)
    slow = reference.field(triclinic, ion, coarse, DEFAULT)
    ours = energies[::2, ::5, ::2]
    assert_same(ours, slow)


def test_coarse_grid_falls_back_to_real_space(triclinic):
    """A grid too coarse for the spectrum must not alias."""
    slow = reference.field(triclinic, LI, (5, 6, 7), DEFAULT)
    ours = computed(triclinic, LI, (5, 6, 7))
    assert_same(ours, slow)


@pytest.mark.parametrize("ion", [LI, OXIDE], ids=str)
def test_shifted_origin_shifts_the_field(triclinic, ion):
    shape = (22, 30, 34)
    before = computed(triclinic, ion, shape)
    moved = dataclasses.replace(triclinic, frac=triclinic.frac + np.array([3 / 22, 7 / 30, 5 / 34]))
    after = np.roll(computed(moved, ion, shape), (-3, -7, -5), axis=(0, 1, 2))
    assert_same(after, before)


def test_relabelled_axes_transpose_the_field(triclinic):
    shape = (22, 30, 34)
    before = computed(triclinic, LI, shape)
    turned = dataclasses.replace(
        triclinic, cell=triclinic.cell[[2, 0, 1]], frac=triclinic.frac[:, [2, 0, 1]]
    )
    after = computed(turned, LI, (34, 22, 30)).transpose(1, 2, 0)
    assert_same(after, before)


def test_rotated_lattice_keeps_the_field(triclinic):
    shape = (22, 30, 34)
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.eye(3) + np.sin(0.7) * k + (1 - np.cos(0.7)) * k @ k
    before = computed(triclinic, LI, shape)
    turned = dataclasses.replace(triclinic, cell=triclinic.cell @ rotation.T)
    assert_same(computed(turned, LI, shape), before)


def test_permuted_ions_keep_the_field(triclinic):
    order = [4, 2, 5, 0, 3, 1]
    names = ("frac", "numbers", "charges", "occupancies")
    permuted = dataclasses.replace(triclinic, **{n: getattr(triclinic, n)[order] for n in names})
    before = computed(triclinic, LI, (22, 30, 34))
    after = computed(permuted, LI, (22, 30, 34))
    assert np.abs(after - before)[before < before.min() + 10.0].max() < 1e-9


def test_split_occupancies_add_up(triclinic):
    """An ion of occupancy 1 equals two half ions at the same place."""
    names = ("frac", "numbers", "charges", "occupancies")
    doubled = {n: np.concatenate([getattr(triclinic, n)] * 2) for n in names}
    doubled["occupancies"] = doubled["occupancies"] / 2
    halves = dataclasses.replace(triclinic, **doubled)
    before = computed(triclinic, OXIDE, (22, 30, 34))
    after = computed(halves, OXIDE, (22, 30, 34))
    assert np.abs(after - before)[before < before.min() + 10.0].max() < 1e-9


@pytest.mark.parametrize(
    "pair",
    [
        MorsePair(depth_ev=0.5, alpha_per_angstrom=1.94, r_min_angstrom=1.94),
        MorsePair(depth_ev=0.22, alpha_per_angstrom=1.36, r_min_angstrom=2.79),
        CoulombPair(strength_ev_angstrom=25.0, screening_length_angstrom=1.76),
    ],
    ids=["Li-O", "Li-I", "Coulomb"],
)
def test_radial_derivatives_equal_finite_differences(pair):
    """((1/r) d/dr)ⁿ, differentiated numerically in s = r² (d/ds = (1/2r) d/dr)."""
    r = 3.5
    s = np.linspace(r**2 - 0.8, r**2 + 0.8, 17)
    fit = np.polynomial.Chebyshev.fit(s, pair.energy_ev(np.sqrt(s)), 12)
    analytic = pair.radial_derivatives(r, 4)
    for n in range(5):
        assert analytic[n] == pytest.approx(2**n * fit.deriv(n)(r**2), rel=2e-5)


def test_morse_minimum_is_at_r_min():
    pair = MorsePair(depth_ev=0.5, alpha_per_angstrom=1.94, r_min_angstrom=1.94)
    r = np.array([1.84, 1.94, 2.04])
    energies = pair.energy_ev(r)
    assert energies[1] == pytest.approx(-0.5)
    assert energies[0] > energies[1] < energies[2]


def test_pairs_by_sign():
    assert isinstance(pair_of(LI, 8, -2.0, DEFAULT)[0], MorsePair)
    assert isinstance(pair_of(LI, 15, 5.0, DEFAULT)[0], CoulombPair)
    assert pair_of(LI, 15, 0.0, DEFAULT)[0] is None


def test_framework_without_counter_ions_is_refused(rock_salt):
    lithium = dataclasses.replace(rock_salt, charges=np.abs(rock_salt.charges))
    with pytest.raises(UnpreparableStructureError, match="attracts"):
        framework_of(lithium, LI, DEFAULT)


def test_refused_parameters_name_the_pair(rock_salt):
    """Li–P³⁻ is not in the table."""
    from dualion.screening.bvse.potential import refusing_estimates

    phosphide = dataclasses.replace(rock_salt, numbers=np.where(rock_salt.numbers == 17, 15, 3))
    with pytest.raises(MissingParametersError, match=r"Li1\+–P1-"):
        framework_of(phosphide, LI, refusing_estimates(DEFAULT))


def test_a_framework_by_hand():
    """Neutral argon and the mobile element are left out; two charges of iron are two kinds."""
    numbers, charges = [26, 3, 8, 18, 26, 8], [3.0, 1.0, -2.0, 0.0, 2.0, -2.0]
    crystal = ionic(
        6.0 * np.eye(3), np.arange(18).reshape(6, 3) / 20.0, numbers, charges,
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5],
    )  # fmt: skip
    found = framework_of(crystal, LI, DEFAULT)
    assert sorted(found.entries.tolist()) == [0, 2, 4, 5]
    assert (np.diff(found.kinds) >= 0).all()
    assert len(found.pairs) == 3
    for row, entry in enumerate(found.entries):
        pair, _ = pair_of(LI, numbers[entry], charges[entry], DEFAULT)
        assert found.pairs[found.kinds[row]] == pair
        assert found.weights[row] == crystal.occupancies[entry]
        assert (found.frac[row] == crystal.frac[entry]).all()
    own = framework_of(crystal, LI, DEFAULT, own_element_stays=True)
    assert sorted(own.entries.tolist()) == [0, 1, 2, 4, 5]
    assert found.quality is ParameterQuality.TABULATED
    rare = dataclasses.replace(crystal, charges=np.array([3.0, 1.0, -2.0, 0.0, 2.0, -1.0]))
    assert framework_of(rare, LI, DEFAULT).quality is ParameterQuality.NEAREST_STATE


@pytest.mark.parametrize("charge", [2.0, 4.0])
def test_what_attracts_an_ion_is_told_by_sign_alone(charge):
    """An anion among cations is attracted, a cation is not, whatever their charges."""
    crystal = ionic(6.0 * np.eye(3), [[0, 0, 0]], [30], [charge])
    assert len(framework_of(crystal, OXIDE, DEFAULT).pairs) == 1
    with pytest.raises(UnpreparableStructureError) as refused:
        framework_of(crystal, LI, DEFAULT)
    assert refused.value.reason == "no_counter_ions"


def test_on_an_ion_the_energy_is_that_at_three_tenths_of_an_angstrom():
    crystal = ionic(12.0 * np.eye(3), [[0, 0, 0]], [8], [-2.0])
    framework = framework_of(crystal, LI, DEFAULT)
    pair = framework.pairs[0]
    field = bvse_field(framework, (60, 60, 60), cutoff_angstrom=5.0, split=False)
    assert field[0, 0, 0] == pytest.approx(float(pair.energy_ev(np.array([0.3]))[0]))
    assert field[1, 0, 0] == field[0, 0, 0]  # 0.2 Å
    assert field[10, 0, 0] == pytest.approx(float(pair.energy_ev(np.array([2.0]))[0]), abs=1e-4)
    assert field[30, 30, 30] == 0.0
