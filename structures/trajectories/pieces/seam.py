"""Whether one trajectory goes on where another ends.

A frame of a restarted run lies one step of the run from the last frame before it, image by image.
How far that is, the steps inside the pieces tell: each element's root mean square and longest step
over one frame and over two, for a restart may lose one. Frames that a restart repeats are found by
their positions; the next frame, which the velocities make, tells a restart from another run that
was started at the same place. A clock that the files carry on shows frames that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.structures.trajectories.types import Trajectory

STEP_FACTOR = 1.15
"""A seam is a draw of the same steps: beyond the largest of some hundred it is none."""

MOST_STEPS = 1000
"""About as many steps tell how long steps are, however long the piece."""

SAME_SHARE = 0.02
"""A frame this near to another, in steps, is the same one, printed again."""

FOLLOWS_SHARE = 0.3
"""A frame after a repeated one is repeated itself if it is this near: the velocities were kept."""

LOST_FRAMES = 2.5
"""Frames by which a clock may advance at a seam; more and frames are missing."""

END_FRAMES = 10
"""Frames averaged at each end to see where the ions are, vibrations aside."""

LATER_SIGMA = 3.0
"""Standard errors by which a later part of a run is nearer to its end than to its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepScale:
    """Steps inside a piece over one and two frames, about their mean over the atoms.

    Attributes:
        rms_angstrom: element → largest root mean square step of its atoms, Å.
        longest_angstrom: element → longest step of an atom, Å.
        longest_share: longest step over one frame along a lattice vector, as share of it.
    """

    rms_angstrom: dict[str, float]
    longest_angstrom: dict[str, float]
    longest_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """What is between the end of one piece and the beginning of another.

    Attributes:
        fits: whether the later begins one step from where the earlier ends.
        moved: whether the ions have left where the earlier one began by then; if not, a run of the
            same start would fit as well.
        repeated: frames at the end of the earlier that the later one repeats or replaces.
        step_share: longest step at the seam along a lattice vector, as share of it.
        inside_share: longest step inside both.
        clock: ``follows``, ``gap`` (frames are missing), ``earlier`` (the later piece is the
            earlier one) or ``unknown``.
    """

    fits: bool
    moved: bool
    repeated: int
    step_share: float
    inside_share: float
    clock: str


