"""From a screening with guests to doped cells and MD runs: what each command takes over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualion.results.guest_rows import is_guest
from dualion.results.run_folder import read_run_folder
from dualion.structures.files import read_structures, reference_paths
from dualion.workflows.campaign.screen_run import screen_paths
from dualion.workflows.campaign.screening_options import screen_options
from dualion.workflows.cli.main import app
from dualion.workflows.md.plan.config import MdBlock
from dualion.workflows.md.plan.run_plan import plan_runs
from dualion.workflows.md.plan.selection import select_candidates

HOST = "Li3PS4_gamma"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, borrow_workers) -> Path:
    """γ-Li3PS4 with I, which does not pass, and Cl, which does."""
    folder = tmp_path_factory.mktemp("guests") / "run"
    paths = [path for path in reference_paths() if path.stem == HOST]
    options = screen_options(cations=("Li",), guests=("I,Cl",))
    with borrow_workers():
        screen_paths(paths, options, output=folder, workers=2)
    return folder


def called(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def test_the_candidate_is_the_guest_that_passes(run_folder):
    run = read_run_folder(run_folder)
    assert [(row["anion"], row["dai"]) for row in run.rows] == [
        ("S2-", False), ("I-", False), ("Cl-", True)
    ]  # fmt: skip
    (candidate,) = run.candidates
    assert candidate["anion"] == "Cl-" and candidate["interphase"] == "LiCl"
    assert "guest_anion" in str(candidate["flags"])


@pytest.mark.parametrize(
    ("words", "salt", "new"), [((), "LiCl", "Cl"), (("--salt", "LiI"), "LiI", "I")]
)
def test_dope_takes_the_host_and_the_salt_of_its_best_guest(run_folder, tmp_path, words, salt, new):
    done = called("dope", "Li3PS4", "--run", run_folder, "--no-relax", "--configs", 2,
                  "--output", tmp_path / "doped", *words)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert f"{HOST} with {salt}" in done.output
    (record,) = read_structures([tmp_path / "doped" / "001.cif"])
    host = read_structures([tmp_path / "doped" / "host.cif"])
    counts = record.structure.composition - next(iter(host)).structure.composition
    assert {e.symbol: n for e, n in counts.items() if n} == {"Li": 2, new: 2}


def test_dope_of_a_run_without_guests_asks_for_a_salt(tmp_path, borrow_workers):
    paths = [path for path in reference_paths() if path.stem == "LiI"]
    with borrow_workers():
        screen_paths(paths, screen_options(cations=("Li",)), output=tmp_path / "run", workers=2)
    refused = called("dope", "LiI", "--run", tmp_path / "run", "--no-relax")
    assert refused.exit_code != 0
    assert "Give either --salt" in str(refused.exception or refused.output)


def test_md_runs_a_guest_where_its_salt_was_inserted(run_folder):
    (selected,), skipped = select_candidates(run_folder, MdBlock())
    assert (selected.anion, selected.salt, skipped) == ("Cl-", "LiCl", [])
    plan = plan_runs([selected], MdBlock(), check=lambda spec, elements: None)
    assert plan.skipped == []
    assert {run.spec.cell for run in plan.runs} == {"salt_LiCl_1"}
    assert all("Cl" in run.cell.elements and run.spec.anion == "Cl-" for run in plan.runs)
    named = MdBlock(cells=["perfect", "salt:LiI"])
    other = plan_runs([selected], named, check=lambda spec, elements: None)
    assert {run.spec.cell for run in other.runs} == {"salt_LiI_1"}


def test_show_and_report_speak_of_guests(run_folder, tmp_path):
    shown = called("show", "Li3PS4", run_folder)
    assert shown.exit_code == 0, shown.output
    for text in ("Li+ Cl- guest  passes, rank 1", "guest insertion", "guest room share"):
        assert text in shown.output
    rows = json.loads(called("show", "Li3PS4", run_folder, "--json").output)
    assert [is_guest(row) for row in rows] == [False, True, True]
    page = tmp_path / "page.html"
    done = called("report", run_folder, "--out", page)
    assert done.exit_code == 0, done.output
    assert page.stat().st_size > 100_000
