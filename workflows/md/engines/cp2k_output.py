"""Read the output of a call of CP2K: frames, and complete restarts."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import DualionError
from dualion.structures.trajectories.cp2k.output import read_cp2k_xyz
from dualion.structures.trajectories.types import TruncatedFileError
from dualion.workflows.md.engines.cp2k_input import PROJECT, RESTART, WAVEFUNCTION
from dualion.workflows.md.engines.external import Restart
from dualion.workflows.md.run.trajectory_file import MdFrame

LARGEST_RESTART_BYTES = 500_000_000
STEP = re.compile(rb"^\s*STEP_START_VAL\s+(\d+)\s*$", re.MULTILINE)
OPENED = re.compile(rb"^\s*&(?!END\b)\w", re.MULTILINE)
CLOSED = re.compile(rb"^\s*&END\b[^\n]*\n", re.MULTILINE)


def read_cp2k_frames(
    folder: Path, cell: NDArray[np.float64], symbols: tuple[str, ...], *, timestep_fs: float
) -> dict[int, MdFrame]:
    """Read the complete frames of ``md-pos-1.xyz``, by MD step.

    A frame is complete once its line of ``md-1.ener`` is on disk too.

    Args:
        folder: in which CP2K ran.
        cell: shape (3, 3), Å, constant.
        symbols: chemical symbols of the n atoms; a file of other atoms gives no frame.
        timestep_fs: time step, fs.
    """
    path = folder / f"{PROJECT}-pos-1.xyz"
    found: dict[int, MdFrame] = {}
    try:
        stream = read_cp2k_xyz(path, cell)
        if stream.symbols != symbols:
            return found
        for frame in stream.frames:
            if np.isfinite(frame.temperature_k) and frame.step >= 0:
                found[frame.step] = MdFrame(
                    step=frame.step,
                    time_ps=frame.step * timestep_fs / 1000.0,
                    positions=frame.positions,
                    cell=cell,
                    energy_ev=frame.energy_ev,
                    temperature_k=frame.temperature_k,
                )
    except (DualionError, TruncatedFileError, OSError):
        pass  # truncated or damaged: the frames before it count
    return found


def read_cp2k_restarts(folder: Path) -> Iterator[Restart]:
    """Read the complete restarts, the newest first."""
    names = [f"{PROJECT}-1.restart", *(f"{PROJECT}-1.restart.bak-{n}" for n in (1, 2, 3))]
    found: dict[int, bytes] = {}
    for name in names:
        content = _read_bytes(folder / name)
        step = read_restart_step(content)
        if step is not None:
            found.setdefault(step, content)
    for step in sorted(found, reverse=True):
        yield Restart(step, lambda content=found[step]: _read_files(folder, content))  # type: ignore[misc]


def read_restart_step(content: bytes) -> int | None:
    """Read the MD step of a restart file; None where it is incomplete."""
    step = STEP.search(content)
    closed = len(OPENED.findall(content)) == len(CLOSED.findall(content))
    forces = b"&END FORCE_EVAL" in content  # near the end; a continued run's has EXT_RESTART last
    return int(step.group(1)) if step and closed and forces else None


def _read_files(folder: Path, content: bytes) -> Mapping[str, bytes]:
    """Read the restart with the newest complete wavefunction, a better guess than atoms."""
    files = {RESTART: content}
    first = f"{PROJECT}-RESTART.wfn"
    for name in (first, *(f"{first}.bak-{n}" for n in (1, 2, 3))):
        wavefunction = _read_bytes(folder / name)
        if is_complete_fortran_file(wavefunction):
            files[WAVEFUNCTION] = wavefunction
            break
    return files


def is_complete_fortran_file(content: bytes) -> bool:
    """Whether complete Fortran records, each between two equal lengths, fill a file."""
    at = 0
    while at + 4 <= len(content):
        (length,) = struct.unpack_from("<i", content, at)
        end = at + 4 + abs(length)  # a negative length: the record continues after this part
        if end + 4 > len(content):
            return False
        if abs(struct.unpack_from("<i", content, end)[0]) != abs(length):
            return False
        at = end + 4
    return at == len(content) > 0


def _read_bytes(path: Path) -> bytes:
    """Read a file; empty where there is none, or where it is too large."""
    try:
        if path.stat().st_size > LARGEST_RESTART_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
