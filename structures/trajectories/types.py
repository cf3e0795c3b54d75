"""What a trajectory reader gives: a stream of frames, and the unwrapped trajectory.

Conventions: rows of a cell are the lattice vectors in Å; times are in ps; a quantity that a
file does not hold is NaN, never zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import UnreadableStructureError

Array = NDArray[np.float64]


class UnreadableTrajectoryError(UnreadableStructureError):
    """A file is no trajectory that can be analysed; ``reason`` says in one word why."""

    reason = "unreadable_trajectory"


class TruncatedFileError(Exception):
    """The file ends inside a frame. Readers raise it; assembling turns it into a flag."""


class RepeatedStepsError(Exception):
    """MD steps that were read come again: a restarted run went on in the same file."""


TEMPERATURE_RAMP = "temperature_ramp"
"""Flag of a run whose thermostat was heated or cooled: it has no single temperature."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One frame as the file has it.

    Attributes:
        positions: shape (n, 3), Å, or fractional where ``fractional`` is true.
        cell: shape (3, 3), Å; rows are the lattice vectors.
        fractional: whether ``positions`` are multiples of the lattice vectors.
        step: number of the MD step, -1 where the file numbers nothing.
        time_ps: time of the frame, ps, or NaN.
        energy_ev: potential energy of the cell, eV, or NaN.
        temperature_k: instantaneous temperature, K, or NaN.
    """

    positions: Array
    cell: Array
    fractional: bool = False
    step: int = -1
    time_ps: float = np.nan
    energy_ev: float = np.nan
    temperature_k: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameStream:
    """The frames of one file, in order, and what its head says.

    Attributes:
        format: name of the reader.
        symbols: chemical symbol of each atom, length n.
        frames: the frames, read as they are asked for.
        frame_step_ps: time between two frames, ps, or NaN where the file does not say.
        temperature_k: thermostat temperature, K, or NaN.
        unwrapped: whether the format promises positions that are never folded back.
        steps_persist: whether a restarted run goes on with the numbers of its MD steps, so that
            a frame with a number seen before replaces the earlier one.
        step_question: why the time between frames is open, for the question to the user.
        flags: names of what a cautious reader should know.
        notes: more of them, found while the frames are read.
    """

    format: str
    symbols: tuple[str, ...]
    frames: Iterator[Frame]
    frame_step_ps: float = np.nan
    temperature_k: float = np.nan
    unwrapped: bool = False
    steps_persist: bool = True
    step_question: str = ""
    flags: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """An unwrapped trajectory at equally spaced times.

    Attributes:
        fractional: shape (frames, n, 3), unwrapped fractional coordinates.
        cells: shape (frames, 3, 3), Å, or (1, 3, 3) where the cell never changes.
        symbols: chemical symbol of each atom, length n.
        frame_step_ps: time between two frames, ps.
        temperature_k: temperature, K, or NaN where nobody knows it.
        energies_ev: shape (frames,), potential energy, eV; NaN where unknown.
        temperatures_k: shape (frames,), instantaneous temperature, K; NaN where unknown.
        clock_ps: shape (frames,), times that a restarted run carries on, ps; empty where the file
            has none.
        steps_a_frame: MD steps between two frames by their numbers; NaN where the file has none.
        flags: names of what a cautious reader should know.
        source: name of the file or of the simulation.
        format: name of the reader; empty for arrays.
    """

    fractional: Array
    cells: Array
    symbols: tuple[str, ...]
    frame_step_ps: float
    temperature_k: float = np.nan
    energies_ev: Array = field(default_factory=lambda: np.empty(0))
    temperatures_k: Array = field(default_factory=lambda: np.empty(0))
    clock_ps: Array = field(default_factory=lambda: np.empty(0))
    steps_a_frame: float = np.nan
    flags: tuple[str, ...] = ()
    source: str = "arrays"
    format: str = ""

    def __post_init__(self) -> None:
        frames, atoms = self.fractional.shape[:2]
        if self.fractional.ndim != 3 or atoms != len(self.symbols) or atoms == 0:
            raise UnreadableTrajectoryError(
                f"The trajectory holds positions of shape {self.fractional.shape} for "
                f"{len(self.symbols)} atoms; give (frames, atoms, 3).",
                reason="bad_arrays",
            )
        if self.cells.shape not in ((1, 3, 3), (frames, 3, 3)):
            raise UnreadableTrajectoryError(
                f"The trajectory holds cells of shape {self.cells.shape}; give one cell, or "
                f"one for each of the {frames} frames.",
                reason="bad_arrays",
            )
        if not (np.isfinite(self.fractional).all() and np.isfinite(self.cells).all()):
            raise UnreadableTrajectoryError(
                "The trajectory holds a position or cell that is not finite.",
                reason="not_finite",
            )
        if not self.frame_step_ps > 0.0:
            raise UnreadableTrajectoryError(
                f"The time between frames is {self.frame_step_ps} ps; it must be positive.",
                reason="bad_time_step",
            )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.fractional.shape[0])

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return int(self.fractional.shape[1])

    @property
    def duration_ps(self) -> float:
        """Time from the first frame to the last, ps."""
        return (self.n_frames - 1) * self.frame_step_ps

    @cached_property
    def mean_cell(self) -> Array:
        """Cell averaged over the frames, shape (3, 3), Å."""
        return np.asarray(self.cells.mean(axis=0))

    @property
    def volume_cubic_angstrom(self) -> float:
        """Volume of the mean cell, Å³."""
        return float(abs(np.linalg.det(self.mean_cell)))

    @property
    def species(self) -> tuple[str, ...]:
        """Distinct symbols in order of first appearance."""
        return tuple(dict.fromkeys(self.symbols))

    def indices(self, symbol: str) -> NDArray[np.int64]:
        """Indices of the atoms of one element, shape (k,)."""
        return np.array([i for i, s in enumerate(self.symbols) if s == symbol], dtype=np.int64)

    def positions(self, indices: NDArray[np.int64] | None = None) -> Array:
        """Unwrapped positions of some atoms in the mean cell, shape (frames, k, 3), Å.

        The mean cell keeps a barostat's breathing out of the displacements: an atom at rest
        in fractional coordinates does not move.
        """
        chosen = self.fractional if indices is None else self.fractional[:, indices]
        return np.asarray(chosen @ self.mean_cell)
