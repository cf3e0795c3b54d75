"""Exports hold the numbers of the CSV; licensed structures stay out; comparisons say why."""

from __future__ import annotations

import json
import math
import zipfile

import pytest

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.comparison import compare_runs
from dualion.results.export import schema, write_json_lines, write_parquet, write_structures
from dualion.results.figures import write_run_figures
from dualion.results.ranking import rank_candidates
from dualion.results.run_folder import read_run_folder
from dualion.results.tables import read_table, write_table
from dualion.structures.files import iter_raw_entries, reference_paths

LII = "LiI.cif#LiI"


def row(name, **changes):
    base = {
        "source": "file", "source_id": name, "reduced_formula": "LiI", "formula": "Li4I4",
        "cation": "Li+", "anion": "I-", "status": "ok", "dai": True, "dai_dimensions": "3D",
        "e1d_cation_ev": 0.3, "e2d_cation_ev": 0.3, "e3d_cation_ev": 0.3,
        "e1d_anion_ev": 0.4, "e2d_anion_ev": 0.4, "e3d_anion_ev": 0.4,
        "ratio_3d": 4 / 3, "n_sites": 8, "disordered": False, "flags": "",
    }  # fmt: skip
    return base | changes


def run_folder(folder, rows, **sidecar):
    folder.mkdir()
    write_table(folder / "screened.csv", rows, SCREENED)
    write_table(folder / "candidates.csv", rank_candidates(rows), CANDIDATES)
    content = {"schema_version": 1, "inputs": ["x"], "options": {"criterion": {"min_ratio": 0.5}}}
    content["funnel"] = {"read": 3, "ratio in range": 1}
    (folder / "run.json").write_text(json.dumps(content | sidecar))
    return read_run_folder(folder)


ROWS = [
    row(LII),
    row("b", e3d_anion_ev=math.inf, ratio_3d=math.inf, dai=False, band_gap_ev=1.25),
    row("c", status="rejected", reason="no_cation", dai=None, ratio_3d=None, e3d_anion_ev=None),
]


