"""Bond valence sums against bvlain, by hand, and as a mark of quality."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.bvse.bond_valence_sum import bvs_quality
from dualion.screening.bvse.bvlain_engine import _loaded
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.bvse.softbv import morse_table
from dualion.structures.errors import MissingParametersError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare


def crystal_of(name):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return prepare(record.structure)


@pytest.mark.parametrize("reach", [3.0, 5.0])
@pytest.mark.parametrize(
    "name", ["LiFePO4", "Li3PO4_gamma", "Li7P3S11", "Li3OCl", "Na3PS4_tetragonal"]
)
def test_bvlain_finds_the_same_mismatch_at_every_site(name, reach):
    crystal = crystal_of(name)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        table = _loaded(crystal).mismatch(r_cut=reach)
    ours = bvs_quality(crystal, reach_angstrom=reach)
    places = np.round(crystal.frac, 4) % 1.0
    for row, place in enumerate(table[["x/a", "y/b", "z/c"]].to_numpy() % 1.0):
        gaps = places - place
        (entry,) = np.flatnonzero(np.abs(gaps - np.round(gaps)).max(axis=1) < 2e-4)
        assert ours.sums_vu[entry] == pytest.approx(table["bvs"][row], abs=1e-9)
        assert ours.mismatch_vu[entry] == pytest.approx(table["mismatch"][row], abs=1e-9)


def test_rock_salt_by_hand(rock_salt):
    """Six bonds of a/2, eight of √3 a/2, 24 of √5 a/2: all within 6 Å of a = 5.13 Å."""
    pair = morse_table()[3, 1][17, -1]
    expected = sum(
        count * np.exp(pair.alpha_per_angstrom * (pair.r0_angstrom - 5.13 / 2 * np.sqrt(square)))
        for count, square in ((6, 1), (8, 3), (24, 5))
    )
    found = bvs_quality(rock_salt)
    assert found.sums_vu == pytest.approx(np.full(8, expected), abs=1e-12)
    assert found.gii_vu == pytest.approx(abs(expected - 1.0), abs=1e-12)


@pytest.mark.parametrize(
    "name", ["LiFePO4", "Li3PO4_gamma", "Li3PO4_beta", "LiNbO3", "NaCl", "Li2CO3", "Li3InCl6"]
)
def test_well_determined_structures_are_stable(name):
    """0.2 v.u. is the limit of stability of Salinas-Sanchez et al."""
    assert bvs_quality(crystal_of(name)).gii_vu < 0.2


@pytest.mark.parametrize("name", ["LiFePO4", "Li3PO4_gamma"])
def test_strain_makes_it_worse(name):
    crystal = crystal_of(name)
    indices = [
        bvs_quality(replace(crystal, cell=crystal.cell * (1.0 + strain))).gii_vu
        for strain in (-0.06, -0.03, 0.0, 0.03, 0.06)
    ]
    assert indices[0] > indices[1] > indices[2] < indices[3] < indices[4]
    assert min(indices[0], indices[4]) > 0.2


def test_wrong_charges_are_noticed():
    """Charges that balance, and that the bonds do not carry: Fe³⁺ with P⁴⁺."""
    crystal = crystal_of("LiFePO4")
    charges = crystal.charges.copy()
    charges[crystal.numbers == 26] = 3.0
    charges[crystal.numbers == 15] = 4.0
    worse = bvs_quality(replace(crystal, charges=charges)).gii_vu
    assert worse > 2.0 * bvs_quality(crystal).gii_vu


def test_cells_and_order_do_not_matter(triclinic):
    base = bvs_quality(triclinic)
    order = [3, 0, 5, 1, 4, 2]
    moved = ionic(
        triclinic.cell @ np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]).T,
        triclinic.frac[order] + [0.3, 0.7, 0.1],
        triclinic.numbers[order],
        triclinic.charges[order],
        triclinic.occupancies[order],
    )
    again = bvs_quality(moved)
    assert again.sums_vu == pytest.approx(base.sums_vu[order], abs=1e-9)
    assert again.gii_vu == pytest.approx(base.gii_vu, abs=1e-9)


def test_supercell_keeps_the_index(triclinic):
    double = ionic(
        triclinic.cell * [[1], [1], [2]],
        np.vstack([triclinic.frac * [1, 1, 0.5], triclinic.frac * [1, 1, 0.5] + [0, 0, 0.5]]),
        np.tile(triclinic.numbers, 2),
        np.tile(triclinic.charges, 2),
        np.tile(triclinic.occupancies, 2),
    )
    assert bvs_quality(double).gii_vu == pytest.approx(bvs_quality(triclinic).gii_vu, abs=1e-9)


def test_occupancy_weighs_neighbours_and_index(rock_salt):
    """Half of the anions there: cations get half their sum, anions keep theirs."""
    full = bvs_quality(rock_salt).sums_vu[0]
    occupancies = np.where(rock_salt.numbers == 17, 0.5, 1.0)
    half = bvs_quality(replace(rock_salt, occupancies=occupancies))
    assert half.sums_vu == pytest.approx([full / 2] * 4 + [full] * 4)
    square = (4 * (full / 2 - 1) ** 2 + 2 * (full - 1) ** 2) / 6
    assert half.gii_vu == pytest.approx(np.sqrt(square))


def test_neutral_atoms_do_not_count(rock_salt):
    with_argon = ionic(
        rock_salt.cell,
        np.vstack([rock_salt.frac, [[0.25, 0.25, 0.25]]]),
        [*rock_salt.numbers, 18],
        [*rock_salt.charges, 0.0],
    )
    found = bvs_quality(with_argon)
    assert found.sums_vu == pytest.approx([*bvs_quality(rock_salt).sums_vu, 0.0])
    assert found.mismatch_vu[-1] == 0.0
    assert found.gii_vu == pytest.approx(bvs_quality(rock_salt).gii_vu)


@pytest.mark.parametrize(("length", "counts"), [(5.9, True), (6.3, False)])
def test_bonds_are_counted_up_to_six_angstrom(length, counts):
    pair = ionic(20.0 * np.eye(3), [[0, 0, 0], [length / 20.0, 0, 0]], [55, 17], [1, -1])
    assert (bvs_quality(pair).sums_vu > 0.0).all() == counts
    assert (bvs_quality(pair).sums_vu == 0.0).all() != counts


def test_ions_on_one_site_are_no_bond_and_an_uncharged_crystal_has_no_mismatch():
    shared = ionic(20.0 * np.eye(3), [[0, 0, 0], [0, 0, 0]], [55, 17], [1, -1], [0.5, 0.5])
    found = bvs_quality(shared)
    assert found.sums_vu.tolist() == [0.0, 0.0]
    assert found.gii_vu == 1.0
    assert found.quality is ParameterQuality.TABULATED
    argon = bvs_quality(ionic(5.0 * np.eye(3), [[0, 0, 0]], [18], [0]))
    assert (argon.gii_vu, argon.mismatch_vu.tolist()) == (0.0, [0.0])


def test_the_worst_parameters_in_use_are_told():
    crystal = ionic(
        4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0]], [3, 15, 8], [1, -3, -2]
    )
    assert bvs_quality(crystal).quality is ParameterQuality.ESTIMATED
    with pytest.raises(MissingParametersError):
        bvs_quality(crystal, worst=ParameterQuality.NEAREST_STATE)
