"""Extended and plain XYZ: the comment line of each writer in Å, ps and eV.

GPUMD (``dump_exyz``) and CP2K print ``Time`` in fs, and so does whoever uses ASE's unit;
LAMMPS (``dump extxyz``, known by ``Timestep=``) prints it in the units of its run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.cp2k.comment import read_comment
from dualion.structures.trajectories.lammps.clock import OPEN_UNITS, LammpsClock, clock_of
from dualion.structures.trajectories.lammps.units import style_by_velocities
from dualion.structures.trajectories.text import array, step_number
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.xyz import XyzBlock, comment_values, same_symbols, xyz_blocks

LAMMPS_EXTXYZ = re.compile(r"(^|\s)Timestep=\d")
LAMMPS_XYZ = re.compile(r"^Atoms\. Timestep: (\d+)(?: Time: ([-+.\deE]+))?")
GIVEN_CELL_UNUSED = "given_cell_unused"
"""Flag of a file with cells of its own, for which another one was given."""


def read_extxyz(path: Path, cell: NDArray[np.float64] | None = None) -> FrameStream:
    """Open an extended or plain XYZ file.

    Args:
        path: the file, ``.gz`` or not.
        cell: shape (3, 3), Å; for frames without a ``Lattice``.

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
    if "CELL(abcABC)" in first.comment or "positions{" in first.comment:
        raise UnreadableTrajectoryError(
            f"{path.name} is i-PI's, in units of its own; write it as extended XYZ in Å.",
            reason="unknown_units",
        )
    lammps = _lammps_clock(first, path)
    notes: list[str] = []
    reader = _Comments(name=path.name, cell=cell, lammps=lammps, notes=notes)
    return FrameStream(
        format="extxyz",
        symbols=first.symbols,
        frames=_frames(first, blocks, reader),
        step_question=OPEN_UNITS if lammps is not None and lammps.units is None else "",
        flags=lammps.flags if lammps is not None else (),
        notes=notes,
    )


def _lammps_clock(first: XyzBlock, path: Path) -> LammpsClock | None:
    """The clock of a file by LAMMPS; None for other writers."""
    if LAMMPS_XYZ.match(first.comment):
        return clock_of(path)
    if not LAMMPS_EXTXYZ.search(first.comment):
        return None
    velocities = first.vectors("vel", "velo")
    inferred = ""
    if velocities is not None:
        printed = comment_values(first.comment).get("temperature", "nan")
        temperature_k = float(array([printed], path.name)[0])
        inferred = style_by_velocities(velocities, first.symbols, temperature_k)
    return clock_of(path, inferred=inferred)


def _frames(first: XyzBlock, rest: Iterator[XyzBlock], reader: _Comments) -> Iterator[Frame]:
    yield reader.frame(first)
    for number, block in enumerate(rest, start=2):
        same_symbols(first.symbols, block.symbols, reader.name, number)
        yield reader.frame(block)


@dataclass(slots=True, kw_only=True)
class _Comments:
    """Turns blocks into frames by what their comments say."""

    name: str
    cell: NDArray[np.float64] | None
    lammps: LammpsClock | None
    notes: list[str]

    def frame(self, block: XyzBlock) -> Frame:
        values = comment_values(block.comment)
        if "lattice" not in values:
            plain = self._plain(block)
            if plain is not None:
                return plain
        if self.lammps is not None:
            return self._from_lammps(block, values)
        time_ps = self._number(values, "time_ps")
        if np.isnan(time_ps):
            time_ps = self._number(values, "time_fs", "time") * 1e-3
        return Frame(
            positions=block.positions,
            cell=self._cell(values),
            step=step_number(values.get("step", "")),
            time_ps=time_ps,
            energy_ev=self._number(values, "energy"),
            temperature_k=self._number(values, "temperature"),
        )

    def _plain(self, block: XyzBlock) -> Frame | None:
        """A frame whose comment is CP2K's or that of LAMMPS' ``dump xyz``."""
        ours = read_comment(block.comment)
        theirs = LAMMPS_XYZ.match(block.comment)
        if ours is not None:
            return Frame(
                positions=block.positions,
                cell=self._cell({}),
                step=ours.step,
                time_ps=ours.time_ps,
                energy_ev=ours.energy_ev,
            )
        if theirs and self.lammps is not None:
            step = step_number(theirs.group(1))
            time = self._number({"time": theirs.group(2) or "nan"}, "time")
            return Frame(
                positions=block.positions * self.lammps.length_angstrom,
                cell=self._cell({}),
                step=step,
                time_ps=self._lammps_time(time, step),
            )
        return None

    def _from_lammps(self, block: XyzBlock, values: dict[str, str]) -> Frame:
        clock = self.lammps
        assert clock is not None
        step = step_number(values.get("timestep", ""))
        own = "lattice" in values
        return Frame(
            positions=block.positions * clock.length_angstrom,
            cell=self._cell(values) * (clock.length_angstrom if own else 1.0),
            step=step,
            time_ps=self._lammps_time(self._number(values, "time"), step),
            energy_ev=self._number(values, "potential_energy") * clock.energy_ev,
            temperature_k=self._number(values, "temperature"),
        )

    def _lammps_time(self, time: float, step: int) -> float:
        assert self.lammps is not None
        if not np.isfinite(time) and np.isfinite(self.lammps.timestep):
            self.notes.append("time_step_from_input")
        return self.lammps.time_ps(time, step)

    def _cell(self, values: dict[str, str]) -> NDArray[np.float64]:
        lattice = values.get("lattice", "").split()
        if len(lattice) == 9:
            cell = array(lattice, f"{self.name}: Lattice").reshape(3, 3)
            if self.cell is not None and not np.allclose(cell, self.cell, atol=1e-3):
                self.notes.append(GIVEN_CELL_UNUSED)
            return cell
        if self.cell is None or lattice:
            raise UnreadableTrajectoryError(
                f"{self.name}: a frame has no Lattice of nine numbers; a periodic cell is needed. "
                "Give it with --cell a,b,c or nine numbers in Å.",
                reason="no_cell",
            )
        return self.cell

    def _number(self, values: dict[str, str], *keys: str) -> float:
        """The first of these values that is there, or NaN."""
        text = next((values[key] for key in keys if key in values), "nan")
        return float(array([text], f"{self.name}: comment")[0])
