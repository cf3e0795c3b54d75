"""Files that name a DCD's atoms: every format that is documented, and damage that costs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from trajectory_samples import (
    CELL,
    STEP_FS,
    SYMBOLS,
    dcd,
    lammps_dump,
    vasprun,
    walk,
    write_traj,
    xdatcar,
)

from dualion.structures.errors import InputError
from dualion.structures.trajectories import (
    ReadOptions,
    UnreadableTrajectoryError,
    read_trajectory,
)
from dualion.structures.trajectories.text import MAX_ATOMS

OPTIONS = ReadOptions(frame_step_ps=STEP_FS * 1e-3)
ATOMS = Atoms(SYMBOLS, positions=walk(1)[0], cell=CELL, pbc=True)


@pytest.fixture
def trajectory(tmp_path: Path) -> Path:
    title = "REMARK CORD DCD file created by CP2K version 2023.1"
    (tmp_path / "run.dcd").write_bytes(dcd(walk(4), title, timestep=STEP_FS))
    return tmp_path / "run.dcd"


def write(path: Path) -> None:
    """The atoms of the walk, in the format that a name tells."""
    text = {
        "XDATCAR": lambda: xdatcar(walk(2)),
        "vasprun.xml": lambda: vasprun(walk(2)),
        "run.lammpstrj": lambda: lammps_dump(walk(2), unit="metal", time=0.002),
    }
    if path.name in text:
        path.write_text(text[path.name]())
    elif path.suffix == ".traj":
        write_traj(path, walk(2))
    else:
        kind = {"POSCAR": "vasp", ".extxyz": "extxyz", ".pdb": "proteindatabank"}
        ase.io.write(path, ATOMS, format=kind.get(path.suffix or path.name))


@pytest.mark.parametrize(
    "name",
    [
        "start.cif", "POSCAR", "start.xyz", "start.extxyz", "start.pdb", "start.traj", "XDATCAR",
        "vasprun.xml", "run.lammpstrj",
    ],
)  # fmt: skip
def test_every_format(name: str, trajectory: Path, tmp_path: Path) -> None:
    write(tmp_path / name)
    found = read_trajectory(trajectory, replace(OPTIONS, topology=tmp_path / name))
    assert found.symbols == SYMBOLS


def test_a_topology_that_lies_about_its_size_costs_nothing(
    trajectory: Path, tmp_path: Path
) -> None:
    """A column or an atom count of thousands of millions was allocated before it was looked at."""
    sound = tmp_path / "start.extxyz"
    ATOMS.write(sound, format="extxyz")
    text = sound.read_text()
    lies = [
        text.replace("species:S:1", "species:S:2000000000"),
        text.replace("pos:R:3", "pos:R:3:x:R:99999999999"),
        text.replace("8\n", f"{MAX_ATOMS * 4000}\n", 1),
        text.replace("8\n", "99999999999999999999\n", 1),
        text.replace("Li ", "\x1b[2JLi\n ", 1),
    ]
    for number, lie in enumerate(lies):
        assert lie != text
        path = tmp_path / f"lie{number}.extxyz"
        path.write_text(lie)
        with pytest.raises(InputError) as refused:
            read_trajectory(trajectory, replace(OPTIONS, topology=path))
        assert path.name in str(refused.value) and "\n" not in str(refused.value)
        assert "\x1b" not in str(refused.value)
    poscar = tmp_path / "POSCAR"
    ase.io.write(poscar, ATOMS, format="vasp")
    poscar.write_text(poscar.read_text().replace("4   4", "4   4000000000"))
    with pytest.raises(InputError, match="does not name the atoms"):
        read_trajectory(trajectory, replace(OPTIONS, topology=poscar))


@pytest.mark.parametrize("name", ["missing.cif", "empty.xyz", "empty.cif", "empty.pdb", "a.data"])
def test_a_file_that_names_no_atoms_is_one_sentence(
    name: str, trajectory: Path, tmp_path: Path
) -> None:
    if name != "missing.cif":
        (tmp_path / name).write_text("")
    with pytest.raises(InputError) as refused:
        read_trajectory(trajectory, replace(OPTIONS, topology=tmp_path / name))
    assert name in str(refused.value) and "\n" not in str(refused.value)


def test_damaged_numbers_of_a_dcd_are_refused_without_a_warning(tmp_path: Path) -> None:
    """A signalling NaN made numpy warn when it was widened."""
    positions = walk(4).astype(np.float32)
    title = "REMARK CORD DCD file created by CP2K version 2023.1"
    data = dcd(positions, title, timestep=STEP_FS)
    broken = data.replace(positions[2, 3, :1].tobytes(), b"\x01\x00\xa0\x7f")
    assert broken != data
    (tmp_path / "run.dcd").write_bytes(broken)
    ATOMS.write(tmp_path / "start.extxyz", format="extxyz")
    with pytest.raises(UnreadableTrajectoryError, match="Frame 3"):
        read_trajectory(tmp_path / "run.dcd", replace(OPTIONS, topology=tmp_path / "start.extxyz"))
