"""Which hop is computed next, worked out by hand on small networks."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.hops.hop_list import HopList
from dualion.screening.hops.lazy_search import (
    KnownHops,
    expected_saddles,
    known_thresholds,
    next_hop,
)

NAN, INF = np.nan, np.inf


def axes_network():
    """One site with five distinct hops: along x, y and z, and a second, longer one along x, y."""
    cells = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (1, 1, 0)])
    zeros, numbers = np.zeros(5, np.int64), np.arange(5)
    return HopList(
        near=zeros, far=zeros, cells=cells, lengths_angstrom=np.ones(5), kinds=numbers,
        chosen=numbers,
    )  # fmt: skip


def known(saddles, estimates=(0.3, 0.5, 0.4, 1.2, 0.55), nodes=(0.0,)):
    return KnownHops(
        saddles_ev=np.array(saddles), nodes_ev=np.array(nodes), estimates_ev=np.array(estimates)
    )


def test_the_first_hop_is_the_lowest_estimate():
    assert next_hop(axes_network(), known([NAN] * 5)) == 0


@pytest.mark.parametrize(
    ("saddles", "margin", "expected"),
    [
        pytest.param([0.3, NAN, NAN, NAN, NAN], 0.1, 2, id="the crystal is not crossed in 3D yet"),
        pytest.param([0.3, 0.5, 0.4, NAN, NAN], 0.1, 4, id="a hop left may be lower"),
        pytest.param([0.3, 0.5, 0.4, NAN, NAN], 0.04, -1, id="not within a smaller margin"),
        pytest.param([0.3, 0.5, 0.4, NAN, 0.6], 0.1, -1, id="the one left lies far above"),
        pytest.param([0.3, 0.5, INF, NAN, NAN], 0.1, 4, id="z is closed: only E_2D can still fall"),
        pytest.param([0.3, 0.5, 0.4, 0.9, 0.6], 9.0, -1, id="all are computed"),
        pytest.param([0.1, 0.3, 0.2, NAN, NAN], 0.1, 4, id="estimates are shifted by their error"),
    ],
)  # fmt: skip
def test_next_hop(saddles, margin, expected):
    assert next_hop(axes_network(), known(saddles), margin_ev=margin) == expected


def test_estimates_are_shifted_by_the_median_error_of_the_computed_hops():
    shifted = expected_saddles(known([0.1, 0.5, 0.2, NAN, NAN]))
    np.testing.assert_allclose(shifted, np.array([0.3, 0.5, 0.4, 1.2, 0.55]) - 0.2)


def test_thresholds_count_computed_hops_alone():
    found = known_thresholds(axes_network(), known([0.3, 0.5, NAN, NAN, INF]))
    assert found.barriers_ev == (0.3, 0.5, INF)
    assert found.critical.tolist() == [0, 1, -1]


def test_no_computed_hop_is_no_percolation():
    assert known_thresholds(axes_network(), known([NAN] * 5)).barriers_ev == (INF, INF, INF)


def test_a_site_without_a_vacancy_closes_its_hops():
    hops = HopList(
        near=np.array([0, 1]), far=np.array([1, 0]), cells=np.array([(0, 0, 0), (1, 0, 0)]),
        lengths_angstrom=np.ones(2), kinds=np.arange(2), chosen=np.arange(2),
    )  # fmt: skip
    open_ = known([0.2, 0.4], estimates=(0.2, 0.4), nodes=(0.0, 0.1))
    closed = known([0.2, 0.4], estimates=(0.2, 0.4), nodes=(0.0, INF))
    assert known_thresholds(hops, open_).barriers_ev == (0.4, INF, INF)
    assert known_thresholds(hops, closed).barriers_ev == (INF, INF, INF)


@pytest.mark.parametrize(("gap", "needed"), [(0.29, True), (0.31, False)])
def test_a_hop_left_may_lie_three_tenths_of_an_electronvolt_lower(gap, needed):
    """The fifth hop could replace the one along y, if its estimate is not too far above."""
    estimates = (0.3, 0.5, 0.4, 3.0, 0.5 + gap)
    state = known([0.3, 0.5, 0.4, NAN, NAN], estimates=estimates)
    assert (next_hop(axes_network(), state) == 4) is needed


def test_the_next_hop_is_the_lowest_of_those_below_the_highest_threshold_that_may_fall():
    """E_3D = 0.9 may fall; of the two left the lower one comes, though it is along x."""
    state = known([NAN, 0.5, 0.9, NAN, NAN], estimates=(0.52, 0.5, 0.9, 9.0, 0.6))
    assert next_hop(axes_network(), state, margin_ev=0.2) == 0
    assert next_hop(axes_network(), known([INF] * 5)) == -1


def test_a_hop_that_was_tried_and_gave_none_shifts_nothing():
    shifted = expected_saddles(known([0.1, INF, NAN, NAN, 0.65]))
    np.testing.assert_allclose(shifted, np.array([0.3, 0.5, 0.4, 1.2, 0.55]) - 0.05)


def test_without_a_computed_hop_the_lowest_estimate_lies_at_the_lowest_node():
    shifted = expected_saddles(known([NAN, INF, NAN, NAN, NAN], nodes=(0.2, -0.1)))
    np.testing.assert_allclose(shifted, np.array([0.0, 0.2, 0.1, 0.9, 0.25]) - 0.1)


def test_the_search_leaves_nothing_that_decides():
    """On random networks the lazy thresholds are those of all hops, where estimates keep to the
    margin."""
    random = np.random.default_rng(5)
    for _ in range(50):
        hops = random_network(random)
        true = random.uniform(0.2, 2.0, 30)
        estimates = true + random.uniform(-0.1, 0.1, 30) + 3.0
        nodes = np.zeros(4)
        saddles = np.full(30, NAN)
        state = KnownHops(saddles_ev=saddles, nodes_ev=nodes, estimates_ev=estimates)
        while (hop := next_hop(hops, state, margin_ev=0.25)) >= 0:
            saddles[hop] = true[hop]
        everything = KnownHops(saddles_ev=true, nodes_ev=nodes, estimates_ev=estimates)
        assert known_thresholds(hops, state).barriers_ev == (
            known_thresholds(hops, everything).barriers_ev
        )


def random_network(random):
    numbers = np.arange(30)
    return HopList(
        near=random.integers(0, 4, 30), far=random.integers(0, 4, 30),
        cells=random.integers(-1, 2, (30, 3)), lengths_angstrom=np.ones(30), kinds=numbers,
        chosen=numbers,
    )  # fmt: skip
