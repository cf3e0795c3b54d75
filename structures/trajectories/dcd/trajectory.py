"""DCD trajectories: the unit of time by writer, cells and steps by what lies beside them.

CP2K writes its MD step in fs (``motion_utils.F``, ``dtime``), LAMMPS in the units of its run
(``dump_dcd.cpp``, ``update->dt``), CHARMM, NAMD and OpenMM in AKMA units. Other programs write
what they like, VMD always one, so their step is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.cp2k.cell_setting import choose_setting
from dualion.structures.trajectories.cp2k.output import (
    Companions,
    cell_at,
    is_cp2k_name,
    mean_temperature,
    read_companions,
)
from dualion.structures.trajectories.dcd.container import (
    DcdHeader,
    cell_from_lengths,
    dcd_frames,
    read_dcd_header,
)
from dualion.structures.trajectories.lammps.clock import OPEN_UNITS, LammpsClock, clock_of
from dualion.structures.trajectories.types import Frame, FrameStream, UnreadableTrajectoryError

AKMA_PS = 0.04888821
"""Unit of time of CHARMM: Å √(u / (kcal/mol))."""

AKMA_WRITERS = ("CHARMM", "CREATED BY NAMD", "CREATED BY OPENMM")
SAME_STEP = 0.01
"""Largest relative difference of two statements of one MD step."""

ORIENTATION_ASSUMED = "cell_orientation_assumed"
"""Flag of a DCD whose oblique cell is known by lengths and angles alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """Time between frames, ps, or NaN and the reason; with LAMMPS' units where it wrote."""

    step_ps: float
    question: str = ""
    lammps: LammpsClock | None = None


def read_dcd(
    path: Path, symbols: tuple[str, ...] = (), cell: NDArray[np.float64] | None = None
) -> FrameStream:
    """Open a DCD file.

    Args:
        path: the file; CP2K's ``-1.cell`` and ``-1.ener`` are looked for beside it.
        symbols: chemical symbol of each atom, which a DCD does not hold.
        cell: shape (3, 3), Å; used where neither the companion nor the file has one.

    Raises:
        InputError: the symbols are missing or are not as many as the atoms.
        UnreadableTrajectoryError: the file is no DCD of positions.
    """
    header = read_dcd_header(path)
    if len(symbols) != header.n_atoms:
        raise InputError(
            f"{path.name} holds {header.n_atoms} atoms and no elements, and {len(symbols)} are "
            "known; name a structure file of the same atoms with --topology."
        )
    companions = read_companions(path) if is_cp2k_name(path) else Companions()
    clock = _clock(header, companions, path)
    notes: list[str] = []
    return FrameStream(
        format="dcd",
        symbols=symbols,
        frames=_frames(path, header, companions, cell, clock, notes),
        frame_step_ps=clock.step_ps,
        temperature_k=mean_temperature(companions),
        step_question=clock.question,
        flags=clock.lammps.flags if clock.lammps else (),
        notes=notes,
    )


def _clock(header: DcdHeader, companions: Companions, path: Path) -> _Clock:
    """The time between frames by the writer, checked against the table beside the file."""
    clock = _by_writer(header, path)
    table_ps = companions.timestep_fs * 1e-3 * (header.step_interval or np.nan)
    if not np.isfinite(table_ps):
        return clock
    if np.isfinite(clock.step_ps) and abs(clock.step_ps / table_ps - 1.0) > SAME_STEP:
        return _Clock(
            step_ps=np.nan,
            question=f"its head says {clock.step_ps * 1e3:.4g} fs and the table beside it "
            f"{table_ps * 1e3:.4g} fs",
        )
    return _Clock(step_ps=table_ps, lammps=clock.lammps)


def _by_writer(header: DcdHeader, path: Path) -> _Clock:
    title = header.title.upper()
    if "WRITTEN BY LAMMPS" in title:
        lammps = clock_of(path)
        unit_ps = lammps.units.time_ps if lammps.units else np.nan
        question = "" if lammps.units else OPEN_UNITS
        if abs(header.timestep / lammps.timestep - 1.0) > SAME_STEP:
            return _Clock(
                step_ps=np.nan,
                question=f"its head says an MD step of {header.timestep:.4g} and the input beside "
                f"it {lammps.timestep:.4g} in the same unit",
                lammps=lammps,
            )
    else:
        lammps = None
        akma = any(name in title for name in AKMA_WRITERS) or title.startswith("* ")
        unit_ps = 1e-3 if "CP2K" in title else AKMA_PS if akma else np.nan
        question = f"the unit of its MD step is not known for what wrote it ({header.title[:40]!r})"
    step_ps = header.timestep * header.step_interval * unit_ps
    if np.isfinite(step_ps) and step_ps > 0.0:
        return _Clock(step_ps=step_ps, lammps=lammps)
    if np.isfinite(unit_ps):
        question = "its head holds no MD step"
    return _Clock(step_ps=np.nan, question=question, lammps=lammps)


