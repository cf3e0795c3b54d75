"""The DCD container: Fortran records of float32 positions.

Layout: CHARMM's ``dynio`` and https://docs.openmm.org/latest/api-python (DCDFile). The unit of
the MD step in the head is the writer's own; ``dcd_trajectory`` tells it by the title.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import MAX_ATOMS, as_doubles, open_binary
from dualion.structures.trajectories.types import TruncatedFileError, UnreadableTrajectoryError

LONGEST_ANGSTROM = 1e6
"""A longer cell is damage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DcdHeader:
    """Head of a DCD file.

    Attributes:
        n_atoms: atoms in every frame.
        byte_order: ``<`` or ``>``.
        has_cell: whether a record of cell lengths and angles comes before each frame.
        first_step: MD step of the first frame.
        step_interval: MD steps between two frames, or 0 where the head does not say.
        timestep: MD step in the writer's unit.
        title: what the writer says of itself.
        n_frames: frames that the head counts, or 0; CP2K counts none.
        offset: where the frames begin, bytes.
    """

    n_atoms: int
    byte_order: str
    has_cell: bool
    first_step: int
    step_interval: int
    timestep: float
    title: str
    n_frames: int
    offset: int


def read_dcd_header(path: Path) -> DcdHeader:
    """Read the three head records.

    Raises:
        UnreadableTrajectoryError: the file is no DCD.
    """
    with open_binary(path) as raw:
        mark = _read(raw, 4)
        order = next((o for o in "<>" if mark == struct.pack(f"{o}i", 84)), "")
        if not order:
            raise UnreadableTrajectoryError(f"{path.name} is no DCD file.", reason="bad_header")
        raw.seek(0)
        try:
            control = _record(raw, order)
            title = _record(raw, order, limit=1 << 20)[4:].decode("ascii", errors="replace")
            (n_atoms,) = struct.unpack(f"{order}i", _record(raw, order))
        except (TruncatedFileError, struct.error) as error:
            raise UnreadableTrajectoryError(f"{path.name} ends within its head.") from error
        offset = raw.tell()
    if control[:4] != b"CORD" or not 0 < n_atoms <= MAX_ATOMS:
        raise UnreadableTrajectoryError(f"{path.name} is no DCD of positions.")
    integers = struct.unpack(f"{order}20i", control[4:84])
    if integers[8] != 0 or integers[11] != 0:
        raise UnreadableTrajectoryError(
            f"{path.name} fixes atoms or has a fourth dimension, which is not supported."
        )
    (timestep,) = struct.unpack(f"{order}f", control[40:44])
    if integers[19] == 0 and integers[10] not in (0, 1):  # X-PLOR's step is a double
        (timestep,) = struct.unpack(f"{order}d", control[40:48])
    return DcdHeader(
        n_atoms=n_atoms,
        byte_order=order,
        has_cell=integers[10] == 1,
        first_step=max(integers[1], 0),
        step_interval=max(integers[2], 0),
        timestep=float(timestep),
        title=" ".join(title.split()),
        n_frames=max(integers[0], 0),
        offset=offset,
    )


def _read(raw: IO[bytes], size: int) -> bytes:
    """Read bytes; a compressed stream that breaks off ends there."""
    try:
        return raw.read(size)
    except (EOFError, zlib.error, OSError) as error:
        raise TruncatedFileError(str(error)) from error


def _record(raw: IO[bytes], order: str, limit: int = MAX_ATOMS * 4) -> bytes:
    """Read one Fortran record."""
    return _record_body(raw, _read(raw, 4), order, limit)


def _record_body(raw: IO[bytes], head: bytes, order: str, limit: int = MAX_ATOMS * 4) -> bytes:
    """Read the rest of a record whose first four bytes were read."""
    if len(head) < 4:
        raise TruncatedFileError("the file ends between records")
    (size,) = struct.unpack(f"{order}i", head)
    if not 0 <= size <= limit:
        raise UnreadableTrajectoryError(f"A DCD record claims {size} bytes; the file is damaged.")
    data = _read(raw, size + 4)
    if len(data) < size + 4:
        raise TruncatedFileError("the file ends inside a record")
    if data[size:] != head:
        raise UnreadableTrajectoryError(
            "A DCD record does not end with its own length; the file is damaged there."
        )
    return data[:size]


def dcd_frames(
    path: Path, header: DcdHeader
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Yield positions, shape (n, 3), and the cell record (A, γ, B, β, α, C) or None.

    Lengths are in the unit of the program that wrote the file.

    Args:
        path: the DCD file, compressed with gzip or not.
        header: what its head says.

    Raises:
        TruncatedFileError: the file ends early; the frames before were given.
        UnreadableTrajectoryError: a record has another size than the head says.
    """
    kind = np.dtype(f"{header.byte_order}f4")
    double = np.dtype(f"{header.byte_order}f8")
    count = 0
    with open_binary(path) as raw:
        _read(raw, header.offset)
        while head := _read(raw, 4):
            cell = None
            if header.has_cell:
                record = _record_body(raw, head, header.byte_order)
                if len(record) != 48:
                    raise UnreadableTrajectoryError(f"{path.name} has a cell of another size.")
                cell = np.frombuffer(record, double).astype(np.float64)
                head = _read(raw, 4)
            axes = [_record_body(raw, head, header.byte_order)]
            axes += [_record(raw, header.byte_order) for _ in range(2)]
            if any(len(axis) != 4 * header.n_atoms for axis in axes):
                raise UnreadableTrajectoryError(f"{path.name} changes its number of atoms.")
            values = [np.frombuffer(axis, kind) for axis in axes]
            count += 1
            yield as_doubles(np.stack(values, axis=1)), cell
    if count < header.n_frames:
        raise TruncatedFileError("the file ends before the last frame that its head counts")


def cell_from_lengths(record: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cell of shape (3, 3), Å, from (A, γ, B, β, α, C); angles in degrees or as cosines.

    The vectors are set along x and into the xy plane, which is where the positions belong
    only if the writer used that setting; CP2K's ``-1.cell`` has the true one.
    """
    a, gamma, b, beta, alpha, c = record
    if not np.isfinite(record).all() or np.abs(record).max() > LONGEST_ANGSTROM:
        raise UnreadableTrajectoryError("A DCD frame holds no valid cell.", reason="no_cell")
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
