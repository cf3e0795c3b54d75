"""Ratios that symmetry forces."""

from __future__ import annotations

from dataclasses import replace

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
