"""One run: terminal, JSON, CSV and page hold the same numbers, digits and verdicts."""

from __future__ import annotations

import csv
import gzip
import json
import math

import ase.io
import numpy as np
import pytest
import typer
from full_rows import full_tables
from queue_folders import folder_of, queued, reconcile_runs
from trajectory_samples import walk, xdatcar
from typer.testing import CliRunner

from dualion.results.columns import CANDIDATES, MD
from dualion.results.report.dynamics import analyses_below, analyses_of, summarise_dynamics
from dualion.results.tables import read_table, write_table
from dualion.results.transport.files import write_report
from dualion.screening.transport.number_text import diffusion_text, interval_text, measured_text
from dualion.workflows.cli.analyze.command import register
from dualion.workflows.cli.md import collect as collect_command
from dualion.workflows.md.plan.origin import origin_of
from dualion.workflows.md.run.assess import analyse_transport, read_production
from dualion.workflows.md.run.run_folder import RunFolder
from dualion.workflows.md.run.supervisor import end_run
from dualion.workflows.md.states import RunState


@pytest.fixture(scope="module", params=[8.0, 1.0], ids=["lithium diffuses", "nothing resolved"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Terminal, folder and page of a run; its Li make many jumps, or few."""
    folder = tmp_path_factory.mktemp("run")
    slow = walk(1500, seed=2)
    scale = np.ones((8, 1))
    scale[:4] = request.param
    (folder / "XDATCAR").write_text(xdatcar(slow[0] + scale * (slow - slow[0])))
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)  # a lone command would swallow its own name
    out = folder / "out"
    done = CliRunner().invoke(
        app,
        ["analyze", str(folder / "XDATCAR"), "--frame-step-fs", "10", "--temperature-k", "600",
         "--framework", "Cl", "--no-figures", "-o", str(out)],
        env={"COLUMNS": "10000"},
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    with (out / "species.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["species"]: row for row in csv.DictReader(file)}
    content = json.loads((out / "transport.json").read_text(encoding="utf-8"))
    (block,) = summarise_dynamics([out])
    return request.param > 1.0, done.output, rows, content, block


def number(text: str | float | None) -> float:
    return math.nan if text in ("", None) else float(text)  # type: ignore[arg-type]


def test_the_terminal_is_five_lines_at_most(run) -> None:
    _, said, *_ = run
    lines = [line for line in said.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Tables", "  "))]
    assert len(told) <= 6  # one may say how the file was read


def test_each_ion_has_one_verdict_and_one_text_of_its_d(run) -> None:
    diffuses, said, rows, content, block = run
    table = next(t for t in block["tables"] if t["title"] == "Diffusion")
    page = {row[0]: row for row in table["rows"]}
    for species in content["species"]:
        name, text = species["species"], species["d_text"]
        row = rows[name]
        assert row["verdict"] == species["verdict"] == page[name][1]
        assert page[name][2] == text
        assert text in said
        keys = ("d_cm2_s", "d_error_cm2_s", "d_upper_cm2_s")
        assert diffusion_text(row["verdict"], *(number(row[key]) for key in keys)) == text
        for key in (*keys, "d_low_cm2_s", "d_high_cm2_s"):
            assert number(row[key]) == pytest.approx(number(species[key]), rel=1e-5, nan_ok=True)
        if row["verdict"] == "diffusing":
            ends = interval_text(number(row["d_low_cm2_s"]), number(row["d_high_cm2_s"]))
            assert ends in page[name][3]
            assert ends in said
        else:
            assert (row["d_cm2_s"], page[name][3]) == ("", "")
    assert (rows["Li"]["verdict"] == "diffusing") is diffuses


def test_no_charge_moves_where_nothing_diffuses(run) -> None:
    diffuses, said, _, content, _ = run
    for transport in content["transport"]:
        einstein = transport["nernst_einstein_s_cm"]["value"]
        assert (einstein is not None) is diffuses
    if not diffuses:
        assert "Diffuses: no ion" in said


KELVIN = (500.0, 650.0, 800.0)
STEP_ANGSTROM = {500.0: 0.02, 650.0: 0.28, 800.0: 0.4}
"""Length of a Li's step along each axis in a frame of 50 fs: D is resolved at two temperatures."""


def walk_of(kelvin: float, start: np.ndarray, symbols: list[str]) -> np.ndarray:
    """Li that walk and I that tremble, Å; at 500 K the Li tremble as well."""
    rng = np.random.default_rng(int(kelvin))
    shape = (1500, len(symbols), 3)
    moved = rng.normal(scale=0.05, size=shape)
    li = np.array(symbols) == "Li"
    steps = rng.normal(scale=STEP_ANGSTROM[kelvin], size=shape)[:, li]
    moved[:, li] = np.cumsum(steps, axis=0) if kelvin > 500.0 else steps
    return start + moved


def write_run(files: RunFolder) -> None:
    """A finished run: its trajectory as an engine writes it, and its analysis without figures."""
    spec, atoms = files.spec(), files.atoms()
    frames = []
    for positions in walk_of(spec.temperature_k, atoms.positions, atoms.get_chemical_symbols()):
        frame = atoms.copy()
        frame.positions = positions
        frames.append(frame)
    with gzip.open(files.trajectory, "wt") as handle:
        ase.io.write(handle, frames, format="extxyz")
    report = analyse_transport(read_production(files, spec), spec, full=True)
    files.analysis.mkdir()
    write_report(report, files.analysis, figures=False, origin=origin_of(spec))
    end_run(files, RunState.DONE, "budget_spent", "Done.")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory):
    """Three temperatures of a candidate: what collect says, the tables, the analyses, the page."""
    made = folder_of(tmp_path_factory.mktemp("campaign"))
    long = {"temperatures_k": list(KELVIN), "frame_fs": 50.0, "production_ps": 75.0,
            "budget_ps": 75.0}  # fmt: skip
    queued(made, protocol=long)
    seen = reconcile_runs(made)
    for one in seen:
        write_run(made.run_folder(one.run.place))
    key = seen[0].run.structure_key
    empty = {column.key: None for column in MD}
    row = full_tables()[1][0] | empty | {"cation": "Li+", "anion": "I-", "key": f"{key}-Li+-I-"}
    write_table(made.path / "candidates.csv", [row], CANDIDATES)
    app = typer.Typer()
    collect_command.register(app)
    app.command("other")(lambda: None)
    done = CliRunner().invoke(app, ["collect", str(made.path)], env={"COLUMNS": "10000"})
    assert done.exit_code == 0, done.output
    with (made.path / "md_runs.csv").open(newline="", encoding="utf-8") as file:
        runs = list(csv.DictReader(file))
    (candidate,) = read_table(made.path / "candidates.csv")
    folders = analyses_of(candidate, analyses_below(made.path))
    contents = [json.loads((path / "transport.json").read_text("utf-8")) for path in folders]
    return done.output, runs, candidate, contents, summarise_dynamics(folders)


def rows_titled(block, title: str) -> dict[str, list[str]]:
    """Rows of a table of the page, by their first cell."""
    table = next(table for table in block["tables"] if table["title"] == title)
    return {row[0]: row for row in table["rows"]}


def test_collect_md_runs_and_page_say_the_same_of_every_run(campaign) -> None:
    said, runs, _, contents, blocks = campaign
    assert len(contents) == len(KELVIN) and len(runs) == 2 * len(KELVIN)
    assert len(blocks) == len(KELVIN) + 1
    for content, block in zip(contents, blocks, strict=False):
        kelvin = content["temperature_k"]
        page = rows_titled(block, "Diffusion")
        assert block["compound"] == "LiI" and block["title"].startswith(f"{kelvin:g} K")
        for species in content["species"]:
            name, text = species["species"], species["d_text"]
            (row,) = (
                one for one in runs
                if float(one["temperature_k"]) == kelvin and one["species"] == name
            )  # fmt: skip
            assert row["verdict"] == species["verdict"] == page[name][1]
            line = f"{kelvin:g} K r1 {name}: {row['verdict']}, {text}"
            assert line in said and page[name][2] == text
            keys = ("d_cm2_s", "d_error_cm2_s", "d_upper_cm2_s")
            assert diffusion_text(row["verdict"], *(number(row[key]) for key in keys)) == text
            ends = [number(row[key]) for key in ("d_low_cm2_s", "d_high_cm2_s")]
            moving = row["verdict"] == "diffusing"
            assert page[name][3] == (interval_text(*ends) if moving else "")
            assert f"{number(row['n_eff']):.3g}" == page[name][4]


def test_the_candidates_row_is_that_of_its_page(campaign) -> None:
    _, runs, row, contents, blocks = campaign
    verdicts = {
        (float(one["temperature_k"]), one["species"]): one["verdict"] for one in runs
    }  # fmt: skip
    assert [verdicts[kelvin, "Li"] for kelvin in KELVIN] == ["vibrating", *["diffusing"] * 2]
    assert row["md_reference_k"] == 650.0
    together = next(
        table for table in blocks[-1]["tables"]
        if table["title"] == "Runs of one temperature together"
    )["rows"]  # fmt: skip
    for kind, name in (("cation", "Li"), ("anion", "I")):
        d, error, upper = (
            number(row[f"md_d_{kind}{part}_cm2_s"]) for part in ("", "_error", "_upper")
        )
        text = diffusion_text(row[f"md_verdict_{kind}"], d, error, upper)
        assert [name, "650", "1", row[f"md_verdict_{kind}"], text] in together
        reference = next(one for one in contents if one["temperature_k"] == 650.0)
        (ion,) = (one for one in reference["species"] if one["species"] == name)
        assert (ion["verdict"], ion["d_text"]) == (row[f"md_verdict_{kind}"], text)
    energies = rows_titled(blocks[-1], "Activation energies")
    assert set(energies) == {"Li"} and row["md_ea_anion_ev"] is None
    energy = energies["Li"][1]
    assert measured_text(row["md_ea_cation_ev"], row["md_ea_cation_error_ev"]) == energy
    assert energies["Li"][3] == "650, 800"
    (plot,) = blocks[-1]["plots"]
    kinds = {curve["name"]: curve.get("kind") for curve in plot["curves"]}
    assert kinds == {"Li: fit to resolved D": None, "Li": "points", "Li: upper limit": "limits",
                     "I: upper limit": "limits"}  # fmt: skip
    limits = next(curve for curve in plot["curves"] if curve["name"] == "Li: upper limit")
    assert limits["x"] == [2.0]  # 500 K alone
