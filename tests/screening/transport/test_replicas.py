"""Replicas put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, d_of, gaussian_walk

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion


def test_replicas_combine_to_a_smaller_error() -> None:
    rng = np.random.default_rng(17)
    runs = [diffusion(gaussian_walk(rng, 400, 4), STEP_PS) for _ in range(8)]
    together = combine_replicas(runs)
    assert together.n_ions == 32
    assert together.error_cm2_s < 0.6 * np.mean([r.error_cm2_s for r in runs])
    assert abs(together.d_cm2_s - d_of(0.09)) < 3.0 * together.error_cm2_s


def runs_of(seed: int, count: int) -> list[Diffusion]:
    rng = np.random.default_rng(seed)
    return [diffusion(gaussian_walk(rng, 400, 40), STEP_PS) for _ in range(count)]


@pytest.mark.parametrize(("diffusing", "verdict"), [(1, "not resolved"), (2, "diffusing")])
def test_one_diffusing_replica_does_not_make_all_so(diffusing: int, verdict: str) -> None:
    runs = runs_of(1, 3)
    assert [run.verdict for run in runs] == ["diffusing"] * 3
    mixed = [
        run if number < diffusing else replace(run, verdict="not resolved", flags=("few",))
        for number, run in enumerate(runs)
    ]
    together = combine_replicas(mixed)
    assert together.verdict == verdict
    assert ("replicas_disagree" in together.flags) == (diffusing == 1)
    assert ("few" in together.flags) == (diffusing == 1)  # of two runs in three, and of one


def test_together_they_are_judged_by_all_their_jumps() -> None:
    few = [replace(run, n_eff=20.0, flags=("n_eff_below_56",)) for run in runs_of(2, 2)]
    assert combine_replicas(few).verdict == "not resolved"
    assert "n_eff_below_56" in combine_replicas(few).flags
    enough = [replace(run, n_eff=30.0, flags=("n_eff_below_56",)) for run in runs_of(2, 2)]
    assert combine_replicas(enough).verdict == "diffusing"
    assert combine_replicas(enough).flags == ()


def test_a_ligand_that_turned_in_one_run_can_turn() -> None:
    one, other = runs_of(3, 2)
    turned = [replace(one, verdict="rotating"), replace(other, verdict="vibrating")]
    assert combine_replicas(turned).verdict == "rotating"
    mixed = [one, replace(other, verdict="vibrating", flags=("bonds_break",))]
    assert combine_replicas(mixed).verdict == "not resolved"
    assert "bonds_break" in combine_replicas(mixed).flags
