"""LAMMPS text dumps, sorted by atom id, with image flags where they are dumped.

Format: https://docs.lammps.org/dump.html and https://docs.lammps.org/Howto_triclinic.html.
Lengths are in the units of the run, which ``ITEM: UNITS`` or an input or log beside it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.lammps.clock import (
    OPEN_STEP,
    OPEN_UNITS,
    LammpsClock,
    clock_of,
)
from dualion.structures.trajectories.text import (
    array,
    atom_count,
    check_last_row,
    lines,
    numbers,
    step_number,
    take,
    whole_numbers,
)
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.xyz import same_symbols

COORDINATES = (("xu", "yu", "zu"), ("xsu", "ysu", "zsu"), ("x", "y", "z"), ("xs", "ys", "zs"))
FLATTEST = 1e-3
"""Least volume over the product of the edges of a box."""


@dataclass(slots=True, kw_only=True)
class _Head:
    """What the items before the atoms of a frame say, in the dump's units."""

    step: int = -1
    time: float = np.nan
    count: int = 0
    cell: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    origin: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    inverse: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parsed:
    """A frame with its symbols, and whether its positions are unwrapped."""

    symbols: tuple[str, ...]
    frame: Frame
    unwrapped: bool


def read_lammps(path: Path, type_symbols: Sequence[str] = ()) -> FrameStream:
    """Open a LAMMPS dump.

    Args:
        path: the file, ``.gz`` or not.
        type_symbols: element of type 1, 2, …, for dumps without an ``element`` column.

    Raises:
        InputError: elements are needed and not given.
        UnreadableTrajectoryError: the text is no dump with ids and positions.
    """
    reader = _Reader(path=path, types=tuple(type_symbols))
    frames = reader.frames()
    try:
        first = next(frames, None)
    except TruncatedFileError:
        first = None
    if first is None:
        raise UnreadableTrajectoryError(f"{path.name} holds no frame.", reason="no_frames")
    clock = reader.clock
    return FrameStream(
        format="lammps",
        symbols=first.symbols,
        frames=_same_atoms(first, frames, path.name),
        unwrapped=first.unwrapped,
        step_question=OPEN_UNITS if reader.timed and clock and clock.units is None else OPEN_STEP,
        flags=clock.flags if clock else (),
        notes=reader.notes,
    )


