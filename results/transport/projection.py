"""Views of a cell along a lattice vector, and sites with the jumps between them in such a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.motion.hops import Link

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Jumps between two sites, both ways together.

    Attributes:
        origin: one site.
        target: the other.
        offset: cells from that of the one to that of the other.
        jumps: number of jumps, there and back.
    """

    origin: int
    target: int
    offset: tuple[int, int, int]
    jumps: int


def connections(links: Sequence[Link]) -> list[Connection]:
    """Add up the jumps there and back between each two sites, the fewest first.

    Args:
        links: of ``Hops.network``.
    """
    counts: dict[tuple[int, int, tuple[int, int, int]], int] = {}
    for link in links:
        there = (link.origin, link.target, link.offset)
        x, y, z = link.offset
        back = (link.target, link.origin, (-x, -y, -z))
        key = min(there, back)
        counts[key] = counts.get(key, 0) + link.jumps
    found = [
        Connection(origin=a, target=b, offset=offset, jumps=jumps)
        for (a, b, offset), jumps in counts.items()
    ]
    return sorted(found, key=lambda one: one.jumps)


def half_lines(
    sites: NDArray[np.float64], found: Sequence[Connection]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the two halves of each connection, each in the cell of its own site.

    A connection through a face of the cell shows as a stub at either side.

    Args:
        sites: shape (s, 3), fractional.
        found: connections.

    Returns:
        Shape (2 c, 2, 3), fractional ends of each half; shape (2 c,), its number of jumps.
    """
    lines, jumps = [], []
    for one in found:
        way = sites[one.target] + np.array(one.offset) - sites[one.origin]
        lines.append([sites[one.origin], sites[one.origin] + 0.5 * way])
        lines.append([sites[one.target], sites[one.target] - 0.5 * way])
        jumps += [one.jumps, one.jumps]
    return np.array(lines).reshape(-1, 2, 3), np.array(jumps, dtype=np.int64)


def view_plane(cell: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Find two unit vectors perpendicular to a lattice vector, shape (2, 3).

    Args:
        cell: shape (3, 3), Å.
        axis: lattice vector along which one looks: 0, 1 or 2.
    """
    along = cell[axis] / np.linalg.norm(cell[axis])
    first, second = [i for i in range(3) if i != axis]
    one = cell[first] - (cell[first] @ along) * along
    one = one / np.linalg.norm(one)
    other = np.cross(along, one)
    return np.stack([one, other if other @ cell[second] > 0.0 else -other])


def outline(cell: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the face of the cell seen along a lattice vector, closed, shape (5, 2), Å.

    Args:
        cell: shape (3, 3), Å.
        axis: 0, 1 or 2.
    """
    face = np.zeros((5, 3))
    face[:, [i for i in range(3) if i != axis]] = CORNERS
    return np.asarray(face @ cell @ view_plane(cell, axis).T)


def view_labels(axis: int) -> tuple[str, str]:
    """Name the axes of a view along a lattice vector."""
    first = next(i for i in range(3) if i != axis)
    return f"along {'abc'[first]} (Å)", f"perpendicular, viewed along {'abc'[axis]} (Å)"
