"""Thresholds of hop networks, worked out by hand and against a slow search."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.hops.network import thresholds

INF = np.inf


def network(links, nodes):
    """Thresholds of links (near, far, cell, saddle) between nodes of these energies."""
    near, far, cells, saddles = zip(*links, strict=True)
    return thresholds(
        np.array(near), np.array(far), np.array(cells), np.array(saddles, float), np.array(nodes)
    )


X, Y, Z, HERE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)


@pytest.mark.parametrize(
    ("links", "nodes", "barriers", "from_region"),
    [
        pytest.param(
            [(0, 0, Y, 0.5), (0, 0, X, 0.3), (0, 0, Z, 0.7)], [0.0],
            (0.3, 0.5, 0.7), (0.3, 0.5, 0.7),
            id="one node that hops to its own images",
        ),
        pytest.param(
            [(0, 1, HERE, 0.5), (1, 0, X, 0.6)], [0.0, 0.2],
            (0.6, INF, INF), (0.6, INF, INF),
            id="a chain along x: the higher of its two saddles",
        ),
        pytest.param(
            [(0, 1, HERE, 0.1), (1, 2, HERE, 0.1), (2, 0, HERE, 0.1)], [0.0, 0.0, 0.0],
            (INF, INF, INF), (INF, INF, INF),
            id="a ring inside the cell does not cross the crystal",
        ),
        pytest.param(
            [(0, 0, X, 0.4), (0, 0, (2, 0, 0), 0.5), (0, 0, (1, 1, 0), 0.9)], [0.0],
            (0.4, 0.9, INF), (0.4, 0.9, INF),
            id="twice the same direction is one dimension",
        ),
        pytest.param(
            [(1, 1, X, 0.7), (0, 1, HERE, 2.0)], [0.0, 0.3],
            (0.7, INF, INF), (0.4, INF, INF),
            id="a deep node beside the way counts as the lowest of all",
        ),
        pytest.param(
            [(1, 1, X, 1.0), (0, 0, Y, 0.4), (0, 1, HERE, 0.9)], [0.0, 0.8],
            (0.4, 1.0, INF), (0.4, 1.0, INF),
            id="two chains that join: the second direction through the joint",
        ),
        pytest.param(
            [(0, 1, HERE, 0.1), (1, 0, X, 0.2)], [0.0, 0.5],
            (0.5, INF, INF), (0.5, INF, INF),
            id="a saddle below the higher of its ends is that end",
        ),
        pytest.param(
            [(0, 0, X, 1.3)], [-2.0],
            (3.3, INF, INF), (3.3, INF, INF),
            id="energies have no zero of their own",
        ),
    ],
)  # fmt: skip
def test_by_hand(links, nodes, barriers, from_region):
    found = network(links, nodes)
    assert found.barriers_ev == pytest.approx(barriers)
    assert found.from_region_ev == pytest.approx(from_region)


def test_the_critical_hops_are_told():
    found = network([(0, 0, Y, 0.5), (0, 0, X, 0.3), (0, 1, HERE, 0.1)], [0.0, 0.0])
    assert found.critical.tolist() == [1, 0, -1]


def rank_below(links, count, level):
    """Most independent directions of any part whose hops lie at or below a level.

    Nodes are placed in cells along a spanning tree; every other hop that closes a loop gives the
    cell by which the loop misses itself.
    """
    open_links = [link for link in links if link[3] <= level]
    best = 0
    for start in range(count):
        cell_of = {start: np.zeros(3, int)}
        grown = True
        while grown:
            grown = False
            for near, far, cell, _ in open_links:
                for a, b, step in ((near, far, np.array(cell)), (far, near, -np.array(cell))):
                    if a in cell_of and b not in cell_of:
                        cell_of[b] = cell_of[a] + step
                        grown = True
        loops = [
            cell_of[near] + cell - cell_of[far]
            for near, far, cell, _ in open_links
            if near in cell_of
        ]
        best = max(best, int(np.linalg.matrix_rank(np.array(loops))) if loops else 0)
    return best


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_against_a_slow_search(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 6))
    nodes = rng.uniform(0.0, 0.3, count)
    links = []
    for _ in range(int(rng.integers(3, 14))):
        near, far = rng.integers(0, count, 2).tolist()
        saddle = max(float(rng.uniform(0.2, 1.0)), nodes[near], nodes[far])
        links.append((near, far, tuple(rng.integers(-1, 2, 3).tolist()), saddle))
    levels = sorted(link[3] for link in links)
    expected = [
        next((lvl for lvl in levels if rank_below(links, count, lvl) >= dimension), INF)
        for dimension in (1, 2, 3)
    ]
    found = network(links, nodes)
    assert found.barriers_ev == pytest.approx(np.array(expected) - nodes.min())
