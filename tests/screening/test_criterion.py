"""The DAI criterion, its two readings, and the flags."""

from __future__ import annotations

import math

import pytest

from dualion.screening.criterion import (
    MAX_CATION_BARRIER_EV,
    MAX_RATIO,
    MIN_RATIO,
    DaiCriterion,
    barrier_ratio,
    grid_flags,
    judge_pair,
)
from dualion.structures.errors import InputError

INF = math.inf


def test_lithium_phosphate_passes_in_one_dimension_only():
    """design: O²⁻ of Li₃PO₄ passes on 1D (0.86) and fails on 3D (1.97)."""
    verdict = judge_pair((0.4785, 0.4785, 0.8008), (0.41, 0.92, 1.58), DaiCriterion())
    assert not verdict.dai
    assert verdict.dimensions == "1D"
    assert "dimensionality_decides" in verdict.flags
    assert verdict.ratios[0] == pytest.approx(0.857, abs=1e-3)
    assert verdict.ratios[2] == pytest.approx(1.973, abs=1e-3)


@pytest.mark.parametrize(
    ("cation", "anion", "passes"),
    [
        (0.999, 0.999, True),
        (1.0, 1.0, False),  # E_m < 1 eV is strict
        (0.4, 0.2, True),  # both ends of the ratio are included
        (0.4, 0.6, True),
        (0.4, 0.1999, False),
        (0.4, 0.6001, False),
        (INF, INF, False),
        (0.4, INF, False),
        (INF, 0.4, False),
        (0.0, 0.4, False),
        (0.0, 0.0, False),
    ],
)
def test_bounds(cation, anion, passes):
    assert judge_pair((cation,) * 3, (anion,) * 3, DaiCriterion()).dai is passes


def test_readings_disagree():
    """0.6 in one reading is 1.67 in the other."""
    verdict = judge_pair((0.5,) * 3, (0.3,) * 3, DaiCriterion())
    assert verdict.dai
    assert not verdict.dai_other_reading
    assert "ratio_reading_decides" in verdict.flags
    other = judge_pair((0.5,) * 3, (0.3,) * 3, DaiCriterion(reading="cation_over_anion"))
    assert (other.dai, other.dai_other_reading) == (False, True)


def test_chosen_dimensionality_decides():
    energies = (0.3, 0.5, 2.0), (0.3, 0.5, 2.0)
    by_dimension = [judge_pair(*energies, DaiCriterion(dimensionality=n)).dai for n in (1, 2, 3)]
    assert by_dimension == [True, True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimensionality": 4},
        {"min_ratio": 2.0},
        {"min_ratio": -0.1},
        {"max_cation_barrier_ev": 0.0},
        {"max_cation_barrier_ev": math.nan},
        {"reading": "other"},
    ],
)
def test_senseless_thresholds_are_refused(wrong):
    with pytest.raises(InputError):
        DaiCriterion(**wrong)


def below(number: float) -> float:
    return math.nextafter(number, -INF)


def above(number: float) -> float:
    return math.nextafter(number, INF)


def test_the_defaults_are_the_published_thresholds():
    """Cen et al. (2025): E_m(Li⁺) < 1 eV, 0.5 ≤ E_m(X)/E_m(Li⁺) ≤ 1.5."""
    assert (MAX_CATION_BARRIER_EV, MIN_RATIO, MAX_RATIO) == (1.0, 0.5, 1.5)
    asked = DaiCriterion()
    assert (asked.max_cation_barrier_ev, asked.min_ratio, asked.max_ratio) == (1.0, 0.5, 1.5)
    assert (asked.dimensionality, asked.reading) == (3, "anion_over_cation")


@pytest.mark.parametrize("limit", [1.0, 0.75])
def test_the_cation_must_be_below_its_threshold(limit):
    asked = DaiCriterion(max_cation_barrier_ev=limit)
    for barrier, passes in ((below(limit), True), (limit, False), (above(limit), False)):
        verdict = judge_pair((barrier,) * 3, (barrier,) * 3, asked)
        assert verdict.dai is passes
        assert verdict.cation_below is passes
        # A cation at its threshold fails whatever the anion does.
        assert judge_pair((barrier,) * 3, (INF,) * 3, asked).cation_below is passes


# Powers of two: these ratios are exact, so that one step of a float is on the other side.
@pytest.mark.parametrize(
    ("ratio", "passes"),
    [
        (0.5, True),
        (below(0.5), False),
        (above(0.5), True),
        (1.5, True),
        (below(1.5), True),
        (above(1.5), False),
    ],
)
@pytest.mark.parametrize("reading", ["anion_over_cation", "cation_over_anion"])
def test_both_bounds_of_the_ratio_belong_to_it(ratio, passes, reading):
    lower, upper = (0.5,) * 3, (0.5 * ratio,) * 3
    cation, anion = (lower, upper) if reading == "anion_over_cation" else (upper, lower)
    assert barrier_ratio(cation[0], anion[0], reading) == ratio
    asked = DaiCriterion(reading=reading)
    assert judge_pair(cation, anion, asked).dai is passes
    other = DaiCriterion(reading=asked.other_reading)
    assert judge_pair(cation, anion, other).dai_other_reading is passes


