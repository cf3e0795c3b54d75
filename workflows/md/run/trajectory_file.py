"""The joined trajectory of a run: extended XYZ in gzip members, one a checkpoint.

A checkpoint notes how many bytes belong to it. What a killed piece wrote after it is cut off
before the run goes on, so that no frame is there twice and none is missing.
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
    """One kept frame.

    Attributes:
        step: MD steps of ``timestep_fs`` since the start.
        time_ps: ps since the start.
        positions: shape (n, 3), Å, never folded back.
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


def frame_text(symbols: Sequence[str], frame: MdFrame) -> str:
    """One frame as extended XYZ; positions to 1e-5 Å, times in ps."""
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
    """Append frames as one gzip member, on the disk when this returns; the file's size in bytes.

    Raises:
        OSError: the disk refuses.
    """
    if frames:
        text = "".join(frame_text(symbols, frame) for frame in frames)
        member = gzip.compress(text.encode("ascii"), compresslevel=6, mtime=0)
        with path.open("ab") as handle:
            handle.write(member)
            handle.flush()
            os.fsync(handle.fileno())
    return path.stat().st_size if path.exists() else 0


def cut_to(path: Path, size: int) -> None:
    """Cut off what was written after a checkpoint.

    Raises:
        ValueError: the file is shorter than the checkpoint says: frames are missing.
    """
    present = path.stat().st_size if path.exists() else 0
    if present < size:
        raise ValueError(f"{path.name} holds {present} bytes, its checkpoint counts {size}")
    if present > size:
        os.truncate(path, size)
