"""Probability density of a species on a periodic grid, and its sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.constants import physical_constants

BOLTZMANN_EV_K = physical_constants["Boltzmann constant in eV/K"][0]
SMOOTHING_ANGSTROM = 0.3
"""Width of the Gaussian that smooths the counts, Å: less than a thermal ellipsoid."""

SITE_SHARE = 0.05
"""A maximum below this share of the highest is noise, no site."""

MERGE_ANGSTROM = 1.2
"""Maxima closer than this are one site, Å."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Density:
    """Probability density of one species, averaged over the run.

    Attributes:
        species: what it is the density of.
        values: shape (nx, ny, nz), 1/Å³; sums to the number of ions over the cell.
        cell: shape (3, 3), Å.
        n_frames: number of frames averaged over.
    """

    species: str
    values: NDArray[np.float64]
    cell: NDArray[np.float64]
    n_frames: int


def density(
    fractional: NDArray[np.float64],
    cell: NDArray[np.float64],
    *,
    species: str = "ions",
    spacing_angstrom: float = 0.25,
) -> Density:
    """Histogram the positions of a species over the cell and smooth it periodically.

    Args:
        fractional: shape (frames, ions, 3), any image, relative to the framework.
        cell: shape (3, 3), Å.
        species: name for the result.
        spacing_angstrom: longest distance between grid points, Å.
    """
    lengths = np.linalg.norm(cell, axis=1)
    shape = tuple(int(n) for n in np.maximum(4, np.ceil(lengths / spacing_angstrom)))
    counts = np.zeros(int(np.prod(shape)))
    for frames in np.array_split(fractional, max(1, len(fractional) // 500)):
        index = np.floor((frames - np.floor(frames)) * shape).astype(np.int64).reshape(-1, 3)
        flat = np.ravel_multi_index(tuple(np.minimum(index, np.array(shape) - 1).T), shape)
        counts += np.bincount(flat, minlength=len(counts))
    grid = counts.reshape(shape) / len(fractional)
    widths = [SMOOTHING_ANGSTROM / (length / n) for length, n in zip(lengths, shape, strict=True)]
    smooth = ndimage.gaussian_filter(grid, widths, mode="wrap")
    per_point = abs(np.linalg.det(cell)) / smooth.size
    return Density(
        species=species,
        values=smooth / per_point,
        cell=np.asarray(cell),
        n_frames=len(fractional),
    )


def density_sites(map_: Density) -> NDArray[np.float64]:
    """Return the sites of a density, shape (s, 3), fractional, the most visited first.

    A site is a local maximum of at least ``SITE_SHARE`` of the highest and twice the mean.
    """
    values = map_.values
    peaks = values == ndimage.maximum_filter(values, size=3, mode="wrap")
    floor = max(SITE_SHARE * values.max(), 2.0 * values.mean())
    found = np.argwhere(peaks & (values > floor))
    order = np.argsort(-values[tuple(found.T)], kind="stable")
    found = found[order]
    fractional = (found + 0.5 + _peak_offsets(values, found)) / np.array(values.shape)
    kept: list[NDArray[np.float64]] = []
    for site in fractional:
        if kept:
            apart = np.stack(kept) - site
            apart -= np.rint(apart)
            if np.linalg.norm(apart @ map_.cell, axis=1).min() < MERGE_ANGSTROM:
                continue
        kept.append(site)
    return np.array(kept).reshape(-1, 3)


def _peak_offsets(values: NDArray[np.float64], found: NDArray[np.int64]) -> NDArray[np.float64]:
    """Place of each maximum between the grid points, in grid steps, shape (s, 3), within ±0.5.

    The parabola through ln ρ at the point and its two neighbours, exact for a Gaussian.
    """
    offsets = np.zeros(found.shape)
    for axis, count in enumerate(values.shape):
        step = np.eye(3, dtype=np.int64)[axis]
        logs = []
        for shift in (-1, 0, 1):
            place = found + shift * step
            place[:, axis] %= count
            logs.append(np.log(np.maximum(values[tuple(place.T)], 1e-300)))
        bend = logs[0] - 2.0 * logs[1] + logs[2]
        ratio = np.divide(logs[0] - logs[2], 2.0 * bend, out=np.zeros(len(found)), where=bend < 0.0)
        offsets[:, axis] = np.clip(ratio, -0.5, 0.5)
    return offsets
