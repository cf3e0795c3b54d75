"""Sums over ions of products of displacements. numba and numpy only, no validation."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def tensor_steps(positions: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
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
    """Mean square and mean fourth power of the displacement length at one lag.

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
def walk_covariance(
    lags: NDArray[np.int64], frames: int, growth: float, noise: float, width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Covariance of the all-origins MSD of one Gaussian coordinate, walk plus white noise.

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
