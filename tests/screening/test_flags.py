"""Bound anions and forced ratios: known structures and both sides of each threshold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic
from pymatgen.core import Structure

from dualion.screening.bvse.pair_parameters import ParameterQuality, morse_parameters
from dualion.screening.flags import bound_fraction, sublattices_interchange
from dualion.screening.ions import MobileIon
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare


def structure_of(name: str) -> Structure:
    path = next(path for path in reference_paths() if path.stem == name)
    return next(iter(read_structures([path]))).structure


@pytest.mark.parametrize(
    ("name", "anion", "bound"),
    [
        ("Li3PO4_gamma", "O2-", 1.0),
        ("Li3PS4_gamma", "S2-", 1.0),
        ("Li6PS5Cl", "S2-", 0.8),  # four sulfurs in PS4, one free
        ("Li6PS5Cl", "Cl-", 0.0),
        ("Li4SiO4", "O2-", 1.0),
        ("Li2CO3", "O2-", 1.0),
        ("LiFePO4", "O2-", 1.0),
        ("LiAlCl4", "Cl-", 1.0),
        ("Li3OCl", "O2-", 0.0),
        ("LiCoO2", "O2-", 0.0),
        ("Li7La3Zr2O12_tetragonal", "O2-", 0.0),
        ("LiCl", "Cl-", 0.0),
    ],
)
def test_bound_anions(name, anion, bound):
    crystal = prepare(structure_of(name))
    assert bound_fraction(crystal, MobileIon.parse(anion)) == pytest.approx(bound, abs=0.02)


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


def pair_at(distance: float, centre: int, charge: float, anion: int, anion_charge: float):
    """One centre and one anion in a cell that is wide enough for them to be alone."""
    return ionic(
        cell=np.diag([20.0, 21.0, 22.0]),
        frac=[[0.1, 0.1, 0.1], [0.1 + distance / 20.0, 0.1, 0.1]],
        numbers=[centre, anion],
        charges=[charge, anion_charge],
    )


def length_of_valence(valence: float, cation: tuple[int, float], anion: tuple[int, float]) -> float:
    """R0 − ln(s)/α: the length of a bond of that valence (Brown & Altermatt 1985)."""
    pair, _ = morse_parameters(cation, anion, worst=ParameterQuality.TABULATED)
    return pair.r0_angstrom - math.log(valence) / pair.alpha_per_angstrom


# A non-metal makes a ligand from 0.34 of the anion's valence on, a metal from 0.55.
@pytest.mark.parametrize(
    ("centre", "charge", "anion", "anion_charge", "share"),
    [(15, 5.0, 8, -2.0, 0.34), (16, 6.0, 8, -2.0, 0.34), (13, 3.0, 17, -1.0, 0.55)],
    ids=["P-O", "S-O", "Al-Cl"],
)
def test_a_ligand_is_bound_from_a_share_of_its_valence_on(
    centre, charge, anion, anion_charge, share
):
    limit = length_of_valence(share * -anion_charge, (centre, charge), (anion, anion_charge))
    assert limit < 3.2  # else the length would decide
    ion = MobileIon(anion, anion_charge)
    for step, bound in ((-1e-4, 1.0), (1e-4, 0.0)):
        crystal = pair_at(limit + step, centre, charge, anion, anion_charge)
        assert bound_fraction(crystal, ion) == bound


def test_the_bound_share_counts_sites_by_their_occupancy():
    """A bound oxide of occupancy 0.75 and a free one of occupancy 0.5: 0.75 of 1.25."""
    crystal = ionic(
        cell=np.diag([20.0, 21.0, 22.0]),
        frac=[[0.1, 0.1, 0.1], [0.1 + 1.54 / 20.0, 0.1, 0.1], [0.6, 0.6, 0.6]],
        numbers=[15, 8, 8],
        charges=[5.0, -2.0, -2.0],
        occupancies=[1.0, 0.75, 0.5],
    )
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == pytest.approx(0.75 / 1.25)


def test_without_a_centre_nothing_is_bound():
    crystal = pair_at(1.5, 8, -2.0, 8, -2.0)
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == 0.0
