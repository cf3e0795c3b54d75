"""Length, time and energy of a LAMMPS dump: from what names its units and its MD step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dualion.structures.trajectories.lammps.units import (
    STYLES,
    LammpsUnits,
    run_beside,
    units_of_style,
)

OPEN_UNITS = (
    "its times are in the units of the LAMMPS run (ps in metal, fs in real), which neither the "
    "file nor an input or log beside it that names the dump tells"
)
OPEN_STEP = "a LAMMPS dump holds steps, and times only with dump_modify time yes units yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LammpsClock:
    """What turns the numbers of a dump into Å, ps and eV.

    Attributes:
        units: of the run, or None where nothing tells.
        timestep: MD step in the run's unit of time, or NaN.
        flags: where units and step come from, if not from the dump.
    """

    units: LammpsUnits | None
    timestep: float = np.nan
    flags: tuple[str, ...] = ()

    @property
    def length_angstrom(self) -> float:
        """Unit of length, Å; that of metal and real where nothing tells."""
        return self.units.length_angstrom if self.units else 1.0

    @property
    def energy_ev(self) -> float:
        """Unit of energy, eV, or NaN."""
        return self.units.energy_ev if self.units else np.nan

    def time_ps(self, time: float, step: int) -> float:
        """Time of a frame, ps, or NaN.

        Args:
            time: as printed, in the run's unit, or NaN.
            step: number of the MD step, or −1.
        """
        if self.units is None:
            return np.nan
        if not np.isfinite(time) and step >= 0:
            time = step * self.timestep
        return time * self.units.time_ps


def clock_of(path: Path, style: str = "", *, inferred: str = "") -> LammpsClock:
    """The clock of a dump.

    Args:
        path: the dump; the input or log of its run is looked for beside it.
        style: unit style that the dump itself names, or empty.
        inferred: style that its velocities betray, or empty; an input or log goes before it.

    Raises:
        UnreadableTrajectoryError: the run was in reduced or unknown units.
    """
    run = run_beside(path)
    if style:
        units = units_of_style(style, path.name)
        same = run is not None and run.style == units.style
        return LammpsClock(units=units, timestep=run.timestep if run and same else np.nan)
    if run is not None:
        return LammpsClock(
            units=units_of_style(run.style, path.name),
            timestep=run.timestep,
            flags=("units_from_input",),
        )
    if inferred:
        return LammpsClock(units=STYLES[inferred], flags=("units_from_velocities",))
    return LammpsClock(units=None)
