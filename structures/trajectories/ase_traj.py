"""ASE ``.traj`` files, read by ASE one frame at a time."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.structures.trajectories.text import check_exists, open_binary
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.xyz import same_symbols

if TYPE_CHECKING:
    from ase import Atoms


def read_ase_traj(path: Path) -> FrameStream:
    """Open an ASE trajectory.

    The time between frames is in ``atoms.info`` only if the writer put it there (``time_ps``,
    or ``time`` in fs); otherwise it is asked for.

    Raises:
        UnreadableTrajectoryError: the file is no ASE trajectory or holds no frame.
    """
    check_exists(path)
    frames = _frames(path)
    try:
        first = next(frames, None)
    except TruncatedFileError:
        first = None
    if first is None:
        raise UnreadableTrajectoryError(f"{path.name} holds no frame.", reason="no_frames")
    symbols, frame = first
    return FrameStream(
        format="ase_traj",
        symbols=symbols,
        frames=_same(symbols, frame, frames, path.name),
    )


def _same(
    symbols: tuple[str, ...],
    first: Frame,
    rest: Iterator[tuple[tuple[str, ...], Frame]],
    name: str,
) -> Iterator[Frame]:
    yield first
    for number, (found, frame) in enumerate(rest, start=2):
        same_symbols(symbols, found, name, number)
        yield frame


def _unpack(path: Path, plain: Path) -> None:
    """Unpack what there is; a stream that breaks off gives the bytes before."""
    with open_binary(path) as packed, plain.open("wb") as target:
        try:
            shutil.copyfileobj(packed, target)
        except (EOFError, zlib.error, OSError):
            return


def _frames(path: Path) -> Iterator[tuple[tuple[str, ...], Frame]]:
    if path.suffix == ".gz":
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "unpacked.traj"
            _unpack(path, plain)
            yield from _frames(plain)
        return
    from ase.io.trajectory import TrajectoryReader

    # ASE parses JSON and arrays of a damaged file as far as they go, and what it raises then is
    # of any class: this is the boundary at which another library's errors become ours. It is
    # given an open file, for it leaves open what it opened where it fails.
    with path.open("rb") as file:
        try:
            reader = TrajectoryReader(file)
            count = len(reader)
        except Exception as error:
            raise UnreadableTrajectoryError(
                f"{path.name} is no ASE trajectory ({_one_line(error)}).", reason="bad_header"
            ) from error
        for number in range(count):
            try:
                found = _parsed(reader[number], path.name)
            except UnreadableTrajectoryError:
                raise
            except Exception as error:
                raise TruncatedFileError(
                    f"frame {number + 1} cannot be read ({_one_line(error)})"
                ) from error
            yield found


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:120]


def _parsed(atoms: Atoms, name: str) -> tuple[tuple[str, ...], Frame]:
    return tuple(atoms.get_chemical_symbols()), _frame(atoms, name)


def _frame(atoms: Atoms, name: str) -> Frame:
    cell = np.array(atoms.cell.array, dtype=np.float64)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-3:
        raise UnreadableTrajectoryError(f"{name}: a frame has no periodic cell.", reason="no_cell")
    results = getattr(atoms.calc, "results", {}) or {}
    time_ps = _number(atoms.info.get("time_ps"))
    return Frame(
        positions=np.array(atoms.positions, dtype=np.float64),
        cell=cell,
        time_ps=time_ps if np.isfinite(time_ps) else _number(atoms.info.get("time")) * 1e-3,
        energy_ev=_number(results.get("energy")),
        temperature_k=float(atoms.get_temperature()) if atoms.has("momenta") else np.nan,
    )


def _number(value: object) -> float:
    """A number that somebody stored with the atoms, or NaN."""
    return float(value) if isinstance(value, (int, float, np.number)) else np.nan
