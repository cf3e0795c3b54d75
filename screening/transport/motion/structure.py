"""Does the framework stay? Radial distributions, Lindemann index, drifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.motion._structure_kernel import pair_histogram

RDF_FRAMES = 200
"""Frames averaged over for a radial distribution, evenly spaced, at most."""

MELTED_LINDEMANN = 0.2
"""Ratio of displacement to neighbour distance above which a sublattice counts as melted
(0.1 to 0.15 at the melting point: Lindemann 1910; margin for shallow wells)."""

DRIFT_SIGMA = 4.0
"""A trend is a drift if the two halves' means differ by this many standard errors …"""

ENERGY_DRIFT_EV_ATOM = 0.002
"""… and, for energies, by this much per atom, eV."""

TEMPERATURE_DRIFT_SHARE = 0.05
"""… and, for temperatures, by this share of the mean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rdf:
    """Partial radial distribution of one pair of species, and of the two halves of the run.

    Attributes:
        pair: the two species.
        distances_angstrom: shape (bins,), bin centres, Å.
        g: shape (bins,), g(r).
        coordination: shape (bins,), mean number of the second species within the far edge of
            the bin around one of the first.
        g_halves: shape (2, bins), of the first and the second half of the run.
        first_peak_angstrom: position of the first maximum, Å; NaN where there is none.
        peak_shift_angstrom: second half minus first half of that position, Å.
        change: ∫|g₂ − g₁| r² dr / ∫ (g₁ + g₂)/2 r² dr up to the first shell's end;
            NaN where no pair is so near.
    """

    pair: tuple[str, str]
    distances_angstrom: NDArray[np.float64]
    g: NDArray[np.float64]
    coordination: NDArray[np.float64]
    g_halves: NDArray[np.float64]
    first_peak_angstrom: float
    peak_shift_angstrom: float
    change: float


def radial_distribution(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    cells: NDArray[np.float64],
    pair: tuple[str, str],
    *,
    longest_angstrom: float = 8.0,
    bins: int = 160,
) -> Rdf:
    """Return g(r) and the running coordination number of a pair.

    Args:
        one: shape (frames, m, 3), fractional coordinates of the first species.
        other: shape (frames, k, 3), of the second; the same array for a like pair.
        cells: shape (frames or 1, 3, 3), Å.
        pair: names of the species.
        longest_angstrom: largest distance, Å.
        bins: number of bins.
    """
    frames = np.unique(np.linspace(0, len(one) - 1, min(RDF_FRAMES, len(one))).astype(int))
    same = one is other or pair[0] == pair[1]
    every = np.ascontiguousarray(np.broadcast_to(cells, (len(one), 3, 3))[frames])
    halves = np.array_split(np.arange(len(frames)), 2)
    counts = [
        _count_pairs(
            one[frames[half]], other[frames[half]], every[half], same, longest_angstrom, bins
        )
        for half in halves
    ]
    edges = np.linspace(0.0, longest_angstrom, bins + 1)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    volume = float(np.abs(np.linalg.det(every)).mean())
    partners = other.shape[1] - (1 if same else 0)
    sizes = [max(len(half), 1) for half in halves]
    ideal = one.shape[1] * max(partners, 1) / volume * shells
    g_halves = np.stack([c / (n * ideal) for c, n in zip(counts, sizes, strict=True)])
    total = counts[0] + counts[1]
    g = total / (len(frames) * ideal)
    centres = 0.5 * (edges[1:] + edges[:-1])
    return Rdf(
        pair=pair,
        distances_angstrom=centres,
        g=g,
        coordination=np.cumsum(total) / (len(frames) * one.shape[1]),
        g_halves=g_halves,
        first_peak_angstrom=_first_peak(centres, g),
        peak_shift_angstrom=_first_peak(centres, g_halves[1]) - _first_peak(centres, g_halves[0]),
        change=_change(centres, g_halves, g) if len(frames) > 1 else float("nan"),
    )


def _count_pairs(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    cells: NDArray[np.float64],
    same: bool,
    longest_angstrom: float,
    bins: int,
) -> NDArray[np.int64]:
    """Ordered pairs by distance, over all frames and images, shape (bins,)."""
    if not len(cells):
        return np.zeros(bins, dtype=np.int64)
    return np.asarray(
        pair_histogram(
            np.ascontiguousarray(one),
            np.ascontiguousarray(other),
            cells,
            lattice_images(cells.mean(axis=0), longest_angstrom),
            same,
            longest_angstrom,
            bins,
        )
    )


def lattice_images(cell: NDArray[np.float64], longest_angstrom: float) -> NDArray[np.int64]:
    """Return cell offsets that can hold a pair within ``longest_angstrom`` once it is folded.

    Args:
        cell: shape (3, 3), Å, rows are lattice vectors.
        longest_angstrom: largest distance, Å.

    Returns:
        Shape (m, 3).
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    # A vector of length r has fractional components of at most r / height.
    reach = np.floor(longest_angstrom / heights + 0.5).astype(int)
    axes = [np.arange(-n, n + 1) for n in reach]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int64)


