"""The rule of bound anions: its thresholds, and what must not change an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import ionic
from pymatgen.core import Lattice, Structure

from dualion.screening.bonding import bound_fraction, bound_strength, shells
from dualion.screening.ions import MobileIon
from dualion.structures.elements import atomic_number
from dualion.structures.preparation import prepare

DIRECTIONS = {
    2: [[1, 0, 0], [-1, 0, 0]],
    3: [[1, 0, 0], [-0.5, 0.866, 0], [-0.5, -0.866, 0]],
    4: np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0),
    6: [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]],
}


def molecule(centre, charge, ligand, ligand_charge, count, length, **changes):
    """One centre and its shell in a cell that is wide enough for them to be alone."""
    places = np.vstack([[0.0, 0.0, 0.0], length * np.array(DIRECTIONS[count], dtype=float)])
    ions = [(centre, charge), *[(ligand, ligand_charge)] * count]
    return ionic(
        cell=20.0 * np.eye(3),
        frac=places / 20.0 + 0.5,
        numbers=[atomic_number(name) for name, _ in ions],
        charges=[q for _, q in ions],
        **changes,
    )


@pytest.mark.parametrize(
    ("centre", "charge", "ligand", "ligand_charge", "count", "length", "bound"),
    [
        ("S", 6, "O", -2, 4, 1.48, True),
        ("N", 5, "O", -2, 3, 1.25, True),
        ("Cl", 7, "O", -2, 4, 1.44, True),
        ("B", 3, "O", -2, 4, 1.48, True),
        ("B", 3, "F", -1, 4, 1.39, True),
        ("P", 5, "F", -1, 6, 1.60, True),
        ("V", 5, "O", -2, 4, 1.72, True),
        ("Cr", 6, "O", -2, 4, 1.65, True),
        ("W", 6, "O", -2, 4, 1.78, True),
        ("Ge", 4, "S", -2, 4, 2.21, True),
        ("Sb", 5, "S", -2, 4, 2.33, True),
        ("Al", 3, "H", -1, 4, 1.60, True),
        ("Be", 2, "F", -1, 4, 1.55, True),
        ("H", 1, "F", -1, 2, 1.13, True),  # F–H–F
        ("Ti", 4, "O", -2, 6, 1.96, False),
        ("Nb", 5, "O", -2, 6, 1.98, False),
        ("Y", 3, "Cl", -1, 6, 2.63, False),
        ("Sc", 3, "Cl", -1, 6, 2.49, False),
        ("Zn", 2, "Cl", -1, 4, 2.28, False),
        ("Mg", 2, "O", -2, 4, 1.95, False),
        ("Ge", 4, "O", -2, 6, 1.88, False),
        ("Li", 1, "Cl", -1, 2, 2.10, False),  # a mobile cation, however near
        ("Ag", 1, "I", -1, 2, 2.60, False),
    ],
)
def test_the_rule_around_one_centre(centre, charge, ligand, ligand_charge, count, length, bound):
    """Pauling: s = z/n, bound from s²/|q| = 0.42 on, around formers from 0.236 on."""
    crystal = molecule(centre, charge, ligand, ligand_charge, count, length)
    ion = MobileIon(atomic_number(ligand), float(ligand_charge))
    assert bound_fraction(crystal, ion) == float(bound)
    assert (bound_strength(crystal, ion) > 0.5) is bound


def test_strength_has_no_step_where_a_ligand_leaves_the_shell():
    """A fifth chloride moves away from AlCl4 in small steps, and the strength follows in such."""
    crystal = molecule("Al", 3, "Cl", -1, 4, 2.13)
    ion, found = MobileIon(17, -1.0), []
    for distance in np.arange(2.2, 3.4, 0.02):
        frac = np.vstack([crystal.frac, crystal.frac[0] + [0, 0, distance / 20.0]])
        five = replace(
            crystal, frac=frac, numbers=np.r_[crystal.numbers, 17],
            charges=np.r_[crystal.charges, -1.0], occupancies=np.ones(6),
        )  # fmt: skip
        four = bound_strength(five, ion) * 5.0
        found.append(four)
    assert np.abs(np.diff(found)).max() < 0.6
    assert found[-1] == pytest.approx(4.0 * bound_strength(crystal, ion), abs=1e-6)


def test_sites_that_exclude_each_other_make_no_bond():
    """Two full oxygens of charge −1 at 1.5 Å are a peroxide, two half-filled ones are one oxygen.

    So are two at 0.8 Å, whatever their occupancies: no pair of atoms is that close.
    """
    for distance, occupancy, bound in ((1.5, 1.0, 1.0), (1.5, 0.5, 0.0), (0.8, 0.7, 0.0)):
        pair = ionic(
            cell=20.0 * np.eye(3),
            frac=[[0.5, 0.5, 0.5], [0.5 + distance / 20.0, 0.5, 0.5]],
            numbers=[8, 8],
            charges=[-1.0, -1.0],
            occupancies=[occupancy] * 2,
        )
        assert bound_fraction(pair, MobileIon(8, -1.0)) == bound


@pytest.mark.parametrize(
    ("lengths", "bound"),
    [
        ([1.54, 1.54, 1.54, 1.54], 1.0),
        ([1.25, 1.25, 1.69, 1.75], 1.0),  # as in measured apatites and NASICONs
        ([1.21, 1.54, 1.60, 1.75], 1.0),
        ([1.54, 1.54, 1.54, 2.60], 0.75),  # an oxygen of the next phosphate
    ],
)
def test_a_polyanion_has_one_answer_however_distorted(lengths, bound):
    crystal = molecule("P", 5, "O", -2, 4, 1.0)
    directions = (crystal.frac[1:] - crystal.frac[0]) * 20.0
    places = np.vstack([np.zeros(3), np.array(lengths)[:, None] * directions])
    crystal = replace(crystal, frac=places / 20.0 + 0.5)
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == bound


def test_shells_of_one_kind_have_one_answer():
    """Six oxygens around Nb⁵⁺ are free from the regular octahedron to a bond 1.29 times longer."""
    regular = molecule("Nb", 5, "O", -2, 6, 1.9)
    ion, found, strengths = MobileIon(8, -2.0), [], []
    for stretch in np.arange(1.0, 1.29, 0.02):
        places = (regular.frac - 0.5) * np.where(np.arange(7) == 1, stretch, 1.0)[:, None]
        crystal = replace(regular, frac=places + 0.5)
        found.append(bound_fraction(crystal, ion))
        strengths.append(bound_strength(crystal, ion))
    assert found == [0.0] * len(found)
    assert np.diff(strengths).min() >= 0.0
    assert strengths[-1] > strengths[0]


def test_one_short_contact_takes_no_bond_from_the_others():
    """Ti–O of 1.49, 2.0 (four) and 2.69 Å, as reported for LiLaTiO4, is no free-standing TiO."""
    octahedron = molecule("Ti", 4, "O", -2, 6, 1.0)
    lengths = np.array([0.0, 1.49, 2.69, 2.0, 2.0, 2.0, 2.0])[:, None]
    crystal = replace(octahedron, frac=(octahedron.frac - 0.5) * lengths + 0.5)
    titanium = next(s for s in shells(crystal) if s.centre == 0)
    assert len(titanium.ligands) == 5
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == 0.0


def test_closed_shells_make_no_bond():
    """Ions of full charge, pushed together in a melt or a poor structure, are no molecule."""
    for charge, bound in ((-2.0, 0.0), (-1.0, 1.0)):
        pair = molecule("O", charge, "O", charge, 2, 1.5)
        assert bound_fraction(pair, MobileIon(8, charge)) == bound


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


CHAINS = [
    ("I", -1 / 3, 3, 2.92),  # triiodide
    ("N", -1 / 3, 3, 1.18),
    ("O", -0.5, 2, 1.34),  # superoxide
    ("S", -2 / 3, 3, 2.08),
    ("Se", -0.5, 4, 2.36),  # tetraselenide
    ("Te", -1.0, 2, 2.80),
    ("P", -1.0, 4, 2.22),
    ("C", -1.0, 2, 1.25),
]


@pytest.mark.parametrize(("element", "charge", "count", "length"), CHAINS)
def test_chains_of_one_anion_are_bound(element, charge, count, length):
    chain = np.array([[0.1 + i * length / 40.0, 0.5, 0.5] for i in range(count)])
    crystal = ionic(
        cell=40.0 * np.eye(3), frac=chain, numbers=[atomic_number(element)] * count,
        charges=[charge] * count,
    )  # fmt: skip
    ion = MobileIon(atomic_number(element), charge)
    assert bound_fraction(crystal, ion) == bound_strength(crystal, ion) == 1.0
    apart = replace(crystal, frac=chain * [1.6, 1.0, 1.0])
    assert bound_fraction(apart, ion) == bound_strength(apart, ion) == 0.0


def test_the_asked_cation_holds_nothing():
    """Chloride of AlCl4⁻ is bound beside Li⁺, and is not where Al³⁺ itself is asked about."""
    crystal = molecule("Al", 3, "Cl", -1, 4, 2.13)
    chloride = MobileIon.parse("Cl-")
    for cation, bound in ((None, 1.0), ("Li+", 1.0), ("Al3+", 0.0)):
        ion = None if cation is None else MobileIon.parse(cation)
        assert bound_fraction(crystal, chloride, cation=ion) == bound
        assert (bound_strength(crystal, chloride, cation=ion) > 0.5) is bool(bound)


def test_images_of_one_ligand_count_each():
    """Ti of a cubic perovskite has six oxygens of three sites: it is no TiO3."""
    perovskite = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]],
    )  # fmt: skip
    crystal = prepare(perovskite)
    titanium = next(s for s in shells(crystal) if crystal.numbers[s.centre] == 22)
    assert len(titanium.ligands) == 6
