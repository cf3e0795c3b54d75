"""The same numbers stand in a run's analysis, the store, md_runs.csv and candidates.csv."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from full_rows import full_tables
from queue_folders import folder_of, queued, reconcile_runs

from dualion.results.columns import CANDIDATES, MD
from dualion.results.tables import read_table, write_table
from dualion.workflows.md.collect import collect_runs
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.run.supervisor import end_run
from dualion.workflows.md.states import RunState

KELVIN = [500.0, 650.0, 800.0]
D_CM2_S = {500.0: (1.23456e-6, 2.1e-7), 650.0: (8.76543e-6, 9.8e-7), 800.0: (2.46801e-5, 3e-6)}


def analysis(kelvin: float) -> dict[str, Any]:
    """What the analysis of a run writes, as far as the tables take it."""
    d, error = D_CM2_S[kelvin]
    known = {"n_ions": 4, "flags": ["short_run"]}
    moving = {"species": "Li", "verdict": "diffusing", "d_cm2_s": d, "d_error_cm2_s": error}
    still = {"species": "I", "verdict": "vibrating", "d_cm2_s": None, "d_error_cm2_s": None}
    return {
        "species": [known | moving | {"n_eff": 81.5}, known | still | {"n_eff": 0.25}],
        "transport": [],
        "flags": [],
        "n_frames": 401,
        "frame_step_ps": 0.05,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> MdFolder:
    """Three finished runs of the first of two candidates, collected."""
    made = folder_of(tmp_path_factory.mktemp("collect"))
    queued(made, protocol={"temperatures_k": KELVIN})
    for seen in reconcile_runs(made):
        files = made.run_folder(seen.run.place)
        end_run(files, RunState.DONE, "budget_spent", "Done.")
        files.analysis.mkdir()
        text = json.dumps(analysis(seen.run.temperature_k))
        (files.analysis / "transport.json").write_text(text)
    key = reconcile_runs(made)[0].run.structure_key
    ions = {"cation": "Li+", "anion": "I-"}
    empty = {column.key: None for column in MD}
    first, second, *_ = (row | ions | empty for row in full_tables()[1])
    rows = [first | {"key": f"{key}-Li+-I-"}, second | {"key": "0000-Li+-I-"}]
    write_table(made.path / "candidates.csv", rows, CANDIDATES)
    found = collect_runs(made)
    assert (found.taken, found.done, found.rows, found.problems) == (3, 3, 1, [])
    return made


def test_the_store_and_md_runs_hold_what_the_analyses_say(folder: MdFolder) -> None:
    with folder.reading() as runs:
        known = runs.all()
    with (folder.path / "md_runs.csv").open(newline="") as handle:
        table = list(csv.DictReader(handle))
    assert sorted(run.temperature_k for run in known) == KELVIN and len(table) == 6
    for run in known:
        told = analysis(run.temperature_k)
        for ion in told["species"]:
            (stored,) = (one for one in run.results["species"] if one["species"] == ion["species"])
            (row,) = (
                one for one in table if one["key"] == run.key and one["species"] == ion["species"]
            )
            for name in ("d_cm2_s", "d_error_cm2_s", "n_eff"):
                assert stored[name] == ion[name], name
                assert (float(row[name]) if row[name] else None) == ion[name], name
            assert row["verdict"] == stored["verdict"] == ion["verdict"]


def test_candidates_hold_the_same_numbers(folder: MdFolder) -> None:
    first, second = read_table(folder.path / "candidates.csv")
    assert (first["md_d_cation_cm2_s"], first["md_d_cation_error_cm2_s"]) == D_CM2_S[650.0]
    assert (first["md_reference_k"], first["md_runs"]) == (650.0, 3)
    assert first["md_temperatures_k"] == "500;650;800"
    assert first["md_production_ps"] == pytest.approx(3 * 400 * 0.05)
    assert (first["md_verdict_cation"], first["md_verdict_anion"]) == ("diffusing", "vibrating")
    assert first["md_d_anion_cm2_s"] is None
    assert first["md_ea_cation_ev"] > 0.0 and first["md_ea_cation_error_ev"] > 0.0
    assert all(second[column.key] in (None, "") for column in MD)


def test_collecting_again_changes_nothing(folder: MdFolder) -> None:
    before = (folder.path / "candidates.csv").read_bytes()
    assert collect_runs(folder).taken == 0
    assert (folder.path / "candidates.csv").read_bytes() == before
