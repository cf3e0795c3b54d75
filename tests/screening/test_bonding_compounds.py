"""Bound and free anions of known compounds, each for a reason of its chemistry."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from pymatgen.core import Composition, Lattice, Structure

from dualion.screening.bonding import bound_fraction, bound_strength
from dualion.screening.ions import MobileIon, anions_of
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
    ("LiN3", "N", 1.0), ("Li2CrO4", "O", 1.0), ("Li2WO4", "O", 1.0),
    ("Li2MoO4", "O", 1.0), ("LiBF4", "F", 1.0), ("LiAsF6", "F", 1.0), ("Li2SiF6", "F", 1.0),
    ("Li2BeF4", "F", 1.0), ("LiBH4", "H", 1.0), ("LiAlH4", "H", 1.0), ("Li3BO3", "O", 1.0),
    ("LiHF2", "F", 1.0), ("LiCN", "N", 1.0), ("Li3AlF6", "F", 0.0),
    ("Li3InBr6", "Br", 0.0), ("Li2ZrO3", "O", 0.0), ("LiLaO2", "O", 0.0), ("LiGaS2", "S", 0.0),
    ("LiBeH4NF4", "F", 1.0), ("LiBeH4NF4", "N", 1.0), ("LiSbF6", "F", 1.0), ("Li4P2O7", "O", 1.0),
    ("LiGaCl4", "Cl", 1.0), ("LiH2N", "N", 1.0), ("LiO2", "O", 1.0), ("LiNO2", "O", 1.0),
    ("LiReO4", "O", 1.0), ("LiAlSiO4", "O", 1.0), ("LiB3O5", "O", 1.0),
    ("Li4Be3P3BrO12", "O", 1.0), ("Li4Be3P3BrO12", "Br", 0.0), ("LiLaTi2O6", "O", 0.0),
    ("Li5La3Nb2O12", "O", 0.0), ("LiMn2O4", "O", 0.0), ("LiSbO3", "O", 0.0),
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
    crystal = prepare_entry(stable_rows[formula]).crystal
    ion = next(ion for ion in anions_of(crystal) if ion.element == anion)
    assert bound_fraction(crystal, ion) == bound


PUBLISHED = {
    "NaN3": (  # azide, N–N 1.18 Å
        "R-3m", Lattice.hexagonal(3.646, 15.223),
        {"Na": [[0, 0, 0]], "N": [[0, 0, 0.5], [0, 0, 0.4227]]}, {"N": 1.0},
    ),
    "Li2O2": (  # peroxide, O–O 1.55 Å
        "P6_3/mmc", Lattice.hexagonal(3.142, 7.650),
        {"Li": [[0, 0, 0], [1 / 3, 2 / 3, 0.25]], "O": [[1 / 3, 2 / 3, 0.649]]}, {"O": 1.0},
    ),
    "Na2O2": (  # peroxide, O–O 1.50 Å
        "P-62m", Lattice.hexagonal(6.208, 4.469),
        {"Na": [[0.297, 0, 0], [0.632, 0, 0.5]], "O": [[0, 0, 0.168], [1 / 3, 2 / 3, 0.333]]},
        {"O": 1.0},
    ),
    "Na2S2": (  # disulfide, the isotype, S–S 2.15 Å
        "P-62m", Lattice.hexagonal(7.637, 5.112),
        {"Na": [[0.297, 0, 0], [0.632, 0, 0.5]], "S": [[0, 0, 0.21], [1 / 3, 2 / 3, 0.29]]},
        {"S": 1.0},
    ),
    "CaC2": (  # acetylide, C≡C 1.20 Å
        "I4/mmm", Lattice.tetragonal(3.89, 6.38), {"Ca": [[0, 0, 0]], "C": [[0, 0, 0.406]]},
        {"C": 1.0},
    ),
    "KHF2": (  # hydrogen difluoride, F–H–F, H–F 1.14 Å
        "I4/mcm", Lattice.tetragonal(5.67, 6.81),
        {"K": [[0, 0, 0.25]], "H": [[0, 0.5, 0]], "F": [[0.142, 0.642, 0]]}, {"F": 1.0},
    ),
    "LiOH": (  # hydroxide, O–H 0.92 Å
        "P4/nmm", Lattice.tetragonal(3.549, 4.334),
        {"Li": [[0, 0, 0]], "O": [[0, 0.5, 0.195]], "H": [[0, 0.5, 0.407]]},
        {"O": 1.0},
    ),
    "CaWO4": (  # scheelite, discrete WO4
        "I4_1/a", Lattice.tetragonal(5.243, 11.376),
        {"Ca": [[0, 0, 0.5]], "W": [[0, 0, 0]], "O": [[0.2415, 0.1504, 0.0861]]},
        {"O": 1.0},
    ),
    "K2PtCl6": (  # complex anion of an inert centre, which keeps its chlorides in solution
        "Fm-3m", Lattice.cubic(9.751),
        {"K": [[0.25, 0.25, 0.25]], "Pt": [[0, 0, 0]], "Cl": [[0.238, 0, 0]]}, {"Cl": 1.0},
    ),
    "Na4Al3Si3ClO12": (  # sodalite: oxygen bridges Al and Si, chloride sits in the cage
        "P-43n", Lattice.cubic(8.882),
        {"Na": [[0.178, 0.178, 0.178]], "Al": [[0.25, 0, 0.5]], "Si": [[0.25, 0.5, 0]],
         "Cl": [[0, 0, 0]], "O": [[0.139, 0.1494, 0.4383]]}, {"O": 1.0, "Cl": 0.0},
    ),
    "SrTiO3": (  # perovskite, octahedra of a metal
        "Pm-3m", Lattice.cubic(3.905),
        {"Sr": [[0, 0, 0]], "Ti": [[0.5, 0.5, 0.5]], "O": [[0.5, 0.5, 0]]}, {"O": 0.0},
    ),
    "ScF3": (  # the same without the large cation
        "Pm-3m", Lattice.cubic(4.01), {"Sc": [[0, 0, 0]], "F": [[0.5, 0, 0]]}, {"F": 0.0},
    ),
    "LaOF": (  # fluorite: eight large neighbours hold neither
        "P4/nmm", Lattice.tetragonal(4.091, 5.852),
        {"La": [[0, 0.5, 0.222]], "O": [[0, 0, 0]], "F": [[0, 0, 0.5]]},
        {"O": 0.0, "F": 0.0},
    ),
    "CsPbBr3": (  # lead halide, in which bromide moves
        "Pm-3m", Lattice.cubic(5.874),
        {"Cs": [[0, 0, 0]], "Pb": [[0.5, 0.5, 0.5]], "Br": [[0.5, 0.5, 0]]}, {"Br": 0.0},
    ),
}  # fmt: skip
"""Space group, cell in Å, sites, and the bound share of each anion."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_structures(name):
    group, lattice, sites, expected = PUBLISHED[name]
    species = [element for element, places in sites.items() for _ in places]
    places = [place for of_element in sites.values() for place in of_element]
    structure = Structure.from_spacegroup(group, lattice, species, places)
    assert structure.composition.reduced_composition == Composition(name).reduced_composition
    crystal = prepare(structure)
    for ion in anions_of(crystal):
        assert bound_fraction(crystal, ion) == expected[ion.element]
        assert (bound_strength(crystal, ion) > 0.5) is (expected[ion.element] == 1.0)


