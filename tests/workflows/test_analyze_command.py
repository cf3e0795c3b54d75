"""``dualion analyze`` from a file to tables, and its refusals."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from structures.errors import InputError
from workflows.analyze_command import register


def application() -> typer.Typer:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)  # a lone command would swallow its own name
    return app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["analyze", *arguments])


def made(path: Path, spread: float, seed: int = 0) -> Path:
    """An XDATCAR of walking lithium and caged chloride."""
    rng = np.random.default_rng(seed)
    start = rng.random((1, 24, 3)) * 11.0
    moved = rng.normal(scale=0.1, size=(200, 24, 3))
    moved[:, :12] = np.cumsum(rng.normal(scale=spread, size=(200, 12, 3)), axis=0)
    text = "made\n1.0\n11 0 0\n0 11 0\n0 0 11\nLi Cl\n12 12\n"
    for number, frame in enumerate((start + moved) / 11.0 % 1.0, start=1):
        text += f"Direct configuration= {number}\n"
        text += "".join(" ".join(f"{x:.8f}" for x in row) + "\n" for row in frame)
    path.write_text(text)
    return path


def test_one_run_gives_tables_and_a_summary(tmp_path: Path) -> None:
    source = made(tmp_path / "XDATCAR", 0.5)
    out = tmp_path / "out"
    result = run(
        str(source), "--frame-step-fs", "100", "--temperature-k", "600", "--framework", "Cl",
        "-o", str(out), "--no-figures", "--volumes",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "diffusing" in result.output
    text = (out / "species.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["verdict"] for row in rows] == ["diffusing", "vibrating"]
    # D = 0.5²/(2·0.1 ps) Å²/ps = 1.25e-4 cm²/s
    assert float(rows[0]["d_low_cm2_s"]) < 1.25e-4 < float(rows[0]["d_high_cm2_s"])
    content = json.loads((out / "transport.json").read_text(encoding="utf-8"))
    assert content["temperature_k"] == 600.0
    assert (out / "density_Li.cube").is_file()
    assert (out / "CHGCAR_Li").is_file()
    assert not list(out.glob("*.png"))


def test_several_temperatures_give_an_activation_energy(tmp_path: Path) -> None:
    energy, temperatures = 0.25, (500.0, 700.0, 900.0)
    paths = []
    for number, temperature in enumerate(temperatures):
        growth = 30.0 * np.exp(-energy / (8.617333e-5 * temperature))
        paths.append(str(made(tmp_path / f"XDATCAR_{number}", float(np.sqrt(growth)), number)))
    result = run(
        *paths, "--frame-step-fs", "100", "--temperature-k", "500,700,900", "--framework", "Cl",
        "-o", str(tmp_path / "out"), "--no-figures",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "run_1" / "transport.json").read_text("utf-8"))
    fit = content["arrhenius"]["Li"]
    assert abs(fit["activation_energy_ev"] - energy) < 3.0 * fit["error_ev"]
    assert "E_a" in result.output


def test_replicas_are_combined_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    good = [str(made(tmp_path / f"XDATCAR_{n}", 0.3, n)) for n in range(2)]
    damaged = tmp_path / "XDATCAR_bad"
    damaged.write_text(
        Path(good[0]).read_text().replace("configuration= 50\n0.", "configuration= 50\nnan0.")
    )
    result = run(
        *good, str(damaged), "--frame-step-fs", "100", "--temperature-k", "600",
        "-o", str(tmp_path / "out"), "--no-figures",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "skipped" in result.output
    assert "XDATCAR_bad" in result.output
    assert "all runs" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--frame-step-fs"),
        (("--frame-step-fs", "100", "--temperature-k", "0"), "above 0 K"),
        (("--frame-step-fs", "100", "--temperature-k", "500,600"), "2 temperatures"),
        (("--frame-step-fs", "100", "--temperature-k", "warm"), "no number"),
        (("--frame-step-fs", "100", "--charges", "Li"), "element=charge"),
        (("--frame-step-fs", "100", "--framework", "Ge"), "not in the trajectory"),
        (("--frame-step-fs", "-1"), "must be over 0"),
    ],
)
def test_a_wrong_command_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    source = made(tmp_path / "XDATCAR", 0.3)
    result = run(str(source), *arguments, "-o", str(tmp_path / "out"))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
