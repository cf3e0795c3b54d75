"""Where the fit starts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.slope import fit_slope
from dualion.screening.transport.self_diffusion.window import (
    _difference_error,
    _widen,
    candidate_starts,
    choose_window,
)


def test_starts_hold_the_least_one_and_earlier_ones_in_even_ratios() -> None:
    starts = candidate_starts(1000, 20)
    assert starts[0] == 1
    assert 20 in starts
    assert starts[-1] <= 250
    assert all(a < b <= max(a + 1, 1.6 * a) for a, b in pairwise(starts))
    assert candidate_starts(12) == [1, 2, 3]


def test_a_memory_moves_the_start_to_where_it_has_faded() -> None:
    rng = np.random.default_rng(3)
    kicks, place = rng.normal(size=(2000, 30, 3)), np.zeros((30, 3))
    rattle = np.zeros_like(kicks)
    for t in range(2000):
        place = 0.9 * place + np.sqrt(1.0 - 0.81) * kicks[t]
        rattle[t] = 0.4 * place
    walk = np.cumsum(rng.normal(scale=0.05, size=kicks.shape), axis=0)
    clean = choose_window(LagCache(walk).trace, 2000, 90)
    found = choose_window(LagCache(walk + rattle).trace, 2000, 90)
    assert clean.slope.start <= 2
    assert found.slope.start >= 20  # two lifetimes of the rattling, 9.5 frames each
    assert found.slope.low < 0.0025 < found.slope.high


def test_the_last_start_has_none_to_confirm_it() -> None:
    rng = np.random.default_rng(9)
    starts = candidate_starts(8)
    for _ in range(20):
        walk = np.cumsum(rng.normal(size=(8, 5, 3)), axis=0)
        found = choose_window(LagCache(walk).trace, 8, 15)
        assert found.confirmed is (found.slope.start < starts[-1])
    last = candidate_starts(40)[-1]
    rattle = choose_window(LagCache(rng.normal(size=(40, 5, 3))).trace, 40, 15, least=last)
    assert rattle.confirmed is (rattle.slope.start < last)


def test_a_change_that_the_error_does_not_explain_widens_the_interval_on_both_sides() -> None:
    """Error and both ends grow by one factor: √(1 + (change² − its variance)/error²)."""
    walk = gaussian_walk(np.random.default_rng(10), 400, 10)
    slope = fit_slope(LagCache(walk).trace, 4, 400, 30)
    later = fit_slope(LagCache(walk).trace, 8, 400, 30)
    far = replace(later, value=slope.value + 10.0 * slope.error)
    found = _widen(slope, [replace(later, start=6, value=0.0), far])
    unexplained = (10.0 * slope.error) ** 2 - _difference_error(slope, far) ** 2
    factor = np.sqrt(1.0 + unexplained / slope.error**2)
    assert factor > 5.0
    assert found.value == slope.value
    assert found.error == pytest.approx(factor * slope.error)
    assert found.value - found.low == pytest.approx(factor * (slope.value - slope.low))
    assert found.high - found.value == pytest.approx(factor * (slope.high - slope.value))
    assert _widen(slope, [replace(later, value=slope.value)]) is slope
    assert _widen(slope, [replace(far, start=7)]) is slope  # none starts twice as late
