"""What the user says about a trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FORMATS = (
    "xdatcar",
    "vasprun",
    "cp2k_xyz",
    "dcd",
    "extxyz",
    "ase_traj",
    "lammps",
    "npz",
    "displacements",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says about a trajectory that its file may not.

    Attributes:
        frame_step_ps: time between two frames of the file, ps; NaN takes the file's.
        temperature_k: temperature, K; NaN takes the file's.
        format: one of ``FORMATS``, or empty to recognise it by the name.
        skip_ps: time dropped at the beginning, ps (equilibration).
        every: keep one frame of so many.
        cell: nine numbers, Å, rows are lattice vectors; for formats without a cell.
        type_symbols: element of each LAMMPS atom type.
        topology: structure file that names the atoms of a DCD.
    """

    frame_step_ps: float = np.nan
    temperature_k: float = np.nan
    format: str = ""
    skip_ps: float = 0.0
    every: int = 1
    cell: tuple[float, ...] = ()
    type_symbols: tuple[str, ...] = ()
    topology: Path | None = None
