"""Exact percolation barriers of an energy field, and the network of basins behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.percolation._percolation_kernel import add_points, percolate_passes
from dualion.screening.triple import Triple

CUT_EV = 10.0
"""Barriers above this count as no percolation."""

FIRST_SLAB_EV = 1.0
FIRST_PASSES = 1024

Ints = NDArray[np.int64]

Point = tuple[int, int, int]
NOWHERE: Point = (-1, -1, -1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassNetwork:
    """Basins of the landscape and the passes between them.

    Attributes:
        bottoms: shape (b,), flat grid index of each basin's lowest point, in ascending energy.
        near, far: shape (e,), basins on both sides of each pass, in ascending energy.
        offsets: shape (e, 3), cell of the far basin as seen from the near one.
        points: shape (e, 2), flat grid indices of the two points at which they touch first, the
            higher one before the other.
    """

    bottoms: Ints
    near: Ints
    far: Ints
    offsets: Ints
    points: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Percolation:
    """Barriers of one ion through one field.

    The region that percolates at a dimensionality is 26-connected on the periodic grid.

    Attributes:
        barriers_ev: E_1D, E_2D, E_3D: lowest energy above the field's minimum at which a region
            connects to its own images in 1, 2, 3 independent directions, eV; ``inf`` where none
            does below the cut.
        from_region_ev: the same energies above the minimum of the percolating region itself, eV.
            They are smaller where a deep pocket lies off the path.
        minimum_ev: energy of the field's minimum, eV.
        minimum_point: its grid index.
        critical_points: grid index of the highest point of each path; (−1, −1, −1) where none.
        network: basins and passes up to the highest barrier and ``beyond_ev`` above it.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    minimum_ev: float
    minimum_point: Point
    critical_points: tuple[Point, Point, Point]
    network: PassNetwork


def percolation(
    energies: NDArray[np.float64], *, cut_ev: float = CUT_EV, beyond_ev: float = 0.0
) -> Percolation:
    """Compute the barriers of a periodic energy field.

    Args:
        energies: shape (nx, ny, nz), eV, without repeated end planes; at least four points
            along each axis.
        cut_ev: largest energy above the minimum at which a region is looked for, eV.
        beyond_ev: how far above the 3D barrier the network of passes is still followed, eV.
    """
    energies = np.ascontiguousarray(energies, dtype=np.float64)
    flat, shape = energies.ravel(), energies.shape
    minimum = int(flat.argmin())
    search = _Search(energies, minimum_ev=float(flat[minimum]), cut_ev=cut_ev, beyond_ev=beyond_ev)
    network = search.network()
    tops = [int(network.points[edge, 0]) if edge >= 0 else -1 for edge in search.critical]
    bottoms = [int(network.bottoms[node]) for node in search.bottom]

    def heights(bases: list[int]) -> Triple:
        return Triple(
            *(
                float(flat[top] - flat[base]) if top >= 0 else np.inf
                for top, base in zip(tops, bases, strict=True)
            )
        )

    points = [_grid_index(top, shape) if top >= 0 else NOWHERE for top in tops]
    return Percolation(
        barriers_ev=heights([minimum] * 3),
        from_region_ev=heights(bottoms),
        minimum_ev=float(flat[minimum]),
        minimum_point=_grid_index(minimum, shape),
        critical_points=(points[0], points[1], points[2]),
        network=network,
    )


def _grid_index(point: int, shape: tuple[int, ...]) -> Point:
    x, y, z = np.unravel_index(point, shape)
    return int(x), int(y), int(z)


