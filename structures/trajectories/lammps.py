"""LAMMPS text dumps, sorted by atom id, with image flags where they are dumped.

Format: https://docs.lammps.org/dump.html and https://docs.lammps.org/Howto_triclinic.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.text import atom_count, lines, numbers, take
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.xyz import same_symbols

PICOSECONDS = {"metal": 1.0, "real": 1e-3}
"""Unit of ``ITEM: TIME`` in ps by the style that ``ITEM: UNITS`` names."""

COORDINATES = (("xu", "yu", "zu"), ("xsu", "ysu", "zsu"), ("x", "y", "z"), ("xs", "ys", "zs"))


def read_lammps(path: Path, type_symbols: Sequence[str] = ()) -> FrameStream:
    """Open a LAMMPS dump.

    Args:
        path: the file, ``.gz`` or not.
        type_symbols: element of type 1, 2, …, for dumps without an ``element`` column.

    Raises:
        InputError: elements are needed and not given.
        UnreadableTrajectoryError: the text is no dump with ids and positions.
    """
    frames = _frames(path, tuple(type_symbols))
    try:
        first = next(frames, None)
    except TruncatedFileError:
        first = None
    if first is None:
        raise UnreadableTrajectoryError(f"{path.name} holds no frame.", reason="no_frames")
    symbols, frame, unwrapped = first
    return FrameStream(
        format="lammps",
        symbols=symbols,
        frames=_same_atoms(symbols, frame, frames, path.name),
        unwrapped=unwrapped,
    )


def _same_atoms(
    symbols: tuple[str, ...],
    first: Frame,
    rest: Iterator[tuple[tuple[str, ...], Frame, bool]],
    name: str,
) -> Iterator[Frame]:
    yield first
    for number, (found, frame, _) in enumerate(rest, start=2):
        same_symbols(symbols, found, name, number)
        yield frame


def _frames(
    path: Path, type_symbols: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Frame, bool]]:
    source = lines(path)
    step, time_ps, unit, count = -1, np.nan, "metal", 0
    cell, origin = np.zeros((3, 3)), np.zeros(3)
    for line in source:
        if not line.startswith("ITEM:"):
            if line.strip():
                raise UnreadableTrajectoryError(f"{path.name}: {line.strip()!r} is no dump item.")
            continue
        item = line[5:].strip()
        if item == "TIMESTEP":
            step = int(numbers(take(source, 1), 1, path.name)[0, 0])
        elif item == "UNITS":
            unit = take(source, 1)[0].strip()
        elif item == "TIME":
            raw_time = float(numbers(take(source, 1), 1, path.name)[0, 0])
            time_ps = raw_time * PICOSECONDS.get(unit, np.nan)
        elif item == "NUMBER OF ATOMS":
            count = atom_count(take(source, 1)[0], path.name)
        elif item.startswith("BOX BOUNDS"):
            cell, origin = _box(item, take(source, 3), path.name)
        elif item.startswith("ATOMS"):
            rows = take(source, count)
            yield _atoms(
                item.split()[1:], rows, cell, origin, step, time_ps, type_symbols, path.name
            )


def _box(item: str, rows: list[str], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cell, shape (3, 3), Å, and the box origin, shape (3,), Å."""
    if "abc origin" in item:
        values = numbers(rows, 4, f"{name}: box")
        return np.ascontiguousarray(values[:, :3]), values[:, 3].copy()
    tilted = "xy xz yz" in item
    values = numbers(rows, 3 if tilted else 2, f"{name}: box")
    xy, xz, yz = values[:, 2] if tilted else (0.0, 0.0, 0.0)
    low, high = values[:, 0].copy(), values[:, 1].copy()
    # The dumped bounds enclose the tilted box; the docs give these corrections.
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lengths = high - low
    cell = np.array([[lengths[0], 0, 0], [xy, lengths[1], 0], [xz, yz, lengths[2]]])
    return cell, low


def _atoms(
    columns: list[str],
    rows: list[str],
    cell: NDArray[np.float64],
    origin: NDArray[np.float64],
    step: int,
    time_ps: float,
    type_symbols: tuple[str, ...],
    name: str,
) -> tuple[tuple[str, ...], Frame, bool]:
    tokens = "".join(rows).split()
    width = len(columns)
    if len(tokens) != width * len(rows):
        if not rows[-1].endswith("\n"):
            raise TruncatedFileError("the file ends inside a line")
        raise UnreadableTrajectoryError(f"{name}: rows do not match {columns}.")
    by_name = {column: tokens[i::width] for i, column in enumerate(columns)}
    if "id" not in by_name:
        raise UnreadableTrajectoryError(
            f"{name}: the dump has no id column, and LAMMPS does not keep atoms in order; dump "
            "id as well.",
            reason="no_atom_ids",
        )
    order = np.argsort(np.array(by_name["id"], dtype=np.int64), kind="stable")
    symbols = _symbols(by_name, type_symbols, name)
    positions, fractional, unwrapped = _positions(by_name, origin, cell, name)
    frame = Frame(
        positions=positions[order], cell=cell, fractional=fractional, step=step, time_ps=time_ps
    )
    return tuple(symbols[i] for i in order), frame, unwrapped


def _symbols(by_name: dict[str, list[str]], types: tuple[str, ...], name: str) -> list[str]:
    if "element" in by_name:
        return by_name["element"]
    if not types:
        raise InputError(
            f"{name} names atom types by number; give their elements, in order of type, with "
            "--types Li,P,S."
        )
    kinds = np.array(by_name.get("type", []), dtype=np.int64)
    if len(kinds) == 0 or kinds.max() > len(types) or kinds.min() < 1:
        raise InputError(f"{name} uses more atom types than the {len(types)} that were named.")
    return [types[kind - 1] for kind in kinds]


def _positions(
    by_name: dict[str, list[str]],
    origin: NDArray[np.float64],
    cell: NDArray[np.float64],
    name: str,
) -> tuple[NDArray[np.float64], bool, bool]:
    """Return positions, whether they are fractional, and whether they are unwrapped."""
    chosen = next((c for c in COORDINATES if all(k in by_name for k in c)), None)
    if chosen is None:
        raise UnreadableTrajectoryError(f"{name}: no complete set of coordinate columns.")
    values = np.stack([np.array(by_name[k], dtype=np.float64) for k in chosen], axis=1)
    fractional = "s" in chosen[0]
    unwrapped = "u" in chosen[0]
    if not fractional:
        values = (values - origin) @ np.linalg.inv(cell)
    if not unwrapped and all(k in by_name for k in ("ix", "iy", "iz")):
        values = values + np.stack([np.array(by_name[k], float) for k in ("ix", "iy", "iz")], 1)
        unwrapped = True
    return values, True, unwrapped
