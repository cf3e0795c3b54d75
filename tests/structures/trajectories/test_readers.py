"""Every reader gives back one known triclinic, folded trajectory."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.io.trajectory import Trajectory as AseWriter
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories import ReadOptions, Trajectory, read_trajectory
from dualion.structures.trajectories.dcd.trajectory import AKMA_PS

CELL = np.array([[9.0, 0.0, 0.0], [1.5, 8.0, 0.0], [-0.7, 0.9, 10.0]])
SYMBOLS = ("Li", "Li", "P", "S", "I")
FRAMES = 12
STEP = ReadOptions(frame_step_ps=0.05)


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    """Unwrapped fractional walk, shape (12, 5, 3), that leaves the cell."""
    rng = np.random.default_rng(7)
    steps = rng.normal(scale=0.06, size=(FRAMES, len(SYMBOLS), 3))
    steps[:, 0, 0] += 0.1
    steps[0] = rng.random((len(SYMBOLS), 3))
    return np.cumsum(steps, axis=0)


def moved(trajectory: Trajectory) -> NDArray[np.float64]:
    return trajectory.fractional - trajectory.fractional[0]


def agrees(trajectory: Trajectory, truth: NDArray[np.float64], tolerance: float = 1e-6) -> None:
    assert trajectory.symbols == SYMBOLS
    np.testing.assert_allclose(trajectory.mean_cell, CELL, atol=1e-5)
    np.testing.assert_allclose(moved(trajectory), truth - truth[0], atol=tolerance)


def ase_frames(truth: NDArray[np.float64]) -> list[Atoms]:
    return [
        Atoms(SYMBOLS, scaled_positions=frame % 1.0, cell=CELL, pbc=True, info={"time": 50.0 * i})
        for i, frame in enumerate(truth)
    ]


def xdatcar(truth: NDArray[np.float64], *, every_header: bool = False) -> str:
    head = "made here\n1.0\n"
    head += "\n".join(" ".join(f"{x:.9f}" for x in row) for row in CELL)
    head += "\n Li P_h S I\n 2 1 1 1\n"
    text = "" if every_header else head
    for number, frame in enumerate(truth, start=1):
        text += head if every_header else ""
        text += f"Direct configuration= {number:5d}\n"
        text += "".join(" ".join(f"{x:.9f}" for x in row) + "\n" for row in frame % 1.0)
    return text


def test_xdatcar_and_its_gzip_give_the_walk(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    plain = tmp_path / "XDATCAR"
    plain.write_text(xdatcar(truth))
    packed = tmp_path / "XDATCAR.gz"
    packed.write_bytes(gzip.compress(xdatcar(truth, every_header=True).encode()))
    for path in (plain, packed):
        trajectory = read_trajectory(path, STEP)
        agrees(trajectory, truth)
        assert "unwrapped_here" in trajectory.flags


def test_xdatcar_takes_the_step_of_the_incar_beside_it(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    (tmp_path / "XDATCAR").write_text(xdatcar(truth))
    with pytest.raises(InputError, match="frame-step-fs"):
        read_trajectory(tmp_path / "XDATCAR")
    (tmp_path / "INCAR").write_text("POTIM = 2.0 ! fs\nNBLOCK=10\nTEBEG = 650; TEEND=650\n")
    trajectory = read_trajectory(tmp_path / "XDATCAR")
    assert trajectory.frame_step_ps == pytest.approx(0.02)
    assert trajectory.temperature_k == 650.0


def vasprun(truth: NDArray[np.float64], *, machine_learned: bool = False) -> str:
    def rows(values: NDArray[np.float64]) -> str:
        return "".join("<v> " + " ".join(f"{x:.9f}" for x in row) + " </v>\n" for row in values)

    atoms = "".join(f"<rc><c>{s} </c><c> 1</c></rc>" for s in SYMBOLS)
    learned = '<i type="logical" name="ML_LMLFF"> T </i>' if machine_learned else ""
    text = (
        '<?xml version="1.0"?><modeling><incar><i name="POTIM"> 25 </i>'
        f'<i name="TEBEG"> 700 </i>{learned}</incar><atominfo><array name="atoms">'
        f'<set>{atoms}</set></array></atominfo><structure name="initialpos"><varray '
        f'name="positions">{rows(truth[0] % 1.0)}</varray></structure>'
    )
    for number, frame in enumerate(truth):
        text += (
            f'<calculation><structure><crystal><varray name="basis">{rows(CELL)}</varray>'
            f'</crystal><varray name="positions">{rows(frame % 1.0)}</varray></structure>'
            f'<varray name="forces">{rows(frame)}</varray><energy><i name="e_wo_entrp">'
            f"{-10.0 - number}</i></energy></calculation>"
        )
    return text + "</modeling>"


@pytest.mark.parametrize("machine_learned", [False, True])
def test_vasprun(tmp_path: Path, truth: NDArray[np.float64], machine_learned: bool) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(truth, machine_learned=machine_learned))
    trajectory = read_trajectory(path)
    agrees(trajectory, truth)
    assert trajectory.frame_step_ps == pytest.approx(0.025)
    assert trajectory.temperature_k == 700.0
    np.testing.assert_allclose(trajectory.energies_ev, -10.0 - np.arange(FRAMES))
    assert ("machine_learned" in trajectory.flags) is machine_learned


def test_vasprun_that_breaks_off_gives_the_frames_before(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    text = vasprun(truth)
    (tmp_path / "vasprun.xml").write_text(text[: int(len(text) * 0.7)])
    trajectory = read_trajectory(tmp_path / "vasprun.xml")
    assert 2 < trajectory.n_frames < FRAMES
    assert "truncated_file" in trajectory.flags


def test_extxyz_written_by_ase(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    path = tmp_path / "run.extxyz"
    write(path, ase_frames(truth))
    trajectory = read_trajectory(path)
    agrees(trajectory, truth)
    assert trajectory.frame_step_ps == pytest.approx(0.05)


def test_ase_traj(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    path = tmp_path / "run.traj"
    with AseWriter(str(path), "w") as writer:
        for atoms in ase_frames(truth):
            writer.write(atoms)
    agrees(read_trajectory(path, STEP), truth)
    packed = tmp_path / "run.traj.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    agrees(read_trajectory(packed, STEP), truth)


def lammps(truth: NDArray[np.float64], *, images: bool) -> str:
    rng = np.random.default_rng(1)
    # CELL in the bounds of LAMMPS: xlo_bound = xlo + min(0, xy, xz, xy+xz), and so on.
    box = "-0.7 10.5 1.5\n0.0 8.9 -0.7\n0.0 10.0 0.9\n"
    text = ""
    for number, frame in enumerate(truth):
        text += f"ITEM: TIMESTEP\n{number * 50}\nITEM: NUMBER OF ATOMS\n5\n"
        text += f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{box}ITEM: ATOMS id type x y z"
        text += " ix iy iz\n" if images else "\n"
        for atom in rng.permutation(len(SYMBOLS)):
            folded = frame[atom] % 1.0
            values = " ".join(f"{x:.9f}" for x in folded @ CELL)
            turns = " ".join(str(int(x)) for x in np.floor(frame[atom])) if images else ""
            text += f"{atom + 1} {(1, 1, 2, 3, 4)[atom]} {values} {turns}\n"
    return text


@pytest.mark.parametrize("images", [False, True])
def test_lammps_dump_is_sorted_by_id(
    tmp_path: Path, truth: NDArray[np.float64], images: bool
) -> None:
    path = tmp_path / "run.lammpstrj"
    path.write_text(lammps(truth, images=images))
    with pytest.raises(InputError, match="--types"):
        read_trajectory(path, STEP)
    options = ReadOptions(frame_step_ps=0.05, type_symbols=("Li", "P", "S", "I"))
    trajectory = read_trajectory(path, options)
    agrees(trajectory, truth)
    assert ("already_unwrapped" in trajectory.flags) is images


def cp2k_cell_file() -> str:
    cell = " ".join(f"{x:.10f}" for x in CELL.ravel())
    return "# Step Time [fs] Ax ...\n" + "".join(
        f"{10 * i} {50.0 * i} {cell} 720.0\n" for i in range(FRAMES)
    )


def test_cp2k_xyz_with_its_cell_and_energies(tmp_path: Path, truth: NDArray[np.float64]) -> None:
    text = ""
    for number, frame in enumerate(truth):
        text += f"5\n i = {10 * number:8d}, time = {50.0 * number:12.3f}, E = -2.0\n"
        for symbol, row in zip(SYMBOLS, frame @ CELL, strict=True):
            text += f"{symbol} " + " ".join(f"{x:.10f}" for x in row) + "\n"
    path = tmp_path / "lips-pos-1.xyz"
    path.write_text(text)
    with pytest.raises(InputError, match="--cell"):
        read_trajectory(path)
    (tmp_path / "lips-1.cell").write_text(cp2k_cell_file())
    (tmp_path / "lips-1.ener").write_text(
        "".join(f"{10 * i} {50.0 * i} 0.01 {600 + i} -2.0 -1.9 0.1\n" for i in range(FRAMES))
    )
    trajectory = read_trajectory(path)
    agrees(trajectory, truth)
    assert trajectory.frame_step_ps == pytest.approx(0.05)
    assert trajectory.temperatures_k[3] == 603.0
    assert trajectory.energies_ev[0] == pytest.approx(-2.0 * 27.211386, rel=1e-6)


def dcd(truth: NDArray[np.float64]) -> bytes:
    def record(data: bytes) -> bytes:
        return struct.pack("<i", len(data)) + data + struct.pack("<i", len(data))

    integers = [0] * 20
    integers[0], integers[1], integers[2], integers[10] = FRAMES, 0, 10, 1
    control = bytearray(b"CORD" + struct.pack("<20i", *integers))
    control[40:44] = struct.pack("<f", 0.005 / AKMA_PS)
    data = record(bytes(control)) + record(struct.pack("<i", 1) + b"x" * 80)
    data += record(struct.pack("<i", len(SYMBOLS)))
    for frame in truth:
        data += record(struct.pack("<6d", 9.0, 90.0, 9.0, 90.0, 90.0, 9.0))
        data += b"".join(record(axis.astype("<f4").tobytes()) for axis in (frame @ CELL).T)
    return data


def test_dcd_uses_the_cell_file_and_the_topology(
    tmp_path: Path, truth: NDArray[np.float64]
) -> None:
    path = tmp_path / "lips-pos-1.dcd"
    path.write_bytes(dcd(truth))
    (tmp_path / "lips-1.cell").write_text(cp2k_cell_file())
    with pytest.raises(InputError, match="--topology"):
        read_trajectory(path)
    write(tmp_path / "start.cif", ase_frames(truth)[0])
    trajectory = read_trajectory(path, ReadOptions(topology=tmp_path / "start.cif"))
    agrees(trajectory, truth, tolerance=1e-5)
    assert trajectory.frame_step_ps == pytest.approx(0.05)
