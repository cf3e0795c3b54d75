"""One run: terminal, JSON, CSV and page hold the same numbers, digits and verdicts."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import typer
from trajectory_samples import walk, xdatcar
from typer.testing import CliRunner

from dualion.results.report.dynamics import summarise_dynamics
from dualion.screening.transport.number_text import diffusion_text, interval_text
from dualion.workflows.cli.analyze.command import register


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