def test_json_lines_and_parquet_hold_the_csv(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    run = run_folder(tmp_path / "run", ROWS)
    write_json_lines(tmp_path / "t.jsonl", run.rows, SCREENED)
    write_parquet(tmp_path / "t.parquet", run.rows, SCREENED)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    table = parquet.read_table(tmp_path / "t.parquet")
    for number, known in enumerate(read_table(tmp_path / "run" / "screened.csv")):
        for column in SCREENED:
            value = None if known[column.key] == "" else known[column.key]
            assert table[column.key][number].as_py() == value
            assert lines[number][column.key] == ("inf" if value == math.inf else value)
    field = table.schema.field("e1d_cation_ev")
    assert field.metadata[b"unit"] == b"eV"


def test_schema_names_every_column_with_its_unit():
    tables = schema()["tables"]
    assert [c["key"] for c in tables["screened"]] == [c.key for c in SCREENED]
    assert [c["key"] for c in tables["candidates"]] == [c.key for c in CANDIDATES]
    assert all(
        c["unit"] in ("eV", "eV/atom")
        for t in tables.values()
        for c in t
        if c["key"].endswith("_ev")
    )


def test_structures_are_written_as_they_came_and_licensed_ones_are_not(tmp_path):
    path = next(p for p in reference_paths() if p.stem == "LiI")
    entry = next(iter(iter_raw_entries([path])))
    candidates = rank_candidates([row(LII), row("gone"), row("mine", source="icsd")])
    found = {("file", LII): entry, ("icsd", "mine"): entry}
    counts = write_structures(tmp_path / "s.zip", candidates, found)
    assert counts == {"written": 1, "licensed": 1, "missing": 1}
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        names = archive.namelist()
        assert names[-1] == "candidates.csv"
        assert archive.read(names[0]).decode() == entry.text
    again = write_structures(tmp_path / "s.zip", candidates, found, include_licensed=True)
    assert again["written"] == 2


def test_file_names_cannot_leave_the_archive(tmp_path):
    path = next(p for p in reference_paths() if p.stem == "LiI")
    entry = next(iter(iter_raw_entries([path])))
    evil = row("../../../etc/passwd", reduced_formula="..\\x")
    write_structures(
        tmp_path / "s.zip", rank_candidates([evil]), {("file", evil["source_id"]): entry}
    )
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert all("/" not in name and "\\" not in name for name in archive.namelist())


def test_figures_are_written_and_reproducible(tmp_path):
    run = run_folder(tmp_path / "run", ROWS)
    paths = write_run_figures(run, tmp_path)
    assert {path.suffix for path in paths} == {".svg", ".pdf", ".png"}
    first = {path: path.read_bytes() for path in paths if path.suffix == ".svg"}
    write_run_figures(run, tmp_path, formats=("svg",))
    assert all(path.read_bytes() == text for path, text in first.items())
    assert b"E(anion) / E(cation), 3D" in first[tmp_path / "ratio.svg"]


def test_comparison_says_why(tmp_path):
    before = [
        row("stays"),
        row("slower"),
        row("gone"),
        row("broken"),
        row("late", dai=False, e3d_cation_ev=1.2),
    ]
    after = [
        row("stays"),
        row("slower", e3d_anion_ev=0.9),
        row("broken", status="failed", reason="time_limit", dai=None),
        row("late"),
        row("new"),
    ]
    found = compare_runs(
        run_folder(tmp_path / "a", before),
        run_folder(tmp_path / "b", after, options={"criterion": {"min_ratio": 0.6}}),
    )
    assert {change.formula for change in found.changes} == {"LiI"}
    why = {change.pair[1]: (change.kind, change.why) for change in found.changes}
    assert why["new"] == ("entered", "the structure is not in that run")
    assert why["gone"] == ("left", "the structure is not in that run")
    assert why["broken"] == ("left", "failed there: time limit")
    assert why["late"][0] == "entered"
    assert "E(cation) 3D 1.200 → 0.300" in why["late"][1]
    assert "criterion differs" in why["late"][1]
    assert why["slower"] == ("moved", "E(anion) 3D 0.400 → 0.900")
    assert found.settings == (("options.criterion.min_ratio", "0.5", "0.6"),)
    assert (found.shared, found.only_first, found.only_second) == (4, 1, 1)
    assert found.changed_barriers == 2


def test_a_run_compared_with_itself_has_not_changed(tmp_path):
    run = run_folder(tmp_path / "a", ROWS)
    found = compare_runs(run, run)
    assert (found.changes, found.settings, found.changed_barriers) == ((), (), 0)


def test_changes_are_told_by_kind_and_rank(tmp_path):
    """Those that entered first, by their new rank; then those that left, by their old one."""
    slow = {"e3d_cation_ev": 0.5, "e3d_anion_ev": 0.6}
    before = [row("a"), row("b", **slow), row("kept", e3d_cation_ev=0.4, e3d_anion_ev=0.45)]
    after = [row("kept", e3d_cation_ev=0.4, e3d_anion_ev=0.45), row("y"), row("z", **slow)]
    found = compare_runs(run_folder(tmp_path / "a", before), run_folder(tmp_path / "b", after))
    told = [(c.kind, c.pair[1], c.before, c.after) for c in found.changes]
    assert told == [("entered", "y", None, 1), ("entered", "z", None, 3),
                    ("left", "a", 1, None), ("left", "b", 3, None)]  # fmt: skip


def test_a_pair_that_is_gone_is_explained_by_its_own_structure(tmp_path):
    """The other rows of the structure tell why; rows of other structures do not."""
    before = [row("a"), row("b")]
    gone = {"status": "failed", "reason": "time_limit", "dai": None}
    after = [row("a", anion="S2-", dai=False), row("b", **gone)]
    found = compare_runs(run_folder(tmp_path / "a", before), run_folder(tmp_path / "b", after))
    why = {change.pair[1]: change.why for change in found.changes}
    assert why["a"] == "the pair was not asked for in that run"
    assert why["b"] == "failed there: time limit"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (0.4, 0.4, 0),
        (0.4, 0.4004, 0),  # both print as 0.400
        (0.4, 0.4006, 1),
        (0.4006, 0.4, 1),
        (0.4, math.inf, 1),
        (math.inf, math.inf, 0),
        (None, None, 0),
        (None, 0.4, 1),
    ],
)
@pytest.mark.parametrize("key", ["e1d_cation_ev", "e2d_anion_ev", "e3d_anion_ev"])
def test_barriers_differ_from_half_a_milli_ev_on(tmp_path, key, before, after, changed):
    one = run_folder(tmp_path / "a", [row(LII, **{key: before})])
    two = run_folder(tmp_path / "b", [row(LII, **{key: after})])
    assert compare_runs(one, two).changed_barriers == changed


def test_a_failed_pair_is_told_by_the_row_that_failed(tmp_path):
    """Of a structure's rows one failed: the pair that is missing there is told its reason."""
    failed = row(LII, anion="Cl-", status="failed", reason="out_of_memory", dai=None)
    one = run_folder(tmp_path / "a", [row(LII, anion="Br-", dai=False), failed])
    two = run_folder(tmp_path / "b", [row(LII)])
    (entered,) = compare_runs(one, two).changes
    assert entered.why == "failed there: out of memory"
