"""``dualion analyze`` from a file to tables, and its refusals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from dualion.structures.errors import InputError
from dualion.workflows.cli.analyze.command import register

QUICK = ("--frame-step-fs", "100", "--temperature-k", "600", "--no-figures")


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
    assert result.output.splitlines()[1].startswith("Diffuses: Li D = ")
    assert len(result.output.splitlines()) <= 6  # five, and where the files are
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
    assert "2 runs together" in result.output


def cut(path: Path, count: int) -> list[str]:
    """The frames of an XDATCAR of ``made`` in so many files."""
    lines = path.read_text().splitlines(keepends=True)
    head, frames = lines[:7], [lines[at : at + 25] for at in range(7, len(lines), 25)]
    paths = []
    for number, part in enumerate(np.array_split(np.arange(len(frames)), count)):
        piece = path.with_name(f"XDATCAR_part{number}")
        piece.write_text("".join(head) + "".join("".join(frames[i]) for i in part))
        paths.append(str(piece))
    return paths


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_pieces_give_the_numbers_of_the_whole_run(tmp_path: Path) -> None:
    source = made(tmp_path / "XDATCAR", 0.3)
    first, second, third = cut(source, 3)
    whole = run(str(source), *QUICK, "-o", str(tmp_path / "whole"))
    joined = run(third, first, second, *QUICK, "-o", str(tmp_path / "joined"))
    assert (whole.exit_code, joined.exit_code) == (0, 0), joined.output
    assert "consecutive pieces of one run" in joined.output
    one, other = (rows_of(tmp_path / name / "species.csv")[0] for name in ("whole", "joined"))
    name = "d_cm2_s" if one["d_cm2_s"] else "d_upper_cm2_s"
    assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-6)
    assert not (tmp_path / "joined" / "combined.csv").exists()


def test_pieces_may_be_taken_as_replicas_and_strangers_as_pieces(tmp_path: Path) -> None:
    pieces = cut(made(tmp_path / "XDATCAR", 0.5), 2)
    apart = run(*pieces, "--replicas", *QUICK, "-o", str(tmp_path / "apart"))
    assert "2 runs together" in apart.output
    (lithium, chloride) = rows_of(tmp_path / "apart" / "combined.csv")
    assert (lithium["species"], lithium["runs"]) == ("Li", "2")
    assert (lithium["d_cm2_s"] != "") == (lithium["verdict"] == "diffusing")
    assert (chloride["verdict"], chloride["d_cm2_s"]) == ("vibrating", "")
    assert float(chloride["d_upper_cm2_s"]) > 0.0
    strangers = [str(made(tmp_path / f"XDATCAR_{n}", 0.5, n)) for n in range(2)]
    forced = run(*strangers, "--continue", *QUICK, "-o", str(tmp_path / "forced"))
    assert forced.exit_code == 0, forced.output
    assert "not where the run would have taken them" in forced.output


def test_a_missing_piece_and_both_ways_at_once_are_refused(tmp_path: Path) -> None:
    first, second, _, last = cut(made(tmp_path / "XDATCAR", 0.3), 4)
    missing = run(first, last, second, *QUICK, "-o", str(tmp_path / "out"))
    assert isinstance(missing.exception, InputError)
    assert "a piece is missing" in str(missing.exception)
    assert not (tmp_path / "out").exists()
    both = run(first, second, "--replicas", "--continue", *QUICK, "-o", str(tmp_path / "out"))
    assert "exclude each other" in str(both.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--frame-step-fs"),
        (("--frame-step-fs", "100", "--temperature-k", "0"), "above 0 K"),
        (("--frame-step-fs", "100", "--temperature-k", "500,600"), "2 temperatures"),
        (("--frame-step-fs", "100", "--temperature-k", "warm"), "not a number"),
        (("--frame-step-fs", "100", "--temperature-k", "inf"), "above 0 K"),
        (("--frame-step-fs", "100", "--temperature-k", "nan"), "above 0 K"),
        (("--frame-step-fs", "100", "--charges", "X=1"), "X=1 is no element"),
        (("--frame-step-fs", "100", "--charges", "Li="), "Li= is no element"),
        (("--frame-step-fs", "100", "--hop-length", "0"), "length of a jump"),
        (("--frame-step-fs", "100", "--skip-ps", "nan"), "give 0 or more"),
        (("--frame-step-fs", "100", "--charges", "Li"), "element=charge"),
        (("--frame-step-fs", "100", "--framework", "Ge"), "not in the trajectory"),
        (("--frame-step-fs", "-1"), "must be over 0"),
        (("--frame-step-fs", "100", "--pairs", "Li"), "two elements"),
        (("--frame-step-fs", "100", "--pairs", "Li-Br"), "no pair Li-Br"),
        (("--frame-step-fs", "100", "--every", "0"), "give 1 or more"),
        (("--frame-step-fs", "100", "--skip-ps", "-1"), "give 0 or more"),
        (("--frame-step-fs", "100", "--skip-ps", "1000"), "fewer than two frames"),
        (("--frame-step-fs", "100", "--format", "pdb"), "choose from"),
        (("--frame-step-fs", "100", "--cell", "1,2"), "nine numbers"),
    ],
)
def test_a_wrong_command_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    source = made(tmp_path / "XDATCAR", 0.3)
    result = run(str(source), *arguments, "-o", str(tmp_path / "out"))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def changed(path: Path, edit: Callable[[list[str]], list[str]], every: int = 25) -> Path:
    """An XDATCAR of ``made`` with its frames, ``every`` lines each, edited."""
    lines = made(path, 0.05).read_text().splitlines(keepends=True)
    head, body = lines[:7], lines[7:]
    frames = ["".join(body[at : at + every]) for at in range(0, len(body), every)]
    path.write_text("".join(head) + "".join(edit(frames)))
    return path


def swapped(frame: str) -> str:
    rows = frame.splitlines(keepends=True)
    return "".join([rows[0], rows[2], rows[1], *rows[3:]])


def broken(frame: str) -> str:
    rows = frame.splitlines(keepends=True)
    return "".join([rows[0], "0.1 nan 0.1\n", *rows[2:]])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda frames: [*frames[:50], swapped(frames[50]), *frames[51:]], "Frame 51"),
        (lambda frames: [*frames[:9], broken(frames[9]), *frames[10:]], "Frame 10"),
        (lambda frames: frames[:1], "at least two"),
    ],
    ids=["shuffled", "nan", "one frame"],
)
def test_a_damaged_run_is_refused_with_its_frame(
    tmp_path: Path, edit: Callable[[list[str]], list[str]], message: str
) -> None:
    source = changed(tmp_path / "XDATCAR", edit)
    result = run(str(source), *QUICK, "-o", str(tmp_path / "out"))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()


def flags_of(folder: Path) -> set[str]:
    return set(json.loads((folder / "transport.json").read_text(encoding="utf-8"))["flags"])


def test_a_truncated_run_is_flagged_and_used(tmp_path: Path) -> None:
    source = changed(tmp_path / "XDATCAR", lambda frames: [*frames[:-1], frames[-1][:200]])
    result = run(str(source), *QUICK, "-o", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "truncated_file" in result.output
    assert "truncated_file" in flags_of(tmp_path / "out")


def d_of(folder: Path) -> float:
    text = (folder / "species.csv").read_text(encoding="utf-8")
    row = next(csv.DictReader(io.StringIO(text)))
    return float(row["d_cm2_s"] or row["d_upper_cm2_s"])


def extxyz(path: Path, frames: np.ndarray, cells: np.ndarray, symbols: list[str]) -> Path:
    text = ""
    for frame, cell in zip(frames, cells, strict=True):
        lattice = " ".join(f"{x:.10f}" for x in cell.ravel())
        text += f'{len(symbols)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3\n'
        rows = zip(symbols, frame @ cell, strict=True)
        text += "".join(f"{s} " + " ".join(f"{x:.10f}" for x in row) + "\n" for s, row in rows)
    path.write_text(text)
    return path


def test_wrapped_npt_and_plain_files_of_one_run_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    walk = rng.random((1, 8, 3)) + np.cumsum(rng.normal(scale=0.02, size=(150, 8, 3)), axis=0)
    walk[:, 4:] = walk[:1, 4:] + rng.normal(scale=0.005, size=(150, 4, 3))
    still = np.repeat(12.0 * np.eye(3)[None], 150, axis=0)
    breathing = still * (1.0 + 0.02 * np.sin(0.3 * np.arange(150)))[:, None, None]
    breathing *= 12.0 / breathing[:, 0, 0].mean()
    symbols = ["Li"] * 4 + ["Cl"] * 4
    found, flags = [], []
    for number, (frames, cells) in enumerate(
        [(walk, still), (walk % 1.0, still), (walk % 1.0, breathing)]
    ):
        out = tmp_path / f"out{number}"
        source = extxyz(tmp_path / f"{number}.extxyz", frames, cells, symbols)
        result = run(str(source), *QUICK, "--framework", "Cl", "-o", str(out))
        assert result.exit_code == 0, result.output
        found.append(d_of(out))
        flags.append(flags_of(out))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
    assert found[2] == pytest.approx(found[0], rel=1e-6)
    assert "already_unwrapped" in flags[0]
    assert "unwrapped_here" in flags[1]
    assert "cell_varies" in flags[2]


def test_a_single_ion_and_a_frozen_run_are_called_what_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    cells = np.repeat(12.0 * np.eye(3)[None], 120, axis=0)
    walk = 0.5 + np.cumsum(rng.normal(scale=0.02, size=(120, 1, 3)), axis=0)
    single = extxyz(tmp_path / "single.extxyz", walk, cells, ["Li"])
    result = run(str(single), *QUICK, "-o", str(tmp_path / "single"))
    assert result.exit_code == 0, result.output
    assert "the simulation's own frame" in result.output
    frozen = np.repeat(rng.random((1, 6, 3)), 120, axis=0)
    cold = extxyz(tmp_path / "cold.extxyz", frozen, cells, ["Li"] * 3 + ["Br"] * 3)
    result = run(str(cold), *QUICK, "-o", str(tmp_path / "cold"))
    assert result.exit_code == 0, result.output
    assert "no_motion" in result.output
    assert "diffusing" not in result.output


def test_help_teaches_the_command() -> None:
    text = " ".join(run("--help").output.split())
    for words in ("Examples", "--framework", "mass", "overview.png", "replicas", "not resolved"):
        assert words in text
