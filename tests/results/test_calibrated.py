"""Calibrated columns: which barrier they take, and where they stay empty."""

from __future__ import annotations

import math

import pytest

from dualion.results.calibrated import calibrated_columns, fitted_mechanism
from dualion.results.columns import CALIBRATED, SCREENED
from dualion.screening.calibration_table import BARRIERS

ROW = {
    "cation": "Li+",
    "anion": "Br-",
    "mechanism_cation": "empty_lattice",
    "mechanism_anion": "vacancy",
    **{f"e{n}d_cation_refined_ev": 0.2 * n for n in (1, 2, 3)},
    **{f"e{n}d_anion_refined_ev": 0.3 * n for n in (1, 2, 3)},
    **{f"e{n}d_anion_rigid_ev": 0.5 * n for n in (1, 2, 3)},
}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_chosen_dimensionality_is_calibrated(n):
    columns = calibrated_columns(ROW, dimensionality=n)
    line = BARRIERS["cation empty_lattice"]["Li+"]
    expected = line["intercept_ev"] + line["slope"] * math.sqrt(0.2 * n)
    assert columns["e_calibrated_cation_ev"] == pytest.approx(expected)
    shift = BARRIERS["anion vacancy"]["pooled"]["intercept_ev"]
    assert columns["e_calibrated_anion_ev"] == pytest.approx(0.3 * n + shift)
    for ion in ("cation", "anion"):
        low, value, high = (columns[f"e_calibrated_{ion}{end}_ev"] for end in ("_low", "", "_high"))
        assert 0.0 <= low < value < high


@pytest.mark.parametrize(
    "change",
    [
        {"mechanism_anion": "empty_lattice"},
        {"mechanism_anion": "interstitial"},
        {"mechanism_anion": None},  # tables of older runs
        {f"e{n}d_anion_rigid_ev": 0.3 * n for n in (1, 2, 3)},  # a rigid lattice
        {"e3d_anion_refined_ev": 9.0},
        {"e3d_anion_refined_ev": math.inf},
        {"e3d_anion_refined_ev": None},
    ],
)
def test_no_calibration_no_number(change):
    columns = calibrated_columns(ROW | change, dimensionality=3)
    assert [columns[f"e_calibrated_anion{end}_ev"] for end in ("", "_low", "_high")] == [None] * 3
    assert columns["e_calibrated_cation_ev"] is not None


def test_the_judged_barrier_serves_where_none_was_refined():
    row = {"cation": "Na+", "e3d_cation_ev": 0.7, "e3d_cation_refined_ev": math.nan}
    line = BARRIERS["cation empty_lattice"]["Na+"]
    found = calibrated_columns(row, dimensionality=3)["e_calibrated_cation_ev"]
    assert found == pytest.approx(line["intercept_ev"] + line["slope"] * math.sqrt(0.7))


def test_the_columns_are_those_of_the_schema():
    assert [c.key for c in CALIBRATED] == list(calibrated_columns(ROW, dimensionality=3))
    assert set(CALIBRATED) <= set(SCREENED)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_barrier_that_the_lattice_lowered_shows_a_relaxing_lattice(n):
    """Of three barriers two are those of the rigid lattice: the third tells that it relaxed."""
    rigid = {f"e{m}d_anion_rigid_ev": 0.3 * m for m in (1, 2, 3)}
    assert fitted_mechanism(ROW | rigid, "anion") is None
    rigid[f"e{n}d_anion_rigid_ev"] = 0.3 * n + 0.2
    assert fitted_mechanism(ROW | rigid, "anion") == "vacancy"
    alone = {f"e{m}d_anion_rigid_ev": None for m in (1, 2, 3)}
    alone[f"e{n}d_anion_rigid_ev"] = 0.3 * n
    assert fitted_mechanism(ROW | alone, "anion") is None
