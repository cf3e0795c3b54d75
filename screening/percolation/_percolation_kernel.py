"""Percolation kernel: basins of the landscape, and union–find over them with cell offsets.

numba and numpy only, no validation. Grid points are added in ascending energy. A point without
neighbours founds a basin; any other joins the basin of its lowest neighbour and may touch
further basins, or another image of its own. Such a contact is a pass: the basins are joined,
and a joint that closes a loop whose cell offsets do not cancel winds around the crystal. The
energy at which a tree's windings first span 1, 2 and 3 dimensions is the barrier, exact on the
grid (Newman & Ziff, Phys. Rev. E 64, 016706 (2001), 10.1103/PhysRevE.64.016706, with the
winding test of Machta et al., Phys. Rev. E 54, 1332 (1996), 10.1103/PhysRevE.54.1332).

A point's label holds its basin and the cell in which that basin's minimum lies as seen from the
point: basin · 2³⁶ + Σ (offset + 2¹¹) 2^(24, 12, 0). Zero means not added; basins count from 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_X, _Y = 1 << 24, 1 << 12
_ZERO_OFFSET = 2048 * (_X + _Y + 1)
_BASIN = 1 << 36


@njit(cache=True, nogil=True, inline="always")
def _offset_of(label):
    """Cell offset held by a label."""
    low = label & (_BASIN - 1)
    return (low >> 24) - 2048, ((low >> 12) & 4095) - 2048, (low & 4095) - 2048


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _find(parent, offset, node):
    """Root of a node; halves the path, so that offset[node] ends up relative to the root."""
    while parent[parent[node]] != parent[node]:
        above = parent[node]
        for axis in range(3):
            offset[node, axis] += offset[above, axis]
        parent[node] = parent[above]
    return parent[node]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _add_winding(rank, basis, root, w0, w1, w2):
    """Add a winding vector to a root's basis if it is independent of what is there."""
    have = rank[root]
    if have == 3 or (w0 == 0 and w1 == 0 and w2 == 0):
        return
    if have >= 1:
        a0, a1, a2 = basis[root, 0, 0], basis[root, 0, 1], basis[root, 0, 2]
        c0, c1, c2 = a1 * w2 - a2 * w1, a2 * w0 - a0 * w2, a0 * w1 - a1 * w0
        if c0 == 0 and c1 == 0 and c2 == 0:
            return
        if have == 2:
            b0, b1, b2 = basis[root, 1, 0], basis[root, 1, 1], basis[root, 1, 2]
            # the determinant of (a, w, b), up to its sign
            if b0 * c0 + b1 * c1 + b2 * c2 == 0:
                return
    basis[root, have, 0] = w0
    basis[root, have, 1] = w1
    basis[root, have, 2] = w2
    rank[root] = have + 1


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _join(parent, offset, size, lowest, rank, basis, node, other, d0, d1, d2):
    """Link two nodes, ``d`` being the cell of ``other`` as seen from that of ``node``.

    ``lowest`` is the node of least number in the tree of a root: nodes are numbered in
    ascending energy. Returns the root that both have afterwards.
    """
    root = _find(parent, offset, node)
    root_other = _find(parent, offset, other)
    # from root to root: an offset is the cell of the parent as seen from its child
    d0 += offset[other, 0] - offset[node, 0]
    d1 += offset[other, 1] - offset[node, 1]
    d2 += offset[other, 2] - offset[node, 2]
    if root == root_other:
        _add_winding(rank, basis, root, d0, d1, d2)
        return root
    if size[root] < size[root_other]:
        root, root_other = root_other, root
        d0, d1, d2 = -d0, -d1, -d2
    parent[root_other] = root
    offset[root_other, 0] = -d0
    offset[root_other, 1] = -d1
    offset[root_other, 2] = -d2
    size[root] += size[root_other]
    lowest[root] = min(lowest[root], lowest[root_other])
    for row in range(rank[root_other]):
        b = basis[root_other, row]
        _add_winding(rank, basis, root, b[0], b[1], b[2])
    return root


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _is_new_pass(head, following, far, delta, basin, other, packed):
    """Whether this pair of basins at this offset has not touched before."""
    edge = head[basin]
    while edge >= 0:
        if far[edge] == other and delta[edge] == packed:
            return False
        edge = following[edge]
    return True


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _labelled_neighbours(labels, point, seen, places):
    """Labels of the neighbours of a point, as seen from its cell, and where they are.

    Returns:
        how many neighbours have a label, and whether all labels are the same.
    """
    nx, ny, nz = labels.shape
    x, y, z = point // (ny * nz), (point // nz) % ny, point % nz
    count = 0
    alike = True
    for dx in range(-1, 2):
        u, s0 = x + dx, 0
        if u < 0:
            u, s0 = u + nx, -_X
        elif u >= nx:
            u, s0 = u - nx, _X
        for dy in range(-1, 2):
            v, s1 = y + dy, s0
            if v < 0:
                v, s1 = v + ny, s0 - _Y
            elif v >= ny:
                v, s1 = v - ny, s0 + _Y
            for dz in range(-1, 2):
                w, s2 = z + dz, s1
                if w < 0:
                    w, s2 = w + nz, s1 - 1
                elif w >= nz:
                    w, s2 = w - nz, s1 + 1
                label = labels[u, v, w]
                if label != 0:
                    seen[count] = label + s2
                    places[count] = (u * ny + v) * nz + w
                    alike = alike and seen[count] == seen[0]
                    count += 1
    return count, alike


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _found_basin(point, trees, bottoms, head, counts):
    """Make a new basin with its lowest point; returns its label."""
    parent, _, size, lowest, _, _ = trees
    node = counts[0]
    counts[0] = node + 1
    bottoms[node] = point
    parent[node] = node
    size[node] = 1
    lowest[node] = node
    head[node] = -1
    return (node + 1) * _BASIN + _ZERO_OFFSET


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _open_pass(point, place, mine, other_label, trees, passes, counts):
    """Join two basins that touch, unless they touched at this offset before.

    Returns:
        the root that both have afterwards, or −1 where the pass is not new.
    """
    parent, offset, size, lowest, rank, basis = trees
    near, far, delta, where, head, following = passes
    a, b = (mine >> 36) - 1, (other_label >> 36) - 1
    m0, m1, m2 = _offset_of(mine)
    o0, o1, o2 = _offset_of(other_label)
    d0, d1, d2 = o0 - m0, o1 - m1, o2 - m2
    if b < a or (a == b and (d0, d1, d2) < (0, 0, 0)):
        a, b, d0, d1, d2 = b, a, -d0, -d1, -d2
    packed = d0 * _X + d1 * _Y + d2
    if not _is_new_pass(head, following, far, delta, a, b, packed):
        return -1
    edge = counts[1]
    counts[1] = edge + 1
    following[edge] = head[a]
    head[a] = edge
    near[edge] = a
    far[edge] = b
    delta[edge] = packed
    where[edge, 0] = point
    where[edge, 1] = place
    return _join(parent, offset, size, lowest, rank, basis, a, b, d0, d1, d2)


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def add_points(order, energies, labels, trees, bottoms, passes, counts, critical, bottom, stop):
    """Add points in the order given.

    Args:
        order: point indices in ascending energy; none was added before.
        energies: (nx, ny, nz) eV.
        labels: (nx, ny, nz) int64, zero where a point was not added.
        trees: parent (m,), offset (m, 3), size, lowest, rank (m,), basis (m, 3, 3), int64, of
            the union–find over basins.
        bottoms: (m,) int64, the point that founded each basin.
        passes: near (e,), far (e,), delta (e,), where (e, 2), head (m,), following (e,), int64:
            basins on both sides of each pass, packed offset of the far one as seen from the near
            one, the two points that touched, and linked lists of each basin's passes.
        counts: (2,) int64, numbers of basins and passes so far.
        critical: (3,) int64, set to the pass that raised the rank to 1, 2, 3; −1 before.
        bottom: (3,) int64, set to the lowest basin of the region that percolated.
        stop: go on for this energy, eV, after three dimensions are reached.

    Returns:
        How many points were added before the passes' arrays could have overflowed, −1 where the
        end was reached: three dimensions and ``stop`` beyond.
    """
    near, _, _, where, head, _ = passes
    lowest, rank = trees[3], trees[4]
    flat, flat_labels = energies.ravel(), labels.ravel()
    reached = 0
    while reached < 3 and critical[reached] >= 0:
        reached += 1
    seen = np.empty(26, np.int64)
    places = np.empty(26, np.int64)
    for added in range(len(order)):
        point = order[added]
        if reached == 3 and flat[point] > flat[where[critical[2], 0]] + stop:
            return -1
        if counts[1] + 26 > len(near):
            return added
        count, alike = _labelled_neighbours(labels, point, seen, places)
        if count == 0:
            flat_labels[point] = _found_basin(point, trees, bottoms, head, counts)
            continue
        if alike:
            flat_labels[point] = seen[0]
            continue
        best = 0
        for n in range(1, count):
            if flat[places[n]] < flat[places[best]]:
                best = n
        flat_labels[point] = seen[best]
        last = seen[best]
        for n in range(count):
            if seen[n] == seen[best] or seen[n] == last:
                continue
            last = seen[n]
            root = _open_pass(point, places[n], seen[best], last, trees, passes, counts)
            while root >= 0 and reached < rank[root]:
                critical[reached] = counts[1] - 1
                bottom[reached] = lowest[root]
                reached += 1
    return len(order)


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def percolate_passes(order, near, far, offsets, trees, critical, bottom):
    """Run the union–find of ``add_points`` over passes that are known already.

    Args:
        order: passes in ascending energy.
        near, far: (e,) basins on both sides; offsets: (e, 3) cell of far as seen from near.
        trees: as for ``add_points``, each basin its own root.
        critical, bottom: as for ``add_points``.
    """
    parent, offset, size, lowest, rank, basis = trees
    reached = 0
    for edge in order:
        d = offsets[edge]
        root = _join(
            parent, offset, size, lowest, rank, basis, near[edge], far[edge], d[0], d[1], d[2]
        )
        while reached < rank[root]:
            critical[reached] = edge
            bottom[reached] = lowest[root]
            reached += 1
        if reached == 3:
            return
