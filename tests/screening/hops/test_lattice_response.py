"""Ions that give way: springs against finite differences, answers against a general minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic
from crystals import caesium_chloride, crooked_salt
from hop_reference import images_around
from scipy import constants
from scipy.optimize import minimize

from dualion.screening.bvse._pair_kernel import radial
from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.potential import CoulombPair, MorsePair, pair_of, preset
from dualion.screening.hops._response_kernel import give_way
from dualion.screening.hops.lattice_response import (
    NO_PAIR,
    SOFTEST_EV_PER_SQUARE,
    springs_of,
)
from dualion.screening.ions import MobileIon

DUALION = preset("dualion")
CHLORIDE = MobileIon(17, -1.0)
MORSE = MorsePair(depth_ev=0.6, alpha_per_angstrom=1.7, r_min_angstrom=2.4)
COULOMB = CoulombPair(strength_ev_angstrom=7.2, screening_length_angstrom=1.9)


def own_energy(crystal, entry, place):
    """Energy of one ion of a crystal at a place, all others at rest, eV; reach 6 Å."""
    ion = MobileIon(int(crystal.numbers[entry]), float(crystal.charges[entry]))
    home = crystal.frac[entry] @ crystal.cell
    total = 0.0
    for other, there in images_around(crystal, home, 6.0):
        if np.linalg.norm(there - home) < 0.01:
            continue
        z, q = int(crystal.numbers[other]), float(crystal.charges[other])
        pair, _ = pair_of(ion, z, q, DUALION)
        total += crystal.occupancies[other] * pair.energy_ev(np.linalg.norm(there - place))
    return total


def finite_differences(crystal, entry, step=1e-3):
    home = crystal.frac[entry] @ crystal.cell
    unit = step * np.eye(3)
    result = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            corners = [
                (sa * sb, home + sa * unit[a] + sb * unit[b]) for sa in (1, -1) for sb in (1, -1)
            ]
            result[a, b] = sum(sign * own_energy(crystal, entry, x) for sign, x in corners)
    return result / (4.0 * step**2)


def test_springs_are_second_derivatives():
    """Where they are stiffer than the softest one is made."""
    crystal = crooked_salt()
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    springs = springs_of(crystal, framework, DUALION, softest_ev_per_square=1e-6)
    compared = 0
    for row, entry in enumerate(framework.entries.tolist()):
        expected = finite_differences(crystal, entry)
        if np.linalg.eigvalsh(expected).min() > 0.1:
            compared += 1
            assert springs.stiffness[row] == pytest.approx(expected, abs=2e-3)
            assert springs.stiffness[row] @ springs.compliance[row] == pytest.approx(
                np.eye(3), abs=1e-9
            )
    assert compared >= 4


def test_no_spring_is_softer_than_the_softest():
    crystal = caesium_chloride(a=6.0)  # far too large: no ion is held
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    springs = springs_of(crystal, framework, DUALION)
    assert np.linalg.eigvalsh(springs.stiffness) == pytest.approx(SOFTEST_EV_PER_SQUARE)


def spring(seed):
    rng = np.random.default_rng(seed)
    modes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    stiffness = (modes * rng.uniform(2.0, 20.0, 3)) @ modes.T
    return stiffness, np.linalg.inv(stiffness), rng


@pytest.mark.parametrize("pair", [MORSE, COULOMB], ids=["morse", "coulomb"])
@pytest.mark.parametrize("seed", range(12))
def test_an_ion_gives_way_to_the_bottom(pair, seed):
    stiffness, compliance, rng = spring(seed)
    vector = rng.normal(size=3)
    vector *= rng.uniform(1.5, 3.5) / np.linalg.norm(vector)
    missing = rng.normal(scale=0.5, size=3)

    def energy(u):
        there = pair.energy_ev(np.linalg.norm(vector + u)) - pair.energy_ev(np.linalg.norm(vector))
        return float(there + 0.5 * u @ stiffness @ u - missing @ u)

    expected = minimize(energy, np.zeros(3), method="BFGS", options={"gtol": 1e-7}).fun
    gain = give_way(vector, missing, stiffness, compliance, np.array(pair.kernel_row()))
    assert gain == pytest.approx(expected, abs=1e-3)


def test_a_small_push_is_answered_by_the_spring():
    """Force F on a spring k gains F²/2k."""
    stiffness = 10.0 * np.eye(3)
    missing = np.array([0.05, 0.0, 0.0])
    far = np.array([30.0, 0.0, 0.0])
    gain = give_way(far, missing, stiffness, stiffness / 100.0, np.array(COULOMB.kernel_row()))
    assert gain == pytest.approx(-(0.05**2) / 20.0)


@pytest.mark.parametrize(("length", "held"), [(5.9, True), (6.3, False)])
def test_ions_farther_than_six_angstrom_hold_nothing(length, held):
    """Two ions alone: the spring along their line is E'', across it E'/r."""
    crystal = ionic(40.0 * np.eye(3), [[0, 0, 0], [length / 40.0, 0, 0]], [55, 17], [1, -1])
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    pair, _ = pair_of(CHLORIDE, 55, 1.0, DUALION)
    d = pair.radial_derivatives(length, 2)
    along = d[1] + length**2 * d[2]
    assert abs(along) > 1e-6
    softest = -1e3 if held else 1e-9
    springs = springs_of(crystal, framework, DUALION, softest_ev_per_square=softest)
    expected = np.diag([along, d[1], d[1]]) if held else 1e-9 * np.eye(3)
    for stiffness in springs.stiffness:
        assert stiffness == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_softest_spring_is_two_electronvolts_per_square_angstrom():
    """It holds an ion of 80 u at √(k/m)/2π = 2.5 THz, as a soft phonon of a heavy ion has it."""
    crystal = caesium_chloride(a=6.0)
    framework = framework_of(crystal, CHLORIDE, DUALION, own_element_stays=True)
    stiffness = springs_of(crystal, framework, DUALION).stiffness[0, 0, 0]
    frequency = np.sqrt(stiffness * constants.e * 1e20 / (80.0 * constants.atomic_mass))
    assert frequency / (2.0 * np.pi) == pytest.approx(2.47e12, rel=0.01)


def test_species_without_parameters_do_not_act_on_each_other():
    """Argon as a cation is in no table: neutral, it neither holds nor is held."""
    crystal = ionic(
        8.0 * np.eye(3), [[0, 0, 0], [0.3, 0, 0], [0, 0.25, 0]], [55, 17, 18], [1, -1, 1]
    )
    bare = ionic(8.0 * np.eye(3), [[0, 0, 0], [0.3, 0, 0]], [55, 17], [1, -1])
    probe = MobileIon(55, 1.0)
    with_argon = springs_of(
        crystal, framework_of(crystal, probe, DUALION, own_element_stays=True), DUALION,
        softest_ev_per_square=-1e3,
    )  # fmt: skip
    without = springs_of(
        bare, framework_of(bare, probe, DUALION, own_element_stays=True), DUALION,
        softest_ev_per_square=-1e3,
    )  # fmt: skip
    framework = framework_of(crystal, probe, DUALION, own_element_stays=True)
    chloride = framework.entries.tolist().index(1)
    own = framework_of(bare, probe, DUALION, own_element_stays=True).entries.tolist().index(1)
    assert with_argon.stiffness[chloride] == pytest.approx(without.stiffness[own])
    assert NO_PAIR[1] == 0.0
    assert radial(np.array(NO_PAIR), 2.0) == pytest.approx((0.0, 0.0, 0.0))
