"""ICSD exports: synthetic entries of ICSD's shape with the quirks injected, and their collapse."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from source_servers import icsd_cif

from dualion.structures.files import parse_entry
from dualion.structures.records import RawEntry, Rejection, StructureRecord
from dualion.structures.sources import (
    IcsdExportSource,
    Selection,
    SourceQuery,
    select,
    standard_filters,
)
from dualion.structures.sources.prefilters import MeasurementLimits


def entries(*texts: str | bytes, folder: Path, **options: object) -> list[RawEntry | Rejection]:
    for number, text in enumerate(texts):
        data = text if isinstance(text, bytes) else text.encode()
        (folder / f"part{number}.cif").write_bytes(data)
    return list(IcsdExportSource(paths=(folder,), **options).entries())  # type: ignore[arg-type]


def only(text: str | bytes, folder: Path) -> StructureRecord:
    (entry,) = entries(text, folder=folder)
    assert isinstance(entry, RawEntry), entry
    return parse_entry(entry)


OLD = (
    "_cell_measurement_temperature 573.\n_cell_measurement_pressure 2000000.\n"
    "_refine_ls_R_factor_all .034"
)
NEW = "_diffrn_ambient_temperature 573\n_diffrn_ambient_pressure 2.0E6\n_refine_ls_R_factor_gt 3.4"


@pytest.mark.parametrize("extra", [OLD, NEW], ids=["old_tags", "new_tags"])
def test_conditions_quality_and_reference(tmp_path: Path, extra: str) -> None:
    metadata = only(icsd_cif(1234, extra=extra), tmp_path).metadata
    expected = {
        "temperature_k": 573.0,
        "pressure_gpa": 2.0,
        "r_value": pytest.approx(0.034),
        "year": 1984.0,
        "theoretical": False,
        "collection_code": "1234",
        "experimental_ids": "icsd-1234",
        "reference": "Journal of Examples, 1984, 12, 345",
        "stated_formula_agrees": True,
    }
    for key, value in expected.items():
        assert metadata[key] == value, key


@pytest.mark.parametrize("shape", ["folder", "zip", "one_file"])
def test_folder_zip_and_one_file_give_the_same_codes(tmp_path: Path, shape: str) -> None:
    texts = [icsd_cif(code) for code in (11, 12, 13)]
    if shape == "one_file":
        (tmp_path / "all.cif").write_text("".join(texts))
    elif shape == "zip":
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for number, text in enumerate(texts):
                archive.writestr(f"EntryWithCollCode{number}.cif", text)
    else:
        for number, text in enumerate(texts):
            (tmp_path / f"EntryWithCollCode{number}.cif").write_text(text)
    found = list(IcsdExportSource(paths=(tmp_path,)).entries())
    assert [entry.source_id for entry in found] == ["icsd-11", "icsd-12", "icsd-13"]


def test_the_same_code_twice_stays_two_entries(tmp_path: Path) -> None:
    found = entries(icsd_cif(7) + icsd_cif(7), folder=tmp_path)
    assert [entry.source_id for entry in found] == ["icsd-7", "icsd-7~2"]


def _changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


BASE = icsd_cif(1)
I_ROW = "I1 I1- 4 b .5 .5 .5 1.00002 0"
TEXT_BLOCK = "_publ_section_title\n;\nloop_ and data_ and _cell_length_a 3\nin a title\n;\n"
FULL = {"Li": 4.0, "I": 4.0}
QUIRKS: dict[str, tuple[str | bytes, dict[str, float]]] = {
    "plain": (BASE, FULL),
    "attached_point_numbers": (_changed(BASE, ("_cell_length_a 6.0", "_cell_length_a 6.")), FULL),
    "wrapped_loop_row": (_changed(BASE, (I_ROW, "I1 I1- 4 b .5 .5\n.5\n1.00002 0")), FULL),
    "text_block": (_changed(BASE, ("_cell_length_a", TEXT_BLOCK + "_cell_length_a")), FULL),
    "shared_site": (
        _changed(BASE, (I_ROW, "I1 I1- 4 b .5 .5 .5 0.7500 0\nCl1 Cl1- 4 b .5 .5 .5 0.25 0")),
        {"Li": 4.0, "I": 3.0, "Cl": 1.0},
    ),
    "fractional_oxidation_number": (
        _changed(BASE, ("I1- -1", "I0.5- -0.5"), (I_ROW, "I1 I0.5- 4 b .5 .5 .5 1. 0")),
        FULL,
    ),
    "duplicate_oxidation_number": (_changed(BASE, ("I1- -1", "I1- -1\nI1- -1")), FULL),
    "zero_charge": (
        _changed(
            BASE, ("Li1+ 1\nI1- -1", "Li0+ 0\nI0+ 0"), ("Li1+ 4", "Li0+ 4"), ("I1- 4", "I0+ 4")
        ),
        FULL,
    ),
    "setting_suffix_trusts_the_operators": (
        _changed(BASE, ("'F m -3 m'", "'F m -3 m S'")),
        FULL,
    ),
    "latin_1": (_changed(BASE, ("made up", "h\xfcbsch")).encode("latin-1"), FULL),
    "deuterium": (
        _changed(
            BASE,
            ("'I1 Li1'", "'D1 Li1'"),
            ("I1- -1", "D1- -1"),
            (I_ROW, "D1 D1- 4 b .5 .5 .5 1. 0"),
        ),
        {"Li": 4.0, "H": 4.0},
    ),
}


@pytest.mark.parametrize("name", list(QUIRKS))
def test_quirk(name: str, tmp_path: Path) -> None:
    text, expected = QUIRKS[name]
    record = only(text, tmp_path)
    found: dict[str, float] = {}
    for kind, amount in record.structure.composition.items():
        found[kind.symbol] = found.get(kind.symbol, 0.0) + amount
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(record.structure.lattice.abc, 6.0)


@pytest.mark.parametrize("coordinate", [".", "?"])
def test_coordinates_that_are_missing_are_a_rejection(tmp_path: Path, coordinate: str) -> None:
    text = _changed(BASE, (I_ROW, f"I1 I1- 4 b {coordinate} {coordinate} {coordinate} 1. 0"))
    (found,) = select(entries(text, folder=tmp_path), Selection(deduplicate=True))
    assert isinstance(found, Rejection) and found.reason == "missing_coordinates"


def test_missing_hydrogens_are_flagged(tmp_path: Path) -> None:
    text = _changed(
        BASE,
        ("'I1 Li1'", "'H1 Li1 O1'"),
        ("I1- -1", "O2- -2"),
        (I_ROW, "O1 O2- 4 b .5 .5 .5 1. 1"),
    )
    metadata = only(text, tmp_path).metadata
    assert metadata["stated_formula_agrees"] is False
    assert metadata["implicit_hydrogens"] is True


@pytest.mark.parametrize(
    ("extra", "theoretical"),
    [
        ("_exptl_special_details 'Structure calculated theoretically'", True),
        ("_publ_section_comment\n;\nab initio (DFT) calculation\n;", True),
        ("_refine_ls_R_factor_all 0.05", False),
        ("", None),
    ],
)
def test_theoretical_entries(tmp_path: Path, extra: str, theoretical: bool | None) -> None:
    assert only(icsd_cif(1, extra=extra), tmp_path).metadata.get("theoretical") is theoretical


def test_a_whole_export_can_be_called_theoretical(tmp_path: Path) -> None:
    (entry,) = entries(icsd_cif(1), folder=tmp_path, theoretical=True)
    assert entry.metadata["theoretical"] is True  # type: ignore[union-attr]
    assert "experimental_ids" not in entry.metadata  # type: ignore[union-attr]


def _measured(
    code: int, *, temperature: str, r: str, pressure: str = "?", cell: float = 6.0
) -> str:
    extra = (
        f"_cell_measurement_temperature {temperature}\n_cell_measurement_pressure {pressure}\n"
        f"_refine_ls_R_factor_all {r}"
    )
    return icsd_cif(code, extra=extra, lattice_angstrom=cell)


def test_filters_on_measurements_name_themselves(tmp_path: Path) -> None:
    found = entries(
        _measured(1, temperature="293", r="0.03")
        + _measured(2, temperature="293", r="0.25")
        + _measured(3, temperature="900", r="0.03")
        + _measured(4, temperature="293", r="0.03", pressure="5.0E6")
        + icsd_cif(5),
        folder=tmp_path,
    )
    limits = MeasurementLimits(max_r_value=0.1, max_temperature_k=400.0, max_pressure_gpa=0.1)
    filters = standard_filters(SourceQuery(), cation="Li", measurement=limits)
    outcome = [getattr(e, "reason", "ok") for e in select(found, Selection(filters=filters))]
    assert outcome == [
        "ok",
        "high_r_value",
        "temperature_out_of_range",
        "high_pressure",
        "ok",  # what says nothing of its measurement is kept
    ]
    early = standard_filters(SourceQuery(), measurement=MeasurementLimits(min_year=1990))
    assert {e.reason for e in select(found, Selection(filters=early))} == {"year_out_of_range"}  # type: ignore[union-attr]


def test_duplicates_of_a_phase_collapse_to_the_best_measured_one(tmp_path: Path) -> None:
    found = entries(
        _measured(1, temperature="900", r="0.01", cell=6.15)
        + _measured(2, temperature="295", r="0.08", cell=6.02)
        + _measured(3, temperature="290", r="0.03", cell=6.01)
        + _measured(4, temperature="293", r="0.02", pressure="9.0E6", cell=5.6)
        + icsd_cif(5, lattice_angstrom=6.0)
        + icsd_cif(6, lattice_angstrom=5.13, anion="Cl"),
        folder=tmp_path,
    )
    outcome = list(select(found, Selection(deduplicate=True)))
    kept = [entry for entry in outcome if isinstance(entry, RawEntry)]
    assert [entry.source_id for entry in kept] == ["icsd-3", "icsd-6"]
    assert kept[0].metadata["duplicates"] == "icsd:icsd-2; icsd:icsd-5; icsd:icsd-1; icsd:icsd-4"
    dropped = [entry for entry in outcome if isinstance(entry, Rejection)]
    assert {entry.reason for entry in dropped} == {"duplicate"}
    assert all("icsd:icsd-3" in entry.message for entry in dropped)
