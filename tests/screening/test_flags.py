"""Ratios that symmetry forces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from conftest import ionic
from crystals import caesium_chloride
from pymatgen.core import Structure

from dualion.screening.flags import sublattices_interchange
from dualion.screening.ions import MobileIon
from dualion.structures.files import read_structures, reference_paths


def structure_of(name: str) -> Structure:
    path = next(path for path in reference_paths() if path.stem == name)
    return next(iter(read_structures([path]))).structure


def test_sublattices_of_unequal_size_are_not_forced(rock_salt):
    """A symmetry operation swaps the ions of LiCl; with one Li less none can."""
    cation, anion = MobileIon(3, 1.0), MobileIon(17, -1.0)
    assert sublattices_interchange(rock_salt, cation, anion)
    names = ("frac", "numbers", "charges", "occupancies")
    fewer = replace(rock_salt, **{name: getattr(rock_salt, name)[1:] for name in names})
    assert not sublattices_interchange(fewer, cation, anion)
    assert not sublattices_interchange(rock_salt, cation, MobileIon(17, -2.0))
    moved = rock_salt.frac.copy()
    moved[4:] += 0.07  # away from the middle between the cations
    assert sublattices_interchange(replace(rock_salt, frac=moved), cation, anion)
    moved[4] += 0.02  # the chlorides form no face-centred lattice any more
    assert not sublattices_interchange(replace(rock_salt, frac=moved), cation, anion)


def test_only_an_ordered_binary_of_opposite_charges_is_forced(rock_salt):
    """Caesium chloride is; rock salt with a vacancy by halves or a third element is not."""
    cation, anion = MobileIon(3, 1.0), MobileIon(17, -1.0)
    salt = caesium_chloride()
    assert sublattices_interchange(salt, MobileIon(55, 1.0), MobileIon(17, -1.0))
    half = replace(rock_salt, occupancies=np.array([1.0] * 7 + [0.5]))
    assert not sublattices_interchange(half, cation, anion)
    mixed = replace(rock_salt, numbers=np.array([3] * 4 + [17] * 3 + [35]))
    assert not sublattices_interchange(mixed, cation, anion)
    assert not sublattices_interchange(rock_salt, cation, MobileIon(35, -1.0))


def test_a_layered_binary_without_a_swap_is_not_forced():
    """Nickel arsenide: octahedra around one, trigonal prisms around the other."""
    third, two = 1 / 3, 2 / 3
    crystal = ionic(
        [[3.6, 0, 0], [-1.8, 3.6 * 0.75**0.5, 0], [0, 0, 5.0]],
        [[0, 0, 0], [0, 0, 0.5], [third, two, 0.25], [two, third, 0.75]],
        [28, 28, 16, 16], [2, 2, -2, -2],
    )  # fmt: skip
    assert not sublattices_interchange(crystal, MobileIon(28, 2.0), MobileIon(16, -2.0))


def test_a_screw_axis_may_swap_the_sublattices():
    """4₁: a quarter turn and a quarter of c lead from a cation to an anion, with its own hand."""
    x, y, z = 0.13, 0.28, 0.05
    places = [(x, y, z), (-x, -y, z + 0.5), (-y, x, z + 0.25), (y, -x, z + 0.75)]
    crystal = ionic(np.diag([6.0, 6.0, 9.0]), places, [11, 11, 17, 17], [1, 1, -1, -1])
    assert sublattices_interchange(crystal, MobileIon(11, 1.0), MobileIon(17, -1.0))
    moved = np.array(places)
    moved[2:, 2] += 0.02
    shifted = replace(crystal, frac=moved)
    assert not sublattices_interchange(shifted, MobileIon(11, 1.0), MobileIon(17, -1.0))
