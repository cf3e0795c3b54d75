"""Frames of a file, one after the other, to one unwrapped trajectory at equal times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.options import ReadOptions
from dualion.structures.trajectories.steps import in_order
from dualion.structures.trajectories.types import (
    TEMPERATURE_RAMP,
    Frame,
    FrameStream,
    Trajectory,
    UnreadableTrajectoryError,
)
from dualion.structures.trajectories.unwrap import SWAP_PS, Unwrapper, speed_limits
from dualion.structures.trajectories.vasp.vasprun import FRAMES_CONTRADICT_STEP

TIME_TOLERANCE = 1e-3
"""Largest relative scatter of the times between frames."""

GIVEN_STEP_DIFFERS = "given_frame_step_differs"
"""Flag of a run whose file says another time between frames than the user."""

TEMPERATURE_FROM_FRAMES = "temperature_from_frames"
"""Flag of a run whose temperature is the mean of what its frames say."""

LEAST_TEMPERATURES = 5
"""Fewer frames with a temperature, among many without, make no mean."""

FARTHEST = 1e9
"""A larger coordinate, Å or cells, is damage: doubles no longer resolve a step there."""


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
    """Unwrap a stream of frames into one trajectory.

    Args:
        stream: the frames and what the file says of them.
        options: what the file does not say.
        source: name of the file, for messages.

    Raises:
        RepeatedStepsError: MD steps come again, and the later ones replace the earlier.
        InputError: the time step is missing.
        UnreadableTrajectoryError: fewer than two frames are left, or an atom jumps.
    """
    taken = _Collected(flags=list(stream.flags))
    temperature = (
        options.temperature_k if np.isfinite(options.temperature_k) else stream.temperature_k
    )
    frames = in_order(stream, taken.flags, source)
    head = list(islice(frames, 2))
    if len(head) < 2:
        raise UnreadableTrajectoryError(
            f"{source} holds {len(head)} complete frame(s); motion needs at least two.",
            reason="one_frame",
        )
    step_ps = _frame_step(stream, options, head, source)
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
    step_ps = _check_times(stream, options, taken, step_ps * options.every, source)
    return Trajectory(
        fractional=np.stack(taken.fractional),
        cells=_compact_cells(taken.cells),
        symbols=stream.symbols,
        frame_step_ps=step_ps,
        temperature_k=_temperature(temperature, taken),
        energies_ev=np.array(taken.energies),
        temperatures_k=np.array(taken.temperatures),
        clock_ps=_clock(stream, taken, step_ps),
        steps_a_frame=_steps_a_frame(taken),
        flags=_flags(taken, unwrapper, stream),
        source=source,
        format=stream.format,
    )


def _frame_step(stream: FrameStream, options: ReadOptions, head: list[Frame], source: str) -> float:
    """Time between frames: the user's, else that of two frames, else that of the head, ps."""
    between = head[1].time_ps - head[0].time_ps
    own = between if np.isfinite(between) else stream.frame_step_ps
    step_ps = options.frame_step_ps if np.isfinite(options.frame_step_ps) else own
    if not np.isfinite(step_ps):
        why = f": {stream.step_question}" if stream.step_question else ""
        raise InputError(
            f"{source} does not hold the time between its frames{why}. Give it in fs with "
            "--frame-step-fs (MD time step times the steps between two frames)."
        )
    if step_ps <= 0.0:
        raise InputError(f"The time between frames of {source} is {step_ps} ps; it must be over 0.")
    return float(step_ps)


def _temperature(known_k: float, taken: _Collected) -> float:
    """The temperature, or the mean of the frames' where nobody else knows it, K."""
    if np.isfinite(known_k) or TEMPERATURE_RAMP in taken.flags:
        return float(known_k)
    seen = np.array(taken.temperatures)
    seen = seen[np.isfinite(seen) & (seen > 0.0)]
    # LAMMPS prints it in the frames alone in which it computed it for its log.
    if len(seen) < min(LEAST_TEMPERATURES, len(taken.temperatures) / 2.0):
        return np.nan
    taken.flags.append(TEMPERATURE_FROM_FRAMES)
    return float(seen.mean())


def _masses(symbols: Sequence[str]) -> NDArray[np.float64]:
    from ase.data import atomic_masses, atomic_numbers

    unknown = sorted({s for s in symbols if s not in atomic_numbers or s == "X"})
    if unknown:
        shown = ", ".join(symbol[:20] for symbol in unknown[:5])
        raise UnreadableTrajectoryError(
            f"{shown}: no chemical element; name the atoms by their symbols.",
            reason="unknown_element",
        )
    return np.array([max(atomic_masses[atomic_numbers[s]], 1.0) for s in symbols])


def _frames_to_skip(skip_ps: float, step_ps: float) -> int:
    if not skip_ps >= 0.0:
        raise InputError(f"The time to skip is {skip_ps} ps; give 0 or more.")
    return round(min(skip_ps / step_ps, 1e12))


