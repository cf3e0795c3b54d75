"""Each part of the score at its ends and between them; the order of the ranking to the last digit.

The ends are those of the table in docs/ranking.md.
"""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path

import pytest

from dualion.results.ranking import rank_candidates
from dualion.results.score import PARTS, ScoreWeights, score_columns, score_parts, weighted_score
from dualion.structures.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def part(name, dimensionality=3, **row):
    return score_parts(row, dimensionality=dimensionality)[name]


@pytest.mark.parametrize(
    ("cation", "anion", "expected"),
    [
        (0.0, 0.0, 1.0),
        (0.75, 0.0, 0.5),
        (0.0, 0.75, 0.5),  # the slower ion counts
        (0.3, 0.6, 0.6),
        (1.5, 0.3, 0.0),
        (1.2, 1.2, 0.2),
        (2.0, 0.3, 0.0),
        (0.3, math.inf, 0.0),
        (None, 0.3, 0.5),
    ],
)
def test_barriers(cation, anion, expected):
    found = part("barriers", e3d_cation_ev=cation, e3d_anion_ev=anion)
    assert found == pytest.approx(expected, abs=1e-12)


def test_the_chosen_dimensionality_counts():
    row = {f"e{n}d_{ion}_ev": 0.15 * n for n in (1, 2, 3) for ion in ("cation", "anion")}
    row |= {f"ratio_{n}d": 2.0 ** (n / 4) for n in (1, 2, 3)}
    for n in (1, 2, 3):
        found = score_parts(row, dimensionality=n)
        assert found["barriers"] == pytest.approx(1.0 - 0.1 * n)
        assert found["ratio"] == pytest.approx(1.0 - n / 4)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", 1.0),
        (None, 1.0),
        ("weighted_occupancies", 1.0),
        ("dimensionality_decides", 0.5),
        ("ratio_reading_decides", 0.7),
        ("grid_error_decides", 0.8),
        ("dimensionality_decides;grid_error_decides", 0.3),
        ("dimensionality_decides;ratio_reading_decides", 0.2),
        ("ratio_reading_decides;anion_bound;grid_error_decides", 0.5),
        ("ratio_forced_by_symmetry", 0.0),
    ],
)
def test_robustness(flags, expected):
    assert part("robustness", flags=flags) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(1.0, 1.0), (2.0, 0.0), (0.5, 0.0), (4.0, 0.0), (2**0.25, 0.75), (2**-0.25, 0.75),
     (0.0, 0.0), (math.inf, 0.0), (None, 0.5), (math.nan, 0.5), (-1.0, 0.0)],
)  # fmt: skip
def test_ratio(ratio, expected):
    assert part("ratio", ratio_3d=ratio) == pytest.approx(expected, abs=1e-12)
    assert part("ratio", ratio_3d=ratio, flags="ratio_forced_by_symmetry") == 0.0


@pytest.mark.parametrize(
    ("hull", "expected"),
    [(0.0, 1.0), (0.025, 0.75), (0.1, 0.0), (0.3, 0.0), (-0.01, 1.0), (None, 0.5)],
)
def test_stability(hull, expected):
    assert part("stability", energy_above_hull_ev_atom=hull) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("gap", "expected"), [(0.0, 0.0), (1.0, 0.25), (4.0, 1.0), (8.0, 1.0), (None, 0.5)]
)
def test_gap(gap, expected):
    assert part("gap", band_gap_ev=gap) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"anion_bound_fraction": 0.0}, 1.0),
        ({"anion_bound_fraction": 0.2, "anion_bound": True}, 0.8),
        ({"anion_bound_fraction": 1.0, "anion_bound": False}, 0.0),
        ({"anion_bound": True}, 0.0),  # tables of other programs may lack the fraction
        ({"anion_bound": False}, 1.0),
        ({}, 1.0),
    ],
)
def test_free_anion(row, expected):
    assert part("free_anion", **row) == pytest.approx(expected)


def test_a_score_is_the_weighted_mean_of_its_parts():
    """The default weights are 8, 2, 2, 2, 1, 1: 16 together."""
    parts = dict.fromkeys(PARTS, 0.0)
    weights = {"free_anion": 8, "barriers": 2, "robustness": 2, "stability": 2, "ratio": 1,
               "gap": 1}  # fmt: skip
    assert list(weights) == list(PARTS)
    for name, weight in weights.items():
        found = weighted_score(parts | {name: 1.0}, ScoreWeights())
        assert found == pytest.approx(weight / 16)
    row = {"anion_bound_fraction": 0.5, "e3d_cation_ev": 0.3, "e3d_anion_ev": 0.3}
    columns = score_columns(row, dimensionality=3, weights=ScoreWeights())
    # 8 × 0.5 + 2 × 0.8 + 2 × 1 + 2 × 0.5 + 1 × 0.5 + 1 × 0.5 = 9.6
    assert columns["score"] == pytest.approx(9.6 / 16)
    assert list(columns) == ["score", *(f"score_{name}" for name in PARTS)]


def test_zero_weights_are_refused_only_all_together():
    names = [field.name for field in fields(ScoreWeights)]
    for name in names:
        ScoreWeights(**{other: float(other == name) for other in names})
    with pytest.raises(InputError, match="All weights"):
        ScoreWeights(**dict.fromkeys(names, 0.0))
    with pytest.raises(InputError, match="gap"):
        ScoreWeights(gap=-1e-9)
    with pytest.raises(InputError, match="gap"):
        ScoreWeights(gap=math.inf)


def candidate(name, anion="I-", ev=0.3, **changes):
    row = {"dai": True, "source_id": name, "cation": "Li+", "anion": anion}
    return row | {"e3d_cation_ev": ev, "e3d_anion_ev": ev, "ratio_3d": 1.0} | changes


def test_equal_scores_are_ordered_by_name_cation_and_anion():
    rows = [
        candidate("b"), candidate("a", "S2-"), candidate("a", "I-"),
        candidate("a", "I-", cation="Ag+"),
    ]  # fmt: skip
    ranked = rank_candidates(rows)
    assert [(r["source_id"], r["cation"], r["anion"]) for r in ranked] == [
        ("a", "Ag+", "I-"), ("a", "Li+", "I-"), ("a", "Li+", "S2-"), ("b", "Li+", "I-")
    ]  # fmt: skip


def test_scores_are_compared_as_the_table_shows_them():
    """2 of 16 weights fall on the barriers: 1e-6 eV changes the score by 8e-8, 1e-4 eV by 8e-6."""
    near = rank_candidates([candidate("b", ev=0.3), candidate("a", ev=0.300001)])
    assert [row["source_id"] for row in near] == ["a", "b"]
    apart = rank_candidates([candidate("b", ev=0.3), candidate("a", ev=0.3001)])
    assert [row["source_id"] for row in apart] == ["b", "a"]


def test_only_rows_that_pass_are_ranked():
    rows = [candidate("a"), candidate("b", dai=False), candidate("c", dai=None)]
    assert [(row["rank"], row["source_id"]) for row in rank_candidates(rows)] == [(1, "a")]


def test_the_documented_weights_are_those_of_the_code():
    text = (ROOT / "docs" / "ranking.md").read_text(encoding="utf-8")
    told = {name: float(weight) for name, weight in
            re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", text, flags=re.MULTILINE)}  # fmt: skip
    assert told == {field.name: field.default for field in fields(ScoreWeights)}
