"""Bound and free anions: known compounds, and the rule at its thresholds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ionic
from pymatgen.core import Lattice, Structure

from dualion.screening.bonding import bound_fraction, bound_strength, shells
from dualion.screening.ions import MobileIon, anions_of
from dualion.structures.elements import atomic_number
from dualion.structures.entry import prepare_entry
from dualion.structures.files import iter_raw_entries, read_structures, reference_paths
from dualion.structures.preparation import prepare

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BUNDLED = [
    ("Li3PO4_gamma", "O2-", 1.0),  # phosphate
    ("Li3PS4_gamma", "S2-", 1.0),  # thiophosphate
    ("Li3PS4_beta", "S2-", 1.0),
    ("Li7P3S11", "S2-", 1.0),  # PS4 and P2S7
    ("Li10GeP2S12", "S2-", 1.0),  # PS4 and GeS4
    ("Li4SnS4", "S2-", 1.0),  # thiostannate
    ("Na3SbS4_cubic", "S2-", 1.0),  # thioantimonate
    ("Na3PS4_tetragonal", "S2-", 1.0),
    ("Li4PS4I", "S2-", 1.0),
    ("Li4PS4I", "I-", 0.0),  # iodide between thiophosphates
    ("Li6PS5Cl", "S2-", 0.8),  # four sulfurs in PS4, one free
    ("Li6PS5Cl", "Cl-", 0.0),
    ("Li4SiO4", "O2-", 1.0),  # orthosilicate
    ("Li2SiO3", "O2-", 1.0),  # chains of silicate
    ("Li6SiO4Cl2", "O2-", 1.0),
    ("Li6SiO4Cl2", "Cl-", 0.0),
    ("Li2CO3", "O2-", 1.0),  # carbonate
    ("LiFePO4", "O2-", 1.0),
    ("LiTi2(PO4)3", "O2-", 1.0),  # phosphate in NASICON
    ("LiAlCl4", "Cl-", 1.0),  # tetrachloroaluminate
    ("LiGaBr4", "Br-", 1.0),  # tetrabromogallate
    ("Li3YCl6", "Cl-", 0.0),  # octahedra that share and exchange halides
    ("Li3YBr6", "Br-", 0.0),
    ("Li3InCl6", "Cl-", 0.0),
    ("Li3ErCl6", "Cl-", 0.0),
    ("Li3ErI6", "I-", 0.0),
    ("Na3AlF6", "F-", 0.0),
    ("Li2MgCl4", "Cl-", 0.0),
    ("Li2ZnI4", "I-", 0.0),
    ("KMgF3", "F-", 0.0),
    ("CaF2", "F-", 0.0),
    ("Li3N", "N3-", 0.0),
    ("Li3P", "P3-", 0.0),
    ("Li3OCl", "O2-", 0.0),  # antiperovskite
    ("Li5NCl2", "N3-", 0.0),
    ("Li2S", "S2-", 0.0),
    ("LiCoO2", "O2-", 0.0),
    ("LiNbO3", "O2-", 0.0),  # distorted octahedra of an oxide
    ("LiAlO2_gamma", "O2-", 0.0),  # a network of metal and oxide
    ("Li7La3Zr2O12_tetragonal", "O2-", 0.0),  # garnet
    ("Li7La3Zr2O12_cubic", "O2-", 0.0),
    ("CuI_gamma", "I-", 0.0),
    ("LiCl", "Cl-", 0.0),
]
MATERIALS = [
    ("LiN3", "N", 1.0), ("Li2SO4", "O", 1.0), ("Li2CrO4", "O", 1.0), ("Li2WO4", "O", 1.0),
    ("Li2MoO4", "O", 1.0), ("LiBF4", "F", 1.0), ("LiAsF6", "F", 1.0), ("Li2SiF6", "F", 1.0),
    ("Li2BeF4", "F", 1.0), ("LiBH4", "H", 1.0), ("LiAlH4", "H", 1.0), ("Li3BO3", "O", 1.0),
    ("LiHF2", "F", 1.0), ("LiCN", "N", 1.0), ("Li3AlF6", "F", 0.0),
    ("Li3InBr6", "Br", 0.0), ("Li2ZrO3", "O", 0.0), ("LiLaO2", "O", 0.0), ("LiGaS2", "S", 0.0),
]  # fmt: skip
"""Formula, anion and share; of several polymorphs the one of lowest energy among the rows."""


@pytest.mark.parametrize(("name", "anion", "bound"), BUNDLED)
def test_bundled_compounds(name, anion, bound):
    path = next(path for path in reference_paths() if path.stem == name)
    crystal = prepare(next(iter(read_structures([path]))).structure)
    assert bound_fraction(crystal, MobileIon.parse(anion)) == pytest.approx(bound, abs=0.02)


@pytest.fixture(scope="module")
def stable_rows():
    """The entry of lowest energy above the hull of each compound."""
    found = {}
    formulas = {formula for formula, _, _ in MATERIALS}
    for entry in iter_raw_entries([SHARED / "mp_li.jsonl.gz"]):
        formula = str(json.loads(entry.text).get("formula", ""))
        if formula not in formulas:
            continue
        energy = entry.metadata.get("energy_above_hull_ev_atom") or 0.0
        if formula not in found or energy < found[formula][0]:
            found[formula] = (energy, entry)
    return {formula: entry for formula, (_, entry) in found.items()}


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the rows of the Materials Project are not here")
@pytest.mark.parametrize(("formula", "anion", "bound"), MATERIALS)
def test_compounds_of_the_materials_project(stable_rows, formula, anion, bound):
    if formula not in stable_rows:
        pytest.skip(f"{formula} is not among the rows")
    crystal = prepare_entry(stable_rows[formula]).crystal
    ion = next(ion for ion in anions_of(crystal) if ion.element == anion)
    assert bound_fraction(crystal, ion) == bound


AZIDE = Structure.from_spacegroup(  # β-NaN3, N–N 1.18 Å
    "R-3m", Lattice.hexagonal(3.646, 15.223), ["Na", "N", "N"],
    [[0, 0, 0], [0, 0, 0.5], [0, 0, 0.4227]],
)  # fmt: skip
PEROXIDE = Structure.from_spacegroup(  # Li2O2, O–O 1.55 Å
    "P6_3/mmc", Lattice.hexagonal(3.142, 7.650), ["Li", "Li", "O"],
    [[0, 0, 0], [1 / 3, 2 / 3, 0.25], [1 / 3, 2 / 3, 0.649]],
)  # fmt: skip


@pytest.mark.parametrize(("structure", "anion"), [(AZIDE, "N"), (PEROXIDE, "O")])
def test_anions_bonded_to_each_other_are_bound(structure, anion):
    crystal = prepare(structure)
    ion = next(ion for ion in anions_of(crystal) if ion.element == anion)
    assert bound_fraction(crystal, ion) == bound_strength(crystal, ion) == 1.0


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


def test_images_of_one_ligand_count_each():
    """Ti of a cubic perovskite has six oxygens of three sites: free, not TiO3."""
    perovskite = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]],
    )  # fmt: skip
    crystal = prepare(perovskite)
    titanium = next(s for s in shells(crystal) if crystal.numbers[s.centre] == 22)
    assert len(titanium.ligands) == 6
    assert bound_fraction(crystal, MobileIon(8, -2.0)) == 0.0
