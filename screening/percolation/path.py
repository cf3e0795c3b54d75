"""Minimum-energy paths that percolate in one, two and three dimensions.

The path of dimensionality d is a closed loop over minima and passes that winds around the
crystal, from its lowest minimum to an image of it. It goes over the point that decides E_dD,
in a direction in which the crystal did not conduct below E_dD, and along it the energy never
exceeds E_dD. Of all such loops it is the one of lowest resistance at low temperature,
∫ exp(E/kT) ds (Berkowitz et al., J. Chem. Phys. 79, 5563 (1983), 10.1063/1.445675).
Between a pass and a minimum it follows steepest descent.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from dualion.screening.percolation.basins import Basins, GridPath, basins_of
from dualion.screening.percolation.thresholds import CUT_EV, Percolation, percolation
from dualion.screening.percolation.winding import Vector, WindingTrees, is_independent

TIE_EV = 1e-8
"""Energies closer than this are equal: the rounding between points that symmetry relates."""
RESISTANCE_KT_EV = 0.1
"""kT of the resistance that ranks loops. It only chooses between loops below one level."""
LENGTH_SHARE = 1e-6
"""Resistance of a hop far below the level, so that of equal loops the shortest is taken."""

SMALLEST_BOX = 2
"""Loops are first looked for within this many cells around their start; a channel of low
resistance would else be followed for thousands of cells before a pass is taken."""

MEAN_REACH = 2
"""Points on either side in the running mean that a path's length is measured on."""

Hop = tuple[int, bool]
"""A pass and whether it is crossed from its second basin to its first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MigrationPath:
    """A closed path of one dimensionality.

    Attributes:
        dimension: 1, 2 or 3.
        winding: the lattice translation from its first to its last point, in cells; its first
            number that is not zero is positive.
        points: shape (p, 3), grid index of each point, unwrapped; the last is the image of the
            first, which is the lowest minimum of the path.
        frac: shape (p, 3), fractional coordinates, unwrapped.
        distance_angstrom: shape (p,), length of the path up to each point, Å, along the running
            mean of its points; from point to point it would count the grid's corners.
        energies_ev: shape (p,), energies above the field's minimum, eV.
        minima: indices into the points: the local minima on the way.
        bottleneck: index of the highest point.
    """

    dimension: int
    winding: Vector
    points: NDArray[np.int64]
    frac: NDArray[np.float64]
    distance_angstrom: NDArray[np.float64]
    energies_ev: NDArray[np.float64]
    minima: tuple[int, ...]
    bottleneck: int

    @property
    def barrier_ev(self) -> float:
        """Energy of the bottleneck above the field's minimum, eV: E_dD."""
        return float(self.energies_ev[self.bottleneck])

    @property
    def climb_ev(self) -> float:
        """Energy of the bottleneck above the lowest point of the path itself, eV."""
        return self.barrier_ev - float(self.energies_ev[0])

    @property
    def bottleneck_frac(self) -> NDArray[np.float64]:
        """Fractional coordinates of the bottleneck, in [0, 1), shape (3,)."""
        return np.asarray(self.frac[self.bottleneck] % 1.0)


def minimum_energy_paths(
    energies: NDArray[np.float64],
    cell: NDArray[np.float64],
    *,
    found: Percolation | None = None,
    cut_ev: float = CUT_EV,
) -> tuple[MigrationPath, ...]:
    """Find one path for each dimensionality in which the field percolates, in ascending order.

    Args:
        energies: shape (nx, ny, nz), eV, without repeated end planes.
        cell: shape (3, 3), Å, rows are lattice vectors.
        found: percolation of this field, if it is known.
        cut_ev: largest energy above the minimum at which paths are looked for, eV.
    """
    found = found or percolation(energies, cut_ev=cut_ev)
    levels = [found.minimum_ev + barrier for barrier in found.barriers_ev if np.isfinite(barrier)]
    if not levels:
        return ()
    basins = basins_of(energies, cell, level_ev=levels[-1] + TIE_EV)
    paths: list[MigrationPath] = []
    for dimension, level in enumerate(levels, start=1):
        hops = _best_loop(basins, cell, level, dimension, [path.winding for path in paths])
        paths.append(_path(basins, energies, cell, hops, dimension))
    return tuple(paths)


