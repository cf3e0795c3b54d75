"""The error of a potential's barriers: a distribution whose median is the stated one."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t as student

from dualion.screening.potential_error import (
    PAIR_ERRORS_EV,
    SOUND_EV,
    UNMEASURED,
    PotentialError,
    judge_pairs,
    potential_error,
)

KNOWN = PotentialError(median_absolute_ev=0.124, source="a test")


def test_half_of_the_errors_are_smaller_than_the_median() -> None:
    inside = KNOWN.probability_below(0.5, 0.624) - KNOWN.probability_below(0.5, 0.376)
    assert inside == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("barrier", [0.0, 0.4, 0.79, 0.81, 1.5, 4.0])
def test_it_is_students_distribution_with_two_degrees_of_freedom(barrier: float) -> None:
    scale = 0.124 / student.ppf(0.75, 2)
    assert KNOWN.probability_below(barrier) == pytest.approx(
        student.cdf((0.8 - barrier) / scale, 2)
    )


def test_no_way_through_is_certain_and_no_barrier_is_unknown() -> None:
    assert KNOWN.probability_below(math.inf) == 0.0
    assert math.isnan(KNOWN.probability_below(math.nan))


def test_a_potential_that_was_not_compared_is_believed_less() -> None:
    assert potential_error("emt") is UNMEASURED
    stated = potential_error("mace")
    assert stated.median_absolute_ev < UNMEASURED.median_absolute_ev
    assert stated.probability_below(0.4) > UNMEASURED.probability_below(0.4) > 0.5
    assert stated.probability_below(1.2) < UNMEASURED.probability_below(1.2) < 0.5


def test_pairs_are_believed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (judge_pairs("chgnet"), judge_pairs("emt")) == ("too_low", "unproven")
    for error, judged in ((-SOUND_EV, "sound"), (-1.01 * SOUND_EV, "too_low"), (0.1, "sound")):
        monkeypatch.setitem(PAIR_ERRORS_EV, "emt", error)
        assert judge_pairs("emt") == judged
