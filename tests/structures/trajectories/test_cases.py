"""Public situations that went wrong: each file gives what its README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "trajectories"
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there"),
]


@pytest.fixture(scope="module")
def plain() -> Trajectory:
    """The walk that the files share."""
    options = ReadOptions(frame_step_ps=0.002, temperature_k=700.0)
    return read_trajectory(CASES / "XDATCAR_plain", options)


def same_walk(found: Trajectory, plain: Trajectory, tolerance: float = 2e-6) -> None:
    assert found.n_frames == 400 and found.symbols == plain.symbols
    assert found.frame_step_ps == pytest.approx(0.002, rel=1e-6)
    moved, true = (t.positions() - t.positions()[0] for t in (found, plain))
    np.testing.assert_allclose(moved, true, atol=tolerance)


def test_dcd_of_cp2k(plain: Trajectory) -> None:
    found = read_trajectory(CASES / "licl-pos-1.dcd", ReadOptions(topology=CASES / "licl.xyz"))
    same_walk(found, plain)
    assert found.temperature_k == pytest.approx(700.0)


def test_extxyz_of_lammps_asks_for_its_units(plain: Trajectory) -> None:
    path = CASES / "lmp_metal.extxyz"
    with pytest.raises(InputError, match="ps in metal, fs in real"):
        read_trajectory(path)
    found = read_trajectory(path, ReadOptions(frame_step_ps=0.002))
    same_walk(found, plain, tolerance=3e-6)
    assert found.temperature_k == pytest.approx(703.2)


def test_vasprun_that_trains_on_the_fly() -> None:
    found = read_trajectory(CASES / "vasprun_ml_mixed.xml")
    options = ReadOptions(frame_step_ps=0.002, temperature_k=700.0)
    same_walk(found, read_trajectory(CASES / "XDATCAR_ml_reference", options))
    assert np.isfinite(found.energies_ev).all()


def test_xdatcar_with_ml_outblock() -> None:
    found = read_trajectory(CASES / "vx" / "XDATCAR")
    assert found.frame_step_ps == pytest.approx(0.020)
    assert "temperature_ramp" in found.flags and np.isnan(found.temperature_k)


def test_a_ramp_is_flagged() -> None:
    found = read_trajectory(CASES / "vasprun_ramp.xml")
    assert "temperature_ramp" in found.flags and np.isnan(found.temperature_k)


def test_one_energy_that_was_not_printed() -> None:
    found = read_trajectory(CASES / "vasprun_stars.xml")
    assert found.n_frames == 200
    assert np.isnan(found.energies_ev).sum() == 1


def test_dump_in_electron_units(plain: Trajectory) -> None:
    found = read_trajectory(CASES / "electron.lammpstrj", ReadOptions(frame_step_ps=0.002))
    same_walk(found, plain)
    # The file took a Bohr of 0.529177 Å, 4e-7 below CODATA's.
    np.testing.assert_allclose(found.mean_cell, 8.0 * np.eye(3), atol=1e-5)


def test_plain_xyz_with_a_given_cell(plain: Trajectory) -> None:
    same_walk(read_trajectory(CASES / "cp2k_renamed.xyz", ReadOptions(cell=(8, 8, 8))), plain)


def test_step_with_a_decimal_point(plain: Trajectory) -> None:
    found = read_trajectory(CASES / "stepfloat.xyz")
    assert found.n_frames == 40 and found.frame_step_ps == pytest.approx(0.002)


def test_restart_that_repeats_steps(plain: Trajectory) -> None:
    found = read_trajectory(CASES / "over-pos-1.xyz")
    same_walk(found, plain)
    assert "repeated_steps_replaced" in found.flags
