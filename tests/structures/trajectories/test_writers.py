"""Each writer's units, steps and frames; expectations are the writers' own definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.constants import atomic_mass, k
from trajectory_samples import (
    BOHR,
    EDGE,
    STEP_FS,
    SYMBOLS,
    cp2k_tables,
    cp2k_xyz,
    dcd,
    extxyz,
    lammps_dump,
    topology,
    vasprun,
    walk,
    write_traj,
    xdatcar,
)

from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, UnreadableTrajectoryError
from dualion.structures.trajectories import read_trajectory as read

FRAMES = 24
STEP_PS = STEP_FS * 1e-3
CP2K = "REMARK CORD DCD file created by CP2K version 2023.1 (revision git:e38f81c)"
LAMMPS = "Written by LAMMPS"
GIVEN = ReadOptions(frame_step_ps=STEP_PS)


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    return walk(FRAMES)


def agrees(found: Trajectory, truth: NDArray[np.float64], tolerance: float = 1e-6) -> None:
    assert found.symbols == SYMBOLS
    moved = found.positions() - found.positions()[0]
    np.testing.assert_allclose(moved, truth - truth[0], atol=tolerance)


# DCD: the unit of the MD step is the writer's.


def write_dcd(
    folder: Path, truth: NDArray[np.float64], title: str, *, name: str = "run.dcd", **more: object
) -> tuple[Path, ReadOptions]:
    path = folder / name
    path.write_bytes(dcd(truth, title, **more))  # type: ignore[arg-type]
    return path, ReadOptions(topology=topology(folder / "start.extxyz"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_dcd_of_cp2k_is_in_femtoseconds(
    tmp_path: Path, truth: NDArray[np.float64], order: str
) -> None:
    path, options = write_dcd(tmp_path, truth, CP2K, timestep=0.5, interval=4, order=order)
    found = read(path, options)
    agrees(found, truth, 1e-5)
    assert found.frame_step_ps == pytest.approx(0.002)


@pytest.mark.parametrize(
    "title", ["REMARKS FILENAME=run.dcd CREATED BY NAMD", "Created by OpenMM", "* CHARMM RUN"]
)
def test_dcd_of_charmm_and_its_kin_is_in_akma_units(
    tmp_path: Path, truth: NDArray[np.float64], title: str
) -> None:
    # 1 AKMA unit of time = Å √(u mol / kcal) = 48.88821 fs.
    path, options = write_dcd(tmp_path, truth, title, timestep=0.5 / 48.88821, interval=4)
    assert read(path, options).frame_step_ps == pytest.approx(0.002, rel=1e-5)


@pytest.mark.parametrize(("units", "timestep"), [("metal", 0.001), ("real", 1.0)])
def test_dcd_of_lammps_is_in_the_units_of_its_run(
    tmp_path: Path, truth: NDArray[np.float64], units: str, timestep: float
) -> None:
    path, options = write_dcd(
        tmp_path, truth, LAMMPS, timestep=timestep, interval=2, cosines=True, counted=FRAMES
    )
    with pytest.raises(InputError, match=r"ps in metal, fs in real.*--frame-step-fs"):
        read(path, options)
    (tmp_path / "in.other").write_text("units si\ndump d all dcd 2 another.dcd\n")
    (tmp_path / "log.lammps").write_text(f"units {units}\ndump d all dcd 2 run.dcd\n")
    found = read(path, options)
    agrees(found, truth, 1e-5)
    assert found.frame_step_ps == pytest.approx(0.002)
    assert "units_from_input" in found.flags


def test_dcd_of_lammps_that_its_input_contradicts_is_a_question(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path, options = write_dcd(tmp_path, truth, LAMMPS, timestep=0.001, cosines=True)
    log = "units ${style}\nunits real\ntimestep 1.0\ndump d all dcd 1 run.dcd\n"
    (tmp_path / "log.lammps").write_text(log)
    with pytest.raises(InputError, match=r"0\.001 and the input beside it 1 .*--frame-step-fs"):
        read(path, options)
    (tmp_path / "log.lammps").write_text(log.replace("units real\n", ""))  # held by a variable
    with pytest.raises(InputError, match=r"ps in metal, fs in real"):
        read(path, options)


def test_dcd_of_an_unknown_writer_is_asked_about(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path, options = write_dcd(tmp_path, truth, "Created by DCD plugin", timestep=1.0)
    with pytest.raises(InputError, match=r"not known.*DCD plugin.*--frame-step-fs"):
        read(path, options)


def test_the_table_beside_a_dcd_decides_and_a_contradiction_is_a_question(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    for title, timestep in (("made by hand", 7.0), (CP2K, STEP_FS)):
        path, options = write_dcd(tmp_path, truth, title, name="li-pos-1.dcd", timestep=timestep)
        cp2k_tables(path, range(FRAMES))
        assert read(path, options).frame_step_ps == pytest.approx(STEP_PS)
    path, options = write_dcd(tmp_path, truth, CP2K, name="li-pos-1.dcd", timestep=0.5)
    with pytest.raises(InputError, match=r"0.5 fs and the table beside it 2 fs"):
        read(path, options)


def test_dcd_of_a_restarted_run_takes_the_steps_of_its_table(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    steps = [*range(15), *range(10, FRAMES)]
    frames = np.concatenate([truth[:15], truth[10:]])
    frames[10:15] += 0.02  # what the restart replaces went another way
    path, options = write_dcd(tmp_path, frames, CP2K, name="li-pos-1.dcd", timestep=STEP_FS)
    cp2k_tables(path, steps)
    found = read(path, options)
    assert found.n_frames == FRAMES and "repeated_steps_replaced" in found.flags
    agrees(found, truth, 1e-5)


def test_dcd_in_another_unit_than_its_cell_file_is_refused(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path, options = write_dcd(tmp_path, truth, CP2K, name="li-pos-1.dcd", timestep=STEP_FS)
    cp2k_tables(path, range(FRAMES), edge=EDGE * BOHR)
    with pytest.raises(UnreadableTrajectoryError, match="another unit of length"):
        read(path, options)


def test_dcd_that_lost_counted_frames_is_flagged(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path, options = write_dcd(
        tmp_path, truth, "Created by OpenMM", timestep=0.04, counted=FRAMES + 3
    )
    assert "truncated_file" in read(path, options).flags


# Extended XYZ: LAMMPS prints the units of its run, GPUMD and ASE fs.


def thermal(style_m_s: float, temperature_k: float) -> list[NDArray[np.float64]]:
    """Maxwell velocities of each frame, scaled to the temperature exactly."""
    masses = np.array([6.94] * 4 + [35.45] * 4) * atomic_mass
    rng = np.random.default_rng(11)
    frames = []
    for _ in range(FRAMES):
        speeds = rng.normal(size=(8, 3)) / np.sqrt(masses)[:, None]
        now = (masses[:, None] * speeds**2).sum() / (3 * 7 * k)
        frames.append(speeds * np.sqrt(temperature_k / now) / style_m_s)
    return frames


@pytest.mark.parametrize(("metre_per_second", "frame"), [(1e2, 0.002), (1e5, 2.0)])
def test_extxyz_of_lammps_by_its_velocities(
    tmp_path: Path, truth: NDArray[np.float64], metre_per_second: float, frame: float
) -> None:
    comments = [
        f"Timestep={2 * i} Time={i * frame:.6f} Potential_energy=-1.0 Temperature=700.0"
        for i in range(FRAMES)
    ]
    path = tmp_path / "dump.extxyz"
    path.write_text(extxyz(truth, comments, thermal(metre_per_second, 700.0)))
    found = read(path)
    agrees(found, truth)
    assert found.frame_step_ps == pytest.approx(0.002)
    assert found.temperature_k == pytest.approx(700.0)
    # 1 kcal/mol = 0.0433641 eV.
    assert found.energies_ev[0] == pytest.approx(-1.0 if frame < 1.0 else -0.0433641, rel=1e-5)
    assert {"units_from_velocities", "temperature_from_frames"} <= set(found.flags)


def test_extxyz_of_lammps_in_electron_units_is_in_bohr(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    comments = [f"Timestep={i} Time={i * STEP_FS:.6f}" for i in range(FRAMES)]
    (tmp_path / "dump.extxyz").write_text(extxyz(truth, comments))
    (tmp_path / "in.run").write_text("units electron\ndump 1 all extxyz 1 dump.extxyz\n")
    found = read(tmp_path / "dump.extxyz")
    np.testing.assert_allclose(np.diag(found.mean_cell), EDGE * BOHR, rtol=1e-6)
    agrees(found, truth * BOHR)
    assert found.frame_step_ps == pytest.approx(STEP_PS)


@pytest.mark.parametrize(
    ("comment", "expected_ps"),
    [
        ("Time={fs:.8f} pbc='T T T' energy=-3.0", STEP_PS),  # GPUMD, dump_exyz
        ("time={fs} step={i}.0", STEP_PS),  # ASE's user, fs
        ("time_fs={fs} step={i}", STEP_PS),
        ("time_ps={ps}", STEP_PS),
    ],
)
def test_extxyz_of_other_writers(
    tmp_path: Path, truth: NDArray[np.float64], comment: str, expected_ps: float
) -> None:
    comments = [comment.format(i=i, fs=i * STEP_FS, ps=i * STEP_PS) for i in range(FRAMES)]
    (tmp_path / "dump.xyz").write_text(extxyz(truth, comments))
    found = read(tmp_path / "dump.xyz")
    agrees(found, truth)
    assert found.frame_step_ps == pytest.approx(expected_ps)


def test_temperatures_of_the_frames_are_used_and_the_users_goes_before(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    comments = [f"time={i * STEP_FS} Temperature={650 + i}" for i in range(FRAMES)]
    (tmp_path / "run.extxyz").write_text(extxyz(truth, comments))
    assert read(tmp_path / "run.extxyz").temperature_k == pytest.approx(650 + (FRAMES - 1) / 2)
    given = read(tmp_path / "run.extxyz", ReadOptions(temperature_k=600.0))
    assert given.temperature_k == 600.0 and "temperature_from_frames" not in given.flags


def test_columns_without_positions_are_refused(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    text = extxyz(truth, [""] * FRAMES).replace(":pos:R:3", ":forces:R:3")
    (tmp_path / "run.extxyz").write_text(text)
    with pytest.raises(UnreadableTrajectoryError, match="no three of pos"):
        read(tmp_path / "run.extxyz", GIVEN)


def test_plain_xyz_takes_the_given_cell_and_a_lattice_goes_before_it(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    (tmp_path / "renamed.xyz").write_text(cp2k_xyz(truth))
    found = read(tmp_path / "renamed.xyz", ReadOptions(cell=(EDGE, EDGE, EDGE)))
    agrees(found, truth)
    assert found.frame_step_ps == pytest.approx(STEP_PS)
    assert found.energies_ev[0] == pytest.approx(-12.3 * 27.211386, rel=1e-7)
    (tmp_path / "own.xyz").write_text(extxyz(truth, [f"time={i * 2}" for i in range(FRAMES)]))
    found = read(tmp_path / "own.xyz", ReadOptions(cell=(9.0, 9.0, 9.0)))
    agrees(found, truth)
    assert "given_cell_unused" in found.flags


def test_a_step_that_contradicts_the_file_is_used_and_said(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    (tmp_path / "own.xyz").write_text(extxyz(truth, [f"time={i * 2}" for i in range(FRAMES)]))
    found = read(tmp_path / "own.xyz", ReadOptions(frame_step_ps=0.02))
    assert found.frame_step_ps == 0.02 and "given_frame_step_differs" in found.flags
    assert "given_frame_step_differs" not in read(tmp_path / "own.xyz", GIVEN).flags


def test_frames_a_thousand_times_too_close_are_flagged(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    (tmp_path / "own.xyz").write_text(extxyz(truth, [""] * FRAMES))
    found = read(tmp_path / "own.xyz", ReadOptions(frame_step_ps=STEP_PS * 1e-3))
    assert "steps_faster_than_thermal" in found.flags
    assert "steps_faster_than_thermal" not in read(tmp_path / "own.xyz", GIVEN).flags


# CP2K restarts.


def test_cp2k_restart_replaces_the_steps_it_repeats(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    steps = [*range(15), *range(10, FRAMES)]
    frames = np.concatenate([truth[:15], truth[10:]])
    frames[10:15] += 0.02
    (tmp_path / "li-pos-1.xyz").write_text(cp2k_xyz(frames, steps))
    cp2k_tables(tmp_path / "li-pos-1.xyz", steps)
    found = read(tmp_path / "li-pos-1.xyz")
    agrees(found, truth)
    assert "repeated_steps_replaced" in found.flags
    thinned = read(tmp_path / "li-pos-1.xyz", ReadOptions(every=3, skip_ps=2 * STEP_PS))
    np.testing.assert_allclose(thinned.fractional, found.fractional[2::3])


def test_a_file_that_begins_again_is_two_runs(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    (tmp_path / "li-pos-1.xyz").write_text(cp2k_xyz(truth) * 2)
    cp2k_tables(tmp_path / "li-pos-1.xyz", range(FRAMES))
    with pytest.raises(UnreadableTrajectoryError, match="two runs are joined"):
        read(tmp_path / "li-pos-1.xyz")
    (tmp_path / "XDATCAR").write_text(xdatcar(truth) * 2)
    with pytest.raises(UnreadableTrajectoryError, match="two runs are joined"):
        read(tmp_path / "XDATCAR", GIVEN)


def test_frames_missing_after_a_restart_are_refused(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    steps = [*range(12), *range(14, FRAMES)]
    (tmp_path / "li-pos-1.xyz").write_text(cp2k_xyz(truth[steps], steps))
    cp2k_tables(tmp_path / "li-pos-1.xyz", range(FRAMES))
    with pytest.raises(UnreadableTrajectoryError, match="frames are missing"):
        read(tmp_path / "li-pos-1.xyz")


# VASP: machine-learned steps, ML_OUTBLOCK, ramps, stars, glued numbers.

RUN = {"ML_LMLFF": "T", "ML_MODE": "run", "ML_OUTBLOCK": 10}


def test_learned_steps_stand_outside_of_calculations(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path = tmp_path / "vasprun.xml"
    for learned in (range(1, 20), range(FRAMES), [0, 5, 6, FRAMES - 1]):
        path.write_text(vasprun(truth, {"ML_LMLFF": "T"}, learned=learned))
        found = read(path)
        agrees(found, truth)
        assert found.n_frames == FRAMES and np.isfinite(found.energies_ev).all()


@pytest.mark.parametrize(
    ("version", "tags", "expected_ps"),
    [
        ("6.4.3", RUN, 0.020),
        ("6.5.1", RUN | {"ML_MODE": "RUN"}, 0.020),
        ("6.4.2", RUN, 0.002),  # up to 6.4.2 every step is in vasprun.xml
        ("6.4.3", RUN | {"ML_MODE": "train"}, 0.002),  # the tag acts in prediction alone
        ("6.4.3", RUN | {"ML_LMLFF": "F"}, 0.002),
    ],
)
def test_ml_outblock_in_vasprun(
    tmp_path: Path,
    truth: NDArray[np.float64],
    version: str,
    tags: dict[str, object],
    expected_ps: float,
) -> None:
    steps = {"NSW": 10 * FRAMES if expected_ps > 0.01 else FRAMES}
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(truth, tags | steps, version=version))
    assert read(path).frame_step_ps == pytest.approx(expected_ps)


def test_ml_outblock_that_its_frames_contradict_is_a_question(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(truth, RUN | {"NSW": FRAMES}, version="6.4.3"))
    with pytest.raises(InputError, match=r"ML_OUTBLOCK.*--frame-step-fs"):
        read(path)
    path.write_text(vasprun(truth, RUN | {"NSW": 10 * FRAMES}, version="6.4.2"))
    with pytest.raises(InputError, match=r"ML_OUTBLOCK.*--frame-step-fs"):
        read(path)
    assert read(path, GIVEN).frame_step_ps == STEP_PS
    nameless = {key: value for key, value in RUN.items() if key != "ML_MODE"}
    path.write_text(vasprun(truth, nameless, version="6.4.3"))
    with pytest.raises(InputError, match="no ML_MODE"):
        read(path)


@pytest.mark.parametrize(
    ("incar", "expected_ps"),
    [
        ("POTIM = 2.0 ; ML_LMLFF = .TRUE.\nML_MODE = run\nML_OUTBLOCK = 10", 0.020),
        ("POTIM=2\nML_LMLFF=T; ML_MODE=RUN; ML_OUTBLOCK=5; NBLOCK=10", 0.020),  # the larger one
        ("POTIM=2\nML_LMLFF=T\nML_MODE=train\nML_OUTBLOCK=10", 0.002),
        ("POTIM=2\nML_OUTBLOCK=10", 0.002),
        ("potim = 2.d0 ! fs\nNBLOCK = 5 # thin", 0.010),
    ],
)
def test_ml_outblock_of_an_xdatcar(
    tmp_path: Path, truth: NDArray[np.float64], incar: str, expected_ps: float
) -> None:
    (tmp_path / "XDATCAR").write_text(xdatcar(truth))
    (tmp_path / "INCAR").write_text(incar + "\n")
    assert read(tmp_path / "XDATCAR").frame_step_ps == pytest.approx(expected_ps)


def test_a_ramp_has_no_single_temperature(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    (tmp_path / "vasprun.xml").write_text(vasprun(truth, {"TEBEG": 300, "TEEND": 900}))
    (tmp_path / "XDATCAR").write_text(xdatcar(truth))
    (tmp_path / "INCAR").write_text("POTIM=2;TEBEG=300;TEEND=900\n")
    for name in ("vasprun.xml", "XDATCAR"):
        found = read(tmp_path / name)
        assert "temperature_ramp" in found.flags and np.isnan(found.temperature_k)
        given = read(tmp_path / name, ReadOptions(temperature_k=600.0))
        assert "temperature_ramp" in given.flags
    (tmp_path / "vasprun.xml").write_text(vasprun(truth, {"TEBEG": 700.0, "TEEND": 700}))
    assert "temperature_ramp" not in read(tmp_path / "vasprun.xml").flags


def test_an_energy_that_did_not_fit_its_field(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    energies = ["-30.5"] * FRAMES
    energies[7] = "****************"
    (tmp_path / "vasprun.xml").write_text(vasprun(truth, energies=energies))
    found = read(tmp_path / "vasprun.xml")
    assert np.flatnonzero(np.isnan(found.energies_ev)).tolist() == [7]
    assert found.n_frames == FRAMES and "energy_not_printed" in found.flags


def test_a_step_that_lost_an_atom_is_no_gap(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    text = vasprun(truth)
    at = text.index("<v>", text.index('name="positions"', len(text) // 2))
    end = text.index("</v>", at) + 4
    (tmp_path / "vasprun.xml").write_text(text[:at] + text[end:])
    with pytest.raises(UnreadableTrajectoryError, match="7 positions"):
        read(tmp_path / "vasprun.xml")


def test_glued_numbers_of_an_xdatcar(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    far = truth.copy()
    far[:, 0] -= 12.0 * EDGE  # -12.00000000 fills the field of twelve characters
    text = xdatcar(far, glue=True)
    assert "-12." in text and len(text.splitlines()[8].split()) < 3
    (tmp_path / "XDATCAR").write_text(text)
    found = read(tmp_path / "XDATCAR", GIVEN)
    agrees(found, far)
    assert "glued_numbers_repaired" in found.flags
    row = text.splitlines()[8]
    (tmp_path / "XDATCAR").write_text(text.replace(row, row.replace("-", ""), 1))
    with pytest.raises(UnreadableTrajectoryError, match="numbers where"):
        read(tmp_path / "XDATCAR", GIVEN)


# LAMMPS dumps.


@pytest.mark.parametrize(
    ("unit", "length", "time"),
    [
        ("metal", 1.0, 0.002),
        ("real", 1.0, 2.0),
        ("electron", BOHR, 2.0),
        ("si", 1e10, 2e-15),
        ("cgs", 1e8, 2e-15),
        ("micro", 1e4, 2e-9),
        ("nano", 10.0, 2e-6),
    ],
)
def test_dump_names_its_units(
    tmp_path: Path, truth: NDArray[np.float64], unit: str, length: float, time: float
) -> None:
    """Units as https://docs.lammps.org/units.html lists them."""
    path = tmp_path / "run.lammpstrj"
    path.write_text(lammps_dump(truth, unit=unit, time=time, scale=length))
    found = read(path)
    agrees(found, truth)
    np.testing.assert_allclose(np.diag(found.mean_cell), EDGE, rtol=1e-9)
    assert found.frame_step_ps == pytest.approx(STEP_PS)


