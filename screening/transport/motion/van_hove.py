"""Van Hove functions: how far ions have gone, and who is where an ion was.

G_s(r, t) is the distribution of an ion's own displacement; G_d(r, t) that of the other ions
about the place an ion had a time t before, g(r) at t = 0 (van Hove, Phys. Rev. 95, 249 (1954),
doi:10.1103/PhysRev.95.249). A peak of G_d that grows at r = 0 is an ion that follows into the
site of another: jumps in a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport._checks import checked_positions, checked_step
from dualion.screening.transport.motion._structure_kernel import pair_histogram
from dualion.screening.transport.motion.structure import lattice_images

SELF_ORIGINS = 500
"""Time origins averaged over in the self part, evenly spaced, at most."""

DISTINCT_ORIGINS = 200
DISTINCT_PAIRS = 5e7
"""Distances looked at for one time in the distinct part, at most: below a second."""

REFILL_ANGSTROM = 1.0
"""An ion closer than this to where another was has taken its site."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VanHove:
    """Van Hove functions of one species at some times.

    Attributes:
        times_ps: shape (m,), ps.
        distances_angstrom: shape (bins,), bin centres, Å.
        self_part: shape (m, bins), 4πr²G_s(r, t), 1/Å; integrates to 1.
        distinct_part: shape (m, bins), G_d(r, t)/ρ; 1 far away. NaN for a single ion.
        refilled: shape (m,), mean number of other ions within ``REFILL_ANGSTROM`` of the place
            an ion had that time before.
    """

    times_ps: NDArray[np.float64]
    distances_angstrom: NDArray[np.float64]
    self_part: NDArray[np.float64]
    distinct_part: NDArray[np.float64]
    refilled: NDArray[np.float64]


def van_hove(
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    frame_step_ps: float,
    *,
    longest_angstrom: float = 10.0,
    bins: int = 200,
    count: int = 4,
) -> VanHove:
    """Compute both parts after ``count`` times from 1 frame to half the run.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped.
        cell: shape (3, 3), Å, mean cell.
        frame_step_ps: time between frames, ps.
        longest_angstrom: largest distance, Å.
        bins: number of bins.
        count: number of times.

    Raises:
        InputError: wrong shape, a number that is not finite, or a bad time step.
    """
    array = checked_positions(positions)
    step_ps = checked_step(frame_step_ps)
    lags = np.unique(np.geomspace(1, max(len(array) // 2, 1), count).astype(int))
    edges = np.linspace(0.0, longest_angstrom, bins + 1)
    fractional = array @ np.linalg.inv(cell)
    distinct = [_distinct_counts(fractional, cell, int(lag), edges) for lag in lags]
    return VanHove(
        times_ps=lags * step_ps,
        distances_angstrom=0.5 * (edges[1:] + edges[:-1]),
        self_part=np.array([_self_row(array, int(lag), edges) for lag in lags]),
        distinct_part=np.array([_normalise(row, cell, edges, array.shape[1]) for row in distinct]),
        refilled=np.array([row[edges[1:] <= REFILL_ANGSTROM + 1e-9].sum() for row in distinct]),
    )


def _self_row(
    positions: NDArray[np.float64], lag: int, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    origins = np.unique(np.linspace(0, len(positions) - lag - 1, SELF_ORIGINS).astype(int))
    moved = np.linalg.norm(positions[origins + lag] - positions[origins], axis=2).ravel()
    return np.asarray(np.histogram(moved, edges)[0] / (len(moved) * (edges[1] - edges[0])))


def _distinct_counts(
    fractional: NDArray[np.float64], cell: NDArray[np.float64], lag: int, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean number of other ions in each shell about an ion's earlier place, shape (bins,)."""
    images = lattice_images(cell, float(edges[-1]))
    work = fractional.shape[1] ** 2 * len(images)
    most = int(np.clip(DISTINCT_PAIRS / work, 2, DISTINCT_ORIGINS))
    origins = np.unique(np.linspace(0, len(fractional) - lag - 1, most).astype(int))
    counts = pair_histogram(
        np.ascontiguousarray(fractional[origins]),
        np.ascontiguousarray(fractional[origins + lag]),
        np.ascontiguousarray(np.broadcast_to(cell, (len(origins), 3, 3))),
        images,
        True,
        float(edges[-1]),
        len(edges) - 1,
    )
    return np.asarray(counts / (len(origins) * fractional.shape[1]))


def _normalise(
    counts: NDArray[np.float64], cell: NDArray[np.float64], edges: NDArray[np.float64], ions: int
) -> NDArray[np.float64]:
    """Counts over those of ions without order, shape (bins,)."""
    if ions < 2:
        return np.full(len(counts), np.nan)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    return np.asarray(counts / (shells * (ions - 1) / abs(np.linalg.det(cell))))