MEASURED = [
    ("97p", "S2-", 0.8),  # Li6PS5Cl
    ("97p", "Cl-", 0.0),
    ("mq1", "S2-", 1.0),  # Li3SbS4: as Na3SbS4
    ("1e9", "S2-", 1.0),  # Li3SbS3, pyramids
    ("qno", "O2-", 1.0),  # LiTi2(PO4)3 with distorted phosphates
    ("00x", "O2-", 1.0),  # LiGd(PO3)4
    ("kfp", "O2-", 1.0),  # BaLi2P2O7
    ("lrh", "O2-", 1.0),  # Li5V4(PO4)6
    ("hai", "O2-", 1.0),  # apatite
    ("h6c", "O2-", 1.0),  # Li3VO4
    ("rwr", "P3-", 1.0),  # Li8GeP4
    ("fwz", "S2-", 1.0),  # Li2SiS3
    ("an2", "Cl-", 0.0),  # Li6SiO4Cl2
    ("gas", "O2-", 0.0),  # Li–La–Ti oxide
    ("nua", "O2-", 0.0),  # LiLaTiO4
    ("68u", "O2-", 0.0),  # garnet with Nb
    ("hcm", "O2-", 0.0),  # Li5La3Ta2O12
    ("wyu", "O2-", 0.0),  # Li7La3Zr2O12
    ("xas", "S2-", 0.0),  # Li2SnS3, octahedra
    ("kkn", "N3-", 0.0),  # Li6NBr3
    ("dvn", "Cl-", 0.0),  # Li2MgCl4
    ("95j", "H-", 0.0),  # Li3AlH6
]
"""File of OBELiX, anion and share."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("obelix")
    names = {name for name, _, _ in MEASURED}
    with tarfile.open(SHARED / "obelix" / "train_cifs.tar.gz") as archive:
        for member in archive:
            if Path(member.name).stem in names:
                archive.extract(member, folder, filter="data")
    return {path.stem: path for path in folder.rglob("*.cif")}


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the measured structures are not here")
@pytest.mark.parametrize(("name", "anion", "bound"), MEASURED)
def test_measured_structures(measured, name, anion, bound):
    (entry,) = iter_raw_entries([measured[name]])
    crystal = prepare_entry(entry).crystal
    assert bound_fraction(crystal, MobileIon.parse(anion)) == pytest.approx(bound, abs=0.02)