@pytest.mark.parametrize("unit", ["lj", "furlong"])
def test_dump_in_units_of_no_length_is_refused(
    tmp_path: Path, truth: NDArray[np.float64], unit: str
) -> None:
    (tmp_path / "run.lammpstrj").write_text(lammps_dump(truth, unit=unit, time=0.002))
    with pytest.raises(UnreadableTrajectoryError, match=unit) as caught:
        read(tmp_path / "run.lammpstrj", GIVEN)
    assert caught.value.reason == "unknown_units"


def test_dump_without_units_takes_them_from_the_run_beside_it(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path = tmp_path / "run.lammpstrj"
    path.write_text(lammps_dump(truth, time=2.0, every=4))
    with pytest.raises(InputError, match="--frame-step-fs"):
        read(path)
    log = "units real\ntimestep 0.5\ndump d all custom 4 out/run.lammpstrj id element x y z\n"
    (tmp_path / "log.lammps").write_text(log)
    assert read(path).frame_step_ps == pytest.approx(STEP_PS)
    path.write_text(lammps_dump(truth, every=4))  # steps alone: 4 of 0.5 fs
    found = read(path)
    assert found.frame_step_ps == pytest.approx(STEP_PS)
    assert "time_step_from_input" in found.flags
    (tmp_path / "log.lammps").write_text(log + "fix f all dt/reset 1 NULL 0.5 0.1\n")
    with pytest.raises(InputError, match="--frame-step-fs"):
        read(path)


def test_a_box_that_shrinks_around_the_atoms_is_refused(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path = tmp_path / "run.lammpstrj"
    text = lammps_dump(truth, unit="metal", time=0.002)
    path.write_text(text.replace("pp pp pp", "pp pp ff"))
    agrees(read(path), truth)
    path.write_text(text.replace("pp pp pp", "ss ss ss"))
    with pytest.raises(UnreadableTrajectoryError, match="shrinks"):
        read(path)


def test_ase_traj_gives_time_energy_and_temperature(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    write_traj(tmp_path / "run.traj", truth)
    found = read(tmp_path / "run.traj")
    agrees(found, truth)
    assert found.frame_step_ps == pytest.approx(STEP_PS)
    np.testing.assert_allclose(found.energies_ev, -30.5)
    assert "temperature_from_frames" in found.flags