def _collect(
    head: list[Frame],
    rest: Iterator[Frame],
    unwrapper: Unwrapper,
    taken: _Collected,
    skip: int,
    every: int,
) -> None:
    cell, inverse = np.empty(0), np.empty(0)
    for number, frame in enumerate(_chain(head, rest)):
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
    """Refuse positions and cells that no arithmetic can go on with."""
    bad = ~(np.abs(frame.positions) < FARTHEST).all(axis=1)
    if bad.any():
        raise UnreadableTrajectoryError(
            f"Frame {number}: the position of atom {int(bad.argmax()) + 1} is not finite; the "
            "run blew up or the file is damaged. Cut the trajectory before that frame.",
            reason="not_finite",
        )
    finite = bool((np.abs(frame.cell) < FARTHEST).all())
    if not finite or abs(np.linalg.det(frame.cell)) < 1e-3:
        raise UnreadableTrajectoryError(f"Frame {number} has no valid cell.", reason="no_cell")


def _check_times(
    stream: FrameStream, options: ReadOptions, taken: _Collected, step_ps: float, source: str
) -> float:
    """Refuse unevenly spaced frames, by their times or, where those lack, their steps.

    Returns:
        Time between kept frames, ps, from the first to the last where they have times.
    """
    if not np.isfinite(options.frame_step_ps) and FRAMES_CONTRADICT_STEP in stream.notes:
        raise InputError(
            f"{source} holds a number of frames that does not go with NSW and ML_OUTBLOCK; give "
            "the time between them in fs with --frame-step-fs."
        )
    times = np.array(taken.times_ps)
    timed = bool(np.isfinite(times).all()) and times[1] > times[0]
    if timed:
        gaps = np.diff(times) / (times[1] - times[0])
        # Printed times are rounded, so a thousandth of a step may be lost on each frame.
        tolerance = max(TIME_TOLERANCE, 2e-6 / float(times[1] - times[0]))
        _check_gaps(gaps, tolerance, source)
    steps = np.array(taken.steps, dtype=np.float64)
    if (steps >= 0).all() and steps[1] > steps[0]:
        _check_gaps(np.diff(steps) / (steps[1] - steps[0]), TIME_TOLERANCE, source)
    return _own_step(stream, options, taken, step_ps, timed=timed)


def _check_gaps(gaps: NDArray[np.float64], tolerance: float, source: str) -> None:
    uneven = np.abs(gaps - 1.0) > tolerance
    if uneven.any():
        frame = int(uneven.argmax()) + 2
        raise UnreadableTrajectoryError(
            f"{source}: the time from kept frame {frame - 1} to {frame} is {gaps[frame - 2]:.3g} "
            "times the usual one; frames are missing or two runs are joined. Split the file.",
            reason="uneven_times",
        )


def _own_step(
    stream: FrameStream, options: ReadOptions, taken: _Collected, step_ps: float, *, timed: bool
) -> float:
    """The time between kept frames, ps; where the user's is not the file's, a flag says so."""
    own = stream.frame_step_ps * options.every
    if timed:
        own = (taken.times_ps[-1] - taken.times_ps[0]) / (len(taken.times_ps) - 1)
    if not np.isfinite(options.frame_step_ps):
        return own if timed else step_ps
    if np.isfinite(own) and abs(own / step_ps - 1.0) > 2.0 * TIME_TOLERANCE:
        taken.flags.append(GIVEN_STEP_DIFFERS)
    return step_ps


def _clock(stream: FrameStream, taken: _Collected, step_ps: float) -> NDArray[np.float64]:
    """Times that a restarted run carries on, by the frames' times or steps; none where unknown."""
    times, steps = np.array(taken.times_ps), np.array(taken.steps, dtype=np.float64)
    if not stream.steps_persist:
        return np.empty(0)
    if np.isfinite(times).all() and times[1] > times[0]:
        return times
    if (steps >= 0).all() and steps[1] > steps[0]:
        return np.asarray(steps * (step_ps / (steps[1] - steps[0])))
    return np.empty(0)


def _steps_a_frame(taken: _Collected) -> float:
    first, second = taken.steps[:2]
    return float(second - first) if second > first >= 0 else np.nan


def _compact_cells(cells: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """All cells, or the one cell where it never changes."""
    if all(cell is cells[0] for cell in cells):
        return cells[0][None]
    stacked = np.stack(cells)
    return stacked[:1] if np.ptp(stacked, axis=0).max() < 1e-9 else stacked


def _flags(taken: _Collected, unwrapper: Unwrapper, stream: FrameStream) -> tuple[str, ...]:
    notes = [note for note in stream.notes if note != FRAMES_CONTRADICT_STEP]
    flags = list(dict.fromkeys([*taken.flags, *notes]))
    if stream.unwrapped or (unwrapper.beyond_cell and not unwrapper.folds):
        flags.append("already_unwrapped")
    elif unwrapper.folds:
        flags.append("unwrapped_here")
    if unwrapper.impossible_frames or unwrapper.too_fast:
        flags.append("steps_faster_than_thermal")
    if len({id(cell) for cell in taken.cells}) > 1 and _compact_cells(taken.cells).shape[0] > 1:
        flags.append("cell_varies")
    return tuple(flags)
