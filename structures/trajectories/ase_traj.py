"""ASE ``.traj`` files, read by ASE one frame at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dualion.structures.trajectories.text import check_exists, open_binary
from dualion.structures.trajectories.types import Frame, FrameStream, UnreadableTrajectoryError
from dualion.structures.trajectories.xyz import same_symbols


def read_ase_traj(path: Path) -> FrameStream:
    """Open an ASE trajectory.

    The time between frames is in ``atoms.info`` only if the writer put it there (``time_ps``,
    or ``time`` in fs); otherwise it is asked for.

    Raises:
        UnreadableTrajectoryError: the file is no ASE trajectory or holds no frame.
    """
    check_exists(path)
    frames = _frames(path)
    first = next(frames, None)
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


def _frames(path: Path) -> Iterator[tuple[tuple[str, ...], Frame]]:
    if path.suffix == ".gz":
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "unpacked.traj"
            with open_binary(path) as packed, plain.open("wb") as target:
                shutil.copyfileobj(packed, target)
            yield from _frames(plain)
        return
    from ase.io.trajectory import TrajectoryReader
    from ase.io.ulm import InvalidULMFileError

    try:
        reader = TrajectoryReader(str(path))
    except (InvalidULMFileError, OSError, ValueError) as error:
        raise UnreadableTrajectoryError(
            f"{path.name} is no ASE trajectory ({error}).", reason="bad_header"
        ) from error
    with reader:
        for atoms in reader:
            yield tuple(atoms.get_chemical_symbols()), _frame(atoms, path.name)


def _frame(atoms: object, name: str) -> Frame:
    cell = np.array(atoms.cell.array, dtype=np.float64)  # type: ignore[attr-defined]
    if abs(np.linalg.det(cell)) < 1e-3:
        raise UnreadableTrajectoryError(f"{name}: a frame has no periodic cell.", reason="no_cell")
    info = atoms.info  # type: ignore[attr-defined]
    results = getattr(atoms.calc, "results", {}) or {}  # type: ignore[attr-defined]
    moving = atoms.has("momenta")  # type: ignore[attr-defined]
    return Frame(
        positions=np.array(atoms.positions, dtype=np.float64),  # type: ignore[attr-defined]
        cell=cell,
        time_ps=float(info.get("time_ps", info.get("time", np.nan) * 1e-3)),
        energy_ev=float(results.get("energy", np.nan)),
        temperature_k=float(atoms.get_temperature()) if moving else np.nan,  # type: ignore[attr-defined]
    )
