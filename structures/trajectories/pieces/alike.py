"""What trajectories have in common: whether they may be of one run, or hold the same frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.types import Trajectory

CELL_TOLERANCE = 0.02
TEMPERATURE_TOLERANCE = 0.05
TIME_TOLERANCE = 0.01
"""Largest relative difference of cells, mean temperatures and times between frames."""

SAME = 2e-5
"""Fractional difference of a position that was copied, at most: files print four decimals."""

SAMPLED = tuple(2**power for power in range(40))
"""Frames that are compared: 1, 2, 4, …, counted from 1; runs that start alike differ soon."""


def difference(one: Trajectory, other: Trajectory) -> str:
    """Say what speaks against two trajectories being of one run; empty where nothing does.

    Args:
        one: a trajectory.
        other: another.
    """
    if one.symbols != other.symbols:
        return "its atoms, or their order, differ"
    if abs(one.frame_step_ps / other.frame_step_ps - 1.0) > TIME_TOLERANCE:
        return (
            f"the time between frames is {other.frame_step_ps:g} ps, not {one.frame_step_ps:g} ps"
        )
    if counts_differ(one, other):
        return (
            f"its frames are {other.steps_a_frame:g} MD steps apart, not {one.steps_a_frame:g}, so "
            "one time between frames cannot hold for both"
        )
    scale = float(np.abs(one.mean_cell).max())
    if np.abs(one.mean_cell - other.mean_cell).max() > CELL_TOLERANCE * scale:
        return "the cell differs"
    apart = abs(one.temperature_k - other.temperature_k)
    if apart > TEMPERATURE_TOLERANCE * one.temperature_k:  # not for NaN: nobody knows
        return f"it was run at {other.temperature_k:.4g} K, not at {one.temperature_k:.4g} K"
    return ""


def counts_differ(one: Trajectory, other: Trajectory) -> bool:
    """Whether both files number their MD steps, and by other steps a frame.

    Args:
        one: a trajectory.
        other: another.
    """
    return abs(one.steps_a_frame - other.steps_a_frame) > 0.5


@dataclass(slots=True)
class CopyCheck:
    """Refuses files that hold the same frames, which would count twice.

    A file that holds no more than the first frames of another is one of them.
    """

    _seen: list[tuple[str, tuple[str, ...], NDArray[np.float64]]] = field(default_factory=list)

    def add(self, name: str, trajectory: Trajectory) -> None:
        """Take note of a file.

        Args:
            name: of the file.
            trajectory: what it holds.

        Raises:
            InputError: an earlier file holds the same frames.
        """
        count = trajectory.n_frames
        frames = trajectory.fractional[[n - 1 for n in takewhile(lambda n: n <= count, SAMPLED)]]
        for known, symbols, others in self._seen:
            if symbols == trajectory.symbols and _are_same(frames, others):
                raise InputError(_same_sentence(known, name))
        self._seen.append((name, trajectory.symbols, frames))


def _are_same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    shared = min(len(one), len(other))
    apart = one[:shared] - other[:shared]
    apart -= np.rint(apart)
    apart -= apart.mean(axis=1, keepdims=True)
    return bool(np.abs(apart).max() < SAME)


def _same_sentence(one: str, other: str) -> str:
    if one == other:
        return f"{one} was given twice; its frames would count twice. Give it once."
    return f"{one} and {other} hold the same frames; they would count twice. Give one."
