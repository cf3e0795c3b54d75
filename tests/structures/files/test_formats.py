"""Every format against what pymatgen and ASE write, and the naming of entries."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from dualion.structures.errors import InputError, UnreadableStructureError
from dualion.structures.files import (
    ReadLimits,
    count_entries,
    iter_raw_entries,
    parse_entry,
    read_structures,
    reference_paths,
)
from dualion.structures.records import RawEntry, Rejection, StructureRecord

CHARGED = Structure(
    Lattice.from_parameters(4.1, 5.2, 6.3, 80, 95, 107),
    [{"Li+": 0.5, "Na+": 0.25}, "I-", "O2-"],
    [[0.01, 0.12, 0.23], [0.5, 0.61, 0.42], [0.77, 0.3, 0.9]],
)
NEUTRAL = Structure(
    Lattice.from_parameters(4.1, 5.2, 6.3, 80, 95, 107),
    ["Li", "I", "O"],
    [[0.01, 0.12, 0.23], [0.5, 0.61, 0.42], [0.77, 0.3, 0.9]],
)


def records(*paths: Path | str, **limits: int) -> list[StructureRecord | Rejection]:
    return list(read_structures(paths, limits=ReadLimits(**limits)))


def only(path: Path) -> StructureRecord:
    (record,) = records(path)
    assert isinstance(record, StructureRecord), record
    return record


def assert_same(found: Structure, expected: Structure, tolerance: float = 1e-5) -> None:
    """Same distances between the same species; the orientation of the cell is free."""
    np.testing.assert_allclose(found.lattice.parameters, expected.lattice.parameters, atol=1e-4)
    key = lambda site: (str(site.species), *np.round(site.frac_coords % 1, 3))  # noqa: E731
    ours, theirs = sorted(found, key=key), sorted(expected, key=key)
    assert [s.species for s in ours] == [s.species for s in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        difference = mine.frac_coords - other.frac_coords
        np.testing.assert_allclose(difference - np.round(difference), 0, atol=tolerance)


@pytest.mark.parametrize("structure", [CHARGED, NEUTRAL], ids=["charged_disordered", "neutral"])
def test_cif_written_by_pymatgen_comes_back(tmp_path: Path, structure: Structure) -> None:
    path = tmp_path / "x.cif"
    structure.to(str(path), fmt="cif")
    assert_same(only(path).structure, structure)


@pytest.mark.parametrize("name", ["POSCAR", "CONTCAR.relax1", "a.vasp", "POSCAR_LiIO"])
def test_poscar_written_by_pymatgen_comes_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(NEUTRAL.to(fmt="poscar"))
    record = only(path)
    assert record.source_id == name
    assert_same(record.structure, NEUTRAL)


def test_poscar_of_vasp_4_needs_its_elements(tmp_path: Path) -> None:
    lines = NEUTRAL.to(fmt="poscar").split("\n")
    old = [line.rsplit(" ", 1)[0] if i > 6 and line else line for i, line in enumerate(lines)]
    named, nameless = tmp_path / "a.vasp", tmp_path / "b.vasp"
    named.write_text("\n".join(["Li I O", *old[1:5], *old[6:]]))
    nameless.write_text("\n".join(["my cell", *old[1:5], *old[6:]]))
    assert_same(only(named).structure, NEUTRAL)
    (rejected,) = records(nameless)
    assert isinstance(rejected, Rejection)
    assert rejected.reason == "no_elements"


def test_extxyz_written_by_ase_gives_one_entry_per_periodic_frame(tmp_path: Path) -> None:
    from ase import Atoms
    from ase.io import write
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(NEUTRAL)
    shifted = atoms.copy()
    shifted.positions += 0.1
    shifted.set_array("forces", np.zeros((3, 3)))
    slab = atoms.copy()
    slab.pbc = [True, True, False]
    path = tmp_path / "run.extxyz"
    write(path, [atoms, Atoms("H2", [[0, 0, 0], [0, 0, 1]]), shifted, slab], format="extxyz")
    first, molecule, third, two_dimensional = records(path)
    assert isinstance(first, StructureRecord)
    assert isinstance(third, StructureRecord)
    assert first.source_id == "run.extxyz#1"
    assert_same(first.structure, NEUTRAL)
    np.testing.assert_allclose(
        third.structure.cart_coords - first.structure.cart_coords, 0.1, atol=1e-6
    )
    assert isinstance(molecule, Rejection)
    assert (molecule.source_id, molecule.reason) == ("run.extxyz#2", "no_cell")
    assert isinstance(two_dimensional, Rejection)
    assert two_dimensional.reason == "not_periodic"


def test_pymatgen_json_in_all_its_forms(tmp_path: Path) -> None:
    one = CHARGED.as_dict()
    entry = {"entry_id": "mp-7", "structure": one, "energy_above_hull": 0.012, "band_gap": 3.5}
    (tmp_path / "a_one.json").write_text(json.dumps(one))
    (tmp_path / "b_list.json").write_text(json.dumps([one, entry]))
    (tmp_path / "c_dict.json").write_text(json.dumps({"x": one, "y": {"no": 1}}))
    (tmp_path / "d_rows.jsonl").write_text(json.dumps(one) + "\n\n" + json.dumps(entry) + "\n")
    found = {record.source_id: record for record in records(tmp_path)}
    assert list(found) == [
        "a_one.json",
        "b_list.json#1",
        "mp-7",
        "c_dict.json#x",
        "c_dict.json#y",
        "d_rows.jsonl#line1",
        "mp-7~2",
    ]
    wrong = found.pop("c_dict.json#y")
    assert isinstance(wrong, Rejection)
    assert wrong.reason == "not_a_structure"
    for record in found.values():
        assert isinstance(record, StructureRecord), record
        assert_same(record.structure, CHARGED)
    entry_record = found["mp-7~2"]
    assert isinstance(entry_record, StructureRecord)
    assert entry_record.metadata == {
        "source_file": "d_rows.jsonl", "energy_above_hull_ev_atom": 0.012, "band_gap_ev": 3.5
    }  # fmt: skip


def test_pymatgen_json_never_imports_what_it_names() -> None:
    value = NEUTRAL.as_dict()
    value["sites"][0]["properties"] = {
        "x": {"@module": "os", "@class": "system", "@version": None, "command": "false"}
    }
    raw = RawEntry(source="t", source_id="t", format="pymatgen_json", text=json.dumps(value))
    assert parse_entry(raw).structure.site_properties == {}


def row(name: str, **more: object) -> str:
    data = {
        "material_id": name,
        "lattice": list(NEUTRAL.lattice.parameters),
        "species": [["Li", 1], ["I", 1], ["O", 1]],
        "coords": NEUTRAL.frac_coords.ravel().tolist(),
    }
    return json.dumps({**data, **more}) + "\n"


def test_jsonl_rows_and_a_repeated_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress((row("a") + row("a", e_above_hull=0.5) + row("b")).encode()))
    found = records(path)
    assert [r.source_id for r in found] == [
        "a",
        "a~2",
        "b",
    ]
    for record in found:
        assert isinstance(record, StructureRecord)
        assert_same(record.structure, NEUTRAL)
    assert isinstance(found[1], StructureRecord)
    assert found[1].metadata["energy_above_hull_ev_atom"] == 0.5
    assert count_entries([path]) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"species": [["Li", 3_000_000], ["I", 1]]}, "too_many_sites"),
        ({"species": [["Li", 1], ["I", 1]]}, "bad_row"),
        ({"species": [["Xx", 3]]}, "unknown_element"),
        ({"species": [["Li", -1], ["I", 4]]}, "bad_row"),
        ({"species": 5}, "bad_row"),
        ({"coords": [0.1] * 8 + [float("nan")]}, "bad_number"),
        ({"coords": ["a"] * 9}, "bad_row"),
        ({"lattice": [4, 5, 6, 90, 90]}, "no_cell"),
        ({"lattice": [4, 5, 6, 0, 90, 90]}, "no_cell"),
        ({"lattice": [4, 5, 6, 10, 90, 170]}, "bad_cell"),
        ({"lattice": [1e-9, 5, 6, 90, 90, 90]}, "bad_cell"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    raw = RawEntry(source="t", source_id="t", format="jsonl_row", text=row("a", **change))
    with pytest.raises(UnreadableStructureError) as caught:
        parse_entry(raw)
    assert caught.value.reason == reason


def test_folders_are_walked_in_order_and_notes_are_passed_over(tmp_path: Path) -> None:
    for name in ("b/2.cif", "b/1.cif", "a/POSCAR", ".git/x.cif"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(NEUTRAL.to(fmt="poscar" if "POSCAR" in name else "cif"))
    (tmp_path / "README.md").write_text("notes")
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "strange.dat").write_text("?")
    found = list(iter_raw_entries([tmp_path]))
    assert [(entry.source_id, type(entry)) for entry in found] == [
        ("strange.dat", Rejection),
        ("a/POSCAR", RawEntry),
        ("b/1.cif#LiIO", RawEntry),
        ("b/2.cif#LiIO", RawEntry),
    ]
    assert [e.source_id for e in iter_raw_entries([tmp_path])] == [e.source_id for e in found]
    globbed = [e.source_id for e in iter_raw_entries([f"{tmp_path}/**/*.cif"])]
    assert globbed == ["b/1.cif#LiIO", "b/2.cif#LiIO"]
    assert count_entries([tmp_path]) == 4


def test_a_named_file_of_no_known_format_is_a_rejection(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    (rejected,) = records(path)
    assert isinstance(rejected, Rejection)
    assert (rejected.stage, rejected.reason) == ("read", "unknown_format")


def test_a_path_that_matches_nothing_stops_at_once_and_names_the_closest(tmp_path: Path) -> None:
    (tmp_path / "structures.cif").write_text("data_x")
    with pytest.raises(InputError, match=r"Did you mean .*structures\.cif"):
        iter_raw_entries([tmp_path / "structure.cif"])
    with pytest.raises(InputError, match="matches nothing"):
        iter_raw_entries([f"{tmp_path}/*.vasp"])
    with pytest.raises(InputError, match="No path"):
        iter_raw_entries([])


def test_counting_gives_up_on_large_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row("a"))
    monkeypatch.setattr("dualion.structures.files.entries.COUNTED_BYTES", 10)
    assert count_entries([path]) is None


def test_the_limit_on_sites_holds_for_every_format(tmp_path: Path) -> None:
    NEUTRAL.to(str(tmp_path / "a.cif"), fmt="cif")
    NEUTRAL.to(str(tmp_path / "b.vasp"), fmt="poscar")
    (tmp_path / "c.json").write_text(NEUTRAL.to_json())
    (tmp_path / "d.jsonl").write_text(row("a"))
    (tmp_path / "e.xyz").write_text('3\nLattice="5 0 0 0 5 0 0 0 5"\n' + "Li 0 0 0\n" * 3)
    found = records(tmp_path, max_sites=2)
    assert [r.reason for r in found if isinstance(r, Rejection)] == ["too_many_sites"] * 5


def test_bundled_references_are_cifs_that_parse() -> None:
    paths = reference_paths()
    if not paths:
        pytest.skip("no reference structures are bundled yet")
    for record in read_structures(paths):
        assert isinstance(record, StructureRecord), record
