"""Hops as images: of ASE and pymatgen, along bond valence paths, between ends that were relaxed."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from handover_world import GOLD, INNER, alloy_hop, alloy_images

from dualion.screening.hops.vacancy import vacancy_hops
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import InputError
from dualion.workflows.neb.handover.hop_images import (
    bond_valence_hops,
    images_of,
    shifted_images,
)

LITHIUM = MobileIon(3, 1.0)


def lithium_chloride() -> IonicCrystal:
    atoms = bulk("LiCl", "rocksalt", a=5.13)
    return IonicCrystal(
        cell=np.array(atoms.cell), frac=atoms.get_scaled_positions(), numbers=atoms.numbers,
        charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
    )  # fmt: skip


def test_images_go_to_pymatgen_and_back_without_a_jump_over_a_face() -> None:
    hop = alloy_hop()
    assert hop.charge_e == -1.0
    assert hop.frames[0].numbers[hop.mover] == GOLD.number
    again = images_of(hop.structures(), GOLD)
    assert again.mover == hop.mover
    for ours, theirs in zip(hop.images(), again.images(), strict=True):
        assert list(ours.numbers) == list(theirs.numbers)
        np.testing.assert_allclose(theirs.positions, ours.positions, atol=1e-10)


def test_wrapped_images_are_put_together_again() -> None:
    plain = alloy_hop()
    wrapped = alloy_images()
    for image in wrapped:
        image.positions += [0.0, 0.0, -1e-3]  # atoms on a face of the cell leave it
        image.wrap()
    found = images_of(wrapped, GOLD)
    assert found.mover == plain.mover
    assert found.length_angstrom == pytest.approx(plain.length_angstrom, abs=1e-8)


def test_what_is_no_hop_is_refused() -> None:
    images = alloy_images()
    with pytest.raises(InputError, match="2 were given"):
        images_of(images[:2], GOLD)
    with pytest.raises(InputError, match="the same atoms"):
        images_of([*images[:-1], images[-1][:-1]], GOLD)
    with pytest.raises(InputError, match="hold no Li"):
        images_of(images, LITHIUM)


def test_bond_valence_images_pass_through_the_saddle_of_the_first_tier() -> None:
    crystal = lithium_chloride()
    (hop,) = bond_valence_hops(
        crystal, LITHIUM, images=INNER, most_atoms=70, smallest_width_angstrom=10.0
    )
    tier = vacancy_hops(crystal, LITHIUM)
    assert len(hop.frames) == INNER + 2
    assert len(hop.frames[0]) % 2 == 1  # one ion is missing
    assert hop.length_angstrom == pytest.approx(5.13 / np.sqrt(2), abs=1e-6)
    assert hop.rises_ev == tuple(tier.energies.rises_ev(relaxing=True)[0])
    # Two chlorides are nearest in the middle: by symmetry the ion is as far from one as from both.
    middle = hop.frames[2]
    near = np.sort(middle.get_distances(hop.mover, range(len(middle)), mic=True))[1:3]
    assert near[0] == pytest.approx(near[1], abs=0.02)
    with pytest.raises(InputError, match="no hop 7"):
        bond_valence_hops(
            crystal, LITHIUM, images=1, most_atoms=70, smallest_width_angstrom=10.0, wanted=[7]
        )


def test_images_follow_ends_that_were_relaxed() -> None:
    images = alloy_images()
    one, other = np.zeros((len(images[0]), 3)), np.zeros((len(images[0]), 3))
    one[3, 0], other[5, 1] = 0.2, -0.4
    found = shifted_images(images, images[0].positions + one, images[-1].positions + other)
    for share, before, after in zip(np.linspace(0, 1, INNER + 2), images, found, strict=True):
        np.testing.assert_allclose(
            after.positions - before.positions, (1 - share) * one + share * other, atol=1e-12
        )
