"""Both sides of every threshold of the rule of bound anions, on molecules of one centre."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.bonding import (
    FORMER_HOLD,
    METAL_HOLD,
    NETWORK_FORMERS,
    SOFTNESS,
    bound_fraction,
    bound_share,
    bound_strength,
    shells,
)
from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.screening.ions import MobileIon

EDGE = 30.0
RADII = ase_covalent_radii()
AXES = np.vstack([np.eye(3), -np.eye(3)])


def molecule(
    centre, ligands, *, charge, ligand_charge=-1.0, occupancies=None, centre_occupancy=1.0
):
    """A centre and ligands (atomic number, distance over the sum of radii) on different axes."""
    numbers = [centre, *(number for number, _ in ligands)]
    lengths = [reduced * (RADII[centre] + RADII[number]) for number, reduced in ligands]
    places = [np.zeros(3), *(length * axis for length, axis in zip(lengths, AXES, strict=False))]
    there = [1.0] * len(ligands) if occupancies is None else occupancies
    return ionic(
        EDGE * np.eye(3), np.array(places) / EDGE + 0.5, numbers,
        [charge, *[ligand_charge] * len(ligands)], [centre_occupancy, *there],
    )  # fmt: skip


def ligands_of(crystal, centre=0):
    return sorted(int(i) for s in shells(crystal) if s.centre == centre for i in s.ligands)


@pytest.mark.parametrize("former", sorted(NETWORK_FORMERS))
def test_a_former_holds_at_a_valence_at_which_no_metal_does(former):
    """Four fluorides of 0.55 valence units: a hold of 0.30, over a former's 0.236, under 0.42."""
    for centre, bound in ((former, 1.0), (13, 0.0)):
        crystal = molecule(centre, [(9, 0.95)] * 4, charge=2.2)
        assert bound_fraction(crystal, MobileIon(9, -1.0)) == bound


@pytest.mark.parametrize(("charge", "bound"), [(4.0, 1.0), (3.8, 0.0)])
def test_hexachlorozirconate_is_a_complex_anion(charge, bound):
    """ZrCl6 has s²/|q| = (4/6)² = 0.44; at the zirconium's 3.8 e it would be 0.40."""
    crystal = molecule(40, [(17, 0.97)] * 6, charge=charge)
    assert bound_fraction(crystal, MobileIon(17, -1.0)) == bound


@pytest.mark.parametrize(("charge", "bound"), [(1.5, 0.0), (1.6, 1.0)])
def test_a_monovalent_metal_holds_nothing_however_few_its_ligands(charge, bound):
    """Two fluorides would each have 0.75 valence units and more: a hold of 0.56."""
    crystal = molecule(29, [(9, 0.9), (9, 0.9)], charge=charge)
    assert bound_fraction(crystal, MobileIon(9, -1.0)) == bound


@pytest.mark.parametrize(
    ("reduced", "ligands"),
    [(0.38, []), (0.42, [1]), (1.68, [1]), (1.72, [])],
)
def test_anions_are_looked_for_between_two_fifths_and_seventeen_tenths(reduced, ligands):
    assert ligands_of(molecule(13, [(17, reduced)], charge=3.0)) == ligands


@pytest.mark.parametrize(
    ("centre", "shortest", "other", "in_shell"),
    [
        # of a metal's bond from 0.72 on: up to 1.3 times it
        (23, 0.80, 0.80 * 1.298, True),
        (23, 0.80, 0.80 * 1.302, False),
        (23, 0.72, 0.72 * 1.298, True),
        (23, 0.72, 0.72 * 1.302, False),
        # a shorter one is not believed and takes nothing from the others
        (23, 0.60, 0.72 * 1.298, True),
        (23, 0.60, 0.72 * 1.302, False),
        # a former holds everything up to 1.2 times the sum of the radii
        (15, 0.70, 1.198, True),
        (15, 0.70, 1.202, False),
        (15, 0.96, 0.96 * 1.298, True),
        (15, 0.96, 0.96 * 1.302, False),
    ],
)
def test_the_shell_ends_at_the_middle_of_its_taper(centre, shortest, other, in_shell):
    crystal = molecule(centre, [(8, shortest), (8, other)], charge=5.0, ligand_charge=-2.0)
    assert ligands_of(crystal) == ([1, 2] if in_shell else [1])


@pytest.mark.parametrize(("occupancy", "ligands"), [(0.2, [1]), (0.19, [1, 2])])
def test_a_rare_site_does_not_say_which_bond_is_the_shortest(occupancy, ligands):
    """An oxygen at 0.75 puts one at 1.05, 1.4 times as far, out of the shell: if often there."""
    crystal = molecule(
        23, [(8, 0.75), (8, 1.05)], charge=5.0, ligand_charge=-2.0, occupancies=[occupancy, 1.0]
    )
    assert ligands_of(crystal) == ligands


def test_where_all_sites_are_rare_the_nearest_counts():
    crystal = molecule(
        23, [(8, 0.75), (8, 1.05)], charge=5.0, ligand_charge=-2.0, occupancies=[0.1, 0.1]
    )
    assert ligands_of(crystal) == [1]


