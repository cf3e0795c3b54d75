"""CP2K output: ``NAME-pos-1.xyz`` or ``NAME-pos-1.dcd`` with ``NAME-1.cell``, ``NAME-1.ener``.

CP2K prints times in fs, energies in Hartree, cells in Å (MOTION/PRINT in its manual). A
trajectory is not folded back into the cell, but a restart may fold it, so both are unwrapped. A
restart goes on from the last restart file in the same files, whose later steps then come twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.cp2k.comment import HARTREE_EV, read_comment
from dualion.structures.trajectories.text import LARGEST_STEP, lines
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.xyz import XyzBlock, same_symbols, xyz_blocks

SUFFIX = re.compile(r"-pos-(\d+)\.(xyz|dcd)$")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Companions:
    """What the files beside the positions say, by MD step.

    Attributes:
        cells: step to cell of shape (3, 3), Å.
        temperatures_k: step to instantaneous temperature, K.
        energies_ev: step to potential energy, eV.
        steps: the steps in the order of printing, repeated ones too.
        timestep_fs: MD step, fs, or NaN.
    """

    cells: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    temperatures_k: dict[int, float] = field(default_factory=dict)
    energies_ev: dict[int, float] = field(default_factory=dict)
    steps: tuple[int, ...] = ()
    timestep_fs: float = np.nan


def is_cp2k_name(path: Path) -> bool:
    """Whether the file is named as CP2K names its trajectories."""
    return SUFFIX.search(path.name.removesuffix(".gz")) is not None


def read_companions(path: Path) -> Companions:
    """Read ``-1.cell`` and ``-1.ener`` beside a trajectory, as far as they exist."""
    name = path.name.removesuffix(".gz")
    stem = SUFFIX.sub(r"-\1", name)
    boxes = _table(path.with_name(f"{stem}.cell"), 11)
    rows = _table(path.with_name(f"{stem}.ener"), 5)
    printed = rows or boxes
    return Companions(
        cells={int(row[0]): np.array(row[2:11]).reshape(3, 3) for row in boxes},
        temperatures_k={int(row[0]): row[3] for row in rows},
        energies_ev={int(row[0]): row[4] * HARTREE_EV for row in rows},
        steps=tuple(int(row[0]) for row in printed),
        timestep_fs=_timestep_fs(printed),
    )


def _timestep_fs(rows: list[list[float]]) -> float:
    """MD step by the times of two rows as far apart as no restart lies between, fs, or NaN."""
    if len(rows) < 2:
        return np.nan
    first = rows[0]
    last = first
    for row in rows[1:]:
        if row[0] <= last[0]:
            break
        last = row
    steps = last[0] - first[0]
    return (last[1] - first[1]) / steps if steps > 0 and last[1] > first[1] else np.nan


def _table(path: Path, least_columns: int) -> list[list[float]]:
    """Rows of numbers of a CP2K table; a line that is cut short ends it."""
    source = next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)
    if source is None:
        return []
    rows = []
    try:
        for line in lines(source):
            if line.lstrip().startswith("#") or not line.strip():
                continue
            row = [_entry(token) for token in line.split()]
            whole = len(row) >= least_columns and np.isfinite(row[:2]).all()
            if not whole or not 0.0 <= row[0] < LARGEST_STEP:
                break
            rows.append(row)
    except (TruncatedFileError, UnreadableTrajectoryError, ValueError):
        pass
    return rows


def _entry(token: str) -> float:
    """A number of a table; NaN where it did not fit its field."""
    return np.nan if token.startswith("*") else float(token)


def read_cp2k_xyz(path: Path, cell: NDArray[np.float64] | None = None) -> FrameStream:
    """Open a ``-pos-1.xyz``.

    Args:
        path: the file; its ``-1.cell`` and ``-1.ener`` are looked for beside it.
        cell: shape (3, 3), Å; the fixed cell where there is no ``-1.cell``.

    Raises:
        InputError: there is neither a ``-1.cell`` nor a given cell.
    """
    companions = read_companions(path)
    _need_cell(companions, cell, path)
    blocks = xyz_blocks(path)
    try:
        first = next(blocks, None)
    except TruncatedFileError:
        first = None
    if first is None:
        raise InputError(f"{path.name} holds no complete frame; check the run.")
    return FrameStream(
        format="cp2k_xyz",
        symbols=first.symbols,
        frames=_xyz_frames(first, blocks, companions, cell, path.name),
        temperature_k=mean_temperature(companions),
    )


def _need_cell(companions: Companions, cell: NDArray[np.float64] | None, path: Path) -> None:
    if cell is None and not companions.cells:
        raise InputError(
            f"{path.name} holds no cell and there is no -1.cell file beside it; give the cell "
            "with --cell a,b,c or nine numbers in Å."
        )


def mean_temperature(companions: Companions) -> float:
    """Mean of the later half of the run's temperatures, K; NaN where there are none."""
    values = [companions.temperatures_k[key] for key in sorted(companions.temperatures_k)]
    later = [value for value in values[len(values) // 2 :] if 0.0 < value < np.inf]
    return float(np.mean(later)) if later else np.nan


def _xyz_frames(
    first: XyzBlock,
    rest: Iterator[XyzBlock],
    companions: Companions,
    cell: NDArray[np.float64] | None,
    name: str,
) -> Iterator[Frame]:
    yield _xyz_frame(first, companions, cell)
    for number, block in enumerate(rest, start=2):
        same_symbols(first.symbols, block.symbols, name, number)
        yield _xyz_frame(block, companions, cell)


def _xyz_frame(block: XyzBlock, companions: Companions, cell: NDArray[np.float64] | None) -> Frame:
    found = read_comment(block.comment)
    step = found.step if found else -1
    return Frame(
        positions=block.positions,
        cell=cell_at(step, companions, cell),
        step=step,
        time_ps=found.time_ps if found else np.nan,
        energy_ev=found.energy_ev if found else np.nan,
        temperature_k=companions.temperatures_k.get(step, np.nan),
    )


def cell_at(
    step: int, companions: Companions, cell: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the cell of a step, shape (3, 3), Å; a run at fixed cell prints it once only.

    Args:
        step: number of the MD step.
        companions: what the files beside the trajectory say.
        cell: shape (3, 3), Å, the cell that the user gave, if any.

    Raises:
        InputError: the cell of this step is not known.
    """
    if step in companions.cells:
        return companions.cells[step]
    if cell is not None:
        return cell
    if len(companions.cells) == 1:
        return next(iter(companions.cells.values()))
    earlier = [s for s in companions.cells if s <= step]
    if earlier and np.ptp(np.stack(list(companions.cells.values())), axis=0).max() < 1e-9:
        return companions.cells[max(earlier)]
    raise InputError(
        f"The -1.cell file does not hold step {step}; print the cell as often as the positions."
    )
