"""The same numbers stand in a run's analysis, the store, md_runs.csv and candidates.csv."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from full_rows import full_tables
from queue_folders import block_of, folder_of, queued, reconcile_runs

from dualion.results.columns import CANDIDATES, MD
from dualion.results.tables import read_table, write_table
from dualion.workflows.md.collect import collect_runs
from dualion.workflows.md.folder import MdFolder
from dualion.workflows.md.plan.enqueue import enqueue_runs
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import select_file
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
    ions = {"cation": "Li+", "anion": "I-", "score_potentials": None}
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


def test_two_potentials_that_disagree_lower_the_score_and_the_rank(tmp_path: Path) -> None:
    """The first candidate's cation diffuses with one potential, and the other excludes it."""
    made = folder_of(tmp_path / "potentials")
    block = block_of(potentials=["7net-0", "chgnet"])
    enqueue_runs(made, plan_runs([select_file("LiI")], block, check=lambda *_: None))
    limit = {"slope_angstrom2_ps": 0.0, "error_angstrom2_ps": 1e-3, "low_angstrom2_ps": 0.0,
             "high_angstrom2_ps": 0.018}  # fmt: skip
    for seen in reconcile_runs(made):
        files = made.run_folder(seen.run.place)
        end_run(files, RunState.DONE, "budget_spent", "Done.")
        files.analysis.mkdir()
        told = analysis(650.0)
        if seen.run.engine == "7net-0":
            still = {"verdict": "vibrating", "d_cm2_s": None, "d_error_cm2_s": None}
            told["species"][0] |= still | {"msd_fit": limit, "n_eff": 0.5}
        (files.analysis / "transport.json").write_text(json.dumps(told))
    key = reconcile_runs(made)[0].run.structure_key
    ions = {"cation": "Li+", "anion": "I-", "score_potentials": None, "mechanism_anion": "vacancy"}
    empty = {column.key: None for column in MD}
    first, second, *_ = (row | ions | empty for row in full_tables()[1])
    rows = [first | {"key": f"{key}-Li+-I-", "score": 0.5, "rank": 1},
            second | {"key": "0000-Li+-I-", "score": 0.4, "rank": 2}]  # fmt: skip
    write_table(made.path / "candidates.csv", rows, CANDIDATES)
    found = collect_runs(made)
    told = [(formula, one.agree) for formula, one in found.comparisons]
    assert told == [("LiI", False), ("LiI", True)]
    best, lowered = read_table(made.path / "candidates.csv")
    assert (best["key"], best["rank"], best["score"]) == ("0000-Li+-I-", 1, 0.4)
    assert (lowered["md_potentials"], lowered["md_agreement"]) == ("7net-0;chgnet", 0.5)
    assert lowered["md_engine"] == "7net-0" and lowered["md_d_cation_cm2_s"] is None
    assert lowered["rank"] == 2 and lowered["score_potentials"] == 0.5
    assert lowered["score"] == pytest.approx(0.5 * math.sqrt(0.5), abs=1e-6)
    assert "potentials_disagree" in str(lowered["md_flags"]).split(";")
    with (made.path / "md_potentials.csv").open(newline="") as handle:
        told = list(csv.DictReader(handle))
    assert [row["agree"] for row in told] == ["false", "true"]
    assert told[0]["d_upper_cm2_s"] == "3e-07"
    assert float(told[0]["other_d_cm2_s"]) == D_CM2_S[650.0][0]
    before = (made.path / "candidates.csv").read_bytes()
    collect_runs(made)
    assert (made.path / "candidates.csv").read_bytes() == before