def _same_atoms(first: _Parsed, rest: Iterator[_Parsed], name: str) -> Iterator[Frame]:
    yield first.frame
    for number, parsed in enumerate(rest, start=2):
        same_symbols(first.symbols, parsed.symbols, name, number)
        if parsed.unwrapped != first.unwrapped:
            raise UnreadableTrajectoryError(
                f"{name}: frame {number} has other coordinate columns than frame 1; split the "
                "file there."
            )
        yield parsed.frame


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Reads the items of a dump one after the other."""

    path: Path
    types: tuple[str, ...]
    head: _Head = field(default_factory=_Head)
    clock: LammpsClock | None = None
    notes: list[str] = field(default_factory=list)
    timed: bool = False
    style: str = ""

    def frames(self) -> Iterator[_Parsed]:
        """The frames in the order of the file."""
        source = lines(self.path)
        pending = False
        for line in source:
            if not line.endswith("\n"):
                raise TruncatedFileError("the file ends inside an item")
            if not line.startswith("ITEM:"):
                if line.strip():
                    raise UnreadableTrajectoryError(
                        f"{self.path.name}: {line.strip()[:40]!r} is no dump item."
                    )
                continue
            item = line[5:].strip()
            if item.startswith("ATOMS"):
                if self.head.count == 0 or not self.head.cell.any():
                    raise UnreadableTrajectoryError(
                        f"{self.path.name}: atoms come before their number and box.",
                        reason="bad_header",
                    )
                yield self._atoms(item.split()[1:], take(source, self.head.count))
                pending = False
            else:
                self._item(item, source)
                pending = True
        if pending:
            raise TruncatedFileError("the file ends before the atoms of a frame")

    def _item(self, item: str, source: Iterator[str]) -> None:
        name, head = self.path.name, self.head
        if item == "TIMESTEP":
            row = take(source, 1)[0]
            step = step_number(row.strip())
            if step < 0:
                if not row.endswith("\n"):
                    raise TruncatedFileError("the file ends inside a step number")
                raise UnreadableTrajectoryError(
                    f"{name}: {row.strip()[:40]!r} is no MD step.", reason="not_a_number"
                )
            head.step = step
        elif item == "UNITS":
            self.style = take(source, 1)[0].strip()
        elif item == "TIME":
            head.time = float(numbers(take(source, 1), 1, name)[0, 0])
            self.timed = True
        elif item == "NUMBER OF ATOMS":
            head.count = atom_count(take(source, 1)[0], name)
        elif item.startswith("BOX BOUNDS"):
            head.cell, head.origin = _box(item, take(source, 3), name)
            head.inverse = None

    def _atoms(self, columns: list[str], rows: list[str]) -> _Parsed:
        name, head = self.path.name, self.head
        if self.clock is None:
            self.clock = clock_of(self.path, self.style)
        tokens = "".join(rows).split()
        width = len(columns)
        if len(tokens) != width * len(rows):
            if not rows[-1].endswith("\n"):
                raise TruncatedFileError("the file ends inside a line")
            raise UnreadableTrajectoryError(f"{name}: rows do not match {columns[:12]}.")
        check_last_row(rows)
        by_name = {column: tokens[i::width] for i, column in enumerate(columns)}
        if "id" not in by_name:
            raise UnreadableTrajectoryError(
                f"{name}: the dump has no id column, and LAMMPS does not keep atoms in order; dump "
                "id as well.",
                reason="no_atom_ids",
            )
        ids = whole_numbers(by_name["id"], f"{name}: id")
        order = np.argsort(ids, kind="stable")
        if (np.diff(ids[order]) == 0).any():
            raise UnreadableTrajectoryError(
                f"{name}: two atoms of a frame have one id; the dump is damaged.",
                reason="shuffled",
            )
        symbols = _symbols(by_name, self.types, name)
        positions, unwrapped = self._positions(by_name)
        frame = Frame(
            positions=positions[order],
            cell=head.cell * self.clock.length_angstrom,
            fractional=True,
            step=head.step,
            time_ps=self._time_ps(self.clock),
        )
        head.time = np.nan
        return _Parsed(symbols=tuple(symbols[i] for i in order), frame=frame, unwrapped=unwrapped)

    def _time_ps(self, clock: LammpsClock) -> float:
        if not np.isfinite(self.head.time) and np.isfinite(clock.timestep):
            self.notes.append("time_step_from_input")
        return clock.time_ps(self.head.time, self.head.step)

    def _positions(self, by_name: dict[str, list[str]]) -> tuple[NDArray[np.float64], bool]:
        """Return fractional positions, and whether they are unwrapped."""
        name, head = self.path.name, self.head
        chosen = next((c for c in COORDINATES if all(k in by_name for k in c)), None)
        if chosen is None:
            raise UnreadableTrajectoryError(f"{name}: no complete set of coordinate columns.")
        values = np.stack([array(by_name[key], f"{name}: {key}") for key in chosen], axis=1)
        unwrapped = "u" in chosen[0]
        if "s" not in chosen[0]:
            if head.inverse is None:
                head.inverse = np.asarray(np.linalg.inv(head.cell), dtype=np.float64)
            with np.errstate(over="ignore", invalid="ignore"):  # refused with its frame's number
                values = (values - head.origin) @ head.inverse
        images = ("ix", "iy", "iz")
        if not unwrapped and all(key in by_name for key in images):
            turns = [whole_numbers(by_name[key], f"{name}: {key}") for key in images]
            values = values + np.stack(turns, axis=1)
            unwrapped = True
        return values, unwrapped


def _box(item: str, rows: list[str], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cell, shape (3, 3), Å, and the box origin, shape (3,), Å."""
    kinds = [word for word in item.split()[2:] if set(word) <= set("pfsm")]
    if any(set(word) & set("sm") for word in kinds):
        raise UnreadableTrajectoryError(
            f"{name}: the box shrinks around the atoms ({' '.join(kinds)}); motion in a crystal "
            "needs a periodic cell.",
            reason="no_cell",
        )
    if "abc origin" in item:
        values = numbers(rows, 4, f"{name}: box")
        return _checked(np.ascontiguousarray(values[:, :3]), name), values[:, 3].copy()
    tilted = "xy xz yz" in item
    values = numbers(rows, 3 if tilted else 2, f"{name}: box")
    xy, xz, yz = values[:, 2] if tilted else (0.0, 0.0, 0.0)
    low, high = values[:, 0].copy(), values[:, 1].copy()
    if not (np.abs(values) < np.finfo(np.float64).max / 4.0).all():
        raise UnreadableTrajectoryError(f"{name}: a frame has no valid box.", reason="no_cell")
    # The dumped bounds enclose the tilted box; the docs give these corrections.
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lengths = high - low
    cell = np.array([[lengths[0], 0, 0], [xy, lengths[1], 0], [xz, yz, lengths[2]]])
    return _checked(cell, name), low


def _checked(cell: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Refuse a box without a volume, in whatever unit."""
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linalg.norm(cell, axis=1)
    if not (np.isfinite(edges).all() and edges.min() > 0.0):
        raise UnreadableTrajectoryError(f"{name}: a frame has no valid box.", reason="no_cell")
    if abs(float(np.linalg.det(cell / edges[:, None]))) < FLATTEST:
        raise UnreadableTrajectoryError(f"{name}: the box of a frame is flat.", reason="no_cell")
    return cell


def _symbols(by_name: dict[str, list[str]], types: tuple[str, ...], name: str) -> list[str]:
    if "element" in by_name:
        return by_name["element"]
    if not types:
        raise InputError(
            f"{name} names atom types by number; give their elements, in order of type, with "
            "--types Li,P,S."
        )
    kinds = whole_numbers(by_name.get("type", []), f"{name}: type")
    if len(kinds) == 0 or kinds.max() > len(types) or kinds.min() < 1:
        raise InputError(f"{name} uses more atom types than the {len(types)} that were named.")
    return [types[kind - 1] for kind in kinds]
