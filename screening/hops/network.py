"""Percolation thresholds of a network of hops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.percolation.thresholds import percolate_links
from dualion.screening.triple import Triple

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopThresholds:
    """Barriers of a hop network.

    Attributes:
        barriers_ev: E_1D, E_2D, E_3D: the highest saddle on the easiest way through the crystal in
            1, 2, 3 independent directions, above the lowest node of all, eV; ``inf`` for none.
        from_region_ev: the same above the lowest node of the part that percolates, eV.
        critical: shape (3,), the hop whose saddle it is; −1 for none.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    critical: Ints


def thresholds(
    near: Ints, far: Ints, cells: Ints, saddles_ev: Floats, nodes_ev: Floats
) -> HopThresholds:
    """Barriers of a network of hops between nodes of different energy.

    Args:
        near: shape (h,), node at one end of each hop.
        far: shape (h,), node at its other end.
        cells: shape (h, 3), cell of the far node as seen from the near one.
        saddles_ev: shape (h,), energy of each hop's saddle, eV; one below an end counts as that.
        nodes_ev: shape (s,), energies of the nodes, eV.
    """
    ends = np.maximum(nodes_ev[near], nodes_ev[far])
    tops, bases, critical = percolate_links(
        near, far, cells, np.maximum(saddles_ev, ends), nodes_ev
    )
    lowest = float(nodes_ev.min())
    return HopThresholds(
        barriers_ev=tops.above(Triple(lowest, lowest, lowest)),
        from_region_ev=tops.above(bases),
        critical=critical,
    )
