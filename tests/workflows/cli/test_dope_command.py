"""``dualion dope``: files, resuming, failures, messages; with cheap pair potentials."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import typer
from ase.calculators.lj import LennardJones
from typer.testing import CliRunner

from dualion.structures.files import read_structures
from dualion.workflows.cli.dope import command as dope_command


class SoftPairs(LennardJones):
    """Pairs that rest at 2.5 Å: rough, but it holds a crystal together."""

    def __init__(self) -> None:
        super().__init__(sigma=2.3, epsilon=0.08, rc=6.0, smooth=True)


class NotANumber(SoftPairs):
    """An engine that loses itself after the undoped cell."""

    def calculate(self, *args, **kwargs) -> None:
        super().calculate(*args, **kwargs)
        if len(self.atoms) > 16:
            self.results["energy"] = np.nan


class Breaks(SoftPairs):
    """An engine that fails."""

    def calculate(self, *args, **kwargs) -> None:
        raise RuntimeError("no such element")


@pytest.fixture
def app():
    application = typer.Typer()
    dope_command.register(application)
    application.command("other")(lambda: None)  # with one command, typer leaves its name out
    return application


def called(app, *words):
    return CliRunner().invoke(app, ["dope", *map(str, words)])


@pytest.fixture
def engine(monkeypatch):
    """Engines by the names of the classes above."""
    engines = {"soft": SoftPairs, "nan": NotANumber, "breaks": Breaks}
    monkeypatch.setattr(
        "dualion.workflows.potentials.load.make_calculator",
        lambda name, *, model_path=None, device="auto", python=None: engines[name](),
    )


def table(folder):
    with (folder / "configurations.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


SMALL = ("LiI", "--salt", "LiI", "--x", 0.125, "--atoms", 20, "--width", 6, "--configs", 2)


def test_without_relaxing_the_papers_cell_is_written(app, tmp_path):
    out = tmp_path / "out"
    words = ["Li3PS4_gamma", "--salt", "LiI", "--configs", 3, "--no-relax", "--output", out]
    done = called(app, *words)
    assert done.exit_code == 0, done.output
    assert "x = 0.2 per Li3PS4" in done.output
    assert "84 atoms" in done.output
    rows = table(out)
    assert [row["status"] for row in rows] == ["not_relaxed"] * 3
    assert [row["rank"] for row in rows] == [""] * 3
    (record,) = read_structures([out / "001.cif"])
    assert record.structure.composition.reduced_formula == "Li16P5S20I"
    assert record.structure.charge == 0
    sidecar = json.loads((out / "dope.json").read_text())
    assert sidecar["state"] == "finished"
    assert sidecar["x_reached"] == 0.2
    assert round(np.linalg.det(sidecar["supercell_matrix"])) == 5


def test_relaxed_configurations_are_ranked_and_the_lowest_is_kept(app, engine, tmp_path):
    out = tmp_path / "out"
    done = called(app, *SMALL, "--engine", "soft", "--steps", 12, "--force", 0.9, "--output", out)
    assert done.exit_code == 0, done.output
    rows = table(out)
    energies = [float(row["energy_ev"]) for row in rows]
    assert energies == sorted(energies)
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert {row["status"] for row in rows} <= {"relaxed", "not_converged"}
    (lowest,) = read_structures([out / "lowest.extxyz"])
    assert len(lowest.structure) == 18
    assert (out / "lowest.cif").read_text() == (out / rows[0]["file"]).read_text()
    assert (out / "host-relaxed.cif").exists()


def test_a_finished_configuration_is_not_relaxed_again(app, engine, tmp_path):
    out = tmp_path / "out"
    words = [*SMALL, "--engine", "soft", "--steps", 1, "--output", out]
    assert called(app, *words).exit_code == 0
    before = (out / "001.json").stat().st_mtime_ns
    (out / "002.json").unlink()
    assert called(app, *words).exit_code == 0
    assert (out / "001.json").stat().st_mtime_ns == before
    assert (out / "002.json").exists()
    other = called(app, *words[:4], 0.25, *words[5:])
    assert other.exit_code != 0
    assert "another doping" in str(other.exception)


def test_failures_are_rows_with_a_reason(app, engine, tmp_path):
    out = tmp_path / "out"
    done = called(app, *SMALL, "--engine", "breaks", "--output", out)
    assert done.exit_code == 0, done.output
    assert all(row["status"] == "failed" for row in table(out))
    assert all("engine_failed: " in row["reason"] for row in table(out))
    assert all("no such element" in row["reason"] for row in table(out))
    assert not (out / "lowest.cif").exists()


def test_an_engine_that_gives_no_number_fails_that_cell_only(app, engine, tmp_path):
    out = tmp_path / "out"
    done = called(app, *SMALL, "--engine", "nan", "--steps", 2, "--output", out)
    assert done.exit_code == 0, done.output
    assert all(row["reason"].startswith("energy_not_finite") for row in table(out))
    assert json.loads((out / "dope.json").read_text())["host"]["status"] == "not_converged"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["LiI", "--salt", "LiBF4"], "no salt"),
        (["LiI"], "--salt"),
        (["LiI", "--salt", "LiI", "--substitute", "I=Cl"], "--salt"),
        (["LiI", "--salt", "LiI", "--x", "-1"], "--x"),
        (["LiI", "--salt", "LiI", "--configs", "0"], "--configs"),
        (["LiI", "--salt", "LiI", "--atoms", "3"], "allow more atoms"),
        (["NoSuchThing", "--salt", "LiI"], "no bundled structure"),
        (["LiI", "--salt", "LiI", "--force", "7"], "force limit"),
    ],
)
def test_wrong_input_ends_in_one_sentence(app, engine, tmp_path, words, message):
    done = called(app, *words, "--engine", "soft", "--output", tmp_path / "out")
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.mlip
def test_chgnet_relaxes_lithium_iodide_with_bromide(app, tmp_path):
    pytest.importorskip("chgnet")
    out = tmp_path / "out"
    words = ["LiI", "--substitute", "I=Br", "--x", 0.125, *SMALL[5:], "--device", "cpu"]
    done = called(app, *words, "--steps", 60, "--output", out)
    assert done.exit_code == 0, done.output
    (host,) = read_structures([out / "host-relaxed.cif"])
    # LiI of the experiment: 6.00 Å and four formula units in the cube.
    assert host.structure.volume / 8 == pytest.approx(6.0**3 / 4, rel=0.06)
    (row,) = table(out)
    assert row["status"] == "relaxed"
    assert float(row["volume_cubic_angstrom"]) < host.structure.volume  # bromide is smaller
    assert -5.0 < float(row["energy_ev_atom"]) < -2.0


@pytest.mark.mlip
def test_chgnet_keeps_a_dense_host_together_around_inserted_ions(app, tmp_path):
    pytest.importorskip("chgnet")
    out = tmp_path / "out"
    words = ["Li2S", "--salt", "LiI", "--x", 0.25, "--atoms", 16, "--configs", 1]
    done = called(app, *words, "--device", "cpu", "--output", out)
    assert done.exit_code == 0, done.output
    (row,) = table(out)
    assert (row["status"], float(row["largest_force_ev_angstrom"]) <= 0.05) == ("relaxed", True)
    (host,) = read_structures([out / "host-relaxed.cif"])
    grown = float(row["volume_cubic_angstrom"]) / host.structure.volume
    # LiI alone, 6.00 Å and four formula units in its cube, would add 54 Å³ of some 187.
    assert 1.1 < grown < 1.35
