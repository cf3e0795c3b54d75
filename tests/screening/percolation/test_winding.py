"""Windings of periodic graphs, against a walk through the unrolled crystal."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
import pytest

from dualion.screening.percolation.winding import WindingTrees, is_independent

SMALL = list(itertools.product((-1, 0, 1, 2), (-2, 0, 1), (-1, 0, 2)))


def rank(vectors):
    return int(np.linalg.matrix_rank(np.array(vectors))) if len(vectors) else 0


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_independence_is_a_higher_rank(size):
    rng = np.random.default_rng(size)
    for _ in range(60):
        basis = [SMALL[i] for i in rng.integers(len(SMALL), size=size)]
        if rank(basis) < size:
            continue
        vector = SMALL[rng.integers(len(SMALL))]
        assert is_independent(basis, vector) == (rank([*basis, vector]) > size)


@pytest.mark.parametrize(
    ("basis", "vector", "independent"),
    [
        ([(1, 2, 3)], (2, 4, 6), False),
        ([(1, 2, 3)], (2, 4, 5), True),
        ([(1, 2, 3)], (2, 5, 6), True),
        ([(1, 2, 3)], (3, 6, 9), False),
        ([(1, 2, 3)], (0, 2, 3), True),
        ([(1, 2, 3), (0, 1, 1)], (1, 4, 5), False),
        ([(1, 2, 3), (0, 1, 1)], (1, 4, 6), True),
        ([(1, 2, 3), (0, 1, 1)], (2, 4, 5), True),
        ([(1, 2, 3), (0, 1, 1)], (1, 3, 5), True),
    ],
)
def test_independence_by_hand(basis, vector, independent):
    assert is_independent(basis, vector) is independent


def loops_by_walking(count, links, start):
    """Sums of cells around every loop that a walk from a node closes."""
    steps = [[] for _ in range(count)]
    for first, second, cell in links:
        steps[first].append((second, np.array(cell)))
        steps[second].append((first, -np.array(cell)))
    at, queue, found = {start: np.zeros(3, int)}, deque([start]), []
    while queue:
        node = queue.popleft()
        for other, cell in steps[node]:
            there = at[node] + cell
            if other not in at:
                at[other] = there
                queue.append(other)
            else:
                found.append(tuple((there - at[other]).tolist()))
    return [loop for loop in found if any(loop)]


def random_links(seed, count, links):
    rng = np.random.default_rng(seed)
    ends = rng.integers(count, size=(links, 2))
    cells = rng.integers(-2, 3, size=(links, 3)) * (rng.random((links, 3)) < 0.5)
    return [(int(a), int(b), tuple(c)) for (a, b), c in zip(ends, cells.tolist(), strict=True)]


@pytest.mark.parametrize("seed", range(40))
def test_windings_span_the_loops_of_a_walk(seed):
    """Same rank, and no winding that the loops do not span, after every link."""
    count, links = 7, random_links(seed, 7, 9)
    trees = WindingTrees(count)
    for number, link in enumerate(links, start=1):
        trees.join(*link)
        for node in range(count):
            walked, found = loops_by_walking(count, links[:number], node), trees.windings(node)
            assert len(found) == rank(found) == rank(walked)
            assert rank([*walked, *found]) == rank(walked)


def test_a_ring_winds_once_by_the_sum_of_its_cells():
    """Three nodes whose links cross one, two and three faces: the loop crosses all of them."""
    trees = WindingTrees(4)
    trees.join(0, 1, (1, 0, 0))
    trees.join(1, 2, (0, 2, 0))
    assert trees.windings(0) == []
    trees.join(2, 0, (0, 0, 3))
    (winding,) = trees.windings(1)
    assert winding in ((1, 2, 3), (-1, -2, -3))
    assert trees.windings(3) == []


def test_trees_carry_their_windings_with_them_when_they_meet():
    trees = WindingTrees(4)
    trees.join(0, 0, (1, 0, 0))
    trees.join(1, 1, (0, 1, 0))
    trees.join(2, 2, (2, 0, 0))
    trees.join(0, 1, (0, 0, 0))
    assert rank(trees.windings(1)) == 2
    trees.join(1, 2, (0, 0, 1))
    assert len(trees.windings(2)) == 2
    assert [abs(x) for v in trees.windings(0) for x in v] == [1, 0, 0, 0, 1, 0]


def test_a_copy_goes_its_own_way():
    trees = WindingTrees(3)
    trees.join(0, 1, (0, 0, 0))
    trees.join(0, 1, (1, 0, 0))
    twin = trees.copy()
    twin.join(0, 1, (0, 1, 0))
    twin.join(1, 2, (0, 0, 0))
    assert len(twin.windings(2)) == 2
    assert len(trees.windings(0)) == 1
    assert trees.windings(2) == []
    trees.join(2, 2, (0, 0, 1))
    assert trees.windings(2) == [(0, 0, 1)] or trees.windings(2) == [(0, 0, -1)]
    assert len(twin.windings(2)) == 2
