"""Where the fit starts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.window import candidate_starts, choose_window


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
