"""Blocks of the XYZ family: extended XYZ, plain XYZ, and CP2K's ``-pos-1.xyz``.

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

from dualion.structures.trajectories.text import array, atom_count, check_last_row, lines, take
from dualion.structures.trajectories.types import TruncatedFileError, UnreadableTrajectoryError

KEY_VALUE = re.compile(r"""([A-Za-z_][\w-]*)\s*=\s*("[^"]*"|'[^']*'|\{[^}]*\}|\S+)""")
DEFAULT_COLUMNS = "species:S:1:pos:R:3"
WIDEST = 1000
"""More columns than this in one row means damage."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class XyzBlock:
    """One frame of an XYZ file.

    Attributes:
        comment: its second line.
        symbols: of each atom, length n.
        positions: shape (n, 3), in the file's unit of length.
        tokens: all words of the rows.
        columns: name of a property in lower case to its first column and number of columns.
    """

    comment: str
    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    tokens: list[str]
    columns: dict[str, tuple[int, int]]

    def vectors(self, *names: str) -> NDArray[np.float64] | None:
        """A property of three numbers by the first of these names that is there, shape (n, 3)."""
        start = next(
            (self.columns[n][0] for n in names if self.columns.get(n, (0, 0))[1] == 3), None
        )
        if start is None:
            return None
        width = len(self.tokens) // len(self.symbols)
        axes = [array(self.tokens[start + axis :: width], names[0]) for axis in range(3)]
        return np.stack(axes, axis=1)


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
        if not line.endswith("\n"):
            raise TruncatedFileError("the file ends inside a count of atoms")
        count = atom_count(line, path.name)
        comment = take(source, 1)[0]
        rows = take(source, count)
        yield _block(comment, rows, path.name)


def _block(comment: str, rows: list[str], name: str) -> XyzBlock:
    columns, declared = _columns(comment, name)
    species_at, position_at = columns["species"][0], columns["pos"][0]
    if not rows[-1].endswith("\n") and len(rows[-1].split()) < declared:
        raise TruncatedFileError("the file ends inside a line")
    check_last_row(rows)
    tokens = "".join(rows).split()
    width = len(tokens) // len(rows)
    whole = width * len(rows) == len(tokens) and width >= position_at + 3
    if not whole or ("Properties=" in comment and width != declared):
        raise UnreadableTrajectoryError(
            f"{name}: the rows of a frame do not all have the same number of columns.",
            reason="wrong_columns",
        )
    axes = [array(tokens[position_at + axis :: width], name) for axis in range(3)]
    return XyzBlock(
        comment=comment.strip(),
        symbols=tuple(tokens[species_at::width]),
        positions=np.stack(axes, axis=1),
        tokens=tokens,
        columns=columns,
    )


def _columns(comment: str, name: str) -> tuple[dict[str, tuple[int, int]], int]:
    """Return the first column and the width of each property, and the total width."""
    found = re.search(r"Properties\s*=\s*(\S+)", comment)
    parts = (found.group(1).strip("\"'") if found else DEFAULT_COLUMNS).split(":")
    columns: dict[str, tuple[int, int]] = {}
    at = 0
    for key, width in zip(parts[::3], parts[2::3], strict=False):
        wide = int(width) if width.isascii() and width.isdigit() else 0
        if not 0 < wide <= WIDEST or at > WIDEST or len(parts) % 3:
            raise UnreadableTrajectoryError(
                f"{name}: Properties={':'.join(parts)[:60]} do not name columns.",
                reason="wrong_columns",
            )
        columns[key.lower()] = (at, wide)
        at += wide
    columns.setdefault("species", columns.get("element", (0, 0)))
    columns.setdefault("pos", columns.get("position", (0, 0)))
    if columns["species"][1] != 1 or columns["pos"][1] != 3:
        raise UnreadableTrajectoryError(
            f"{name}: Properties name no column of species and no three of pos.",
            reason="wrong_columns",
        )
    return columns, at


def comment_values(comment: str) -> dict[str, str]:
    """Return the key=value pairs of an extended XYZ comment, keys in lower case."""
    return {key.lower(): value.strip("\"'{}") for key, value in KEY_VALUE.findall(comment)}


def same_symbols(expected: tuple[str, ...], found: tuple[str, ...], name: str, number: int) -> None:
    """Refuse a frame whose atoms stand in another order than in the first frame.

    Args:
        expected: symbols of the first frame, shape (n,).
        found: symbols of this frame, shape (n,).
        name: name of the file, for the message.
        number: number of this frame, counted from 1.

    Raises:
        UnreadableTrajectoryError: the symbols differ.
    """
    if found != expected:
        raise UnreadableTrajectoryError(
            f"{name}: frame {number} lists other atoms, or in another order, than frame 1; a "
            "trajectory needs every atom at the same place. Sort it by atom id first.",
            reason="shuffled",
        )
