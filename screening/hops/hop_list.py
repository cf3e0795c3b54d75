"""Hops between the sites of a sublattice: as long as it takes to cross the crystal in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.hops.sublattice import Sublattice
from dualion.screening.neighbour_distances import pairs_within
from dualion.screening.percolation.thresholds import percolate_links
from dualion.screening.triple import Triple

LONGEST_HOP_ANGSTROM = 8.0
"""No hop is longer; the sites of a sublattice that needs more are islands."""
STRETCH = 1.1
"""How much longer hops may be than it takes to percolate in 3D."""
DIRECT = 0.95
"""A hop is made in two where a third site is this much nearer to both its ends."""
SAME_LENGTH_ANGSTROM = 1e-3
MOST_CELLS = 512
"""A hop ends fewer cells away than this."""
TOGETHER_ANGSTROM = 0.5
"""Sites this close are two names of one place."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopList:
    """Hops of a sublattice, each once and not again backwards, in ascending length.

    Attributes:
        near, far: shape (h,), sites at both ends.
        cells: shape (h, 3), cell of the far site as seen from the near one.
        lengths_angstrom: shape (h,), Å.
        kinds: shape (h,), the same for all hops that symmetry relates.
        chosen: shape (k,), one hop of each kind.
    """

    near: Ints
    far: Ints
    cells: Ints
    lengths_angstrom: Floats
    kinds: Ints
    chosen: Ints


def hops_of(sublattice: Sublattice, *, stretch: float = STRETCH) -> HopList:
    """The hops of a sublattice up to the length at which they cross the crystal in 3D.

    Args:
        sublattice: the sites.
        stretch: hops this many times longer still count.
    """
    reach = _first_reach(sublattice)
    while True:
        near, far, cells, lengths = _pairs(sublattice, reach)
        in_1d, in_2d, in_3d = _percolating_lengths(sublattice, near, far, cells, lengths)
        longest = stretch * in_3d + SAME_LENGTH_ANGSTROM
        if longest <= reach or reach >= LONGEST_HOP_ANGSTROM:
            break
        reach = min(LONGEST_HOP_ANGSTROM, longest)
    crossing = [length for length in (in_1d, in_2d, in_3d) if np.isfinite(length)]
    kept = lengths <= stretch * max(crossing, default=0.0) + SAME_LENGTH_ANGSTROM
    near, far, cells, lengths = near[kept], far[kept], cells[kept], lengths[kept]
    kinds, chosen = _kinds(sublattice, near, far, cells)
    direct = _direct(sublattice, near, far, cells, chosen)[kinds]
    kinds, chosen = _renumbered(kinds[direct])
    return HopList(
        near=near[direct],
        far=far[direct],
        cells=cells[direct],
        lengths_angstrom=lengths[direct],
        kinds=kinds,
        chosen=chosen,
    )


def _first_reach(sublattice: Sublattice) -> float:
    """Somewhat more than the distance of neighbours in a close packing of the sites, Å."""
    volume = abs(np.linalg.det(sublattice.cell)) / len(sublattice.frac)
    return min(LONGEST_HOP_ANGSTROM, 1.5 * float(np.cbrt(volume)))


def _pairs(sublattice: Sublattice, reach: float) -> tuple[Ints, Ints, Ints, Floats]:
    """Pairs of sites within reach, each in one direction, in ascending length."""
    near, far, cells, lengths = pairs_within(
        sublattice.cell, sublattice.frac, sublattice.frac, reach
    )
    kept = (near < far) | ((near == far) & _is_forward(cells))
    kept = np.flatnonzero(kept & (lengths > TOGETHER_ANGSTROM))
    keys = (*cells[kept].T[::-1], far[kept], near[kept], np.round(lengths[kept], 6))
    order = kept[np.lexsort(keys)]
    return near[order], far[order], cells[order], lengths[order]


def _is_forward(cells: Ints) -> NDArray[np.bool_]:
    """Whether the first component that is not zero is positive: true for one of ±cell."""
    first = (cells != 0).argmax(axis=1)
    return np.asarray(np.take_along_axis(cells, first[:, None], axis=1)[:, 0] > 0)


def _percolating_lengths(
    sublattice: Sublattice, near: Ints, far: Ints, cells: Ints, lengths: Floats
) -> Triple:
    """Lengths at which hops cross the crystal in 1D, 2D, 3D, Å; ``inf`` where none do."""
    sites = np.zeros(len(sublattice.frac))
    return percolate_links(near, far, cells, lengths, sites)[0]


def _kinds(sublattice: Sublattice, near: Ints, far: Ints, cells: Ints) -> tuple[Ints, Ints]:
    """A number for all hops that symmetry or their direction relates, and one hop of each."""
    if not len(near):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    least = np.full(len(near), np.iinfo(np.int64).max)
    for image, shift, rotation in zip(
        sublattice.images, sublattice.shifts, sublattice.rotations, strict=True
    ):
        a, b = image[near], image[far]
        offset = cells @ rotation.T + shift[far] - shift[near]
        np.minimum(least, _packed(a, b, offset, len(image)), out=least)
        np.minimum(least, _packed(b, a, -offset, len(image)), out=least)
    return _renumbered(least)


def _renumbered(names: Ints) -> tuple[Ints, Ints]:
    """Numbers from zero in place of names, and the first place of each."""
    _, first, numbers = np.unique(names, return_index=True, return_inverse=True)
    return numbers.ravel(), first


def _direct(
    sublattice: Sublattice, near: Ints, far: Ints, cells: Ints, chosen: Ints
) -> NDArray[np.bool_]:
    """Which of the chosen hops have no third site much nearer to both their ends.

    Such a hop is made in two shorter ones. What is left still percolates at the same lengths: it
    holds the relative neighbourhood graph (Toussaint, Pattern Recognit. 12, 261 (1980),
    10.1016/0031-3203(80)90066-7), and that holds a minimum spanning tree.
    """
    hops = (sublattice.frac[far] + cells - sublattice.frac[near]) @ sublattice.cell
    begins = np.concatenate([near, far])
    ways = np.concatenate([hops, -hops])
    order = np.argsort(begins, kind="stable")
    bounds = np.searchsorted(begins[order], np.arange(len(sublattice.frac) + 1))
    direct = np.ones(len(chosen), dtype=bool)
    for number, hop in enumerate(chosen.tolist()):
        site, way = near[hop], hops[hop]
        others = ways[order[bounds[site] : bounds[site + 1]]]
        farther = np.maximum((others**2).sum(axis=1), ((others - way) ** 2).sum(axis=1))
        direct[number] = not (farther < (DIRECT * DIRECT) * (way @ way)).any()
    return direct


def _packed(a: Ints, b: Ints, cells: Ints, count: int) -> Ints:
    """One whole number for a hop between two of so many sites."""
    along = (2 * MOST_CELLS,) * len(cells.T)
    return np.ravel_multi_index((a, b, *(cells + MOST_CELLS).T), (count, count, *along))
