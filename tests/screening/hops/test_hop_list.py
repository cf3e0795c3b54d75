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