@pytest.mark.parametrize(
    ("cation", "anion", "ratio"),
    [
        (0.4, 0.6, 0.6 / 0.4),
        (0.4, 0.0, 0.0),
        (0.4, INF, INF),
        (0.0, 0.4, INF),
        (INF, 0.4, math.nan),  # no barrier of the cation to compare with
        (INF, 0.0, math.nan),
        (INF, INF, math.nan),
    ],
)
def test_ratio_of_barriers_that_are_not_there(cation, anion, ratio):
    found = judge_pair((cation,) * 3, (anion,) * 3, DaiCriterion()).ratios
    assert found == pytest.approx((ratio,) * 3, nan_ok=True)
    assert barrier_ratio(cation, anion, "anion_over_cation") == pytest.approx(ratio, nan_ok=True)
    assert barrier_ratio(anion, cation, "cation_over_anion") == pytest.approx(ratio, nan_ok=True)


def test_no_threshold_lets_an_ion_pass_that_does_not_percolate():
    generous = DaiCriterion(max_cation_barrier_ev=INF, min_ratio=0.0, max_ratio=INF)
    assert judge_pair((5.0,) * 3, (0.1,) * 3, generous).dai
    assert not judge_pair((5.0,) * 3, (INF,) * 3, generous).dai  # nor with an anion that does not
    for anion in (0.0, 0.4, INF):
        verdict = judge_pair((INF,) * 3, (anion,) * 3, generous)
        assert not verdict.dai
        assert not verdict.cation_below


def test_dimensionality_decides_only_where_another_one_judges_otherwise():
    alike = judge_pair((0.4,) * 3, (0.4,) * 3, DaiCriterion())
    assert alike.passes == (True, True, True)
    assert alike.flags == ()
    failing = judge_pair((0.4,) * 3, (0.9,) * 3, DaiCriterion())
    assert failing.passes == (False, False, False)
    assert failing.flags == ()
    for chosen in (1, 2, 3):
        mixed = judge_pair((0.4, 0.4, 0.4), (0.4, 0.4, 0.9), DaiCriterion(dimensionality=chosen))
        assert mixed.passes == (True, True, False)
        assert mixed.dimensions == "1D;2D"
        assert mixed.dai is (chosen < 3)
        assert mixed.flags == ("dimensionality_decides",)


def test_reading_decides_only_where_the_other_one_judges_otherwise():
    same = judge_pair((0.4,) * 3, (0.5,) * 3, DaiCriterion())  # 1.25 and 0.8
    assert (same.dai, same.dai_other_reading, same.flags) == (True, True, ())
    apart = judge_pair((0.5,) * 3, (0.3,) * 3, DaiCriterion())  # 0.6 and 1.67
    assert apart.passes_other_reading == (False, False, False)
    assert apart.flags == ("ratio_reading_decides",)
    # The reading matters at the dimensionality that was chosen, not at another one.
    elsewhere = judge_pair((0.5, 0.5, 0.5), (0.3, 0.5, 0.5), DaiCriterion())
    assert elsewhere.passes_other_reading == (False, True, True)
    assert elsewhere.flags == ()


@pytest.mark.parametrize(
    ("refined_cation", "refined_anion", "flags"),
    [
        ((0.4, 0.4, 0.4), (0.5, 0.5, 0.59), ()),  # passes as on the grid
        ((0.4, 0.4, 0.4), (0.5, 0.5, 0.61), ("grid_error_decides",)),
        ((0.4, 0.4, 0.4), (0.9, 0.9, 0.5), ()),  # what decides is 3D
        ((0.4, 0.4, INF), (0.5, 0.5, 0.5), ("grid_error_decides",)),
        ((0.4, 0.4, math.nan), (0.5, 0.5, 0.7), ()),  # not refined
        ((0.4, 0.4, 0.4), (math.nan, 0.5, 0.7), ()),
    ],
)
def test_grid_error_decides_where_refined_barriers_judge_otherwise(
    refined_cation, refined_anion, flags
):
    asked = DaiCriterion()
    passing = judge_pair((0.4,) * 3, (0.5,) * 3, asked)
    assert grid_flags(refined_cation, refined_anion, passing, asked) == flags


def test_grid_error_decides_also_where_the_grid_fails():
    asked = DaiCriterion()
    failing = judge_pair((0.4,) * 3, (0.61,) * 3, asked)
    assert grid_flags((0.4,) * 3, (0.59,) * 3, failing, asked) == ("grid_error_decides",)
    assert grid_flags((0.4,) * 3, (0.62,) * 3, failing, asked) == ()


def test_bounds_may_meet_and_may_be_zero():
    asked = DaiCriterion(min_ratio=1.0, max_ratio=1.0)
    for anion, passes in ((0.5, True), (below(0.5), False), (above(0.5), False)):
        assert judge_pair((0.5,) * 3, (anion,) * 3, asked).dai is passes
    assert judge_pair((0.5,) * 3, (0.0,) * 3, DaiCriterion(min_ratio=0.0)).dai
