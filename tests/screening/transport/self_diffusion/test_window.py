"""Where the fit starts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.slope import Slope, fit_slope
from dualion.screening.transport.self_diffusion.slope_variance import Variance
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN, StepShape
from dualion.screening.transport.self_diffusion.window import (
    WindowedSlope,
    _agrees,
    _difference_error,
    _find_precise,
    _find_settled,
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


def test_starts_grow_by_half_both_ways_from_the_least() -> None:
    assert candidate_starts(1000, 20) == [1, 2, 3, 4, 6, 9, 13, 20, 30, 45, 68, 102, 153, 230]
    assert candidate_starts(40, 8) == [1, 2, 3, 5, 8]  # 12 is beyond a quarter of the run
    assert candidate_starts(48, 8)[-1] == 12
    assert candidate_starts(40, 99) == [1, 2, 3, 5, 7, 10]
    assert candidate_starts(7) == [1] == candidate_starts(2) == candidate_starts(2, 0)


def fits_of(*changes: dict[str, float]) -> list[Slope]:
    """Slopes of independent errors 1, 2, 4 … about one value, changed as told."""
    base = fit_slope(LagCache(gaussian_walk(np.random.default_rng(2), 200, 4)).trace, 2, 200, 12)
    return [
        replace(
            base,
            **({"value": 1.0, "low": 0.0, "high": 2.0, "dof": 1e6} | change),
            variance=Variance(constant=4.0**number, linear=0.0, quadratic=0.0, jumps=0.0),
        )
        for number, change in enumerate(changes)
    ]


def test_the_error_of_a_difference_is_that_of_nested_estimates() -> None:
    """Variances 1 and 4 differ by 3; two of the same variance leave a quarter of it."""
    one, four = fits_of({}, {})
    assert _difference_error(one, four) == pytest.approx(np.sqrt(3.0))
    assert _difference_error(four, one) == pytest.approx(np.sqrt(3.0))
    assert _difference_error(one, one) == pytest.approx(0.5)
    near = replace(one, variance=replace(one.variance, constant=1.2))
    assert _difference_error(one, near) == pytest.approx(np.sqrt(0.3))
    # Both are taken at the early slope, whatever the late one is.
    rising = Variance(constant=0.0, linear=1.0, quadratic=0.0, jumps=0.0)
    early = replace(one, value=2.0, variance=rising)
    late = replace(one, value=50.0, variance=rising.scaled(4.0))
    assert _difference_error(early, late) == pytest.approx(np.sqrt(6.0))


def test_starts_disagree_beyond_three_errors_of_the_difference() -> None:
    """One chance in 670 on each side is 2.97 normal errors."""
    for factor, agrees in ((2.9, True), (3.05, False)):
        for sign in (1.0, -1.0):
            early, late = fits_of({}, {"value": 1.0 + sign * factor * np.sqrt(3.0)})
            assert _agrees(early, [late]) is agrees
    early, late = fits_of({}, {"value": 1.0 + 3.05 * np.sqrt(3.0), "dof": 5.0})
    assert _agrees(early, [late])  # Student's law has wider tails
    assert _agrees(early, [])


def test_the_fit_starts_twice_as_late_as_the_first_start_that_agrees() -> None:
    far = {"value": 30.0}
    clean = fits_of({"start": 1}, {"start": 2}, {"start": 4})
    assert _find_settled(clean) == 0
    bent = fits_of(far | {"start": 2}, {"start": 3}, {"start": 5}, {"start": 6}, {"start": 9})
    assert _find_settled(bent) == 3
    bent[3] = replace(bent[3], start=5)
    assert _find_settled(bent) == 4
    late = fits_of(far | {"start": 2}, {"start": 3}, {"start": 5})
    assert _find_settled(late) == 2  # none is late enough: the last


@pytest.mark.parametrize(("share", "chosen"), [(0.69, 1), (0.71, 0)])
def test_a_later_start_is_taken_for_an_interval_of_seven_tenths(share: float, chosen: int) -> None:
    wide, short = {"low": 0.0, "high": 2.0}, {"low": 1.0, "high": 1.0 + 2.0 * share}
    assert _find_precise(fits_of(wide, short, wide), 0) == chosen
    assert _find_precise(fits_of(wide, wide, {"low": 1.0, "high": 1.1}), 0) == 0  # the last
    assert _find_precise(fits_of({"low": 1.0, "high": 1.1}, wide, short, wide), 1) == 1 + chosen
    assert _find_precise(fits_of(wide, wide), 1) == 1
    assert _find_precise(fits_of(wide, {"low": 0.0, "high": 1.4}, wide), 0) == 0


def test_a_start_is_allowed_once_the_jumps_have_merged() -> None:
    """α₂ = 1 still counts as merged; where none is, the last start is taken and told."""
    series = LagCache(gaussian_walk(np.random.default_rng(4), 200, 30)).trace
    starts = candidate_starts(200)

    def shaped(first: int) -> WindowedSlope:
        def shape(lag: int) -> StepShape:
            return replace(GAUSSIAN, non_gaussian=1.0 if lag >= first else 1.01)

        return choose_window(series, 200, 90, shape=shape)

    late = shaped(starts[4])
    assert late.slope.start == starts[4]
    assert late.merged
    assert late.confirmed
    assert choose_window(series, 200, 90, least=20).slope.start == 20
    never = shaped(1000)
    assert never.slope.start == starts[-1]
    assert not never.merged
    assert not never.confirmed


def test_an_interval_stays_where_the_change_is_within_its_error() -> None:
    early, _, late = fits_of({"start": 2}, {"start": 3}, {"start": 4})
    off = _difference_error(early, late)
    inside = replace(late, value=early.value + 0.99 * off)
    beyond = replace(late, value=early.value + 1.01 * off)
    assert _widen(early, [inside]) is early
    wider = _widen(early, [beyond])
    assert wider.error > early.error
    sure = replace(early, error=0.0)
    assert _widen(sure, [beyond]) is sure
    four = replace(late, variance=replace(late.variance, constant=5.0), value=early.value + 2.0)
    assert _widen(early, [four]) is early  # a change of just its error
