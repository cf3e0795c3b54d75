"""Frames of a file, one after the other, to one unwrapped trajectory at equal times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.options import ReadOptions
from dualion.structures.trajectories.types import (
    Frame,
    FrameStream,
    Trajectory,
    TruncatedFileError,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.unwrap import SWAP_PS, Unwrapper, speed_limits

TIME_TOLERANCE = 1e-3
"""Largest relative scatter of the times between frames."""


@dataclass(slots=True)
class _Collected:
    """The growing arrays of one trajectory."""

    fractional: list[NDArray[np.float64]] = field(default_factory=list)
    cells: list[NDArray[np.float64]] = field(default_factory=list)
    times_ps: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    temperatures: list[float] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def assemble(stream: FrameStream, options: ReadOptions, *, source: str) -> Trajectory:
    """Unwrap a stream of frames into one trajectory; arguments as ``read_trajectory``."""
    taken = _Collected(flags=list(stream.flags))
    given = options.frame_step_ps if np.isfinite(options.frame_step_ps) else stream.frame_step_ps
    temperature = (
        options.temperature_k if np.isfinite(options.temperature_k) else stream.temperature_k
    )
    frames = _guarded(stream.frames, taken)
    head = list(islice(frames, 2))
    if len(head) < 2:
        raise UnreadableTrajectoryError(
            f"{source} holds {len(head)} complete frame(s); motion needs at least two.",
            reason="one_frame",
        )
    step_ps = _frame_step(given, head, np.isfinite(options.frame_step_ps), source)
    limits = speed_limits(_masses(stream.symbols), step_ps, temperature)
    kinds = np.unique(stream.symbols, return_inverse=True)[1] if step_ps < SWAP_PS else None
    unwrapper = Unwrapper(limits, declared=stream.unwrapped, kinds=kinds)
    skip = _frames_to_skip(options.skip_ps, step_ps)
    _collect(head, frames, unwrapper, taken, skip, options.every)
    unwrapper.finish()
    if len(taken.fractional) < 2:
        raise UnreadableTrajectoryError(
            f"{source} holds fewer than two frames after dropping {options.skip_ps} ps.",
            reason="one_frame",
        )
    given_by_user = np.isfinite(options.frame_step_ps)
    _check_times(taken, step_ps * options.every, source, given_by_user=given_by_user)
    return Trajectory(
        fractional=np.stack(taken.fractional),
        cells=_compact_cells(taken.cells),
        symbols=stream.symbols,
        frame_step_ps=step_ps * options.every,
        temperature_k=temperature,
        energies_ev=np.array(taken.energies),
        temperatures_k=np.array(taken.temperatures),
        flags=_flags(taken, unwrapper, stream),
        source=source,
    )


def _guarded(frames: Iterator[Frame], taken: _Collected) -> Iterator[Frame]:
    """The frames up to where the file breaks off."""
    try:
        yield from frames
    except TruncatedFileError:
        taken.flags.append("truncated_file")


def _frame_step(given: float, head: list[Frame], by_user: bool, source: str) -> float:
    between = head[1].time_ps - head[0].time_ps
    step_ps = given if by_user or not np.isfinite(between) else between
    if not np.isfinite(step_ps):
        raise InputError(
            f"{source} does not hold the time between its frames; give it in fs with "
            "--frame-step-fs (MD time step times the steps between two frames)."
        )
    if step_ps <= 0.0:
        raise InputError(f"The time between frames of {source} is {step_ps} ps; it must be over 0.")
    return float(step_ps)


def _masses(symbols: Sequence[str]) -> NDArray[np.float64]:
    from ase.data import atomic_masses, atomic_numbers

    unknown = sorted({s for s in symbols if s not in atomic_numbers})
    if unknown:
        raise UnreadableTrajectoryError(
            f"{', '.join(unknown[:5])}: no chemical element; name the atoms by their symbols.",
            reason="unknown_element",
        )
    return np.array([max(atomic_masses[atomic_numbers[s]], 1.0) for s in symbols])


def _frames_to_skip(skip_ps: float, step_ps: float) -> int:
    if skip_ps < 0.0:
        raise InputError(f"The time to skip is {skip_ps} ps; it cannot be negative.")
    return round(skip_ps / step_ps)


def _collect(
    head: list[Frame],
    rest: Iterator[Frame],
    unwrapper: Unwrapper,
    taken: _Collected,
    skip: int,
    every: int,
) -> None:
    cell, inverse = np.empty(0), np.empty(0)
    last_step = -1
    for number, frame in enumerate(_chain(head, rest)):
        if frame.step >= 0 and frame.step == last_step:
            taken.flags.append("repeated_frames_dropped")
            continue
        last_step = frame.step
        _check_frame(frame, number + 1)
        fractional = frame.positions
        if not frame.fractional:
            if cell is not frame.cell:
                cell, inverse = frame.cell, np.asarray(np.linalg.inv(frame.cell), dtype=np.float64)
            fractional = frame.positions @ inverse
        unwrapped = unwrapper.add(fractional, frame.cell, number + 1)
        if number >= skip and (number - skip) % every == 0:
            taken.fractional.append(unwrapped)
            taken.cells.append(frame.cell)
            taken.times_ps.append(frame.time_ps)
            taken.steps.append(frame.step)
            taken.energies.append(frame.energy_ev)
            taken.temperatures.append(frame.temperature_k)


def _chain(head: list[Frame], rest: Iterator[Frame]) -> Iterator[Frame]:
    yield from head
    yield from rest


def _check_frame(frame: Frame, number: int) -> None:
    bad = ~np.isfinite(frame.positions).all(axis=1)
    if bad.any():
        raise UnreadableTrajectoryError(
            f"Frame {number}: the position of atom {int(bad.argmax()) + 1} is not finite; the "
            "run blew up or the file is damaged. Cut the trajectory before that frame.",
            reason="not_finite",
        )
    if not np.isfinite(frame.cell).all() or abs(np.linalg.det(frame.cell)) < 1e-3:
        raise UnreadableTrajectoryError(f"Frame {number} has no valid cell.", reason="no_cell")


def _check_times(taken: _Collected, step_ps: float, source: str, *, given_by_user: bool) -> None:
    """Refuse unevenly spaced frames, by their times or, where those lack, their steps."""
    times = np.array(taken.times_ps)
    if np.isfinite(times).all() and not given_by_user:
        gaps = np.diff(times) / step_ps
    else:
        steps = np.array(taken.steps, dtype=np.float64)
        if (steps < 0).any() or steps[1] == steps[0]:
            return
        gaps = np.diff(steps) / (steps[1] - steps[0])
    # Printed times are rounded, so a thousandth of a step may be lost on each frame.
    uneven = np.abs(gaps - 1.0) > max(TIME_TOLERANCE, 2e-6 / step_ps)
    if uneven.any():
        frame = int(uneven.argmax()) + 2
        raise UnreadableTrajectoryError(
            f"{source}: the time from kept frame {frame - 1} to {frame} is {gaps[frame - 2]:.3g} "
            "times the usual one; frames are missing or two runs are joined. Split the file.",
            reason="uneven_times",
        )


def _compact_cells(cells: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """All cells, or the one cell where it never changes."""
    if all(cell is cells[0] for cell in cells):
        return cells[0][None]
    stacked = np.stack(cells)
    return stacked[:1] if np.ptp(stacked, axis=0).max() < 1e-9 else stacked


def _flags(taken: _Collected, unwrapper: Unwrapper, stream: FrameStream) -> tuple[str, ...]:
    flags = list(dict.fromkeys(taken.flags))
    if stream.unwrapped or (unwrapper.beyond_cell and not unwrapper.folds):
        flags.append("already_unwrapped")
    elif unwrapper.folds:
        flags.append("unwrapped_here")
    if unwrapper.impossible_frames:
        flags.append("steps_faster_than_thermal")
    if len({id(cell) for cell in taken.cells}) > 1 and _compact_cells(taken.cells).shape[0] > 1:
        flags.append("cell_varies")
    return tuple(flags)
