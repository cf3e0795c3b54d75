"""Conventions of the pair energies against their formulas, with numbers written out."""

from __future__ import annotations

import math
from inspect import signature

import numpy as np
import pytest

from dualion.screening.bvse.bvlain_engine import NEIGHBOURS
from dualion.screening.bvse.potential import (
    CoulombPair,
    MorsePair,
    PotentialOptions,
    pair_of,
    preset,
    with_changes,
)
from dualion.screening.ions import MobileIon
from dualion.structures.errors import InputError, MissingParametersError

LI, OXIDE = MobileIon(3, 1.0), MobileIon(8, -2.0)

LI_COVALENT_ANGSTROM, P_COVALENT_ANGSTROM = 1.28, 1.07
"""Cordero et al., Dalton Trans. 2008, 2832, 10.1039/b801115j."""


@pytest.mark.parametrize(("name", "factor"), [("bvlain", 0.74), ("f070", 0.70)])
def test_like_charges_repel_through_the_screened_coulomb_term(name, factor):
    """14.4 z1 z2 / √(n1 n2) / r · erfc(r / (f (rc1 + rc2))) of Li⁺–P⁵⁺, n = 2 and 3."""
    pair, _ = pair_of(LI, 15, 5.0, preset(name))
    assert isinstance(pair, CoulombPair)
    length = factor * (LI_COVALENT_ANGSTROM + P_COVALENT_ANGSTROM)
    for r in (1.5, 2.5, 3.5):
        expected = 14.4 * 5.0 / math.sqrt(6.0) / r * math.erfc(r / length)
        assert float(pair.energy_ev(np.array([r]))[0]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("name", "share"), [("bvlain", 0.5), ("full_depth", 1.0)])
def test_opposite_charges_attract_by_a_share_of_the_bond_breaking_energy(name, share):
    """p D0 {[exp(α(Rmin − r)) − 1]² − 1}: −p D0 at the minimum, 0 far away."""
    half, _ = pair_of(LI, 8, -2.0, preset("bvlain"))
    pair, _ = pair_of(LI, 8, -2.0, preset(name))
    assert isinstance(pair, MorsePair) and isinstance(half, MorsePair)
    assert pair.depth_ev == pytest.approx(half.depth_ev * share / 0.5)
    y = math.exp(pair.alpha_per_angstrom * (pair.r_min_angstrom - 2.4)) - 1.0
    energies = pair.energy_ev(np.array([pair.r_min_angstrom, 2.4, 40.0]))
    assert energies == pytest.approx([-pair.depth_ev, pair.depth_ev * (y**2 - 1.0), 0.0], abs=1e-12)


def test_softbv_radii_are_those_of_ions():
    """O²⁻ has 1.33 Å in softBV's table and 0.66 Å as an atom."""
    atoms, _ = pair_of(OXIDE, 8, -2.0, preset("bvlain"))
    ions, _ = pair_of(OXIDE, 8, -2.0, preset("softbv_radii"))
    assert isinstance(atoms, CoulombPair) and isinstance(ions, CoulombPair)
    assert atoms.screening_length_angstrom == pytest.approx(0.74 * 2 * 0.66)
    assert ions.screening_length_angstrom == pytest.approx(0.74 * 2 * 1.33)


def test_the_default_conventions_are_those_of_bvlain():
    assert PotentialOptions() == preset("bvlain")
    assert (PotentialOptions().screening_factor, PotentialOptions().morse_prefactor) == (0.74, 0.5)


def test_the_defaults_of_bvlain_are_read_from_its_own_signature():
    """f = 0.74 and 10 Å, as its field is computed where nothing is asked."""
    from bvlain import Lain

    parameters = signature(Lain.bvse_distribution).parameters
    options = preset("bvlain")
    assert options.screening_factor == parameters["f"].default
    assert options.cutoff_angstrom == parameters["r_cut"].default
    assert parameters["k"].default == NEIGHBOURS


@pytest.mark.parametrize(("name", "meant"), [("bvlian", "bvlain"), ("F070", "f070"), ("?", "")])
def test_an_unknown_preset_is_refused_with_the_closest(name, meant):
    with pytest.raises(InputError, match=f"no preset .* did you mean '{meant}"):
        preset(name)


@pytest.mark.parametrize(
    ("number", "charge", "radius"),
    [(15, 5.0, 1.10), (15, -3.0, 1.92), (15, -1.0, 1.92), (25, 3.4, 1.26), (52, -1.5, 2.14)],
)
def test_softbv_s_radius_is_that_of_the_nearest_state(number, charge, radius):
    """Phosphorus has 1.10 Å as P⁵⁺ to P³⁺ and 1.92 Å as P³⁻ (Chen et al. 2019)."""
    probe = MobileIon(9, -1.0) if charge < 0.0 else LI
    own = 1.26 if charge < 0.0 else 1.31
    pair, _ = pair_of(probe, number, charge, preset("softbv_radii"))
    assert isinstance(pair, CoulombPair)
    assert pair.screening_length_angstrom == pytest.approx(0.74 * (own + radius), abs=0.005)


def test_an_element_without_a_softbv_radius_is_named():
    with pytest.raises(MissingParametersError, match="no covalent radius for Ac"):
        pair_of(LI, 89, 3.0, preset("softbv_radii"))


def test_changes_make_custom_options_and_none_leaves_them_as_they_are():
    options = preset("f070")
    assert with_changes(options, screening_factor=None, radii=None) is options
    changed = with_changes(options, radii="softbv", cutoff_angstrom=None)
    assert (changed.preset, changed.radii) == ("custom", "softbv")
    assert changed.screening_factor == options.screening_factor
    assert changed.cutoff_angstrom == options.cutoff_angstrom


def test_an_anion_is_attracted_like_the_cation_that_attracts_it():
    """The same pair, whichever of the two moves."""
    there, _ = pair_of(LI, 8, -2.0, preset("bvlain"))
    back, _ = pair_of(OXIDE, 3, 1.0, preset("bvlain"))
    assert there == back
