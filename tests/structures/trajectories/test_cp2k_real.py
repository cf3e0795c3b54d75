"""CP2K for real: its DCD and its XYZ of one run, whole and restarted, give one trajectory."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from numpy.typing import NDArray

from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory

PROGRAM = os.environ.get("DUALION_CP2K") or shutil.which("cp2k.psmp") or ""
pytestmark = [
    pytest.mark.cp2k,
    pytest.mark.skipif(
        not PROGRAM,
        reason="CP2K is not installed; on Debian and Ubuntu: apt install cp2k cp2k-data",
    ),
]

CELL = np.array([[11.2, 0.0, 0.0], [1.0, 11.4, 0.0], [0.4, -0.8, 11.6]])
TIMESTEP_FS, EVERY, STEPS, BROKEN_AT, RESTART_AT = 1.5, 2, 60, 50, 40
OTHER_AXES = np.array([[0.8, 0.6, 0.0], [-0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
"""A rotation that takes the first lattice vector off the x axis."""


def rock_salt() -> tuple[list[str], NDArray[np.float64]]:
    """Symbols and fractional places of 64 ions."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)])
    lithium = (cells[:, None] + corners).reshape(-1, 3) / 2.0
    return ["Li"] * 32 + ["Cl"] * 32, np.vstack([lithium, (lithium + 0.25) % 1.0])


def pair(one: str, other: str, epsilon_ev: float, sigma_angstrom: float) -> str:
    return (
        f"&LENNARD-JONES\nATOMS {one} {other}\nEPSILON [eV] {epsilon_ev}\n"
        f"SIGMA [angstrom] {sigma_angstrom}\nRCUT [angstrom] 5.5\n&END\n"
    )


def cp2k_input(form: str, cell: NDArray[np.float64], steps: int, restart: str = "") -> str:
    """MD of ions with Lennard-Jones cores by CP2K's classical part; it takes a second."""
    symbols, places = rock_salt()
    rows = "".join(
        f"{s} " + " ".join(f"{x:.12f}" for x in place) + "\n"
        for s, place in zip(symbols, places @ cell, strict=True)
    )
    vectors = "".join(
        f"{axis} " + " ".join(f"{x:.12f}" for x in vector) + "\n"
        for axis, vector in zip("ABC", cell, strict=True)
    )
    charges = "".join(
        f"&CHARGE\nATOM {s}\nCHARGE {z}\n&END\n" for s, z in (("Li", 1.0), ("Cl", -1.0))
    )
    each = f"&EACH\nMD {EVERY}\n&END\n"
    history = f"&RESTART_HISTORY\n&EACH\nMD {RESTART_AT}\n&END\n&END\n"
    start = f"&EXT_RESTART\nRESTART_FILE_NAME {restart}\n&END\n" if restart else ""
    return (
        f"&GLOBAL\nPROJECT licl\nRUN_TYPE MD\nPRINT_LEVEL LOW\n&END GLOBAL\n{start}"
        f"&FORCE_EVAL\nMETHOD FIST\n&MM\n&FORCEFIELD\n{charges}&NONBONDED\n"
        + pair("Li", "Li", 0.004, 1.6)
        + pair("Li", "Cl", 0.006, 2.6)
        + pair("Cl", "Cl", 0.010, 3.4)
        + "&END NONBONDED\n&END FORCEFIELD\n&POISSON\n&EWALD\nEWALD_TYPE SPME\nALPHA 0.4\n"
        f"GMAX 24\n&END\n&END\n&END MM\n&SUBSYS\n&CELL\n{vectors}&END\n&COORD\n{rows}&END\n&END\n"
        f"&END FORCE_EVAL\n&MOTION\n&MD\nENSEMBLE NVE\nSTEPS {steps}\nTIMESTEP {TIMESTEP_FS}\n"
        f"TEMPERATURE 1800\n&END\n&PRINT\n&TRAJECTORY\nFORMAT {form}\n{each}&END\n"
        f"&CELL\n{each}&END\n{history}&END\n&END MOTION\n"
    )


