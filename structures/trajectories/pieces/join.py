"""Join consecutive pieces of a run, and cut what is not wanted of its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dualion.structures.errors import InputError
from dualion.structures.trajectories.pieces.alike import difference
from dualion.structures.trajectories.types import Trajectory, UnreadableTrajectoryError

JOINED = "pieces_joined"
"""Flag of a run that was read from several files."""

NAMED = 3
"""Most files that the name of a joined run lists."""


def join_pieces(pieces: Sequence[Trajectory], repeated: Sequence[int] = ()) -> Trajectory:
    """Join pieces, in their order, to one unwrapped trajectory.

    Args:
        pieces: one or more, of the same atoms, cell and time between frames.
        repeated: for each seam the frames at the end of the earlier piece that the later one
            repeats; none where not given.

    Raises:
        InputError: there is no piece, or the pieces are not of one system.
    """
    if not pieces:
        raise InputError("There is no piece to join; give at least one.")
    check_alike(pieces)
    if len(pieces) == 1:
        return pieces[0]
    drop = [*(repeated or [0] * (len(pieces) - 1)), 0]
    kept = [piece.n_frames - count for piece, count in zip(pieces, drop, strict=True)]
    known = np.array([piece.temperature_k for piece in pieces])
    return Trajectory(
        fractional=_joined_positions(pieces, kept),
        cells=_joined_cells(pieces, kept),
        symbols=pieces[0].symbols,
        frame_step_ps=pieces[0].frame_step_ps,
        temperature_k=float(np.average(known, weights=kept)),
        energies_ev=_joined_series([piece.energies_ev for piece in pieces], kept),
        temperatures_k=_joined_series([piece.temperatures_k for piece in pieces], kept),
        steps_a_frame=pieces[0].steps_a_frame,
        flags=(*dict.fromkeys(flag for piece in pieces for flag in piece.flags), JOINED),
        source=_joined_name([piece.source for piece in pieces]),
        format=pieces[0].format,
    )


def check_alike(pieces: Sequence[Trajectory]) -> None:
    """Refuse pieces that cannot be of one run.

    Args:
        pieces: one or more.

    Raises:
        InputError: they differ in what one run has in common.
    """
    for piece in pieces[1:]:
        if differs := difference(pieces[0], piece):
            raise InputError(f"{piece.source} cannot continue {pieces[0].source}: {differs}.")


def _joined_positions(pieces: Sequence[Trajectory], kept: Sequence[int]) -> NDArray[np.float64]:
    """Each piece in the images in which the one before ends."""
    shift = np.zeros_like(pieces[0].fractional[0])
    parts = [pieces[0].fractional[: kept[0]]]
    for (earlier, piece), (end, count) in zip(pairwise(pieces), pairwise(kept), strict=True):
        # The repeated frame itself where there is one: the images cannot be mistaken there.
        at = earlier.fractional[min(end, earlier.n_frames - 1)] + shift
        shift = np.rint(at - piece.fractional[0])
        parts.append(piece.fractional[:count] + shift)
    return np.concatenate(parts)


def _joined_cells(pieces: Sequence[Trajectory], kept: Sequence[int]) -> NDArray[np.float64]:
    """All cells, or the one cell where it never changes."""
    first = pieces[0].cells
    if all(p.cells.shape[0] == 1 and np.abs(p.cells - first).max() < 1e-9 for p in pieces):
        return first
    return np.concatenate(
        [
            np.broadcast_to(p.cells, (p.n_frames, 3, 3))[:count]
            for p, count in zip(pieces, kept, strict=True)
        ]
    )


def _joined_series(
    series: Sequence[NDArray[np.float64]], kept: Sequence[int]
) -> NDArray[np.float64]:
    return np.concatenate([values[:count] for values, count in zip(series, kept, strict=True)])


def _joined_name(names: Sequence[str]) -> str:
    if len(names) <= NAMED:
        return " + ".join(names)
    return f"{names[0]} + … + {names[-1]} ({len(names)} pieces)"


def thin(trajectory: Trajectory, skip_ps: float, every: int) -> Trajectory:
    """Drop the beginning of a run and keep one frame of so many.

    Args:
        trajectory: the run.
        skip_ps: time dropped at the beginning, ps.
        every: keep one frame of so many.

    Raises:
        InputError: the time is negative.
        UnreadableTrajectoryError: fewer than two frames are left.
    """
    if not skip_ps >= 0.0:
        raise InputError(f"The time to skip is {skip_ps} ps; give 0 or more.")
    if skip_ps == 0.0 and every == 1:
        return trajectory
    first = round(min(skip_ps / trajectory.frame_step_ps, 1e12))
    kept = slice(first, None, every)
    if len(range(*kept.indices(trajectory.n_frames))) < 2:
        raise UnreadableTrajectoryError(
            f"{trajectory.source} holds fewer than two frames after dropping {skip_ps} ps.",
            reason="one_frame",
        )
    return replace(
        trajectory,
        fractional=trajectory.fractional[kept],
        cells=trajectory.cells if len(trajectory.cells) == 1 else trajectory.cells[kept],
        frame_step_ps=trajectory.frame_step_ps * every,
        steps_a_frame=trajectory.steps_a_frame * every,
        energies_ev=trajectory.energies_ev[kept],
        temperatures_k=trajectory.temperatures_k[kept],
        clock_ps=trajectory.clock_ps[kept],
    )
