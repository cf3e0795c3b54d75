"""Sites of a sublattice, and how symmetry maps them."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.hops import sublattice as module
from dualion.screening.hops.hop_list import hops_of
from dualion.screening.hops.sublattice import is_own, sublattice_of
from dualion.screening.ions import MobileIon
from dualion.structures.errors import UnpreparableStructureError

CHLORIDE = MobileIon(17, -1.0)


def screw(place):
    """The four places of P4₁ that one gives."""
    x, y, z = place
    return [(x, y, z), (-x, -y, z + 0.5), (-y, x, z + 0.25), (y, -x, z + 0.75)]


@pytest.mark.parametrize(("gap", "sites"), [(0.9e-4, 1), (1.05e-4, 2)])
def test_entries_within_a_ten_thousandth_are_one_site(gap, sites):
    """Cl⁻ and Cl³⁻ share it across the face of the cell; their occupancies add up."""
    crystal = ionic(
        5.0 * np.eye(3), [[1.0 - gap, 0.2, 0.2], [0.0, 0.2, 0.2], [0.5, 0.6, 0.7]], [17, 17, 22],
        [-1, -3, 4], [0.3, 0.6, 1.0],
    )  # fmt: skip
    found = sublattice_of(crystal, CHLORIDE)
    assert len(found.frac) == sites
    assert found.occupancies == pytest.approx([0.9] if sites == 1 else [0.3, 0.6])


def test_only_ions_of_the_same_element_and_sign_are_own():
    crystal = ionic(
        5.0 * np.eye(3), np.arange(15).reshape(5, 3) / 16.0, [17, 17, 17, 35, 3],
        [-0.5, 5.0, 0.0, -1.0, 1.0],
    )  # fmt: skip
    assert is_own(crystal, CHLORIDE).tolist() == [True, False, False, False, False]
    assert is_own(crystal, MobileIon(17, 7.0)).tolist() == [False, True, False, False, False]
    with pytest.raises(UnpreparableStructureError, match=r"holds no Na\+") as refused:
        sublattice_of(crystal, MobileIon(11, 1.0))
    assert refused.value.reason == "no_such_ion"


def test_images_are_those_of_the_operations():
    """A fourfold screw axis: rotation, image and cell give back each site where it goes."""
    places = np.array(screw((0.10, 0.23, 0.05)) + screw((0.31, 0.42, 0.17)))
    crystal = ionic(np.diag([6.0, 6.0, 9.0]), places, [17] * 8, [-1] * 8)
    found = sublattice_of(crystal, CHLORIDE)
    assert len(found.images) == 4
    assert found.orbits.tolist() == [0] * 4 + [4] * 4
    for image, shift, rotation in zip(found.images, found.shifts, found.rotations, strict=True):
        there = found.frac[image] + shift
        moved = found.frac @ rotation.T
        assert np.ptp(there - moved, axis=0) == pytest.approx([0.0] * 3, abs=1e-6)
        translation = (there - moved)[0] % 1.0
        assert translation[:2] == pytest.approx([0.0, 0.0], abs=1e-6)
        turn = {(1, 1): 0.0, (-1, -1): 0.5}.get((rotation[0, 0], rotation[1, 1]))
        if turn is None:
            turn = 0.25 if rotation[1, 0] == 1 else 0.75
        assert translation[2] == pytest.approx(turn, abs=1e-6)


@pytest.mark.parametrize(("gap", "sound"), [(0.019, True), (0.0215, False)])
def test_an_operation_that_misses_a_site_by_two_hundredths_is_none(gap, sound):
    frac = np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7 + gap]])
    images, shifts, found = module._mapped(frac, -np.eye(3)[None], np.zeros((1, 3)))
    assert found.tolist() == [sound]
    assert images.tolist() == [[1, 0]]
    assert shifts.tolist() == [[[-1, -1, -1], [-1, -1, -1]]]


def test_a_large_supercell_of_high_symmetry_is_refused(monkeypatch, rock_salt):
    """192 operations and 4 sites: 3072 distances."""
    monkeypatch.setattr(module, "MOST_IMAGES", 192 * 16)
    assert len(sublattice_of(rock_salt, CHLORIDE).frac) == 4
    monkeypatch.setattr(module, "MOST_IMAGES", 192 * 16 - 1)
    with pytest.raises(UnpreparableStructureError, match="4 sites and the cell 192") as refused:
        sublattice_of(rock_salt, CHLORIDE)
    assert refused.value.reason == "cell_too_large"


def test_hops_that_a_screw_axis_relates_are_of_one_kind():
    """Along the helix; that from the last site to the first is listed the other way round."""
    places = np.array(screw((0.10, 0.23, 0.05)))
    sublattice = sublattice_of(
        ionic(np.diag([6.0, 6.0, 9.0]), places, [17] * 4, [-1] * 4), CHLORIDE
    )
    hops = hops_of(sublattice)
    step = np.linalg.norm((places[2] - places[0]) * [6.0, 6.0, 9.0])
    helix = np.isclose(hops.lengths_angstrom, step)
    assert helix.sum() == 4
    assert len(set(hops.kinds[helix].tolist())) == 1
