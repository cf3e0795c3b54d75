"""Blocks of the XYZ family: extended XYZ and CP2K's ``-pos-1.xyz``.

Extended XYZ: https://github.com/libAtoms/extxyz (key=value comment, ``Properties`` columns).
ASE reads it too, but builds one Atoms object a frame and is several times slower; the
numbers here are columns of one array (see benchmarks/transport_readers.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.text import atom_count, lines, take
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)

KEY_VALUE = re.compile(r"""([A-Za-z_][\w-]*)\s*=\s*("[^"]*"|'[^']*'|\{[^}]*\}|\S+)""")
DEFAULT_COLUMNS = "species:S:1:pos:R:3"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class XyzBlock:
    """One frame of an XYZ file: its comment, symbols and positions of shape (n, 3), Å."""

    comment: str
    symbols: tuple[str, ...]
    positions: NDArray[np.float64]


def xyz_blocks(path: Path) -> Iterator[XyzBlock]:
    """Yield the frames of an XYZ file.

    Raises:
        TruncatedFileError: the last frame is not complete.
        UnreadableTrajectoryError: the text is no XYZ file.
    """
    source = lines(path)
    for line in source:
        if not line.strip():
            continue
        count = atom_count(line, path.name)
        comment = take(source, 1)[0]
        rows = take(source, count)
        yield _block(comment, rows, path.name)


def _block(comment: str, rows: list[str], name: str) -> XyzBlock:
    species_at, position_at, width = _columns(comment)
    if not rows[-1].endswith("\n") and len(rows[-1].split()) < width:
        raise TruncatedFileError("the file ends inside a line")
    tokens = "".join(rows).split()
    width = len(tokens) // len(rows)
    if width * len(rows) != len(tokens) or width < position_at + 3:
        raise UnreadableTrajectoryError(
            f"{name}: the rows of a frame do not all have the same number of columns.",
            reason="wrong_columns",
        )
    try:
        columns = [
            np.array(tokens[position_at + axis :: width], dtype=np.float64) for axis in range(3)
        ]
    except ValueError as error:
        raise UnreadableTrajectoryError(f"{name}: {error}.", reason="not_a_number") from error
    return XyzBlock(
        comment=comment.strip(),
        symbols=tuple(tokens[species_at::width]),
        positions=np.stack(columns, axis=1),
    )


def _columns(comment: str) -> tuple[int, int, int]:
    """Return the columns of the symbol and of x, and the total, from ``Properties``."""
    found = re.search(r"Properties=(\S+)", comment)
    parts = (found.group(1).strip("\"'") if found else DEFAULT_COLUMNS).split(":")
    starts, column = {}, 0
    for key, width in zip(parts[::3], parts[2::3], strict=False):
        starts[key.lower()] = column
        column += int(width) if width.isdigit() else 1
    position = starts.get("pos", starts.get("position", 1))
    return starts.get("species", starts.get("element", 0)), position, column


def comment_values(comment: str) -> dict[str, str]:
    """Return the key=value pairs of an extended XYZ comment, keys in lower case."""
    return {key.lower(): value.strip("\"'{}") for key, value in KEY_VALUE.findall(comment)}


def read_extxyz(path: Path) -> FrameStream:
    """Open an extended XYZ file; every frame must carry its ``Lattice``.

    Time steps are taken from ``time`` (fs, as ASE writes it) or ``time_ps``, energies from
    ``energy`` and temperatures from ``temperature``.

    Raises:
        UnreadableTrajectoryError: there is no frame, or the first one has no lattice.
    """
    blocks = xyz_blocks(path)
    try:
        first = next(blocks, None)
    except TruncatedFileError:
        first = None
    if first is None:
        raise UnreadableTrajectoryError(f"{path.name} holds no frame.", reason="no_frames")
    return FrameStream(
        format="extxyz",
        symbols=first.symbols,
        frames=_extxyz_frames(first, blocks, path.name),
    )


def _extxyz_frames(first: XyzBlock, rest: Iterator[XyzBlock], name: str) -> Iterator[Frame]:
    yield _extxyz_frame(first, name)
    for number, block in enumerate(rest, start=2):
        same_symbols(first.symbols, block.symbols, name, number)
        yield _extxyz_frame(block, name)


def same_symbols(expected: tuple[str, ...], found: tuple[str, ...], name: str, number: int) -> None:
    """Refuse a frame whose atoms stand in another order than in the first frame.

    Raises:
        UnreadableTrajectoryError: the symbols differ.
    """
    if found != expected:
        raise UnreadableTrajectoryError(
            f"{name}: frame {number} lists other atoms, or in another order, than frame 1; a "
            "trajectory needs every atom at the same place. Sort it by atom id first.",
            reason="shuffled",
        )


def _extxyz_frame(block: XyzBlock, name: str) -> Frame:
    values = comment_values(block.comment)
    lattice = values.get("lattice", "").split()
    if len(lattice) != 9:
        raise UnreadableTrajectoryError(
            f"{name}: a frame has no Lattice of nine numbers; a periodic cell is needed.",
            reason="no_cell",
        )
    try:
        time_ps = float(values.get("time_ps", np.nan))
        if np.isnan(time_ps):
            time_ps = float(values.get("time", np.nan)) * 1e-3
        return Frame(
            positions=block.positions,
            cell=np.array(lattice, dtype=np.float64).reshape(3, 3),
            step=int(values.get("step", -1)),
            time_ps=time_ps,
            energy_ev=float(values.get("energy", np.nan)),
            temperature_k=float(values.get("temperature", np.nan)),
        )
    except ValueError as error:
        raise UnreadableTrajectoryError(f"{name}: {error} in a comment line.") from error
