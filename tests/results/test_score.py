"""The score: its parts, its weights, and that meaning comes before numbers."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest

from dualion.results.columns import SCORE_PARTS
from dualion.results.ranking import rank_candidates
from dualion.results.score import NEEDED, PARTS, ScoreWeights, score_parts, weighted_score
from dualion.structures.errors import InputError

BEST = {
    "dai": True,
    "source_id": "best",
    "flags": "",
    "anion_bound_fraction": 0.0,
    "e3d_cation_ev": 0.0,
    "e3d_anion_ev": 0.0,
    "ratio_3d": 1.0,
    "energy_above_hull_ev_atom": 0.0,
    "band_gap_ev": 5.0,
}
WORST = {
    "dai": True,
    "source_id": "worst",
    "flags": "dimensionality_decides;ratio_reading_decides;grid_error_decides",
    "anion_bound_fraction": 1.0,
    "e3d_cation_ev": 0.9,
    "e3d_anion_ev": math.inf,
    "ratio_3d": math.inf,
    "energy_above_hull_ev_atom": 0.4,
    "band_gap_ev": 0.0,
}


def test_ends_of_the_scale():
    assert set(score_parts(BEST, dimensionality=3).values()) == {1.0}
    assert all(part < 1e-12 for part in score_parts(WORST, dimensionality=3).values())


def test_unknown_counts_one_half():
    parts = score_parts(BEST | {"energy_above_hull_ev_atom": None, "band_gap_ev": None},
                        dimensionality=3)  # fmt: skip
    assert parts["stability"] == parts["gap"] == 0.5


def test_parts_in_between_follow_the_table():
    row = BEST | {"e3d_cation_ev": 0.3, "e3d_anion_ev": 0.75, "ratio_3d": math.sqrt(2.0)}
    row |= {
        "energy_above_hull_ev_atom": 0.025,
        "band_gap_ev": 1.0,
        "flags": "ratio_reading_decides",
    }
    parts = score_parts(row, dimensionality=3)
    assert parts["barriers"] == pytest.approx(0.5)
    assert parts["ratio"] == pytest.approx(0.5)
    assert parts["stability"] == pytest.approx(0.75)
    assert parts["gap"] == pytest.approx(0.25)
    assert parts["robustness"] == pytest.approx(0.7)


def test_a_ratio_that_symmetry_forces_earns_nothing():
    parts = score_parts(BEST | {"flags": "ratio_forced_by_symmetry"}, dimensionality=3)
    assert parts["ratio"] == parts["robustness"] == 0.0


def test_default_weights_put_every_free_anion_before_every_bound_one():
    weights = asdict(ScoreWeights())
    assert weights.pop("free_anion") >= sum(weights.values())
    free_but_worst = WORST | {"anion_bound_fraction": 0.0}
    bound_but_best = BEST | {"anion_bound_fraction": 1.0, "band_gap_ev": 3.9}
    ranked = rank_candidates([bound_but_best, free_but_worst])
    assert [row["source_id"] for row in ranked] == ["worst", "best"]


def test_weights_change_the_order_and_only_proportions_count():
    stable = BEST | {"source_id": "stable", "e3d_anion_ev": 1.2}
    quick = BEST | {"source_id": "quick", "energy_above_hull_ev_atom": 0.09}
    for weights, first in (({"barriers": 9.0}, "quick"), ({"stability": 9.0}, "stable")):
        ranked = rank_candidates([stable, quick], weights=ScoreWeights.of(weights))
        assert ranked[0]["source_id"] == first
    doubled = ScoreWeights(**{name: 2 * w for name, w in asdict(ScoreWeights()).items()})
    parts = score_parts(stable, dimensionality=3)
    assert weighted_score(parts, doubled) == pytest.approx(weighted_score(parts, ScoreWeights()))


@pytest.mark.parametrize(
    ("given", "says"),
    [({"bariers": 1.0}, "barriers"), ({"gap": -1.0}, "gap"), ({"gap": math.nan}, "gap")],
)
def test_senseless_weights_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        ScoreWeights.of(given)


def test_score_is_made_of_the_named_columns_alone():
    complete = BEST | {key: BEST.get(key) for key in NEEDED}
    only = {key: complete[key] for key in NEEDED}
    assert score_parts(only, dimensionality=3) == score_parts(complete, dimensionality=3)
    assert [column.key for column in SCORE_PARTS] == [f"score_{part}" for part in PARTS]
