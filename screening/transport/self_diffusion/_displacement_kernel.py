"""Products of displacements over one lag, summed. numba and numpy only, no validation."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def origin_tensors(positions: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """Sum over ions of the displacement tensor at one lag, for each time origin.

    Args:
        positions: shape (frames, ions, 3), Å, contiguous.
        lag: frames between the two ends.

    Returns:
        Shape (6, frames − lag), Å²: xx, yy, zz, yz, xz, xy.
    """
    frames, ions, _ = positions.shape
    out = np.zeros((6, frames - lag))
    for t in range(frames - lag):
        xx = yy = zz = yz = xz = xy = 0.0
        for i in range(ions):
            dx = positions[t + lag, i, 0] - positions[t, i, 0]
            dy = positions[t + lag, i, 1] - positions[t, i, 1]
            dz = positions[t + lag, i, 2] - positions[t, i, 2]
            xx += dx * dx
            yy += dy * dy
            zz += dz * dz
            yz += dy * dz
            xz += dx * dz
            xy += dx * dy
        out[0, t] = xx
        out[1, t] = yy
        out[2, t] = zz
        out[3, t] = yz
        out[4, t] = xz
        out[5, t] = xy
    return out


@nb.njit(cache=True, nogil=True)
def even_moments(positions: NDArray[np.float64], lag: int, stride: int) -> tuple[float, float]:
    """Return the mean square and mean fourth power of the displacement length at one lag.

    Args:
        positions: shape (frames, ions, 3), Å, contiguous.
        lag: frames between the two ends.
        stride: take one time origin of so many.

    Returns:
        ⟨r²⟩ in Å² and ⟨r⁴⟩ in Å⁴.
    """
    frames, ions, _ = positions.shape
    second = 0.0
    fourth = 0.0
    count = 0
    for t in range(0, frames - lag, stride):
        count += 1
        for i in range(ions):
            r2 = 0.0
            for c in range(3):
                step = positions[t + lag, i, c] - positions[t, i, c]
                r2 += step * step
            second += r2
            fourth += r2 * r2
    total = max(count * ions, 1)
    return second / total, fourth / total


@nb.njit(cache=True, nogil=True)
def ion_tensor_sums(positions: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """Sum over time origins of the displacement tensor at one lag, for each ion.

    Args:
        positions: shape (frames, ions, 3), Å, contiguous.
        lag: frames between the two ends.

    Returns:
        Shape (ions, 3, 3), Å².
    """
    frames, ions, _ = positions.shape
    out = np.zeros((ions, 3, 3))
    for t in range(frames - lag):
        for i in range(ions):
            for a in range(3):
                step = positions[t + lag, i, a] - positions[t, i, a]
                for b in range(a, 3):
                    out[i, a, b] += step * (positions[t + lag, i, b] - positions[t, i, b])
    for i in range(ions):
        for a in range(3):
            for b in range(a):
                out[i, a, b] = out[i, b, a]
    return out
