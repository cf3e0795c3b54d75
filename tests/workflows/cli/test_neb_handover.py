"""``dualion neb --engine vasp``: hops of a structure or of a potential are handed over."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from handover_world import alloy_images, run_stand_in
from typer.testing import CliRunner, Result

from dualion.workflows.cli.main import app
from dualion.workflows.neb.folder import NebFolder
from dualion.workflows.neb.hop_barriers import HopBarrier


@pytest.fixture(autouse=True)
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)


def called(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["neb", "LiCl", "--output", str(folder), *words])


def rows_of(folder: Path, engine: str = "vasp") -> list[dict[str, str]]:
    with (folder / f"{engine}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_hops_without_a_potential_follow_bond_valence(tmp_path: Path) -> None:
    folder = tmp_path / "neb"
    done = called(folder, "--engine", "vasp", "--images", "1", "--width", "7")
    assert done.exit_code == 0, done.output
    assert "Run VASP in the folders of both ends" in " ".join(done.output.split())
    rows = rows_of(folder)
    assert [(row["ion"], row["hop"], row["state"]) for row in rows] == [
        ("Li+", "0", "written"),
        ("Cl-", "0", "written"),
    ]
    assert {row["origin"] for row in rows} == {"bond valence"}
    assert all(float(row["origin_rise_ev"]) > 0.0 for row in rows)
    assert {row["rise_ev"] for row in rows} == {""}
    (hop,) = folder.glob("*/Li+/vasp/hop-0000")
    inputs = {path: path.read_bytes() for path in hop.rglob("POSCAR")}
    assert len(inputs) == 3
    again = called(folder, "--engine", "vasp")
    assert again.exit_code == 0, again.output
    assert {path: path.read_bytes() for path in hop.rglob("POSCAR")} == inputs
    assert all("is not relaxed yet" in row["state"] for row in rows_of(folder))


def test_a_potentials_bands_are_handed_over_and_read_back(tmp_path: Path) -> None:
    """An alloy's band stands for one of a potential: what is computed with it is EMT's."""
    folder = tmp_path / "neb"
    place = folder / "LiCl.cif_LiCl"
    images = alloy_images()
    for image in images:
        image.numbers[image.numbers == 79] = 3  # gold passes for lithium until the band is read
    ion = NebFolder(place / "Li+")
    ion.path.mkdir(parents=True)
    for number in (2, 5):
        ion.save_hop(HopBarrier(hop=number, rises_ev=(0.4, 0.3), images=tuple(images)))
    document = {"row": {"neb_potential": "chgnet"}, "ions": {"Li+": {"deciding_hops": [5, 5, -1]}}}
    (place / "neb.json").write_text(json.dumps(document))
    assert called(folder, "--engine", "vasp").exit_code == 0
    row = rows_of(folder)[0]
    assert (row["hop"], row["origin"], row["origin_rise_ev"]) == ("5", "chgnet", "0.4000")
    hop = place / "Li+" / "vasp" / "hop-0005"
    assert len(read(hop / "images.extxyz", index=":")) == len(images)
    for path in hop.rglob("POSCAR"):
        path.write_text(path.read_text().replace("Li", "Au"))
    for end in ("00", "04"):
        run_stand_in(hop / end, image=False)
    (hop / "start").write_text("relaxed ends\n")
    for image in ("01", "02", "03"):
        run_stand_in(hop / image)
    done = called(folder, "--engine", "vasp")
    assert done.exit_code == 0, done.output
    row = rows_of(folder)[0]
    assert row["state"] == "read"
    result = json.loads((hop / "result.json").read_text())
    assert f"{result['rises_ev'][0]:.4f}" == row["rise_ev"]
    assert row["rise_ev"] in {f"{energy:.4f}" for energy in result["energies_ev"]}
    assert float(np.max(result["energies_ev"])) > 0.0
    chosen = called(folder, "--engine", "vasp", "--hop", "2")
    assert chosen.exit_code == 0, chosen.output
    assert rows_of(folder)[0]["hop"] == "2"


def test_wrong_words_end_in_one_sentence(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("potcar: {Li: Li_sv}\n")
    for words, message in (
        (("--hop", "1"), "are for vasp and cp2k"),
        (("--engine", "vasp", "--settings", str(settings)), "potcar"),
        (("--engine", "vasp", "--settings", str(tmp_path / "no.yaml")), "no.yaml"),
    ):
        done = called(tmp_path / "neb", *words)
        assert done.exit_code != 0
        assert message in str(done.exception)
    done = called(tmp_path / "neb", "--engine", "vasp", "--hop", "9")
    assert done.exit_code == 0
    assert all("no hop 9" in row["state"] for row in rows_of(tmp_path / "neb"))
