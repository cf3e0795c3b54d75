"""D of blocks of a run."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from walks import gaussian_walk

from dualion.screening.transport.self_diffusion.blocks import block_diffusion
from dualion.screening.transport.self_diffusion.coefficient import diffusion


# Binomial: a true coverage of 0.95 gives fewer than 0.88 of 100 runs once in two hundred.
def test_blocks_cover_the_truth_and_agree_with_the_fit() -> None:
    rng = np.random.default_rng(5)
    covered, ratios = [], []
    for _ in range(100):
        walk = gaussian_walk(rng, 600, 8)
        whole = diffusion(walk, 0.1)
        blocks = block_diffusion(walk, 0.1, whole.window_ps[0])[0]
        covered.append(blocks.low_cm2_s <= 4.5e-5 <= blocks.high_cm2_s)
        ratios.append(blocks.error_cm2_s / whole.error_cm2_s)
        assert blocks.mean_cm2_s == pytest.approx(blocks.d_cm2_s.mean())
    assert np.mean(covered) >= 0.88
    assert 0.7 < np.median(ratios) < 1.4
    assert block_diffusion(walk[:20], 0.1, 1.0) == ()
    assert block_diffusion(walk, 0.1, np.nan) == ()


@pytest.mark.parametrize(
    ("frames", "count"), [(600, 10), (80, 10), (79, 9), (24, 3), (23, 3), (12, 3), (11, 0)]
)
def test_a_run_is_cut_into_blocks_that_hold_the_lags_of_the_fit(frames: int, count: int) -> None:
    """Lags to four frames: blocks of eight at best, ten at most; three of four frames at least."""
    walk = gaussian_walk(np.random.default_rng(6), frames, 4)
    found = block_diffusion(walk, 0.1, 0.1)
    assert [len(one.d_cm2_s) for one in found] == ([count] if count else [])
    for one in found:
        assert one.block_ps == pytest.approx(0.1 * (frames // count))
        error = one.d_cm2_s.std(ddof=1) / np.sqrt(count)
        reach = stats.t.ppf(0.975, count - 1) * error
        assert one.error_cm2_s == pytest.approx(error)
        assert (one.low_cm2_s, one.high_cm2_s) == pytest.approx(
            (one.mean_cm2_s - reach, one.mean_cm2_s + reach)
        )
