"""Supercells: every lattice is found once, the best one wins, atoms and charges are kept."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.lattice_reduction import widths_of
from dualion.structures.preparation import prepare
from dualion.structures.supercells import (
    hermite_matrices,
    make_supercell,
    most_cubic,
    near_cubic_supercell,
)
from dualion.structures.symmetry import primitive_crystal, space_group

FCC = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])


def rock_salt_primitive(edge=6.0) -> IonicCrystal:
    return IonicCrystal(
        cell=FCC * edge,
        frac=np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]),
        numbers=np.array([3, 53]),
        charges=np.array([1.0, -1.0]),
        occupancies=np.ones(2),
    )


def bundled(name) -> IonicCrystal:
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return prepare(record.structure)


def distances(crystal) -> np.ndarray:
    """Sorted distances from each ion to its surroundings within 5 Å, by a plain search."""
    shifts = np.array(list(itertools.product(range(-4, 5), repeat=3)))
    gaps = crystal.frac[:, None, None] - crystal.frac[None, :, None] + shifts
    lengths = np.linalg.norm(gaps @ crystal.cell, axis=-1).reshape(len(crystal.numbers), -1)
    return np.sort(lengths, axis=1)[:, :20]


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 6, 12])
def test_every_superlattice_is_there_once(factor):
    # The number of superlattices of index n: sum over d | n of d σ(d) (Hart & Forcade 2008, eq. 1).
    divisors = [d for d in range(1, factor + 1) if factor % d == 0]
    sigma = {d: sum(k for k in range(1, d + 1) if d % k == 0) for d in divisors}
    assert len(hermite_matrices(factor)) == sum(d * sigma[d] for d in divisors)
    assert len(np.unique(hermite_matrices(factor), axis=0)) == len(hermite_matrices(factor))


def test_a_cube_of_rock_salt_is_found():
    found = most_cubic(rock_salt_primitive(), 32)
    assert found.lengths_angstrom == pytest.approx([12.0] * 3)
    assert found.widths_angstrom == pytest.approx([12.0] * 3)
    assert found.factor == 32


def test_the_best_shape_is_as_good_as_a_plain_search():
    cell = np.array([[4.1, 0.3, -0.2], [-1.1, 5.3, 0.4], [0.7, 1.2, 6.2]])
    crystal = dataclasses.replace(rock_salt_primitive(), cell=cell)
    rows = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    matrices = rows[np.array(list(itertools.combinations(range(len(rows)), 3)))]
    factors = np.rint(np.abs(np.linalg.det(matrices)))
    for factor in (2, 3, 5):
        best = widths_of(matrices[factors == factor] @ cell).min(axis=1).max()
        assert most_cubic(crystal, factor).widths_angstrom.min() == pytest.approx(best)


@pytest.mark.parametrize(
    "matrix",
    [(2, 1, 3), [[1, 1, 0], [-1, 1, -1], [0, 1, 2]], [[0, 1, 0], [0, 0, 2], [1, 1, 0]]],
)
def test_atoms_charges_and_surroundings_are_kept(matrix):
    crystal = bundled("Li3PS4_gamma")
    large = make_supercell(crystal, matrix)
    factor = len(large.numbers) // len(crystal.numbers)
    assert large.volume_cubic_angstrom == pytest.approx(factor * crystal.volume_cubic_angstrom)
    assert large.net_charge == pytest.approx(0.0)
    assert (large.frac < 1.0).all() and (large.frac >= 0.0).all()
    expected = np.repeat(distances(crystal), factor, axis=0)
    assert distances(large) == pytest.approx(expected, abs=1e-6)
    assert space_group(primitive_crystal(large)) == space_group(crystal)


@pytest.mark.parametrize(
    "matrix", [(0, 1, 1), (1.5, 1, 1), [[1, 0, 0], [0, 1, 0]], np.diag([1, 1, -1])]
)
def test_a_senseless_matrix_is_refused(matrix):
    with pytest.raises(InputError, match="positive"):
        make_supercell(rock_salt_primitive(), matrix)


def test_the_smallest_wide_cell_is_taken():
    found = near_cubic_supercell(bundled("Li3PS4_gamma"))
    assert found.wide_enough
    assert found.widths_angstrom.min() >= 10.0
    assert found.factor == 6
    smaller = [most_cubic(bundled("Li3PS4_gamma"), n) for n in range(1, 6)]
    assert not any(cell.wide_enough for cell in smaller)


def test_long_but_narrow_cells_are_taken_only_under_the_limit():
    crystal = bundled("Li3PS4_gamma")
    found = near_cubic_supercell(crystal, most_atoms=90)
    assert not found.wide_enough
    assert found.lengths_angstrom.min() >= 10.0 > found.widths_angstrom.min()


def test_an_atom_limit_that_is_too_small_is_explained():
    with pytest.raises(InputError, match=r"at most 30 atoms .* allow more atoms"):
        near_cubic_supercell(bundled("Li3PS4_gamma"), most_atoms=30)


def test_the_choice_does_not_depend_on_the_setting():
    one = rock_salt_primitive()
    change = np.array([[1, 2, 0], [0, 1, -1], [0, 0, 1]])
    other = dataclasses.replace(
        one, cell=change @ one.cell, frac=(one.frac + 0.3) @ np.linalg.inv(change)
    )
    first, second = near_cubic_supercell(one), near_cubic_supercell(other)
    assert first.factor == second.factor
    assert np.sort(first.widths_angstrom) == pytest.approx(np.sort(second.widths_angstrom))


def test_the_primitive_cell_of_a_conventional_one():
    crystal = bundled("LiI")
    small = primitive_crystal(crystal)
    assert len(small.numbers) == 2
    assert small.net_charge == pytest.approx(0.0)
    assert small.volume_cubic_angstrom == pytest.approx(crystal.volume_cubic_angstrom / 4)


def test_a_shared_site_survives_the_primitive_cell():
    crystal = make_supercell(
        IonicCrystal(
            cell=np.diag([4.0, 4.5, 5.0]),
            frac=np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]),
            numbers=np.array([3, 17, 35]),
            charges=np.array([1.0, -1.0, -1.0]),
            occupancies=np.array([1.0, 0.25, 0.75]),
        ),
        (1, 2, 1),
    )
    small = primitive_crystal(crystal)
    assert sorted(zip(small.numbers.tolist(), small.occupancies.tolist(), strict=True)) == [
        (3, 1.0), (17, 0.25), (35, 0.75)
    ]  # fmt: skip
    assert small.is_neutral
