"""Replicas put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import STEP_PS, d_of, gaussian_walk

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import Diffusion, diffusion
from dualion.structures.errors import InputError


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


def part(d: float, error: float, **changes: object) -> Diffusion:
    """A run of known D and error, in 1e-6 cm²/s."""
    return replace(
        PLAIN,
        d_cm2_s=d * 1e-6,
        error_cm2_s=error * 1e-6,
        tensor_cm2_s=d * 1e-6 * np.diag([1.0, 2.0, 0.0]),
        tensor_error_cm2_s=error * 1e-6 * np.diag([1.0, 2.0, 0.5]),
        **changes,
    )


PLAIN = runs_of(4, 1)[0]


def test_mean_and_error_are_those_of_relative_precision() -> None:
    """Weights 1/(σ/D)², errors taken at the mean, scaled up by the Birge ratio."""
    parts = [
        part(1.0, 0.1, n_ions=4, n_eff=30.0),
        part(2.0, 0.4, n_ions=5, n_eff=40.0),
        part(0.2, 0.5, n_ions=6, n_eff=50.0),
    ]
    relative = np.array([0.1, 0.2, 1.0])  # an error beyond the value counts as the value
    weights = relative**-2.0 / (relative**-2.0).sum()
    mean = weights @ [1.0, 2.0, 0.2]
    errors = relative * mean
    birge = ((([1.0, 2.0, 0.2] - mean) / errors) ** 2).sum() / 2.0
    error = np.sqrt((weights**2 * errors**2).sum() * birge)
    found = combine_replicas(parts)
    assert birge > 3.0
    assert found.d_cm2_s == pytest.approx(mean * 1e-6)
    assert found.error_cm2_s == pytest.approx(error * 1e-6)
    assert found.low_cm2_s == pytest.approx((mean - 1.96 * error) * 1e-6)
    assert found.high_cm2_s == pytest.approx((mean + 1.96 * error) * 1e-6)
    assert (found.n_ions, found.n_eff) == (15, 120.0)
    assert found.relative_error_he_zhu_mo == pytest.approx(3.43 / np.sqrt(120.0) + 0.04)
    np.testing.assert_allclose(found.tensor_cm2_s, mean * 1e-6 * np.diag([1.0, 2.0, 0.0]))
    spread = 1e-6 * np.sqrt((weights**2 * np.array([0.1, 0.4, 0.5]) ** 2).sum())
    np.testing.assert_allclose(found.tensor_error_cm2_s, spread * np.diag([1.0, 2.0, 0.5]))
    assert found.flags[-1] == "replicas_scatter"


@pytest.mark.parametrize(("square", "flagged"), [(2.9, False), (3.1, True)])
def test_runs_scatter_from_a_mean_square_deviation_of_three_errors(
    square: float, flagged: bool
) -> None:
    """Two runs of one relative error r at 1 ± δ have χ² = 2 δ²/r²."""
    off = 0.1 * np.sqrt(0.5 * square)
    found = combine_replicas(
        [part(1.0 + off, 0.1 * (1.0 + off)), part(1.0 - off, 0.1 * (1.0 - off))]
    )
    assert ("replicas_scatter" in found.flags) is flagged


def test_runs_that_agree_keep_the_error_of_the_mean() -> None:
    found = combine_replicas([part(1.0, 0.1), part(1.0, 0.1)])
    assert found.error_cm2_s == pytest.approx(0.1e-6 / np.sqrt(2.0))


def test_a_run_without_error_or_a_mean_of_nothing_gives_numbers() -> None:
    sure = combine_replicas([part(1.0, 0.0), part(1.0, 0.5)])
    assert sure.d_cm2_s == pytest.approx(1e-6)
    assert sure.error_cm2_s < 1e-10
    nothing = combine_replicas([part(1.0, 2.0), part(-1.0, 2.0)])
    assert nothing.d_cm2_s == pytest.approx(0.0, abs=1e-15)
    assert 0.5e-6 < nothing.error_cm2_s < 2e-6


def test_a_run_without_a_number_leaves_the_others() -> None:
    lost = replace(PLAIN, d_cm2_s=np.nan, error_cm2_s=np.inf)
    one = part(1.0, 0.1)
    assert combine_replicas([lost, one]) is one
    assert combine_replicas([lost, lost]) is lost
    vague = replace(one, error_cm2_s=np.inf)
    assert combine_replicas([vague, one]) is one
    assert combine_replicas([lost, one, one]).d_cm2_s == pytest.approx(1e-6)
    with pytest.raises(InputError, match="no run"):
        combine_replicas([])


def test_limits_of_runs_without_a_jump_add_like_their_times() -> None:
    """One jump in both runs is 1/(1/3 + 1/6) = 2; none was seen, and 3.69 may have been missed."""
    plain = 0.0001e-6 * (1.0 + 1.96 * np.sqrt(0.5))  # relative errors of one: weights of one half
    for verdict in ("vibrating", "not resolved"):
        pair = [
            part(0.0001, 0.02, verdict=verdict, one_jump_cm2_s=jump * 1e-6, high_cm2_s=9e-6)
            for jump in (3.0, 6.0)
        ]
        found = combine_replicas(pair)
        assert (found.verdict, found.one_jump_cm2_s) == (verdict, pytest.approx(2e-6))
        assert found.high_cm2_s == pytest.approx(plain)  # the interval is of the mean alone
        assert found.upper_cm2_s == pytest.approx(3.689 * 2e-6, rel=1e-3)


def test_jumps_that_were_seen_count_in_the_limit_of_all() -> None:
    """Five in each of two runs: 10 in both, and 18.39 at most (Garwood)."""
    pair = [part(5.0, 1e-3, verdict="not resolved", one_jump_cm2_s=1e-6)] * 2
    assert combine_replicas(pair).upper_cm2_s == pytest.approx(18.39 * 0.5e-6, rel=1e-3)
    wide = [part(5.0, 5.0, verdict="not resolved", one_jump_cm2_s=1e-6)] * 2
    assert combine_replicas(wide).upper_cm2_s == combine_replicas(wide).high_cm2_s > 11e-6
    sure = [part(1.0, 0.1, verdict="diffusing", n_eff=80.0, high_cm2_s=9e-6)] * 2
    assert combine_replicas(sure).high_cm2_s < 2e-6
    assert np.isnan(combine_replicas(sure).upper_cm2_s)


def test_a_mean_within_its_error_of_nothing_does_not_diffuse() -> None:
    """Both sides of 1.96 errors, and of 56 jumps in all."""
    for error, verdict in (
        (1.0 / 1.9, "diffusing"),
        (1.0 / 2.0, "diffusing"),
        (0.75, "not resolved"),
    ):
        runs = [part(1.0, error, verdict="diffusing", n_eff=28.0)] * 2
        assert combine_replicas(runs).verdict == verdict
    few = [part(1.0, 0.1, verdict="diffusing", n_eff=27.9)] * 2
    assert combine_replicas(few).verdict == "not resolved"
    half = [part(1.0, 0.1, n_eff=90.0), part(1.0, 0.1, n_eff=90.0, verdict="vibrating")]
    assert combine_replicas(half).verdict == "not resolved"


def test_flags_of_half_the_runs_are_kept_and_of_fewer_not() -> None:
    runs = [
        part(1.0, 0.1, flags=("a", "b")),
        part(1.0, 0.1, flags=("a",)),
        part(1.0, 0.1),
        part(1.0, 0.1),
    ]
    assert combine_replicas(runs).flags == ("a",)


def test_few_jumps_are_flagged_only_where_they_leave_it_open() -> None:
    vague = {"verdict": "not resolved", "flags": ()}
    assert combine_replicas([part(1.0, 0.1, n_eff=27.9, **vague)] * 2).flags == ("n_eff_below_56",)
    assert combine_replicas([part(1.0, 0.1, n_eff=28.0, **vague)] * 2).flags == ()
    still = {"verdict": "vibrating", "flags": ()}
    assert combine_replicas([part(1.0, 0.1, n_eff=1.0, **still)] * 2).flags == ()


def test_the_posterior_of_unlike_runs_names_both() -> None:
    assert combine_replicas([part(1.0, 0.1, posterior="kinisi")] * 2).posterior == "kinisi"
    mixed = [part(1.0, 0.1, posterior="kinisi"), part(1.0, 0.1, posterior="closed form")]
    assert combine_replicas(mixed).posterior == "closed form and kinisi"
