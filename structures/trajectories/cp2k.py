"""CP2K output: ``NAME-pos-1.xyz`` or ``NAME-pos-1.dcd`` with ``NAME-1.cell``, ``NAME-1.ener``.

CP2K prints times in fs, energies in Hartree, cells in Å (MOTION/PRINT in its manual). A
trajectory is not folded back into the cell, but a restart may fold it, so both are unwrapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

from dualion.structures.errors import InputError
from dualion.structures.trajectories.dcd import (
    DcdHeader,
    cell_from_lengths,
    dcd_frames,
    read_dcd_header,
)
from dualion.structures.trajectories.text import lines
from dualion.structures.trajectories.types import Frame, FrameStream, TruncatedFileError
from dualion.structures.trajectories.xyz import XyzBlock, same_symbols, xyz_blocks

HARTREE_EV = physical_constants["Hartree energy in eV"][0]
COMMENT = re.compile(r"i\s*=\s*(\d+).*?time\s*=\s*([-+.\dEe]+)(?:.*?E\s*=\s*([-+.\dEe]+))?")
SUFFIX = re.compile(r"-pos-(\d+)\.(xyz|dcd)$")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Companions:
    """What the files beside the positions say, by MD step.

    Attributes:
        cells: step to cell of shape (3, 3), Å.
        temperatures_k: step to instantaneous temperature, K.
        energies_ev: step to potential energy, eV.
    """

    cells: dict[int, NDArray[np.float64]]
    temperatures_k: dict[int, float]
    energies_ev: dict[int, float]


def is_cp2k_name(path: Path) -> bool:
    """Whether the file is named as CP2K names its trajectories."""
    return SUFFIX.search(path.name.removesuffix(".gz")) is not None


def read_companions(path: Path) -> Companions:
    """Read ``-1.cell`` and ``-1.ener`` beside a trajectory, as far as they exist."""
    name = path.name.removesuffix(".gz")
    stem = SUFFIX.sub(r"-\1", name)
    cells = {
        int(row[0]): np.array(row[2:11]).reshape(3, 3)
        for row in _table(path.with_name(f"{stem}.cell"), 11)
    }
    rows = _table(path.with_name(f"{stem}.ener"), 5)
    return Companions(
        cells=cells,
        temperatures_k={int(row[0]): row[3] for row in rows},
        energies_ev={int(row[0]): row[4] * HARTREE_EV for row in rows},
    )


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
            row = [float(token) for token in line.split()]
            if len(row) < least_columns:
                break
            rows.append(row)
    except (TruncatedFileError, ValueError):
        pass
    return rows


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
        temperature_k=_mean_temperature(companions),
    )


def _need_cell(companions: Companions, cell: NDArray[np.float64] | None, path: Path) -> None:
    if cell is None and not companions.cells:
        raise InputError(
            f"{path.name} holds no cell and there is no -1.cell file beside it; give the cell "
            "with --cell a,b,c or nine numbers in Å."
        )


def _mean_temperature(companions: Companions) -> float:
    """Mean of the later half of the run's temperatures, K; NaN where there are none."""
    values = [companions.temperatures_k[key] for key in sorted(companions.temperatures_k)]
    return float(np.mean(values[len(values) // 2 :])) if values else np.nan


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
    found = COMMENT.search(block.comment)
    step = int(found.group(1)) if found else -1
    energy = float(found.group(3)) * HARTREE_EV if found and found.group(3) else np.nan
    return Frame(
        positions=block.positions,
        cell=_cell_at(step, companions, cell),
        step=step,
        time_ps=float(found.group(2)) * 1e-3 if found else np.nan,
        energy_ev=energy,
        temperature_k=companions.temperatures_k.get(step, np.nan),
    )


def _cell_at(
    step: int, companions: Companions, cell: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Cell of a step; a fixed-cell run prints it once only."""
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


def read_dcd(
    path: Path, symbols: tuple[str, ...] = (), cell: NDArray[np.float64] | None = None
) -> FrameStream:
    """Open a DCD file, CP2K's or another's.

    Args:
        path: the file; ``-1.cell`` and ``-1.ener`` are looked for beside it.
        symbols: chemical symbol of each atom, which a DCD does not hold.
        cell: shape (3, 3), Å; used where neither the companion nor the file has one.

    Raises:
        InputError: the symbols are missing or are not as many as the atoms.
    """
    header = read_dcd_header(path)
    if len(symbols) != header.n_atoms:
        raise InputError(
            f"{path.name} holds {header.n_atoms} atoms and no elements, and {len(symbols)} are "
            "known; name a structure file of the same atoms with --topology."
        )
    companions = (
        read_companions(path)
        if is_cp2k_name(path)
        else Companions(cells={}, temperatures_k={}, energies_ev={})
    )
    return FrameStream(
        format="dcd",
        symbols=symbols,
        frames=_dcd_frames(path, header, companions, cell),
        frame_step_ps=header.frame_step_ps,
        temperature_k=_mean_temperature(companions),
    )


def _dcd_frames(
    path: Path,
    header: DcdHeader,
    companions: Companions,
    cell: NDArray[np.float64] | None,
) -> Iterator[Frame]:
    for number, (positions, lengths_angles) in enumerate(dcd_frames(path, header)):
        step = header.first_step + number * header.step_interval
        if step in companions.cells or cell is not None or len(companions.cells) == 1:
            frame_cell = _cell_at(step, companions, cell)
        elif lengths_angles is not None:
            frame_cell = cell_from_lengths(lengths_angles)
        else:
            raise InputError(f"{path.name} holds no cell; give it with --cell.")
        yield Frame(
            positions=positions,
            cell=frame_cell,
            step=step,
            energy_ev=companions.energies_ev.get(step, np.nan),
            temperature_k=companions.temperatures_k.get(step, np.nan),
        )
