"""The DCD container: Fortran records of float32 positions.

Layout: https://docs.openmm.org/latest/api-python (DCDFile) and CHARMM's ``dynio``. Times are
in AKMA units (48.88821 fs) in CHARMM files; CP2K writes its step in the same unit, so the
number is only trusted where it gives a sane step.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import MAX_ATOMS, open_binary
from dualion.structures.trajectories.types import TruncatedFileError, UnreadableTrajectoryError

AKMA_PS = 0.04888821


@dataclass(frozen=True, slots=True, kw_only=True)
class DcdHeader:
    """Head of a DCD file.

    Attributes:
        n_atoms: atoms in every frame.
        byte_order: ``<`` or ``>``.
        has_cell: whether a record of cell lengths and angles comes before each frame.
        first_step: MD step of the first frame.
        step_interval: MD steps between two frames.
        frame_step_ps: time between two frames, ps, or NaN.
        offset: where the frames begin, bytes.
    """

    n_atoms: int
    byte_order: str
    has_cell: bool
    first_step: int
    step_interval: int
    frame_step_ps: float
    offset: int


def read_dcd_header(path: Path) -> DcdHeader:
    """Read the three head records.

    Raises:
        UnreadableTrajectoryError: the file is no DCD.
    """
    with open_binary(path) as raw:
        mark = raw.read(4)
        order = next((o for o in "<>" if mark == struct.pack(f"{o}i", 84)), "")
        if not order:
            raise UnreadableTrajectoryError(f"{path.name} is no DCD file.", reason="bad_header")
        raw.seek(0)
        try:
            control = _record(raw, order)
            _record(raw, order, limit=1 << 20)
            (n_atoms,) = struct.unpack(f"{order}i", _record(raw, order))
        except (TruncatedFileError, struct.error) as error:
            raise UnreadableTrajectoryError(f"{path.name} ends within its head.") from error
        offset = raw.tell()
    if control[:4] != b"CORD" or not 0 < n_atoms <= MAX_ATOMS:
        raise UnreadableTrajectoryError(f"{path.name} is no DCD of positions.")
    integers = struct.unpack(f"{order}20i", control[4:84])
    if integers[8] != 0:
        raise UnreadableTrajectoryError(f"{path.name} fixes atoms, which is not supported.")
    (step_akma,) = struct.unpack(f"{order}f", control[40:44])
    interval = max(integers[2], 1)
    step_ps = step_akma * AKMA_PS * interval
    return DcdHeader(
        n_atoms=n_atoms,
        byte_order=order,
        has_cell=integers[10] == 1,
        first_step=integers[1],
        step_interval=interval,
        frame_step_ps=step_ps if 1e-5 < step_ps < 1e3 else np.nan,
        offset=offset,
    )


def _record(raw: IO[bytes], order: str, limit: int = MAX_ATOMS * 4) -> bytes:
    """Read one Fortran record."""
    head = raw.read(4)
    if len(head) < 4:
        raise TruncatedFileError("the file ends between records")
    (size,) = struct.unpack(f"{order}i", head)
    if not 0 <= size <= limit:
        raise UnreadableTrajectoryError(f"A DCD record claims {size} bytes; the file is damaged.")
    data = raw.read(size + 4)
    if len(data) < size + 4:
        raise TruncatedFileError("the file ends inside a record")
    return data[:size]


def dcd_frames(
    path: Path, header: DcdHeader
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Yield positions, shape (n, 3), Å, and the cell record (A, γ, B, β, α, C) or None."""
    kind = np.dtype(f"{header.byte_order}f4")
    double = np.dtype(f"{header.byte_order}f8")
    with open_binary(path) as raw:
        raw.seek(header.offset)
        while raw.read(1):
            raw.seek(-1, 1)
            cell = None
            if header.has_cell:
                cell = np.frombuffer(_record(raw, header.byte_order), double).astype(np.float64)
            axes = [np.frombuffer(_record(raw, header.byte_order), kind) for _ in range(3)]
            if any(len(axis) != header.n_atoms for axis in axes):
                raise UnreadableTrajectoryError(f"{path.name} changes its number of atoms.")
            yield np.stack(axes, axis=1).astype(np.float64), cell


def cell_from_lengths(record: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cell of shape (3, 3), Å, from (A, γ, B, β, α, C); angles in degrees or as cosines.

    The vectors are set along x and into the xy plane, which is where the positions belong
    only if the writer used that setting; CP2K's ``-1.cell`` has the true one.
    """
    a, gamma, b, beta, alpha, c = record
    angles = np.array([alpha, beta, gamma])
    cosines = angles if (np.abs(angles) <= 1.0).all() else np.cos(np.radians(angles))
    ca, cb, cg = cosines
    sg = np.sqrt(max(1.0 - cg**2, 0.0))
    if sg < 1e-6 or min(a, b, c) <= 0.0:
        raise UnreadableTrajectoryError("A DCD frame holds no valid cell.", reason="no_cell")
    cy = (ca - cb * cg) / sg
    return np.array(
        [[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * cy, c * np.sqrt(max(1 - cb**2 - cy**2, 0))]]
    )
