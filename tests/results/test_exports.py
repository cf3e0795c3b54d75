"""Other formats of a run: JSON lines, structures in a zip, names that every system takes."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

import pytest

from dualion.results.columns import CANDIDATES, SCHEMA_VERSION, SCREENED
from dualion.results.export import (
    _file_name,
    _parquet_value,
    cif_text,
    is_licensed,
    schema,
    write_json_lines,
    write_structures,
)
from dualion.structures.records import RawEntry

CIF = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs1 Cs 0 0 0
Cl1 Cl 0.5 0.5 0.5
"""
POSCAR = "CsCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"


def entry(text: str = CIF, form: str = "cif") -> RawEntry:
    return RawEntry(source="file", source_id="a", format=form, text=text)


def row(name: str, rank: int = 1, source: str = "file") -> dict[str, object]:
    return {"source": source, "source_id": name, "reduced_formula": "CsCl", "rank": rank}


def test_json_lines_have_null_for_unknown_and_text_for_infinity(tmp_path: Path) -> None:
    rows = [{"source_id": "ü", "e1d_cation_ev": math.inf, "e2d_cation_ev": math.nan, "reason": "",
             "n_sites": 3, "dai": False}]  # fmt: skip
    write_json_lines(tmp_path / "t.jsonl", rows, SCREENED)
    text = (tmp_path / "t.jsonl").read_text(encoding="utf-8")
    assert "ü" in text and text.endswith("}\n")
    found = json.loads(text)
    assert list(found) == [column.key for column in SCREENED]
    known = {key: value for key, value in found.items() if value is not None}
    assert known == {"source_id": "ü", "e1d_cation_ev": "inf", "n_sites": 3, "dai": False}
    assert schema()["schema_version"] == SCHEMA_VERSION
    first = schema()["tables"]["candidates"][0]
    assert set(first) == {"key", "kind", "unit", "meaning"}


def test_cells_of_parquet_are_numbers_or_nothing() -> None:
    number = next(c for c in SCREENED if c.kind == "number")
    text = next(c for c in SCREENED if c.kind == "text")
    assert _parquet_value(None, number) is _parquet_value("", text) is None
    assert _parquet_value(math.nan, number) is None
    assert _parquet_value(math.inf, number) == math.inf
    assert isinstance(_parquet_value(3, number), float)
    assert _parquet_value("x", text) == "x"


@pytest.mark.parametrize(
    ("source", "licensed"),
    [("icsd", True), ("icsd:api", True), ("file", False), ("mp:icsd", False)],
)
def test_sources_are_licensed_by_their_name(source: str, licensed: bool) -> None:
    assert is_licensed(source) is licensed


def test_an_archive_holds_each_structure_once_and_says_what_is_left_out(tmp_path: Path) -> None:
    rows = [row("a"), row("a", 2), row("b", 3), row("c", 4, "icsd"), row("d", 5, "icsd")]
    entries = {("file", "a"): entry(), ("icsd", "c"): entry(), ("icsd", "d"): entry()}
    counts = write_structures(tmp_path / "s.zip", rows, entries)
    assert counts == {"written": 1, "licensed": 2, "missing": 1}
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.namelist() == ["0001_CsCl_a.cif", "candidates.csv"]
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.compress_type == zipfile.ZIP_DEFLATED
        lines = archive.read("candidates.csv").decode().splitlines()
    assert lines[0] == ",".join(column.key for column in CANDIDATES)
    assert len(lines) == 6
    first = (tmp_path / "s.zip").read_bytes()
    write_structures(tmp_path / "s.zip", rows, entries)
    assert (tmp_path / "s.zip").read_bytes() == first


def test_names_of_files_are_short_and_plain() -> None:
    assert _file_name(row("x/../y z", 12)) == "0012_CsCl_x-..-y-z.cif"
    assert _file_name(row("a" * 300)) == f"0001_{('CsCl_' + 'a' * 300)[:100]}.cif"
    assert _file_name(row("a") | {"rank": None}) == "0000_CsCl_a.cif"


def test_a_structure_that_came_as_no_cif_is_written_as_one() -> None:
    assert cif_text(entry()) == CIF
    made = cif_text(entry(POSCAR, "poscar"))
    assert "_cell_length_a" in made and "Cs" in made and "Cl" in made
