"""What CP2K has left in a piece: kept frames, and restarts that are whole."""

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


def cp2k_frames(
    piece: Path, cell: NDArray[np.float64], symbols: tuple[str, ...], *, timestep_fs: float
) -> dict[int, MdFrame]:
    """Complete frames of ``md-pos-1.xyz`` by MD step, as far as the file is sound.

    A frame counts once its line of ``md-1.ener`` is on the disk too.

    Args:
        piece: folder in which CP2K ran.
        cell: shape (3, 3), Å; it does not change.
        symbols: what the atoms must be.
        timestep_fs: fs.
    """
    path = piece / f"{PROJECT}-pos-1.xyz"
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
        pass  # cut short or damaged: what came before it counts
    return found


def cp2k_restarts(piece: Path) -> Iterator[Restart]:
    """Sound restarts, the newest first."""
    names = [f"{PROJECT}-1.restart", *(f"{PROJECT}-1.restart.bak-{n}" for n in (1, 2, 3))]
    found: dict[int, bytes] = {}
    for name in names:
        content = _bytes(piece / name)
        step = restart_step(content)
        if step is not None:
            found.setdefault(step, content)
    for step in sorted(found, reverse=True):
        yield Restart(step, lambda content=found[step]: _files(piece, content))  # type: ignore[misc]


def restart_step(content: bytes) -> int | None:
    """MD step of a restart file; None where it is not whole."""
    step = STEP.search(content)
    whole = len(OPENED.findall(content)) == len(CLOSED.findall(content))
    forces = b"&END FORCE_EVAL" in content  # near the end; a continued run's has EXT_RESTART last
    return int(step.group(1)) if step and whole and forces else None


def _files(piece: Path, content: bytes) -> Mapping[str, bytes]:
    """The restart with the newest whole wavefunction, a better guess than atoms."""
    files = {RESTART: content}
    first = f"{PROJECT}-RESTART.wfn"
    for name in (first, *(f"{first}.bak-{n}" for n in (1, 2, 3))):
        wavefunction = _bytes(piece / name)
        if is_whole_fortran_file(wavefunction):
            files[WAVEFUNCTION] = wavefunction
            break
    return files


def is_whole_fortran_file(content: bytes) -> bool:
    """Whether unformatted records, each between two equal lengths, fill a file to its end."""
    at = 0
    while at + 4 <= len(content):
        (length,) = struct.unpack_from("<i", content, at)
        end = at + 4 + abs(length)  # a negative length: the record goes on after this part
        if end + 4 > len(content):
            return False
        if abs(struct.unpack_from("<i", content, end)[0]) != abs(length):
            return False
        at = end + 4
    return at == len(content) > 0


def _bytes(path: Path) -> bytes:
    """Content of a file; empty where there is none, or where it is too large."""
    try:
        if path.stat().st_size > LARGEST_RESTART_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
