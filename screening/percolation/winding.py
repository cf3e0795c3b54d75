"""Which nodes of a periodic graph are connected, and how their loops wind around the crystal.

The same union–find with cell offsets as in ``_percolation_kernel``, for the small
graphs of ``dualion.screening.percolation.basins``.
"""

from __future__ import annotations

from collections.abc import Sequence

Vector = tuple[int, int, int]


def is_independent(basis: Sequence[Vector], vector: Vector) -> bool:
    """Return whether a vector is linearly independent of up to three independent ones.

    Args:
        basis: at most three independent vectors of whole numbers.
        vector: of whole numbers.
    """
    if len(basis) == 0:
        return vector != (0, 0, 0)
    if len(basis) == 1:
        return _cross(basis[0], vector) != (0, 0, 0)
    if len(basis) == 2:
        normal = _cross(basis[0], basis[1])
        return sum(n * v for n, v in zip(normal, vector, strict=True)) != 0
    return False


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


class WindingTrees:
    """Union–find over nodes whose links carry the cell of the second node."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))
        self._offsets: list[Vector] = [(0, 0, 0)] * count
        self._windings: dict[int, list[Vector]] = {}

    def copy(self) -> WindingTrees:
        """Copy the trees, to be joined further on their own."""
        twin = WindingTrees(0)
        twin._parents = list(self._parents)
        twin._offsets = list(self._offsets)
        twin._windings = {root: list(basis) for root, basis in self._windings.items()}
        return twin

    def join(self, first: int, second: int, cell: Vector) -> None:
        """Link two nodes; ``cell`` is the cell of the second as seen from the first.

        Args:
            first: a node.
            second: another node, or the same one.
            cell: whole numbers, cell of the second node as seen from the first.
        """
        root, a = self._root(first)
        other, b = self._root(second)
        # the first root's cell as seen from the second root, along this link
        offset = (a[0] - cell[0] - b[0], a[1] - cell[1] - b[1], a[2] - cell[2] - b[2])
        basis = self._windings.setdefault(root, [])
        if root == other:
            if is_independent(basis, offset):
                basis.append(offset)
            return
        self._parents[other] = root
        self._offsets[other] = offset
        for winding in self._windings.pop(other, []):
            if is_independent(basis, winding):
                basis.append(winding)

    def windings(self, node: int) -> list[Vector]:
        """Return independent windings of the loops that a node is connected to; at most three."""
        return list(self._windings.get(self._root(node)[0], []))

    def _root(self, node: int) -> tuple[int, Vector]:
        """Root of a node, and the root's cell as seen from the node; shortens the way."""
        way = []
        while self._parents[node] != node:
            way.append(node)
            node = self._parents[node]
        offset = (0, 0, 0)
        for below in reversed(way):
            x, y, z = self._offsets[below]
            offset = (x + offset[0], y + offset[1], z + offset[2])
            self._parents[below], self._offsets[below] = node, offset
        return node, offset
