"""Upper limits of D of caged and slow ions hold, and no D is claimed of ions in cages."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.screening.transport.self_diffusion.upper_limit import d_of_one_jump, jump_limit

STEP_PS, IONS, HOP = 0.05, 10, 2.8


def test_the_limit_is_that_of_a_poisson_count() -> None:
    one = d_of_one_jump(IONS, 100.0, HOP)
    assert one == pytest.approx(HOP**2 / (6.0 * IONS * 100.0) * 1e-4)
    # Garwood's table (1936): 3.689, 5.572 and 11.668 where 0, 1 and 5 were counted.
    for seen, most in ((0.0, 3.689), (1.0, 5.572), (5.0, 11.668)):
        assert jump_limit(seen * one, one) == pytest.approx(most * one, rel=1e-3)
    assert jump_limit(-one, one) == jump_limit(0.0, one)


def found_in(rng: np.random.Generator, frames: int, jumps: float) -> Diffusion:
    """D of ions that make so many jumps in a run, all together, while they vibrate."""
    moved = np.zeros((frames, IONS, 3))
    hop = rng.random((frames, IONS)) < jumps / (frames * IONS)
    moved[hop] = (
        HOP * rng.choice([-1.0, 1.0], (hop.sum(), 1)) * np.eye(3)[rng.integers(0, 3, hop.sum())]
    )
    walk = moved.cumsum(axis=0) + rng.normal(scale=0.25, size=moved.shape)
    earliest = min(1.0, 0.1 * frames * STEP_PS)
    return diffusion(walk, STEP_PS, hop_length_angstrom=HOP, earliest_ps=earliest)


# Binomial: with 0.95 of limits holding, 72 of 80 or fewer do once in thirty.
@pytest.mark.parametrize("jumps", [0.0, 1.0, 5.0])
def test_limits_hold_and_caged_ions_have_no_d(jumps: float) -> None:
    rng = np.random.default_rng(21)
    held, claimed, runs = 0, 0, 0
    for frames in (200, 600):
        truth = jumps * HOP**2 / (6.0 * IONS * frames * STEP_PS) * 1e-4
        for _ in range(40):
            found = found_in(rng, frames, jumps)
            claimed += found.resolved
            held += bool(found.upper_cm2_s >= truth)
            runs += 1
    assert claimed == 0
    assert held >= 0.91 * runs
