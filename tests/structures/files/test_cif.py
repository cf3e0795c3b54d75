"""What real CIFs do: blocks, uncertainties, charges, symbols without operators, gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from dualion.structures.errors import UnreadableStructureError
from dualion.structures.files import parse_entry, read_structures
from dualion.structures.records import RawEntry, Rejection, StructureRecord

CELL = """_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha {alpha}
_cell_angle_beta {alpha}
_cell_angle_gamma {gamma}
"""
LOOP = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n"
LOOP += "_atom_site_fract_z\n_atom_site_occupancy\n"
CUBIC = CELL.format(a="5.64(1)", c="5.64(1)", alpha=90, gamma=90)


def parse(text: str) -> StructureRecord:
    return parse_entry(RawEntry(source="t", source_id="t", format="cif", text=text))


def reason(text: str) -> str:
    with pytest.raises(UnreadableStructureError) as caught:
        parse(text)
    assert len(str(caught.value)) > 30
    return caught.value.reason


def block(atoms: str, head: str = "", cell: str = CUBIC) -> str:
    return f"data_x\n{head}{cell}{LOOP}{atoms}\n"


def test_blocks_become_entries_and_journal_blocks_none(tmp_path: Path) -> None:
    path = tmp_path / "many.cif"
    text = "data_global\n_journal_name 'Acta'\n_text\n;\ndata_trap\n_cell_length_a 1\n;\n"
    text += block("Na1 Na 0 0 0 1").replace("data_x", "data_one")
    text += block("K1 K 0 0 0 1").replace("data_x", "DATA_two") + block("Li1 Li 0 0 0 1")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    found = list(read_structures([path]))
    assert [r.source_id for r in found] == ["many.cif#one", "many.cif#two", "many.cif#x"]
    assert all(isinstance(r, StructureRecord) for r in found)


@pytest.mark.parametrize("text", ["no cif at all\n", "data_x\n_journal_name 'Acta'\n", "\n\n"])
def test_a_cif_without_structure_is_a_rejection(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.cif").write_text(text)
    (found,) = read_structures([tmp_path])
    assert isinstance(found, Rejection)
    assert found.reason == "no_structure"


def test_latin_1_bytes_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "data_x\n_publ_author_name 'Müller'\n" + block("Na1 Na 0 0 0 1")[7:]
    (tmp_path / "a.cif").write_bytes(text.encode("latin-1"))
    (tmp_path / "b.cif").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "c.cif").write_bytes(text.encode("utf-16"))
    first, second, third = read_structures([tmp_path])
    assert isinstance(first, StructureRecord)
    assert isinstance(second, StructureRecord)
    assert isinstance(third, Rejection)
    assert third.reason == "not_text"


def test_metadata_of_the_block() -> None:
    head = "_diffrn_ambient_temperature 293(2)\n_chemical_formula_sum 'Na1 Cl1'\n"
    record = parse(block("Na1 Na 0 0 0 1\nCl1 Cl .5 .5 .5 1", head + "_database_code_ICSD 1234\n"))
    assert record.metadata["temperature_k"] == 293.0
    assert record.metadata["stated_formula"] == "Na1 Cl1"
    assert record.metadata["stated_formula_agrees"] is True
    assert record.metadata["database_code"] == "ICSD 1234"
    wrong = parse(block("Na1 Na 0 0 0 1", head))
    assert wrong.metadata["stated_formula_agrees"] is False


def test_partial_occupancies_are_kept_and_small_excess_is_scaled() -> None:
    record = parse(block("A Li 0 0 0 0.33(1)\nB Na 0 0 0 0.5\nC I 0.5 0.5 0.5 .\nD O 0 0 0.5 1.02"))
    by_site = {tuple(np.round(s.frac_coords, 3)): s.species for s in record.structure}
    assert by_site[0.0, 0.0, 0.0].as_dict() == {"Li": 0.33, "Na": 0.5}
    assert by_site[0.5, 0.5, 0.5].as_dict() == {"I": 1.0}
    assert by_site[0.0, 0.0, 0.5].as_dict() == {"O": 1.0}


def test_oxidation_states_of_the_table_and_of_the_symbols() -> None:
    table = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nFe2+ 2\nFe3+ 3\nO2- -2\n"
    atoms = "A Fe2+ 0 0 0 0.5\nB Fe3+ 0 0 0 0.5\nC O2- 0.5 0.5 0.5 1"
    record = parse(block(atoms, table))
    assert {str(s): n for s, n in record.structure.composition.items()} == {
        "Fe2+": 0.5,
        "Fe3+": 0.5,
        "O2-": 1.0,
    }
    plain = parse(block("A LI1+ 0 0 0 1\nB S2- .5 .5 .5 .5\nC I- 0 .5 .5 1"))
    assert {str(s) for s in plain.structure.composition} == {"Li+", "S2-", "I-"}
    some = parse(block("A Li1+ 0 0 0 1\nB Cl .5 .5 .5 1"))
    assert {str(s) for s in some.structure.composition} == {"Li", "Cl"}
    assert "some sites only" in str(some.metadata["reader_warnings"])
    zeros = parse(block("A Li 0 0 0 1", table.replace("Fe2+ 2\nFe3+ 3\nO2- -2", "Li 0")))
    assert [str(s) for s in zeros.structure.composition] == ["Li"]


def test_vacancies_and_dummies_are_no_atoms() -> None:
    record = parse(block("Va1 Va 0 0 0 0.5\nLi1 Li 0 0 0 0.5\nX Vac .5 .5 .5 1\nO1 O 0 0 .5 0"))
    assert record.structure.composition.as_dict() == {"Li": 0.5}
    assert "vacancy" in str(record.metadata["reader_warnings"])
    assert "occupancy 0" in str(record.metadata["reader_warnings"])


def test_broken_loops_elsewhere_do_no_harm() -> None:
    text = block("Na1 Na 0 0 0 1") + "loop_\n_geom_a\n_geom_b\n1 2 3\n_publ_x 'it's O'\n"
    assert parse(text).structure.composition.as_dict() == {"Na": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (block("H1 H ? ? ? 1\nO1 O 0 0 0 1"), "missing_coordinates"),
        (block("H1 H . . . 1"), "missing_coordinates"),
        (block("Q1 Qq 0 0 0 1"), "unknown_element"),
        (block("M1 M 0 0 0 1"), "unknown_element"),
        (block("A Li 0 0 0 1\nB Na 0 0 0 1"), "occupancy_above_one"),
        (block("A Li 0 0 0 -0.2"), "bad_occupancy"),
        (block("A Li 0 0 0 7"), "bad_occupancy"),
        (block("A Li 0 0 1e30 1"), "bad_number"),
        (block("Va1 Va 0 0 0 1"), "no_atoms"),
        (block("A Li 0 0 0 1", cell=""), "no_cell"),
        (block("A Li 0 0 0 1", cell=CUBIC.replace("5.64(1)", "?")), "no_cell"),
        (block("A Li 0 0 0 1", cell=CUBIC.replace("beta 90", "beta ?")), "no_cell"),
        ("data_x\n" + CUBIC, "no_coordinates"),
        (block("A Li 0 0 0"), "no_coordinates"),
        (block("A Li 0 0 0 1", "_cell_modulation_dimension 1\n"), "modulated"),
        (block("A Li 0 0 0 1", "_symmetry_space_group_name_H-M 'Q 9 9'\n"), "unknown_space_group"),
        (block("A Li 0 0 0 1", "_symmetry_equiv_pos_as_xyz 'import os'\n"), "bad_symmetry"),
        (block("A Li 0 0 0 1", "_symmetry_equiv_pos_as_xyz 'x/0, y, z'\n"), "bad_symmetry"),
        (block("A Li 0 0 0 1", "_space_group_IT_number 194\n"), "bad_symmetry"),
    ],
)
def test_a_wrong_block_is_refused_with_its_reason(text: str, expected: str) -> None:
    assert reason(text) == expected


SPINEL = Structure.from_spacegroup(
    "Fd-3m", Lattice.cubic(8.08), ["Mg", "Al", "O"], [[0.0] * 3, [0.625] * 3, [0.3875] * 3]
)
"""MgAl2O4 in origin 1, which is what pymatgen takes "Fd-3m" for: 8a, 16d, 32e."""


@pytest.mark.parametrize("symbol", ["F d -3 m :2", "F d -3 m Z", "Fd-3mz", "F d -3 m"])
def test_a_symbol_without_operators_is_read_in_the_setting_it_names(symbol: str) -> None:
    head = f"_symmetry_space_group_name_H-M '{symbol}'\n_chemical_formula_sum 'Mg Al2 O4'\n"
    atoms = "Mg1 Mg 0.125 0.125 0.125 1\nAl1 Al 0.5 0.5 0.5 1\nO1 O 0.2625 0.2625 0.2625 1"
    record = parse(block(atoms, head, CELL.format(a=8.08, c=8.08, alpha=90, gamma=90)))
    assert len(record.structure) == len(SPINEL) == 56
    assert record.metadata["symmetry_from_symbol"] is True
    assert StructureMatcher(primitive_cell=False, scale=False).fit(record.structure, SPINEL)


def test_origin_1_is_found_by_the_suffix_and_by_the_formula() -> None:
    # Origin 1 lies at -1/8, -1/8, -1/8 of origin 2 (International Tables A, No. 227).
    atoms = "Mg1 Mg 0 0 0 1\nAl1 Al .625 .625 .625 1\nO1 O .3875 .3875 .3875 1"
    cell = CELL.format(a=8.08, c=8.08, alpha=90, gamma=90)
    for symbol in ("F d -3 m S", "F d -3 m :1", "F d -3 m"):
        head = f"_space_group_name_H-M_alt '{symbol}'\n_chemical_formula_sum 'Mg Al2 O4'\n"
        structure = parse(block(atoms, head, cell)).structure
        assert StructureMatcher(primitive_cell=False, scale=False).fit(structure, SPINEL)


def test_hexagonal_and_rhombohedral_cells_of_one_symbol() -> None:
    head = "_space_group_name_H-M_alt 'R -3 m'\n"
    hexagonal = CELL.format(a=2.8, c=14.0, alpha=90, gamma=120)
    rhombohedral = CELL.format(a=4.94, c=4.94, alpha=33, gamma=33)
    atoms = "Li1 Li 0 0 0 1\nO1 O 0 0 0.5 1"
    assert len(parse(block(atoms, head, hexagonal)).structure) == 6
    atoms = "Li1 Li 0 0 0 1\nO1 O 0.5 0.5 0.5 1"
    assert len(parse(block(atoms, head, rhombohedral)).structure) == 2


def test_the_operators_of_the_file_win_over_its_symbol() -> None:
    head = "_symmetry_space_group_name_H-M 'I 41/a m d Q'\nloop_\n_symmetry_equiv_pos_as_xyz\n"
    record = parse(block("Li1 Li 0.1 0.2 0.3 1", head + "'x, y, z'\n'-x,-y,-z'\n"))
    assert len(record.structure) == 2
    odd = CUBIC.replace("_cell_length_c 5.64(1)", "_cell_length_c 7")
    head = "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n'z, x, y'\n'y, z, x'\n"
    assert parse(block("Li1 Li 0 0 0 1", head, odd)).metadata["symmetry_fits_cell"] is False


GOOD = block(
    "Li1 Li1+ 0 0 0 0.5\nI1 I1- 0.5 0.5(1) 0.5 1",
    "_chemical_formula_sum 'Li I'\n_symmetry_space_group_name_H-M 'P 1'\n"
    "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nLi1+ 1\nI1- -1\n",
)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def survives(format_: str, text: str) -> None:
    try:
        record = parse_entry(RawEntry(source="t", source_id="t", format=format_, text=text))
    except UnreadableStructureError:
        return
    assert len(record.structure) > 0
    assert np.isfinite(record.structure.cart_coords).all()


@QUIET
@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.text(max_size=8))
def test_cut_and_spoilt_cifs_raise_only_our_error(start: int, stop: int, noise: str) -> None:
    survives("cif", GOOD[:stop])
    survives("cif", GOOD[:start] + noise + GOOD[start + len(noise) :])


@QUIET
@given(
    st.sampled_from(["cif", "poscar", "extxyz", "jsonl_row", "pymatgen_json", "none"]), st.text()
)
def test_random_text_raises_only_our_error(format_: str, text: str) -> None:
    survives(format_, text)


POSCAR = "LiI\n1.0\n4 0 0\n0 5 0\n0 0 6\nLi I\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
FRAME = '2\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3\nLi 0 0 0\nI 2 2 2\n'


@QUIET
@given(st.sampled_from([POSCAR, FRAME]), st.integers(0, 90), st.text(max_size=6))
def test_spoilt_poscars_and_frames_raise_only_our_error(text: str, at: int, noise: str) -> None:
    format_ = "poscar" if text is POSCAR else "extxyz"
    survives(format_, text[:at])
    survives(format_, text[:at] + noise + text[at + 1 :])


NAMES = ["x.cif", "x.vasp", "x.xyz", "x.json", "x.jsonl", "x.cif.gz", "x.zip", "x.tar", "x.tar.xz"]


@QUIET
@given(st.sampled_from(NAMES), st.binary(min_size=1, max_size=700))
def test_random_files_give_records_or_rejections(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    (folder / name).write_bytes(data)
    for item in read_structures([folder]):
        assert isinstance(item, (Rejection, StructureRecord))