def _first_peak(distances: NDArray[np.float64], g: NDArray[np.float64]) -> float:
    """Centre of the first maximum above 1, smoothed over three bins, Å."""
    smooth = np.convolve(g, [0.25, 0.5, 0.25], mode="same")
    inner = smooth[1:-1]
    peaks = np.flatnonzero((inner > 1.0) & (inner >= smooth[:-2]) & (inner > smooth[2:])) + 1
    if not len(peaks):
        return float("nan")
    around = slice(max(0, peaks[0] - 2), peaks[0] + 3)
    return float(np.average(distances[around], weights=smooth[around]))


def _change(
    distances: NDArray[np.float64], halves: NDArray[np.float64], g: NDArray[np.float64]
) -> float:
    peak = _first_peak(distances, g)
    limit = 1.5 * peak if np.isfinite(peak) else distances[-1]
    weight = np.where(distances <= limit, distances**2, 0.0)
    whole = float((0.5 * (halves[0] + halves[1]) * weight).sum())
    return float((np.abs(halves[1] - halves[0]) * weight).sum() / whole) if whole > 0 else np.nan


def lindemann(positions: NDArray[np.float64], neighbour_angstrom: float) -> float:
    """Return the root mean square displacement about the mean site over the neighbour distance.

    Taken over the second half of the run, so that a melt has left its sites.

    Args:
        positions: shape (frames, ions, 3), Å, unwrapped, relative to the framework.
        neighbour_angstrom: distance to the nearest neighbour of the same kind, Å.
    """
    late = positions[len(positions) // 2 :]
    variance = ((late - late.mean(axis=0)) ** 2).sum(axis=2).mean()
    return float(np.sqrt(variance) / neighbour_angstrom)


def drifts(values: NDArray[np.float64], least_change: float) -> bool:
    """Return whether a quantity's two halves differ by more than chance and than ``least_change``.

    Args:
        values: shape (frames,); NaN where unknown.
        least_change: difference of the halves' means below which no drift is called.
    """
    known = values[np.isfinite(values)]
    if len(known) < 20:
        return False
    blocks = np.array([b.mean() for b in np.array_split(known, 10)])
    first, second = blocks[:5], blocks[5:]
    error = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 5.0)
    change = abs(second.mean() - first.mean())
    # A steady trend scatters within the halves too; a fifth of it is in each block step.
    trend = abs(np.polyfit(np.arange(10), blocks, 1)[0]) * 5.0
    rest = blocks - np.polyval(np.polyfit(np.arange(10), blocks, 1), np.arange(10))
    noise = rest.std(ddof=2) * np.sqrt(2.0 / 5.0)
    return bool(
        change > least_change and (change > DRIFT_SIGMA * error or trend > DRIFT_SIGMA * noise)
    )
