"""``read_trajectory``: any supported file to one unwrapped ``Trajectory``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.array_files import read_displacements, read_npz
from dualion.structures.trajectories.ase_traj import read_ase_traj
from dualion.structures.trajectories.assemble import assemble
from dualion.structures.trajectories.cp2k.output import is_cp2k_name, read_cp2k_xyz
from dualion.structures.trajectories.dcd.trajectory import read_dcd
from dualion.structures.trajectories.extxyz import read_extxyz
from dualion.structures.trajectories.lammps.dump import read_lammps
from dualion.structures.trajectories.options import FORMATS, ReadOptions
from dualion.structures.trajectories.steps import REPLACED, chosen, without_repeated
from dualion.structures.trajectories.text import check_exists, stem_name
from dualion.structures.trajectories.topology import topology_symbols
from dualion.structures.trajectories.types import FrameStream, RepeatedStepsError, Trajectory
from dualion.structures.trajectories.vasp.vasprun import read_vasprun
from dualion.structures.trajectories.vasp.xdatcar import read_xdatcar


def recognise(path: Path) -> str:
    """Name of the format of a file, by its name.

    Raises:
        InputError: the name is of no known kind.
    """
    name = stem_name(path)
    if is_cp2k_name(path):
        return "cp2k_xyz" if name.endswith(".xyz") else "dcd"
    rules = (
        ("xdatcar", "XDATCAR" in path.name.upper()),
        ("vasprun", name.endswith(".xml")),
        ("extxyz", name.endswith((".extxyz", ".exyz", ".xyz"))),
        ("ase_traj", name.endswith(".traj")),
        ("dcd", name.endswith(".dcd")),
        ("npz", name.endswith(".npz")),
        ("displacements", name.endswith(".json")),
        ("lammps", name.endswith((".lammpstrj", ".dump", ".lammpsdump")) or "dump" in name),
    )
    found = next((kind for kind, fits in rules if fits), "")
    if not found:
        raise InputError(
            f"{path.name} does not tell its format; name one with --format: {', '.join(FORMATS)}."
        )
    return found


def open_stream(path: Path, options: ReadOptions) -> FrameStream:
    """Open a trajectory file as a stream of frames.

    Args:
        path: the file.
        options: what the file does not say.

    Raises:
        InputError: the format is unknown, or it needs something that was not given.
        UnreadableTrajectoryError: the file is not what its name says.
    """
    check_exists(path)
    kind = options.format or recognise(path)
    cell = _given_cell(options.cell)
    if kind == "xdatcar":
        return read_xdatcar(path)
    if kind == "vasprun":
        return read_vasprun(path)
    if kind == "extxyz":
        return read_extxyz(path, cell)
    if kind == "ase_traj":
        return read_ase_traj(path)
    if kind == "lammps":
        return read_lammps(path, options.type_symbols)
    if kind == "cp2k_xyz":
        return read_cp2k_xyz(path, cell)
    if kind == "dcd":
        topology = options.topology
        symbols = () if topology is None else topology_symbols(topology, _symbols_of)
        return read_dcd(path, symbols, cell)
    if kind == "npz":
        return read_npz(path)
    if kind == "displacements":
        return read_displacements(path)
    raise InputError(f"There is no trajectory format {kind!r}; choose from {', '.join(FORMATS)}.")


def _given_cell(values: Sequence[float]) -> NDArray[np.float64] | None:
    if not values:
        return None
    if len(values) not in (3, 9):
        raise InputError(f"A cell is three lengths or nine numbers in Å; {len(values)} were given.")
    array = np.array(values, dtype=np.float64)
    cell = np.diag(array) if len(values) == 3 else array.reshape(3, 3)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-3:
        raise InputError("The given cell has no volume; write three lengths or nine numbers in Å.")
    return cell


def _symbols_of(path: Path) -> tuple[str, ...] | None:
    """Symbols of a trajectory that holds them; None where the name is not that of one."""
    try:
        kind = recognise(path)
    except InputError:
        return None
    if kind in ("dcd", "displacements"):
        return None
    return open_stream(path, ReadOptions(format=kind)).symbols


def read_trajectory(path: Path, options: ReadOptions | None = None) -> Trajectory:
    """Read and unwrap a trajectory.

    Args:
        path: XDATCAR, vasprun.xml, CP2K xyz, DCD, extended or plain XYZ, ASE traj, LAMMPS dump,
            npz or JSON of displacements, compressed with gzip or not.
        options: what the file does not say.

    Raises:
        InputError: the file, its time step or its cell is missing.
        UnreadableTrajectoryError: the file is damaged, shuffled, not finite, jumps, or holds
            fewer than two frames.
    """
    options = options or ReadOptions()
    if options.every < 1:
        raise InputError(f"Keeping one frame of {options.every} makes no sense; give 1 or more.")
    stream = open_stream(path, options)
    try:
        return assemble(stream, options, source=path.name)
    except RepeatedStepsError:
        places = without_repeated(open_stream(path, options), path.name)
    stream = open_stream(path, options)
    once = replace(stream, frames=chosen(stream.frames, places), flags=(*stream.flags, REPLACED))
    return assemble(once, options, source=path.name)