def _best_loop(
    basins: Basins,
    cell: NDArray[np.float64],
    level_ev: float,
    dimension: int,
    earlier: Sequence[Vector],
) -> list[Hop]:
    """The loop of least resistance over a pass at the level that adds a direction."""
    below = WindingTrees(len(basins.minima))
    links = zip(basins.first.tolist(), basins.second.tolist(), basins.cells.tolist(), strict=True)
    ends = [(first, second, (c[0], c[1], c[2])) for first, second, c in links]
    low, high = np.searchsorted(basins.passes_ev, [level_ev - TIE_EV, level_ev + TIE_EV])
    for link in range(low):
        below.join(*ends[link])
    upto = below.copy()
    for link in range(low, high):
        upto.join(*ends[link])
    tasks: list[tuple[int, list[Vector]]] = []
    for link in range(low, high):
        first, second, _ = ends[link]
        if len(upto.windings(first)) < dimension:
            continue
        known = max(below.windings(first), below.windings(second), key=len)
        for winding in reversed(earlier):  # where several dimensions open at one level
            if len(known) < dimension - 1 and is_independent(known, winding):
                known = [*known, winding]
        tasks.append((link, known))
    return _LoopSearch(basins, cell, level_ev, int(high)).best_loop(tasks)


class _LoopSearch:
    """Dijkstra over minima and cells, along the passes up to a level."""

    def __init__(
        self, basins: Basins, cell: NDArray[np.float64], level_ev: float, links: int
    ) -> None:
        at = basins.minima / np.array(basins.shape)
        first, second = basins.first[:links], basins.second[:links]
        lengths = np.linalg.norm((at[second] + basins.cells[:links] - at[first]) @ cell, axis=1)
        heights = np.exp((basins.passes_ev[:links] - level_ev) / RESISTANCE_KT_EV)
        self._costs = (lengths * (heights + LENGTH_SHARE)).tolist()
        self._ends = list(zip(first.tolist(), second.tolist(), strict=True))
        self._cells: list[Vector] = [(c[0], c[1], c[2]) for c in basins.cells[:links].tolist()]
        self._hops: dict[int, list[Hop]] = {}
        for link, (a, b) in enumerate(self._ends):
            self._hops.setdefault(a, []).append((link, False))
            self._hops.setdefault(b, []).append((link, True))

    def best_loop(self, tasks: Sequence[tuple[int, list[Vector]]]) -> list[Hop]:
        """Return the cheapest loop over one of the passes that winds as none of its known windings.

        Args:
            tasks: passes, each with the windings that are known already.

        Raises:
            RuntimeError: no loop is found, which the percolation excludes.
        """
        if not tasks:
            raise RuntimeError("no pass at the level closes a loop: grid and graph disagree")
        box = SMALLEST_BOX
        best: tuple[float, list[Hop]] = (np.inf, [])
        while not best[1]:
            for link, known in tasks:
                best = min(best, self._loop(link, known, box, best[0]), key=lambda pair: pair[0])
            box *= 2
        return best[1]

    def _loop(
        self, link: int, known: list[Vector], box: int, most: float
    ) -> tuple[float, list[Hop]]:
        """The cheapest loop over one pass, its cost and hops.

        Infinity and none where it leaves the box of cells or costs ``most`` or more.
        """
        (goal, second), cell = self._ends[link], self._cells[link]
        ticket = count()
        queue = [(self._costs[link], next(ticket), second, cell, (link, False))]
        came: dict[tuple[int, Vector], Hop] = {}
        while queue:
            cost, _, node, offset, hop = heapq.heappop(queue)
            if cost >= most:
                break
            if (node, offset) in came:
                continue
            came[node, offset] = hop
            if node == goal and is_independent(known, offset):
                return cost, self._walked(came, (second, cell), (node, offset))
            for onward, to, there in self._neighbours(node, offset):
                if (to, there) not in came and max(map(abs, there)) <= box:
                    step = cost + self._costs[onward[0]]
                    heapq.heappush(queue, (step, next(ticket), to, there, onward))
        return np.inf, []

    def _neighbours(self, node: int, offset: Vector) -> Iterator[tuple[Hop, int, Vector]]:
        for link, back in self._hops[node]:
            x, y, z = _reverse(self._cells[link]) if back else self._cells[link]
            to = self._ends[link][0 if back else 1]
            yield (link, back), to, (offset[0] + x, offset[1] + y, offset[2] + z)

    def _walked(
        self,
        came: dict[tuple[int, Vector], Hop],
        start: tuple[int, Vector],
        end: tuple[int, Vector],
    ) -> list[Hop]:
        """The hops that lead to the end, the one into the start first."""
        hops = [came[end]]
        while end != start:
            link, back = hops[-1]
            x, y, z = self._cells[link] if back else _reverse(self._cells[link])
            end = (
                self._ends[link][1 if back else 0],
                (end[1][0] + x, end[1][1] + y, end[1][2] + z),
            )
            hops.append(came[end])
        return hops[::-1]


