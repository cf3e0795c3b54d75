"""Columns of ordered configurations: what is written can be judged anew."""

from __future__ import annotations

import math

import numpy as np

from dualion.results.columns import BY_KEY
from dualion.results.ensemble_columns import ensemble_columns, ensemble_of, judged_columns
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import DisorderEnsemble

ENSEMBLE = DisorderEnsemble(
    cation_ev=np.array([[0.3, 0.4, 0.5], [0.2, 0.3, 0.4], [0.1, 0.2, math.inf]]),
    anion_ev=np.array([[0.3, 0.4, 0.6], [0.4, 0.5, 0.7], [0.5, 0.6, 0.7]]),
)


def test_what_is_written_is_read_again():
    row = ensemble_columns(ENSEMBLE)
    assert row["ensemble_count"] == 3
    assert row["ensemble_e3d_cation_ev"] == "0.500000;0.400000;inf"
    again = ensemble_of(row)
    assert again is not None
    assert (again.cation_ev == ENSEMBLE.cation_ev).all()
    assert (again.anion_ev == ENSEMBLE.anion_ev).all()
    assert ensemble_of({"ensemble_e1d_cation_ev": ""}) is None


def test_summary_follows_the_criterion():
    in_3d = judged_columns(ENSEMBLE, DaiCriterion())
    assert in_3d["ensemble_pass_share"] == 1 / 3  # 1.2 passes, 1.75 and a blocked cation do not
    assert (in_3d["ensemble_cation_lowest_ev"], in_3d["ensemble_cation_highest_ev"]) == (
        0.4,
        math.inf,
    )
    assert in_3d["ensemble_cation_median_ev"] == 0.5
    assert in_3d["ensemble_anion_median_ev"] == 0.7
    in_1d = judged_columns(ENSEMBLE, DaiCriterion(dimensionality=1))
    assert in_1d["ensemble_cation_median_ev"] == 0.2
    assert set(in_3d) | set(ensemble_columns(ENSEMBLE)) <= set(BY_KEY)


def test_the_median_of_an_even_number_with_a_blocked_one_is_blocked():
    two = DisorderEnsemble(
        cation_ev=np.array([[0.3] * 3, [math.inf] * 3]), anion_ev=np.full((2, 3), 0.4)
    )
    assert judged_columns(two, DaiCriterion())["ensemble_cation_median_ev"] == math.inf
