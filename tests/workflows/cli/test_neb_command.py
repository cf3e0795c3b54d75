"""``dualion neb`` with a real potential: both ions of LiCl, and the same command again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dualion.workflows.cli.main import app


def called(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["neb", "LiCl", "--output", str(folder), *words])


def row_of(folder: Path) -> dict[str, str]:
    with (folder / "neb.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    return row


@pytest.mark.mlip
@pytest.mark.slow
def test_both_ions_of_lithium_chloride_and_nothing_twice(tmp_path: Path) -> None:
    """One distinct hop for each ion of rock salt; its three thresholds are the same barrier."""
    pytest.importorskip("chgnet", reason="CHGNet is not installed; pip install 'dualion[mlip]'")
    folder = tmp_path / "neb"
    done = called(folder)
    assert done.exit_code == 0, done.output
    row = row_of(folder)
    assert (row["neb_hops"], row["neb_hops_left"], row["neb_problem"]) == ("2", "0", "")
    for ion in ("cation", "anion"):
        barriers = {row[f"e{n}d_{ion}_neb_ev"] for n in (1, 2, 3)}
        assert len(barriers) == 1
        assert 0.2 < float(barriers.pop()) < 1.0  # a vacancy's barrier in an alkali chloride
    (document,) = folder.glob("*/neb.json")
    assert row["neb_flags"] == "pairs_too_low"
    assert 0.0 < float(row["pair_schottky_associated_ev"]) < float(row["pair_schottky_ev"]) < 2.1
    assert row["e_activation_cation_ev"] == row["dai_neb_intrinsic"] == ""
    content = json.loads(document.read_text())
    assert len(content["crystal"]["numbers"]) == 2
    for ion in content["ions"].values():
        assert len(ion["links"]) == 6  # of twelve neighbours, each hop once
        (hop,) = ion["hops"]
        assert len(hop["distances_angstrom"]) == len(hop["energies_ev"]) == 5
        assert hop["distances_angstrom"][-1] == pytest.approx(hop["length_angstrom"], rel=0.2)
    assert f"{json.loads(document.read_text())['row']['ratio_3d_neb']:.4f}" == row["ratio_3d_neb"]
    bands = {file: file.stat().st_mtime_ns for file in folder.rglob("*.extxyz")}
    assert len(bands) == 2
    again = called(folder)
    assert again.exit_code == 0, again.output
    assert row_of(folder) == row
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.extxyz")} == bands


def test_wrong_words_end_in_one_sentence(tmp_path: Path) -> None:
    for words, message in (
        (("--atoms", "1"), "number of atoms"),
        (("--width", "0"), "width"),
        (("--id", "mp-1"), "give the run's folder first"),
        (("--carriers", "some"), "give none, vacancies, all"),
    ):
        done = called(tmp_path / "neb", *words)
        assert done.exit_code != 0
        assert message in str(done.exception)
        assert not (tmp_path / "neb").exists()
