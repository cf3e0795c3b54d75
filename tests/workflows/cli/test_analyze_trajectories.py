"""``dualion analyze`` on what writers leave open: D, questions, ramps, notes on the screen."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import typer
from trajectory_samples import cp2k_xyz, folded, vasprun, walk, xdatcar
from typer.testing import CliRunner, Result

from dualion.workflows.cli.analyze.command import register

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "trajectories"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)  # a lone command would swallow its own name
    return CliRunner().invoke(app, ["analyze", *arguments, "--no-figures"])


def lithium(folder: Path) -> dict[str, str]:
    with (folder / "species.csv").open(newline="", encoding="utf-8") as file:
        return next(row for row in csv.DictReader(file) if row["species"] == "Li")


WALK = (1.8e-5, 1.1e-5, 3.5e-5)
"""D(Li) of the shared walk and its 95 % interval, cm²/s, as its README states them."""


@pytest.mark.shared_data
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("XDATCAR_plain", ("--frame-step-fs", "2", "--temperature-k", "700"), WALK),
        ("licl-pos-1.dcd", ("--topology", str(CASES / "licl.xyz")), WALK),
        ("lmp_metal.extxyz", ("--frame-step-fs", "2"), WALK),
        ("electron.lammpstrj", ("--frame-step-fs", "2", "--temperature-k", "700"), WALK),
        ("cp2k_renamed.xyz", ("--cell", "8,8,8", "--temperature-k", "700"), WALK),
        ("over-pos-1.xyz", ("--temperature-k", "700"), WALK),
        ("vasprun_ml_mixed.xml", (), (2.9e-5, None, None)),
    ],
)
def test_the_shared_walk_has_one_d(
    tmp_path: Path,
    name: str,
    arguments: tuple[str, ...],
    expected: tuple[float, float | None, float | None],
) -> None:
    result = run(str(CASES / name), *arguments, "-o", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    row = lithium(tmp_path / "out")
    assert (row["verdict"], row["d_cm2_s"]) == ("not resolved", "")
    content = json.loads((tmp_path / "out" / "transport.json").read_text("utf-8"))
    (fit,) = (one["msd_fit"] for one in content["species"] if one["species"] == "Li")
    for key, value in zip(("slope", "low"), expected, strict=False):
        if value is not None:  # two printed digits
            slope = fit[f"{key}_angstrom2_ps"] * 1e-4 / 6.0  # Einstein, Å²/ps to cm²/s
            assert slope == pytest.approx(value, rel=0.03)
    assert float(row["d_upper_cm2_s"]) >= 0.97 * (expected[2] or expected[0])


@pytest.mark.shared_data
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")
def test_extxyz_of_lammps_is_a_question_on_the_screen(tmp_path: Path) -> None:
    result = run(str(CASES / "lmp_metal.extxyz"), "-o", str(tmp_path / "out"))
    assert result.exit_code != 0
    assert "--frame-step-fs" in str(result.exception) + result.output


def test_a_ramp_enters_no_arrhenius_fit(tmp_path: Path) -> None:
    paths = []
    for number, temperature in enumerate((600, 800, 1000)):
        folder = tmp_path / str(temperature)
        folder.mkdir()
        slow = walk(1500, seed=number)
        positions = slow[0] + 8.0 * (slow - slow[0])  # enough jumps for a D
        (folder / "XDATCAR").write_text(xdatcar(positions))
        end = 1200 if temperature == 1000 else temperature
        (folder / "INCAR").write_text(f"POTIM=2; NBLOCK=5; TEBEG={temperature}; TEEND={end}\n")
        paths.append(str(folder / "XDATCAR"))
    result = run(*paths, "-o", str(tmp_path / "out"), "--framework", "Cl")
    assert result.exit_code == 0, result.output
    assert "no single temperature: XDATCAR" in result.output
    assert "temperature_ramp" in result.output
    content = json.loads((tmp_path / "out" / "run_1" / "transport.json").read_text("utf-8"))
    used = content["arrhenius"]["Li"]["temperatures_k"]
    assert sorted(used) == [600.0, 800.0]
    given = run(*paths, "-o", str(tmp_path / "given"), "--framework", "Cl", "--temperature-k",
                "600,800,1000")  # fmt: skip
    assert given.exit_code == 0, given.output
    content = json.loads((tmp_path / "given" / "run_1" / "transport.json").read_text("utf-8"))
    assert sorted(content["arrhenius"]["Li"]["temperatures_k"]) == [600.0, 800.0]


def test_a_given_cell_counts_for_plain_xyz(tmp_path: Path) -> None:
    path = tmp_path / "renamed.xyz"
    path.write_text(cp2k_xyz(walk(60)))
    refused = run(str(path), "-o", str(tmp_path / "out"))
    assert refused.exit_code != 0 and "--cell" in str(refused.exception) + refused.output
    result = run(str(path), "--cell", "8,8,8", "-o", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "60 frames of 0.002 ps" in result.output


def test_learned_steps_and_unprinted_energies_reach_the_flags(tmp_path: Path) -> None:
    energies = ["-30.5"] * 60
    energies[3] = "********"
    positions = walk(60)
    assert folded(positions).max() < 1.0
    text = vasprun(positions, {"ML_LMLFF": "T"}, learned=range(10, 50), energies=energies)
    (tmp_path / "vasprun.xml").write_text(text)
    result = run(str(tmp_path / "vasprun.xml"), "-o", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "60 frames of 0.002 ps" in result.output
    assert "machine_learned" in result.output and "energy_not_printed" in result.output