class _Search:
    """The arrays of one search; see the kernel for what they hold."""

    def __init__(
        self, energies: NDArray[np.float64], *, minimum_ev: float, cut_ev: float, beyond_ev: float
    ) -> None:
        most_basins = energies.size // 8 + 1  # no two founding points are neighbours
        self.counts = np.zeros(2, np.int64)
        self.critical = np.full(3, -1, np.int64)
        self.bottom = np.zeros(3, np.int64)
        self._energies = energies
        self._labels = np.zeros(energies.shape, np.int64)
        self._trees = empty_trees(most_basins)
        self._bottoms = np.zeros(most_basins, np.int64)
        self._head = np.empty(most_basins, np.int64)
        self._passes = [np.empty(s, np.int64) for s in _pass_shapes(FIRST_PASSES)]
        self._run(minimum_ev, cut_ev, beyond_ev)

    def _run(self, minimum_ev: float, cut_ev: float, beyond_ev: float) -> None:
        """Sort and add the points slab by slab: most fields percolate well below the cut."""
        flat = self._energies.ravel()
        low, height = -np.inf, min(FIRST_SLAB_EV, cut_ev)
        while True:
            high = minimum_ev + height
            slab = np.flatnonzero((flat > low) & (flat <= high))
            if self._add(slab[np.argsort(flat[slab])], beyond_ev) or height >= cut_ev:
                return
            low, height = high, min(2.0 * height, cut_ev)

    def _add(self, order: Ints, beyond_ev: float) -> bool:
        """Add points, with more room for passes whenever it runs out; whether the end is met."""
        while len(order):
            near, far, delta, where, following = self._passes
            passes = (near, far, delta, where, self._head, following)
            added = add_points(
                order,
                self._energies,
                self._labels,
                self._trees,
                self._bottoms,
                passes,
                self.counts,
                self.critical,
                self.bottom,
                beyond_ev,
            )
            if added < 0:
                return True
            order = order[added:]
            if len(order):
                room = [np.empty(s, np.int64) for s in _pass_shapes(2 * len(near))]
                for old, new in zip(self._passes, room, strict=True):
                    new[: len(old)] = old
                self._passes = room
        return False

    def network(self) -> PassNetwork:
        """Return the passes that were found, without unused rows."""
        basins, passes = self.counts
        near, far, delta, where, _ = (array[:passes] for array in self._passes)
        return PassNetwork(
            bottoms=self._bottoms[:basins], near=near, far=far, offsets=_unpack(delta), points=where
        )


def _pass_shapes(count: int) -> list[tuple[int, ...]]:
    return [(count,), (count,), (count,), (count, 2), (count,)]


def _unpack(packed: Ints) -> Ints:
    """Offsets from x·2²⁴ + y·2¹² + z with components in −2¹¹ … 2¹¹ − 1."""
    shifted = packed + 2048 * ((1 << 24) + (1 << 12) + 1)
    parts = [(shifted >> 24), (shifted >> 12) & 4095, shifted & 4095]
    return np.stack(parts, axis=1) - 2048


def empty_trees(count: int) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """Arrays of a union–find over so many basins: parent, offset, size, lowest, rank, basis."""
    return (
        np.zeros(count, np.int64),
        np.zeros((count, 3), np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros((count, 3, 3), np.int64),
    )


def percolate_network(
    network: PassNetwork, pass_energies: NDArray[np.float64], bottom_energies: NDArray[np.float64]
) -> tuple[Triple, Triple, Ints]:
    """Compute the barriers of a network whose energies were changed, for example refined.

    Args:
        network: basins and passes.
        pass_energies: shape (e,), eV.
        bottom_energies: shape (b,), eV.

    Returns:
        Energies of the critical passes, energies of the lowest basin of each percolating
        region, eV, and the critical passes; ``inf`` and −1 where nothing percolates.
    """
    return percolate_links(
        network.near, network.far, network.offsets, pass_energies, bottom_energies
    )


def percolate_links(
    near: Ints,
    far: Ints,
    offsets: Ints,
    link_energies: NDArray[np.float64],
    node_energies: NDArray[np.float64],
) -> tuple[Triple, Triple, Ints]:
    """Barriers of a periodic graph whose links open at their energies.

    Args:
        near, far: shape (e,), nodes at both ends of each link.
        offsets: shape (e, 3), cell of the far node as seen from the near one.
        link_energies: shape (e,), eV, or any other measure; not below its nodes'.
        node_energies: shape (b,), the same measure.

    Returns:
        Energies of the critical links, energies of the lowest node of each percolating region,
        and the critical links; ``inf`` and −1 where nothing percolates.
    """
    count = len(node_energies)
    ascending = np.argsort(node_energies, kind="stable")
    number = np.empty(count, np.int64)
    number[ascending] = np.arange(count)
    trees = empty_trees(count)
    trees[0][:] = trees[3][:] = np.arange(count)
    trees[2][:] = 1
    critical, bottom = np.full(3, -1, np.int64), np.zeros(3, np.int64)
    order = np.argsort(link_energies, kind="stable")
    percolate_passes(order, number[near], number[far], offsets, trees, critical, bottom)
    tops = Triple(*(float(link_energies[edge]) if edge >= 0 else np.inf for edge in critical))
    bases = Triple(*(float(node_energies[ascending[node]]) for node in bottom))
    return tops, bases, critical
