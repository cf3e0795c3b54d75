"""Whether D falls with the length of the run: the halves against the whole.

Motion inside a cage, and back-jumps, look like diffusion in a run that is too short to see their
bounds, and D is the smaller the longer one looks. A D of long times is the same in the halves of a
run as in the whole, within their errors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion.coefficient import (
    LEAST_FRAMES,
    Diffusion,
    diffusion,
)

FALLS = "d_falls_with_length"

FALLS_SIGMA = 2.58
"""Combined standard errors by which the halves exceed the whole: chance one in two hundred where
they are independent, and less as they share the run."""

FALLS_RATIO = 1.25
"""Ratio of the halves' mean to the whole from which the difference matters."""


def flag_falling(
    found: Diffusion, positions: NDArray[np.float64], frame_step_ps: float, earliest_ps: float
) -> Diffusion:
    """Flag a D that falls with the length of the run, which is then not resolved.

    Args:
        found: D of the whole run.
        positions: shape (frames, ions, 3), Å, unwrapped, drift removed.
        frame_step_ps: time between frames, ps.
        earliest_ps: the fit of a half starts no earlier, nor than a tenth of it, ps.
    """
    half = len(positions) // 2
    if found.verdict not in ("diffusing", "not resolved") or half < 2 * LEAST_FRAMES:
        return found
    earliest = min(earliest_ps, 0.1 * half * frame_step_ps)
    parts = [
        diffusion(np.ascontiguousarray(part), frame_step_ps, earliest_ps=earliest)
        for part in (positions[:half], positions[half:])
    ]
    mean = float(np.mean([part.d_cm2_s for part in parts]))
    error = 0.5 * float(np.linalg.norm([part.error_cm2_s for part in parts]))
    whole = max(found.d_cm2_s, 0.0)
    excess = mean - whole
    beyond = excess > FALLS_SIGMA * np.hypot(error, found.error_cm2_s)
    if not beyond or mean < FALLS_RATIO * whole:
        return found
    return replace(found, verdict="not resolved", flags=(*found.flags, FALLS))
