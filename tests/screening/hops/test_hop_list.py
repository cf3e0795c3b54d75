"""Which hops a sublattice has, and which of them symmetry relates."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic
from crystals import caesium_chloride, fluorite

from dualion.screening.hops.hop_list import hops_of
from dualion.screening.hops.sublattice import sublattice_of
from dualion.screening.ions import MobileIon

CHLORIDE = MobileIon(17, -1.0)
FLUORIDE = MobileIon(9, -1.0)
FACES = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def hops(crystal, ion, **options):
    return hops_of(sublattice_of(crystal, ion), **options)


def test_one_site_hops_to_its_own_images():
    found = hops(caesium_chloride(), CHLORIDE)
    assert (found.near == 0).all() and (found.far == 0).all()
    assert {tuple(cell) for cell in np.abs(found.cells).tolist()} == {
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    }  # fmt: skip
    assert len(found.near) == 3 and len(found.chosen) == 1
    assert found.lengths_angstrom == pytest.approx(4.12)


def test_rock_salt_has_one_kind_of_hop(rock_salt):
    """Twelve neighbours of four sites, each hop counted once."""
    found = hops(rock_salt, CHLORIDE)
    assert len(found.near) == 24 and len(found.chosen) == 1
    assert found.lengths_angstrom == pytest.approx(5.13 / np.sqrt(2.0))


def test_fluorite_hops_along_the_cube_s_edges():
    found = hops(fluorite(), FLUORIDE)
    assert len(found.near) == 24 and len(found.chosen) == 1
    assert found.lengths_angstrom == pytest.approx(5.463 / 2.0)


def test_a_face_diagonal_is_made_in_two():
    """The corner between is 0.71 of the way from both ends, so stretching adds nothing."""
    found = hops(caesium_chloride(), CHLORIDE, stretch=1.45)
    assert found.lengths_angstrom == pytest.approx(4.12)


def test_longer_hops_come_with_the_stretch():
    """Edges of 3.6, 3.8 and 4.0 Å; without stretch the longest is still needed for 3D."""
    crystal = ionic(np.diag([3.6, 3.8, 4.0]), [[0, 0, 0], [0.5, 0.5, 0.5]], [17, 55], [-1, 1])
    assert hops(crystal, CHLORIDE, stretch=1.0).lengths_angstrom == pytest.approx([3.6, 3.8, 4.0])
    skewed = ionic(
        [[3.6, 0, 0], [-1.75, 3.2, 0], [0, 0, 3.6]], [[0, 0, 0], [0.5, 0.5, 0.5]], [17, 55], [-1, 1]
    )
    third = np.hypot(1.85, 3.2)  # third side of a triangle with 3.6 and 3.647 Å
    assert third not in np.round(hops(skewed, CHLORIDE, stretch=1.0).lengths_angstrom, 6)
    assert hops(skewed, CHLORIDE).lengths_angstrom[-1] == pytest.approx(third)


def test_a_hop_over_a_third_site_is_left_out():
    """Sites at 0 and 1.4 Å of a 4 Å chain, far from others: 2.6 Å stays, 4.0 Å has a stop."""
    crystal = ionic(
        np.diag([4.0, 7.0, 7.0]), [[0, 0, 0], [0.35, 0, 0], [0.2, 0.5, 0.5]], [17, 17, 12],
        [-1, -1, 2],
    )  # fmt: skip
    lengths = hops(crystal, CHLORIDE).lengths_angstrom
    assert lengths[:2] == pytest.approx([1.4, 2.6])
    assert lengths[2] == pytest.approx(7.0)


def test_layers_out_of_reach_percolate_in_two_dimensions():
    crystal = ionic(np.diag([3.5, 3.5, 12.0]), [[0, 0, 0], [0.5, 0.5, 0.1]], [17, 3], [-1, 1])
    found = hops(crystal, CHLORIDE)
    assert (found.cells[:, 2] == 0).all()
    assert len(found.near) == 2


def test_a_lone_site_has_no_hops():
    crystal = ionic(np.diag([11.0] * 3), [[0, 0, 0], [0.2, 0, 0]], [17, 3], [-1, 1])
    assert len(hops(crystal, CHLORIDE).near) == 0


@pytest.mark.parametrize(("repeat", "kinds"), [((2, 1, 1), 2), ((1, 2, 3), 3)])
def test_translations_relate_hops_too(rock_salt, repeat, kinds):
    """As many hops as cells more; a kind for each face of the cell that no rotation maps."""
    cells = np.array(list(np.ndindex(*repeat)))
    frac = ((rock_salt.frac[:, None] + cells) / repeat).reshape(-1, 3)
    large = ionic(
        rock_salt.cell * np.array(repeat)[:, None],
        frac,
        np.repeat(rock_salt.numbers, len(cells)),
        np.repeat(rock_salt.charges, len(cells)),
    )
    found = hops(large, CHLORIDE)
    assert len(found.near) == 24 * len(cells)
    assert len(found.chosen) == kinds


def test_hops_of_a_kind_have_one_length(triclinic):
    """Without symmetry every hop is a kind of its own; here oxygen has two sites."""
    found = hops(triclinic, MobileIon(8, -2.0))
    assert len(found.chosen) == len(found.near)
    assert sorted(found.kinds.tolist()) == list(range(len(found.near)))


def test_species_on_one_site_are_one_site(triclinic):
    """F and Cl share a site; Cl is there with 0.4."""
    sites = sublattice_of(triclinic, CHLORIDE)
    assert sites.occupancies == pytest.approx([0.4])


@pytest.mark.parametrize(("edge", "count"), [(7.9, 3), (8.4, 0)])
def test_no_hop_is_longer_than_eight_angstrom(edge, count):
    assert len(hops(caesium_chloride(edge), CHLORIDE).near) == count


@pytest.mark.parametrize(("ratio", "counts"), [(1.08, True), (1.15, False)])
def test_hops_up_to_a_tenth_longer_than_percolation_needs_count(ratio, counts):
    """Along b a chain with a site half-way conducts, at 4 Å with its neighbours; beside it a
    chain without one has hops of 4 Å times the ratio, over which no other site lies."""
    edges = 4.0 * np.array([2.0, ratio, 1.0])
    crystal = ionic(
        np.diag(edges), [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0.25, 0.25, 0.5]], [17] * 3 + [55],
        [-1, -1, -1, 3],
    )  # fmt: skip
    found = hops(crystal, CHLORIDE)
    along = (found.near == 1) & (found.far == 1) & (np.abs(found.cells) == [0, 1, 0]).all(axis=1)
    assert along.any() == counts
    assert found.lengths_angstrom[along] == pytest.approx(4.0 * ratio)


@pytest.mark.parametrize(("ratio", "direct"), [(1.04, True), (1.065, False)])
def test_a_hop_is_made_in_two_where_a_site_is_a_twentieth_nearer_to_both_ends(ratio, direct):
    """The short diagonal of a rhombus of 4 Å edges, whose other corners are 4 Å from its ends."""
    half = np.arcsin(ratio / 2.0)
    cell = 4.0 * np.array([[1, 0, 0], [np.cos(2 * half), np.sin(2 * half), 0], [0, 0, 1]])
    crystal = ionic(cell, [[0, 0, 0], [0.3, 0.3, 0.5]], [17, 55], [-1, 1])
    lengths = hops(crystal, CHLORIDE).lengths_angstrom
    expected = [4.0, 4.0, 4.0, 4.0 * ratio] if direct else [4.0, 4.0, 4.0]
    assert lengths == pytest.approx(expected)


@pytest.mark.parametrize(("gap", "apart"), [(0.48, False), (0.52, True)])
def test_sites_within_half_an_angstrom_are_one_place(gap, apart):
    crystal = ionic(
        4.0 * np.eye(3), [[0, 0, 0], [gap / 4.0, 0, 0], [0.3, 0.4, 0.5]], [17, 17, 55], [-1, -1, 2]
    )
    lengths = hops(crystal, CHLORIDE).lengths_angstrom
    assert (lengths < 0.6).any() == apart


def test_each_hop_is_listed_once_and_not_backwards():
    """Of a site's own images one of ±cell; between sites from the lower number."""
    rng = np.random.default_rng(8)
    frac = np.vstack([rng.uniform(size=(4, 3)), [[0.1, 0.2, 0.3]]])
    cell = [[5.1, 0.2, -0.1], [-0.3, 5.3, 0.2], [0.2, 0.4, 4.9]]
    found = hops(ionic(cell, frac, [17] * 4 + [22], [-1] * 4 + [4]), CHLORIDE, stretch=1.6)
    both = set()
    for near, far, cells in zip(found.near, found.far, found.cells.tolist(), strict=True):
        both.add((near, far, *cells))
        both.add((far, near, *(-c for c in cells)))
    assert len(both) == 2 * len(found.near)
    assert (found.near <= found.far).all()
    vectors = (frac[found.far] + found.cells - frac[found.near]) @ np.array(cell)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(found.lengths_angstrom)
    assert (np.diff(found.lengths_angstrom) > -1e-9).all()
    assert sorted(found.kinds[found.chosen].tolist()) == list(range(len(found.chosen)))


def test_a_distant_sublattice_is_reached():
    """Pairs of sites 1 Å apart, the pairs 6 Å: the first reach holds the pairs alone."""
    frac = [[0, 0, 0], [1 / 6, 0, 0], [0.5, 0.5, 0.5]]
    found = hops(ionic(6.0 * np.eye(3), frac, [17, 17, 55], [-1, -1, 2]), CHLORIDE)
    assert found.lengths_angstrom[0] == pytest.approx(1.0)
    assert np.isclose(found.lengths_angstrom, 6.0).sum() == 4
    assert np.isclose(found.lengths_angstrom, 5.0).sum() == 1