def _reverse(vector: Vector) -> Vector:
    return -vector[0], -vector[1], -vector[2]


def _path(
    basins: Basins,
    energies: NDArray[np.float64],
    cell: NDArray[np.float64],
    hops: Sequence[Hop],
    dimension: int,
) -> MigrationPath:
    """The path over the hops, from its lowest minimum on, towards positive cells."""
    path, minima = _walk(basins, hops)
    points = np.array(path, dtype=np.int64)
    if next(step for step in points[-1] - points[0] if step) < 0:
        points, minima = points[::-1], [len(path) - 1 - at for at in reversed(minima)]
    points = points - points[0] // basins.shape * basins.shape
    winding = (points[-1] - points[0]) // basins.shape
    frac = points / np.array(basins.shape)
    along = energies[tuple((points % basins.shape).T)] - energies.min()
    return MigrationPath(
        dimension=dimension,
        winding=(int(winding[0]), int(winding[1]), int(winding[2])),
        points=points,
        frac=frac,
        distance_angstrom=_distances(frac, cell),
        energies_ev=np.asarray(along),
        minima=tuple(minima),
        bottleneck=int(along.argmax()),
    )


def _walk(basins: Basins, hops: Sequence[Hop]) -> tuple[GridPath, list[int]]:
    """Points over all hops, from the lowest minimum on, and which of them are minima."""
    starts = [int((basins.second if back else basins.first)[link]) for link, back in hops]
    lowest = min(range(len(hops)), key=lambda hop: (starts[hop], hop))
    path: GridPath = []
    minima = [0]
    for link, back in (*hops[lowest:], *hops[:lowest]):
        crossing = basins.crossing(link)[:: -1 if back else 1]
        at = path.pop() if path else crossing[0]
        shift = [a - b for a, b in zip(at, crossing[0], strict=True)]
        path += [(x + shift[0], y + shift[1], z + shift[2]) for x, y, z in crossing]
        minima.append(len(path) - 1)
    return path, minima


def _distances(frac: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length along the running mean of a closed path's points, shape (p,), Å."""
    loop, turn = frac[:-1], frac[-1] - frac[0]
    around = np.arange(-MEAN_REACH, len(loop) + MEAN_REACH + 1)
    unrolled = loop[around % len(loop)] + (around // len(loop))[:, None] * turn
    width = 2 * MEAN_REACH + 1
    mean = np.stack([np.convolve(x, np.full(width, 1.0 / width), "valid") for x in unrolled.T])
    lengths = np.linalg.norm(np.diff(mean.T, axis=0) @ cell, axis=1)
    return np.concatenate([[0.0], np.cumsum(lengths)])