def run_cp2k(folder: Path, text: str, name: str = "md.inp") -> None:
    (folder / name).write_text(text)
    with (folder / f"{name}.out").open("w") as output:
        subprocess.run(
            [PROGRAM, "-i", name],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def topology(folder: Path, cell: NDArray[np.float64]) -> Path:
    symbols, places = rock_salt()
    path = folder / "start.extxyz"
    Atoms(symbols, scaled_positions=places, cell=cell, pbc=True).write(path)
    return path


@pytest.fixture(scope="module")
def by_xyz(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    """The run in CP2K's XYZ, to ten decimals."""
    folder = tmp_path_factory.mktemp("xyz")
    run_cp2k(folder, cp2k_input("XYZ", CELL, STEPS))
    return read_trajectory(folder / "licl-pos-1.xyz")


def agrees(found: Trajectory, by_xyz: Trajectory, tolerance: float) -> None:
    assert found.symbols == by_xyz.symbols
    assert found.n_frames == by_xyz.n_frames == STEPS // EVERY + 1
    assert found.frame_step_ps == pytest.approx(TIMESTEP_FS * EVERY * 1e-3, rel=1e-6)
    assert found.temperature_k == pytest.approx(by_xyz.temperature_k, rel=1e-6)
    moved, true = (t.fractional - t.fractional[0] for t in (found, by_xyz))
    np.testing.assert_allclose(moved, true, atol=tolerance)
    assert np.abs(true).max() > 0.005  # the ions do move


def test_dcd_is_the_xyz(tmp_path: Path, by_xyz: Trajectory) -> None:
    run_cp2k(tmp_path, cp2k_input("DCD", CELL, STEPS))
    options = ReadOptions(topology=topology(tmp_path, CELL))
    found = read_trajectory(tmp_path / "licl-pos-1.dcd", options)
    agrees(found, by_xyz, 2e-7)  # float32
    np.testing.assert_allclose(found.energies_ev, by_xyz.energies_ev, rtol=1e-8)
    (tmp_path / "licl-1.ener").unlink()  # CP2K's own head is enough
    (tmp_path / "licl-1.cell").unlink()
    alone = read_trajectory(tmp_path / "licl-pos-1.dcd", options)
    assert alone.frame_step_ps == pytest.approx(TIMESTEP_FS * EVERY * 1e-3, rel=1e-6)
    assert "cell_orientation_assumed" in alone.flags
    np.testing.assert_allclose(alone.fractional, found.fractional, atol=1e-6)


@pytest.mark.parametrize("form", ["DCD", "DCD_ALIGNED_CELL"])
def test_dcd_of_a_cell_along_other_axes(tmp_path: Path, form: str) -> None:
    """DCD_ALIGNED_CELL rotates the positions into the setting of lengths and angles."""
    run_cp2k(tmp_path, cp2k_input(form, CELL @ OTHER_AXES, 10))
    options = ReadOptions(topology=topology(tmp_path, CELL))
    found = read_trajectory(tmp_path / "licl-pos-1.dcd", options)
    if form == "DCD":
        np.testing.assert_allclose(found.mean_cell, CELL @ OTHER_AXES, atol=1e-6)
    else:
        assert np.abs(np.triu(found.mean_cell, 1)).max() < 1e-6
    assert "cell_orientation_assumed" not in found.flags
    np.testing.assert_allclose(found.fractional[0], rock_salt()[1], atol=1e-6)


@pytest.mark.parametrize("form", ["DCD", "XYZ"])
def test_a_restart_replaces_the_steps_it_repeats(
    tmp_path: Path, by_xyz: Trajectory, form: str
) -> None:
    run_cp2k(tmp_path, cp2k_input(form, CELL, BROKEN_AT))
    restart = f"licl-1_{RESTART_AT}.restart"
    assert (tmp_path / restart).is_file()
    more = cp2k_input(form, CELL, STEPS - RESTART_AT, restart)
    run_cp2k(tmp_path, more, "more.inp")
    options = ReadOptions(topology=topology(tmp_path, CELL))
    found = read_trajectory(tmp_path / f"licl-pos-1.{form.lower()}", options)
    assert "repeated_steps_replaced" in found.flags
    agrees(found, by_xyz, 3e-6)
