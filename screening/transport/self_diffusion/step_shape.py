"""How many independent squares a squared displacement is the sum of.

The error of a slope is that of counting: of jumps, of directions, and of ions that do not go
together. All three show in displacements over one lag, of which a run holds far more than of
the long stretches whose scatter gives the error; so they tell what to expect before looking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_LOG_TOGETHER = 0.7
"""Prior scatter of ln(``StepShape.together``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShape:
    """Displacements over one lag, beside those of independent isotropic Gaussian walkers.

    Attributes:
        non_gaussian: α₂; 0 for a Gaussian walk, 3/(5n) after n jumps.
        jumps: part of α₂ that the directions do not explain, 0 at least.
        directions: variance of r² for the given tensor over that of an isotropic one: 1, or 3
            for motion along one axis.
        together: variance of Σ r² over that of ions that do not know of each other, 1 at
            least; k where ions go in strings of k.
    """

    non_gaussian: float
    jumps: float
    directions: float
    together: float


GAUSSIAN = StepShape(non_gaussian=0.0, jumps=0.0, directions=1.0, together=1.0)
"""Independent isotropic Gaussian walkers."""


def step_shape(
    tensor: NDArray[np.float64], second: float, fourth: float, n_ions: int, lag: int
) -> StepShape:
    """Describe the displacements over one lag.

    Args:
        tensor: shape (6, origins), Å²; mean over ions of xx, yy, zz, yz, xz, xy.
        second: ⟨r²⟩ over ions and origins, Å², over 0.
        fourth: ⟨r⁴⟩, Å⁴.
        n_ions: number of ions.
        lag: frames.
    """
    mean = tensor.mean(axis=1)
    trace = float(mean[:3].sum())
    square = float((mean[:3] ** 2).sum() + 2.0 * (mean[3:] ** 2).sum())
    share = square / trace**2  # 1/3 isotropic, 1 along one axis
    alpha = 3.0 * fourth / (5.0 * second**2) - 1.0
    # ⟨r⁴⟩ = tr² + 2 tr M² for a Gaussian with the tensor M.
    from_directions = 0.6 * (1.0 + 2.0 * share) - 1.0
    return StepShape(
        non_gaussian=alpha,
        jumps=max(alpha - from_directions, 0.0),
        directions=max(3.0 * share, 1.0),
        together=_together(tensor[:3].sum(axis=0), fourth - second**2, n_ions, lag),
    )


def _together(trace: NDArray[np.float64], own: float, n_ions: int, lag: int) -> float:
    """Variance of the ions' mean r² over what independent ions give it, drawn towards 1."""
    if n_ions < 2 or own <= 0.0 or len(trace) < 2 * lag:
        return 1.0
    observed = float(trace.var()) * n_ions / own
    # Squares of displacements that share a part 1 − h/m of their way correlate like (1 − h/m)²,
    # so the variance over all origins is known as from 2.5 origins a lag.
    spread = 2.0 * lag / (2.5 * len(trace))
    share = PRIOR_LOG_TOGETHER**2 / (PRIOR_LOG_TOGETHER**2 + spread)
    return float(max(observed, 1.0) ** share)