@pytest.mark.parametrize("stretch", [1.1, 1.22, 1.25, 1.28, 1.33, 1.37, 1.45])
@pytest.mark.parametrize(("centre", "least"), [(13, METAL_HOLD), (14, FORMER_HOLD)])
def test_strength_is_a_logistic_of_the_tapered_hold(centre, least, stretch):
    """Half a cosine between 1.2 and 1.4 times the shortest bond, at occupancies 1, 1, 0.5."""
    charge, occupancies = 1.9, np.array([1.0, 0.8, 0.5])
    crystal = molecule(
        centre, [(17, 0.95), (17, 0.95), (17, 0.95 * stretch)], charge=charge,
        occupancies=occupancies.tolist(),
    )  # fmt: skip
    taper = 0.5 * (1.0 + math.cos(math.pi * min(max((stretch - 1.2) / 0.2, 0.0), 1.0)))
    there = occupancies * [1.0, 1.0, taper]
    hold = (charge / there.sum()) ** 2
    strength = 1.0 / (1.0 + (hold / least) ** (-1.0 / SOFTNESS))
    members = occupancies if stretch < 1.3 else occupancies[:2]
    expected = strength * members.sum() / occupancies.sum()
    assert bound_strength(crystal, MobileIon(17, -1.0)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("occupancy", "share"), [(0.5, 1.0), (0.49, 0.49), (0.3, 0.3)])
def test_a_ligand_is_bound_as_often_as_its_centre_is_there(occupancy, share):
    crystal = molecule(
        15, [(8, 0.9)] * 4, charge=5.0, ligand_charge=-2.0, centre_occupancy=occupancy
    )
    assert bound_share(crystal)[1:] == pytest.approx(share)
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == float(occupancy >= 0.5)
    full = bound_strength(replace(crystal, occupancies=np.ones(5)), MobileIon(8, -2.0))
    rare = bound_strength(crystal, MobileIon(8, -2.0))
    assert rare == pytest.approx(min(1.0, 2.0 * occupancy) * full)


def test_two_rare_centres_hold_together():
    """An oxygen between two half-empty sites of phosphorus: 0.3 + 0.3 is more than one half."""
    d = 0.9 * (RADII[15] + RADII[8]) / EDGE
    crystal = ionic(
        EDGE * np.eye(3), [[0.5 - d, 0.5, 0.5], [0.5 + d, 0.5, 0.5], [0.5, 0.5, 0.5]],
        [15, 15, 8], [5.0, 5.0, -2.0], [0.3, 0.3, 1.0],
    )  # fmt: skip
    assert bound_share(crystal)[2] == 1.0


def test_neutral_atoms_are_neither_centres_nor_ligands_nor_sites_of_the_anion():
    """Neutral oxygen at a phosphate, and neutral silicon with an oxide beside it."""
    crystal = molecule(15, [(8, 0.9), (8, 0.9), (8, 0.9)], charge=5.0, ligand_charge=-2.0)
    crystal = replace(crystal, charges=np.array([5.0, -2.0, -2.0, 0.0]))
    assert ligands_of(crystal) == [1, 2]
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == 1.0
    assert bound_strength(crystal, MobileIon(8, -2.0)) > 0.9
    assert shells(molecule(14, [(8, 1.3)], charge=0.0, ligand_charge=-2.0)) == []


def test_the_middle_of_a_chain_may_be_neutral():
    """I–I–I of charges −½, 0, −½, whose ends do not touch each other."""
    frac = np.array([[0.4 + 2.9 * n / EDGE, 0.5, 0.5] for n in range(3)])
    crystal = ionic(EDGE * np.eye(3), frac, [53] * 3, [-0.5, 0.0, -0.5])
    assert bound_fraction(crystal, MobileIon(53, -0.5)) == 1.0
    assert bound_fraction(replace(crystal, frac=frac * [2.0, 1.0, 1.0]), MobileIon(53, -0.5)) == 0.0


def pair(number, charges, reduced, occupancies=(1.0, 1.0)):
    length = reduced * 2.0 * RADII[number] / EDGE
    return ionic(
        EDGE * np.eye(3), [[0.5, 0.5, 0.5], [0.5 + length, 0.5, 0.5]], [number] * 2, charges,
        occupancies,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reduced", "bonded"), [(0.69, False), (0.71, True), (1.19, True), (1.21, False)]
)
def test_anions_bond_between_seven_tenths_and_twelve_tenths(reduced, bonded):
    assert bool(shells(pair(8, [-1.0, -1.0], reduced))) is bonded


@pytest.mark.parametrize(("occupancies", "bonded"), [((0.5, 0.5), False), ((0.5, 0.52), True)])
def test_anions_bond_where_both_can_be_there(occupancies, bonded):
    assert bool(shells(pair(8, [-1.0, -1.0], 1.0, occupancies))) is bonded


@pytest.mark.parametrize("number", [1, 9, 17, 35, 53, 85])
def test_halides_and_hydride_bond_only_where_an_electron_is_missing(number):
    """A charge within a tenth of the noble gas's shell counts as full; one open ion is enough."""
    for charges, bonded in (
        ([-1.0, -1.0], False),
        ([-0.905, -0.905], False),
        ([-0.895, -0.905], True),
        ([-0.5, -1.0], True),
    ):
        assert bool(shells(pair(number, charges, 1.0))) is bonded


def test_shells_between_anions_know_their_lengths():
    crystal = pair(8, [-1.0, -1.0], 1.1)
    found = shells(crystal)
    assert [(s.centre, s.ligands.tolist()) for s in found] == [(0, [1]), (1, [0])]
    for shell in found:
        assert shell.lengths_angstrom == pytest.approx([1.1 * 2.0 * RADII[8]])
        assert shell.binds
