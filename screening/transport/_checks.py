"""Checks that the public functions of this package share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dualion.structures.errors import InputError


def checked_positions(positions: ArrayLike) -> NDArray[np.float64]:
    """Return positions as a contiguous finite array of shape (frames, ions, 3).

    Args:
        positions: shape (frames, ions, 3), or (frames, 3) for one ion, Å, unwrapped.

    Raises:
        InputError: another shape, fewer than two frames, or a value that is not finite.
    """
    array = np.ascontiguousarray(positions, dtype=np.float64)
    if array.ndim == 2 and array.shape[1:] == (3,):
        array = array[:, None, :]
    if array.ndim != 3 or array.shape[2] != 3 or array.shape[1] == 0:
        raise InputError(
            f"Positions have the shape {array.shape}; give (frames, ions, 3) with one ion or more."
        )
    if array.shape[0] < 2:
        raise InputError("Motion needs at least two frames; only one was given.")
    finite = np.isfinite(array).all(axis=(1, 2))
    if not finite.all():
        raise InputError(
            f"Frame {int(np.argmin(finite)) + 1} holds a position that is not finite; cut the "
            "trajectory before it."
        )
    return array


def checked_step(frame_step_ps: float) -> float:
    """Return the time between frames, or refuse it.

    Raises:
        InputError: it is not a positive number.
    """
    if not (np.isfinite(frame_step_ps) and frame_step_ps > 0.0):
        raise InputError(f"The time between frames is {frame_step_ps} ps; it must be over 0.")
    return float(frame_step_ps)


def log_lags(n_frames: int, count: int = 60) -> NDArray[np.int64]:
    """Return about ``count`` distinct lags from 1 to ``n_frames − 1``, evenly on a log axis.

    Args:
        n_frames: length of the trajectory.
        count: how many lags, at most.
    """
    raw = np.geomspace(1, max(n_frames - 1, 1), count)
    return np.unique(np.rint(raw).astype(np.int64))
