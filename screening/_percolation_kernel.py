"""Percolation kernel: union–find over a periodic grid whose links carry cell offsets.

numba and numpy only, no validation. Points are added in ascending energy. Each point knows
its tree's root and the lattice vector between its own cell and the root's. Joining two points
of one tree closes a loop; a loop whose offsets do not cancel winds around the crystal. The
energy at which a tree's windings first span 1, 2 and 3 dimensions is the barrier, exact on
the grid (Newman & Ziff, Phys. Rev. E 64, 016706 (2001), 10.1103/PhysRevE.64.016706, with the
winding test of Machta et al., Phys. Rev. E 54, 1332 (1996), 10.1103/PhysRevE.54.1332).

Two neighbours of a new point that touch each other are joined already, and the small loop
through the new point does not wind. So one join for each cluster of the 3×3×3 neighbourhood
is enough; the clusters are found on a bit board of 27 bits, bit 9(dx+1) + 3(dy+1) + (dz+1).
That needs at least four points along each axis.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ALL = np.uint32((1 << 27) - 1)
_CENTRE = np.uint32(1 << 13)
_NOT_Z_LOW = np.uint32(sum(1 << b for b in range(27) if b % 3 != 0))
_NOT_Z_HIGH = np.uint32(sum(1 << b for b in range(27) if b % 3 != 2))
_NOT_Y_LOW = np.uint32(sum(1 << b for b in range(27) if b // 3 % 3 != 0))
_NOT_Y_HIGH = np.uint32(sum(1 << b for b in range(27) if b // 3 % 3 != 2))


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _find(parent, offset, point):
    """Root of a point; halves the path, so that offset[point] ends up relative to the root."""
    while parent[parent[point]] != parent[point]:
        above = parent[point]
        offset[point, 0] += offset[above, 0]
        offset[point, 1] += offset[above, 1]
        offset[point, 2] += offset[above, 2]
        parent[point] = parent[above]
    return parent[point]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _add_winding(rank, basis, root, w0, w1, w2):
    """Add a winding vector to a root's basis if it is independent of what is there."""
    have = rank[root]
    if have == 3 or (w0 == 0 and w1 == 0 and w2 == 0):
        return
    if have >= 1:
        a0, a1, a2 = int(basis[root, 0, 0]), int(basis[root, 0, 1]), int(basis[root, 0, 2])
        c0, c1, c2 = a1 * w2 - a2 * w1, a2 * w0 - a0 * w2, a0 * w1 - a1 * w0
        if c0 == 0 and c1 == 0 and c2 == 0:
            return
        if have == 2:
            b0, b1, b2 = int(basis[root, 1, 0]), int(basis[root, 1, 1]), int(basis[root, 1, 2])
            # the determinant of (a, w, b), up to its sign
            if b0 * c0 + b1 * c1 + b2 * c2 == 0:
                return
    basis[root, have, 0] = w0
    basis[root, have, 1] = w1
    basis[root, have, 2] = w2
    rank[root] = have + 1


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _join(parent, offset, size, lowest, rank, basis, point, other, s0, s1, s2, energies):
    """Link two neighbours; ``s`` is the cell of ``other`` as seen from the cell of ``point``.

    Returns the root that both have afterwards.
    """
    root = _find(parent, offset, point)
    root_other = _find(parent, offset, other)
    # cell of other's root seen from the cell of point's root, along this link
    d0 = s0 + offset[point, 0] - offset[other, 0]
    d1 = s1 + offset[point, 1] - offset[other, 1]
    d2 = s2 + offset[point, 2] - offset[other, 2]
    if root == root_other:
        _add_winding(rank, basis, root, d0, d1, d2)
        return root
    if size[root] < size[root_other]:
        root, root_other = root_other, root
        d0, d1, d2 = -d0, -d1, -d2
    parent[root_other] = root
    offset[root_other, 0] = d0
    offset[root_other, 1] = d1
    offset[root_other, 2] = d2
    size[root] += size[root_other]
    if energies[lowest[root_other]] < energies[lowest[root]]:
        lowest[root] = lowest[root_other]
    for row in range(rank[root_other]):
        b = basis[root_other, row]
        _add_winding(rank, basis, root, int(b[0]), int(b[1]), int(b[2]))
    return root


