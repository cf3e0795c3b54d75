"""Which hops of a network must be computed at a higher level before its thresholds are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.hops.hop_list import HopList
from dualion.screening.hops.network import HopThresholds, thresholds

MARGIN_EV = 0.3
"""How far an estimate of a saddle may lie above its later value, eV: the median error of bond
valence barriers against published DFT-NEB barriers."""
NOT_LOWER_EV = 1e-6

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownHops:
    """What is known of the distinct hops of a network, in the order of ``HopList.chosen``.

    Attributes:
        saddles_ev: shape (k,), eV, on the scale of the nodes; NaN for a hop that is not computed,
            ``inf`` for one that was tried and gave none.
        nodes_ev: shape (s,), energy of the carrier at each site, eV; ``inf`` where there is none.
        estimates_ev: shape (k,), saddles as estimated, eV, on a scale of their own.
    """

    saddles_ev: Floats
    nodes_ev: Floats
    estimates_ev: Floats

    @property
    def left(self) -> NDArray[np.bool_]:
        """Shape (k,), hops that are not computed."""
        return np.isnan(self.saddles_ev)


def known_thresholds(hops: HopList, known: KnownHops) -> HopThresholds:
    """Thresholds of the network of the hops that are computed.

    Args:
        hops: the hops.
        known: their energies; hops that are not computed stay closed.
    """
    return _thresholds(hops, np.where(known.left, np.inf, known.saddles_ev), known.nodes_ev)


def next_hop(hops: HopList, known: KnownHops, *, margin_ev: float = MARGIN_EV) -> int:
    """Choose the hop to compute next: the lowest estimate of those left, if any is needed.

    A hop left is expected at its estimate, shifted by the median difference of the computed hops
    from theirs. Where the thresholds stay as they are though all hops left are taken to lie
    lower than that by the margin, none is needed any more.

    Args:
        hops: the hops.
        known: what is known of them.
        margin_ev: how far a saddle may lie below what is expected, eV.

    Returns:
        Index into ``HopList.chosen``; −1 where no hop left can lower a threshold.
    """
    if not known.left.any():
        return -1
    expected = expected_saddles(known)
    now = known_thresholds(hops, known).barriers_ev
    optimistic = np.where(known.left, expected - margin_ev, known.saddles_ev)
    best = _thresholds(hops, optimistic, known.nodes_ev)
    if all(low > high - NOT_LOWER_EV for low, high in zip(best.barriers_ev, now, strict=True)):
        return -1
    return int(np.where(known.left, expected, np.inf).argmin())


def expected_saddles(known: KnownHops) -> Floats:
    """Estimates on the scale of the nodes, shape (k,), eV.

    Args:
        known: what is known of the hops; without a computed one, the lowest estimate is put at the
            lowest node, so that none is ruled out.
    """
    computed = np.isfinite(known.saddles_ev)
    if computed.any():
        shift = float(np.median((known.saddles_ev - known.estimates_ev)[computed]))
    else:
        shift = float(known.nodes_ev.min() - known.estimates_ev.min())
    return known.estimates_ev + shift


def _thresholds(hops: HopList, saddles_ev: Floats, nodes_ev: Floats) -> HopThresholds:
    """Thresholds of the hops that are open; the others are left out."""
    ends = np.isfinite(nodes_ev[hops.near]) & np.isfinite(nodes_ev[hops.far])
    rows = np.flatnonzero(np.isfinite(saddles_ev[hops.kinds]) & ends)
    closed = np.where(np.isfinite(nodes_ev), nodes_ev, nodes_ev[np.isfinite(nodes_ev)].max())
    found = thresholds(
        hops.near[rows], hops.far[rows], hops.cells[rows], saddles_ev[hops.kinds[rows]], closed
    )
    critical = np.where(found.critical >= 0, rows[found.critical], -1) if len(rows) else (
        np.full(3, -1, np.int64)
    )  # fmt: skip
    return HopThresholds(
        barriers_ev=found.barriers_ev, from_region_ev=found.from_region_ev, critical=critical
    )
