"""Covariance of the MSD of a Gaussian walk. numba and numpy only, no validation."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def walk_covariance(
    lags: NDArray[np.int64], frames: int, growth: float, noise: float, width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return covariance of the all-origins MSD of one Gaussian coordinate, walk plus white noise.

    The squares of two Gaussian displacements have covariance 2 g², where g is the covariance
    of the displacements: growth × overlap, plus the noise at ends that they share. The sum of
    2 g² over all pairs of origins is exact (Bullerjahn, von Bülow, Hummer, J. Chem. Phys. 153,
    024116 (2020), doi:10.1063/5.0008312, give the closed forms).

    Args:
        lags: shape (p,), frames.
        frames: length of the trajectory.
        growth: growth of the variance in one frame, Å² (2 D Δt).
        noise: variance of the white noise on each position, Å².
        width: frames in one bin of the bin sums.

    Returns:
        Two arrays of shape (p, p), Å⁴: the covariance of the MSD values, and what the sum of
        squared bin sums gives on average where bins are ``width`` frames long.
    """
    p = len(lags)
    full = np.zeros((p, p))
    binned = np.zeros((p, p))
    for a in range(p):
        for b in range(p):
            i = lags[a]
            j = lags[b]
            total = 0.0
            inside = 0.0
            for h in range(-j, i + 1):
                overlap = min(i, h + j) - max(0, h)
                g = growth * max(0, overlap)
                if h == 0:
                    g += noise
                if i == h + j:
                    g += noise
                if h == i:
                    g -= noise
                if h + j == 0:
                    g -= noise
                pairs = min(frames - i, frames - j - h) - max(0, -h)
                if pairs > 0:
                    total += 2.0 * g * g * pairs
                apart = abs(h + 0.5 * (j - i))
                if apart < width:
                    inside += 2.0 * g * g * (width - apart)
            origins = float(frames - i) * float(frames - j)
            full[a, b] = total / origins
            binned[a, b] = inside * (frames / width) / origins
    return full, binned