@njit(cache=True, nogil=True, inline="always")
def _dilate(board):
    """The board and all 26-neighbours of its bits."""
    board |= ((board & _NOT_Z_HIGH) << np.uint32(1)) | ((board & _NOT_Z_LOW) >> np.uint32(1))
    board |= ((board & _NOT_Y_HIGH) << np.uint32(3)) | ((board & _NOT_Y_LOW) >> np.uint32(3))
    return (board | (board << np.uint32(9)) | (board >> np.uint32(9))) & _ALL


@njit(cache=True, nogil=True, inline="always")
def _cluster(board, seed):
    """Bits of the board that are connected to the seed bit."""
    cluster = seed
    grown = _dilate(cluster) & board
    while grown != cluster:
        cluster = grown
        grown = _dilate(cluster) & board
    return cluster


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _neighbour_board(added, x, y, z, nx, ny, nz):
    """Bit board of the neighbours of (x, y, z) that were added before."""
    board = np.uint32(0)
    z_low = z - 1 if z > 0 else nz - 1
    z_high = z + 1 if z < nz - 1 else 0
    bit = 0
    for dx in range(-1, 2):
        u = x + dx
        u = u + nx if u < 0 else (u - nx if u >= nx else u)
        for dy in range(-1, 2):
            v = y + dy
            v = v + ny if v < 0 else (v - ny if v >= ny else v)
            row = added[u, v]
            three = row[z_low] | (row[z] << 1) | (row[z_high] << 2)
            board |= np.uint32(three) << np.uint32(bit)
            bit += 3
    return board & ~_CENTRE


@njit(cache=True, nogil=True, inline="always")
def _wrapped(index, step, count):
    """Index of the neighbour along one axis and the cell that it lies in."""
    index += step
    if index < 0:
        return index + count, -1
    if index >= count:
        return index - count, 1
    return index, 0


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def add_points(order, energies, added, parent, offset, size, lowest, rank, basis, critical, bottom):
    """Add points in the order given until a region percolates in three dimensions.

    Args:
        order: point indices in ascending energy; none was added before.
        energies: (n,) eV, the flat grid, last axis fastest.
        added: (nx, ny, nz) uint8, whether a point was added.
        parent: (n,) int32.
        offset: (n, 3) int16, cell of the parent's image as seen from the point's cell.
        size, lowest: (n,) points, and the deepest point, of the tree of a root.
        rank, basis: (n,), (n, 3, 3), winding vectors of the tree of a root.
        critical: (3,) int64, set to the point that raised the rank to 1, 2, 3; −1 before.
        bottom: (3,) int64, set to the deepest point of the region that percolated.

    Returns:
        Whether three dimensions are reached.
    """
    nx, ny, nz = added.shape
    reached = 0
    while reached < 3 and critical[reached] >= 0:
        reached += 1
    for point in order:
        parent[point] = point
        size[point] = 1
        lowest[point] = point
        x = point // (ny * nz)
        y = (point // nz) % ny
        z = point % nz
        added[x, y, z] = 1
        left = _neighbour_board(added, x, y, z, nx, ny, nz)
        while left != 0:
            bit = 0
            while (left >> np.uint32(bit)) & np.uint32(1) == 0:
                bit += 1
            left &= ~_cluster(left, np.uint32(1) << np.uint32(bit))
            u, s0 = _wrapped(x, bit // 9 - 1, nx)
            v, s1 = _wrapped(y, bit // 3 % 3 - 1, ny)
            w, s2 = _wrapped(z, bit % 3 - 1, nz)
            other = (u * ny + v) * nz + w
            root = _join(
                parent, offset, size, lowest, rank, basis, point, other, s0, s1, s2, energies
            )
            while reached < rank[root]:
                critical[reached] = point
                bottom[reached] = lowest[root]
                reached += 1
            if reached == 3:
                return True
    return False