def step_scale(trajectory: Trajectory) -> StepScale:
    """Measure the steps inside a piece.

    Args:
        trajectory: the piece.
    """
    kinds = {symbol: trajectory.indices(symbol) for symbol in trajectory.species}
    rms, longest = dict.fromkeys(kinds, 0.0), dict.fromkeys(kinds, 0.0)
    share = 0.0
    cell, places = trajectory.mean_cell, trajectory.fractional
    for lag in (1, 2):
        starts = np.arange(len(places) - lag)
        for start in starts[:: max(1, len(starts) // MOST_STEPS)]:
            step = _centred(places[start + lag] - places[start])
            share = max(share, float(np.abs(step).max())) if lag == 1 else share
            squares = ((step @ cell) ** 2).sum(axis=1)
            for kind, atoms in kinds.items():
                rms[kind] = max(rms[kind], float(squares[atoms].mean()))
                longest[kind] = max(longest[kind], float(squares[atoms].max()))
    return StepScale(
        rms_angstrom={kind: float(np.sqrt(value)) for kind, value in rms.items()},
        longest_angstrom={kind: float(np.sqrt(value)) for kind, value in longest.items()},
        longest_share=share,
    )


def _centred(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps about their mean: restarted programs may shift the cell as a whole."""
    return np.asarray(step - step.mean(axis=0))


def judge_seam(before: Trajectory, after: Trajectory, scales: tuple[StepScale, StepScale]) -> Seam:
    """Judge whether ``after`` goes on where ``before`` ends.

    Args:
        before: the piece that may be the earlier one.
        after: the piece that may be the later one.
        scales: steps inside both.
    """
    clock = _clock(before, after)
    repeated = _repeated(before, after, scales)
    last = max(before.n_frames - 1 - repeated, 0)
    step = _folded(before.fractional[last], after.fractional[0])
    near = repeated > 0 or _is_one_step(step, before, scales)
    return Seam(
        fits=near and clock in ("follows", "unknown"),
        moved=repeated > 0
        or not _is_one_step(_folded(before.fractional[0], after.fractional[0]), before, scales),
        repeated=repeated,
        step_share=float(np.abs(step).max()),
        inside_share=max(scale.longest_share for scale in scales),
        clock=clock,
    )


def _folded(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shortest fractional steps about their mean, shape (n, 3)."""
    step = end - start
    step = step - np.rint(step)
    return _centred(step)


def _is_one_step(
    step: NDArray[np.float64], piece: Trajectory, scales: tuple[StepScale, StepScale]
) -> bool:
    squares = ((step @ piece.mean_cell) ** 2).sum(axis=1)
    for kind in piece.species:
        own = squares[piece.indices(kind)]
        rms = max(scale.rms_angstrom[kind] for scale in scales)
        longest = max(scale.longest_angstrom[kind] for scale in scales)
        if np.sqrt(own.mean()) > STEP_FACTOR * rms or np.sqrt(own.max()) > STEP_FACTOR * longest:
            return False
    return True


def _clock(before: Trajectory, after: Trajectory) -> str:
    """What the clocks of the files say: a run that counts anew says nothing."""
    if not (len(before.clock_ps) and len(after.clock_ps)):
        return "unknown"
    gap = float(after.clock_ps[0] - before.clock_ps[-1]) / before.frame_step_ps
    if gap > LOST_FRAMES:
        return "gap"
    if after.clock_ps[-1] < before.clock_ps[0]:
        return "earlier"
    return "follows" if gap > 0.5 else "unknown"


def _repeated(before: Trajectory, after: Trajectory, scales: tuple[StepScale, StepScale]) -> int:
    """Frames at the end of the earlier piece that the later repeats; 0 where none is."""
    rms = np.sqrt(np.mean([value**2 for scale in scales for value in scale.rms_angstrom.values()]))
    if rms <= 0.0:
        return 0
    some = np.linspace(0, before.n_atoms - 1, min(before.n_atoms, 16)).astype(np.int64)
    apart = before.fractional[1:, some] - after.fractional[0, some]
    apart -= np.rint(apart)
    distance = np.sqrt((((apart @ before.mean_cell) ** 2).sum(axis=2)).mean(axis=1))
    for place in (np.flatnonzero(distance < SAME_SHARE * rms) + 1)[::-1].tolist():
        if not _near(before, place, after, 0, SAME_SHARE * rms):
            continue
        if place == before.n_frames - 1 or _near(before, place + 1, after, 1, FOLLOWS_SHARE * rms):
            return int(before.n_frames - place)
    return 0


def _near(before: Trajectory, place: int, after: Trajectory, frame: int, limit: float) -> bool:
    """Whether two frames are the same within a root mean square distance, Å."""
    step = _folded(before.fractional[place], after.fractional[frame]) @ before.mean_cell
    return bool(np.sqrt((step**2).sum(axis=1).mean()) < limit)


def is_later_part(before: Trajectory, after: Trajectory) -> bool:
    """Whether ``after`` is a later part of the same run, with frames missing between.

    Of one run, the later part begins nearer to the end of the earlier one than to its beginning,
    and the two outer ends are further apart than the inner ones, ion by ion. Runs that were started
    alike begin near each other; runs that have nothing in common show neither.

    Args:
        before: the part that may be the earlier one.
        after: the part that may be the later one.
    """
    count = max(1, min(END_FRAMES, before.n_frames // 4, after.n_frames // 4))
    first, end = before.fractional[:count].mean(axis=0), before.fractional[-count:].mean(axis=0)
    begin, last = after.fractional[:count].mean(axis=0), after.fractional[-count:].mean(axis=0)

    def square(start: NDArray[np.float64], stop: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((_folded(start, stop) @ before.mean_cell) ** 2).sum(axis=1))

    inner = square(end, begin)
    outer = _sigma(square(first, last) - inner)
    return bool(outer > LATER_SIGMA and _sigma(square(first, begin) - inner) > LATER_SIGMA - 1.0)


def _sigma(values: NDArray[np.float64]) -> float:
    """Mean over its standard error; 0 for a single value."""
    if len(values) < 2 or not values.std() > 0.0:
        return 0.0
    return float(values.mean() / values.std(ddof=1) * np.sqrt(len(values)))
