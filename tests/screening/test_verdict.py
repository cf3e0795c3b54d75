"""The DAI criterion, its two readings, and the flags."""

from __future__ import annotations

import math

import pytest

from dualion.screening.criterion import DaiCriterion, judge
from dualion.structures.errors import InputError

INF = math.inf


def test_lithium_phosphate_passes_in_one_dimension_only():
    """design: O²⁻ of Li₃PO₄ passes on 1D (0.86) and fails on 3D (1.97)."""
    verdict = judge((0.4785, 0.4785, 0.8008), (0.41, 0.92, 1.58), DaiCriterion())
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
    assert judge((cation,) * 3, (anion,) * 3, DaiCriterion()).dai is passes


def test_readings_disagree():
    """0.6 in one reading is 1.67 in the other."""
    verdict = judge((0.5,) * 3, (0.3,) * 3, DaiCriterion())
    assert verdict.dai
    assert not verdict.dai_other_reading
    assert "ratio_reading_decides" in verdict.flags
    other = judge((0.5,) * 3, (0.3,) * 3, DaiCriterion(reading="cation_over_anion"))
    assert (other.dai, other.dai_other_reading) == (False, True)


def test_chosen_dimensionality_decides():
    energies = (0.3, 0.5, 2.0), (0.3, 0.5, 2.0)
    by_dimension = [judge(*energies, DaiCriterion(dimensionality=n)).dai for n in (1, 2, 3)]
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