def _frames(
    path: Path,
    header: DcdHeader,
    companions: Companions,
    cell: NDArray[np.float64] | None,
    clock: _Clock,
    notes: list[str],
) -> Iterator[Frame]:
    length = clock.lammps.length_angstrom if clock.lammps else 1.0
    steps = _steps(header, companions, path.name)
    cells = _Cells(header=header, companions=companions, given=cell, notes=notes, name=path.name)
    for positions, record in dcd_frames(path, header):
        step = next(steps, None)
        if step is None:
            raise UnreadableTrajectoryError(
                f"{path.name} holds more frames than the table beside it has steps; the run was "
                "restarted, and which frames came twice is not known. Cut the file.",
                reason="uneven_times",
            )
        own = cell_from_lengths(record) * length if record is not None else None
        places = positions * length
        yield Frame(
            positions=places,
            cell=cells.at(step, own, places),
            step=step,
            energy_ev=companions.energies_ev.get(step, np.nan),
            temperature_k=companions.temperatures_k.get(step, np.nan),
        )


@dataclass(slots=True, kw_only=True)
class _Cells:
    """The cell of each frame: of the table beside the file, as given, or of the file itself."""

    header: DcdHeader
    companions: Companions
    given: NDArray[np.float64] | None
    notes: list[str]
    name: str
    aligned: bool | None = None

    def at(
        self, step: int, own: NDArray[np.float64] | None, positions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the cell of a step, shape (3, 3), Å.

        Args:
            step: number of the MD step.
            own: shape (3, 3), Å, the cell of the frame's own record; None where it has none.
            positions: shape (n, 3), Cartesian, Å.

        Raises:
            InputError: the cell of this step is not known.
            UnreadableTrajectoryError: the record contradicts the cell given or beside the file.
        """
        known = self.companions.cells
        if not (step in known or self.given is not None or len(known) == 1):
            return self._own(own)
        cell = cell_at(step, self.companions, self.given)
        if own is None:
            return cell
        _same_lengths(cell, own, self.name)
        if self.aligned is None:
            self.aligned = self._is_aligned(cell, own, positions)
        return own if self.aligned else cell

    def _is_aligned(
        self,
        cell: NDArray[np.float64],
        own: NDArray[np.float64],
        positions: NDArray[np.float64],
    ) -> bool:
        """Whether the positions are turned into the setting of the file's lengths and angles."""
        if not np.isfinite(positions).all():
            return False
        chosen, sure = choose_setting(positions, cell, own)
        if not sure:
            self.notes.append(ORIENTATION_ASSUMED)
        return chosen is own

    def _own(self, own: NDArray[np.float64] | None) -> NDArray[np.float64]:
        if own is None:
            raise InputError(f"{self.name} holds no cell; give it with --cell.")
        if "CP2K" in self.header.title and np.abs(own - np.diag(np.diag(own))).max() > 1e-4:
            self.notes.append(ORIENTATION_ASSUMED)
        return own


def _same_lengths(cell: NDArray[np.float64], own: NDArray[np.float64] | None, name: str) -> None:
    """Refuse a file whose cell contradicts the one beside it: another unit, or another run."""
    if own is None:
        return
    there, here = (float(abs(np.linalg.det(c))) ** (1 / 3) for c in (cell, own))
    if not 0.9 * there < here < 1.1 * there:
        raise UnreadableTrajectoryError(
            f"{name}: its cell of {here:.2f} Å (cube root of the volume) contradicts the "
            f"{there:.2f} Å that were given or lie beside it; the file is in another unit of "
            "length or of another run.",
            reason="no_cell",
        )


def _steps(header: DcdHeader, companions: Companions, name: str) -> Iterator[int]:
    """MD steps of the frames; a restart's as the table beside the file prints them."""
    interval = max(header.step_interval, 1)
    if all(later > earlier for earlier, later in pairwise(companions.steps)):
        yield from count(header.first_step, interval)
    printed = [
        s
        for s in companions.steps
        if s >= header.first_step and (s - header.first_step) % interval == 0
    ]
    if any(later - earlier > interval for earlier, later in pairwise(printed)):
        raise UnreadableTrajectoryError(
            f"{name} is of a run that was restarted, and the table beside it is printed less "
            "often than the positions; which frames came twice is not known. Cut the file.",
            reason="uneven_times",
        )
    yield from printed
