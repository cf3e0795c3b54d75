"""The trajectory file of a run: extended XYZ in gzip members, one per checkpoint.

A checkpoint records how many bytes belong to it. What a killed segment wrote after its last
checkpoint is truncated before the run continues, so that no frame is duplicated or missing.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MdFrame:
    """One frame of the trajectory.

    Attributes:
        step: MD step since the start, in units of ``timestep_fs``.
        time_ps: simulated time since the start, ps.
        positions: shape (n, 3), Å, unwrapped.
        cell: shape (3, 3), Å; rows are the lattice vectors.
        energy_ev: potential energy of the cell, eV.
        temperature_k: instantaneous temperature, K.
    """

    step: int
    time_ps: float
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    energy_ev: float
    temperature_k: float


def format_frame(symbols: Sequence[str], frame: MdFrame) -> str:
    """Format one frame as extended XYZ; positions to 1e-5 Å, times in ps.

    Args:
        symbols: chemical symbols of the n atoms.
        frame: the frame.
    """
    lattice = " ".join(f"{value:.8f}" for value in frame.cell.ravel())
    head = (
        f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T" step={frame.step} '
        f"time_ps={frame.time_ps:.6f} energy={frame.energy_ev:.6f} "
        f"temperature={frame.temperature_k:.3f}"
    )
    rows = (
        f"{symbol} {x:.5f} {y:.5f} {z:.5f}"
        for symbol, (x, y, z) in zip(symbols, frame.positions.tolist(), strict=True)
    )
    return "\n".join((str(len(symbols)), head, *rows)) + "\n"


def append_frames(path: Path, symbols: Sequence[str], frames: Sequence[MdFrame]) -> int:
    """Append frames as one gzip member and synchronise it to disk.

    Args:
        path: the trajectory file.
        symbols: chemical symbols of the n atoms.
        frames: frames to append; none leaves the file as it is.

    Returns:
        The file's size, bytes.

    Raises:
        OSError: the disk refuses.
    """
    if frames:
        text = "".join(format_frame(symbols, frame) for frame in frames)
        member = gzip.compress(text.encode("ascii"), compresslevel=6, mtime=0)
        with path.open("ab") as handle:
            handle.write(member)
            handle.flush()
            os.fsync(handle.fileno())
    return path.stat().st_size if path.exists() else 0


def truncate_to(path: Path, size: int) -> None:
    """Truncate the file to what its checkpoint counts.

    Args:
        path: the trajectory file.
        size: bytes that the checkpoint counts.

    Raises:
        ValueError: the file is shorter than that: frames are missing.
    """
    present = path.stat().st_size if path.exists() else 0
    if present < size:
        raise ValueError(f"{path.name} holds {present} bytes, its checkpoint counts {size}")
    if present > size:
        os.truncate(path, size)
