"""What headings say of a run's engine, potential, compound and defects."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from md_samples import run_folder
from trajectory_samples import walk, xdatcar

from dualion.results.transport.identity import RunOrigin
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import ReadOptions, read_trajectory
from dualion.workflows.cli.analyze.origin import origin_of_file
from dualion.workflows.md.plan.origin import origin_of


@pytest.mark.parametrize(
    ("engine", "settings", "model_path", "expected"),
    [
        ("chgnet", {}, None, ("ASE", "CHGNet")),
        ("mace", {}, "/models/mace-mp-0.model", ("ASE", "MACE, mace-mp-0.model")),
        ("ase.calculators.emt:EMT", {}, None, ("ASE", "EMT")),
        ("cp2k", {"basis": "TZVP-MOLOPT-GTH"}, None, ("CP2K", "GTH-PBE, TZVP-MOLOPT-GTH")),
        ("vasp", {"incar": {"GGA": "PS"}}, None, ("VASP", "PBE_54, GGA = PS")),
        ("vasp", {}, None, ("VASP", "PBE_54")),
    ],
)
def test_engine_and_potential_have_their_names(
    engine: str, settings: dict[str, object], model_path: str | None, expected: tuple[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    spec = run_folder(tmp_path).spec().model_copy(
        update={"engine": engine, "settings": settings, "model_path": model_path, "replica": 3,
                "cell": "schottky_Li1_I1"}
    )  # fmt: skip
    assert origin_of(spec) == RunOrigin(
        engine=expected[0], potential=expected[1], compound="Cu", defects="schottky_Li1_I1",
        protocol=spec.protocol.name, replica=3,
    )  # fmt: skip


def test_a_trajectory_of_a_run_tells_its_run_and_another_its_program(tmp_path: Path) -> None:
    (tmp_path / "XDATCAR").write_text(xdatcar(walk(40)))
    options = ReadOptions(frame_step_ps=0.01, temperature_k=600.0)
    report = analyse(
        read_trajectory(tmp_path / "XDATCAR", options),
        AnalysisOptions(with_kinisi=False, with_density=False),
    )
    assert origin_of_file(report, tmp_path / "XDATCAR") == RunOrigin(engine="VASP")
    named = origin_of_file(report, tmp_path / "XDATCAR", potential="PBE", defects="perfect")
    assert named == RunOrigin(engine="VASP", potential="PBE", defects="perfect")
    folder = run_folder(tmp_path / "run")
    folder.trajectory.write_bytes(gzip.compress(b""))
    found = origin_of_file(report, folder.trajectory, potential="mine")
    assert (found.engine, found.compound, found.potential) == ("ASE", "Cu", "mine")
    lone = tmp_path / "lone"
    lone.mkdir()
    shutil.copy(folder.trajectory, lone)
    assert origin_of_file(report, lone / folder.trajectory.name).compound == ""
