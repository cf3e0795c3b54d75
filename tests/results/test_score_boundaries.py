"""Each part of the score at its ends and between them; the order of the ranking to the last digit.

The ends are those of the table in docs/ranking.md.
"""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path

import pytest
from scipy import stats

from dualion.results.ranking import rank_candidates
from dualion.results.score import PARTS, ScoreWeights, combined_score, score_columns, score_parts
from dualion.screening.calibration import barrier_calibration
from dualion.screening.calibration_table import MOBILITY
from dualion.structures.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def part(name, dimensionality=3, **row):
    return score_parts(row, dimensionality=dimensionality)[name]


@pytest.mark.parametrize("ion", ["Li+", "Na+", "Mg2+"])
@pytest.mark.parametrize("ev", [0.3, 0.9, 1.7, 5.0, math.inf, None])
def test_cation_moves(ion, ev):
    """The Student distribution of the table's line, at the end of its range beyond it."""
    found = part("cation_moves", cation=ion, e3d_cation_ev=ev)
    line = barrier_calibration("empty_lattice", ion, "cation")
    if ev is None:
        assert math.isnan(found)
    elif math.isinf(ev):
        assert found == 0.0
    else:
        root = math.sqrt(min(ev, line.highest_ev))
        aa, ab, bb = line.covariance
        error = math.sqrt(line.scatter_ev**2 + aa + 2 * ab * root + bb * root**2)
        centre = line.intercept_ev + line.slope * root
        assert found == pytest.approx(stats.t.cdf((0.8 - centre) / error, line.freedom))


@pytest.mark.parametrize("ev", [0.0, 0.4, 3.0, 9.0, math.inf])
@pytest.mark.parametrize("bound", [0.0, 0.5, 1.0])
def test_anion_moves(ev, bound):
    model = MOBILITY["vacancy"]
    root = min(math.sqrt(ev), 2.0)
    logit = model["intercept"] + model["slope"] * root + model["bound_slope"] * bound
    found = part("anion_moves", mechanism_anion="vacancy", e3d_anion_ev=ev,
                 anion_bound_fraction=bound)  # fmt: skip
    assert found == pytest.approx(1.0 / (1.0 + math.exp(-logit)))


def test_agreement_is_the_difference_of_both_probabilities():
    row = {"mechanism_anion": "vacancy", "e3d_anion_ev": 0.4, "published_e3d_anion_ev": 1.5}
    deciding = part("anion_moves", **row)
    published = part("anion_moves", mechanism_anion="empty_lattice", e3d_anion_ev=1.5)
    assert part("agreement", **row) == pytest.approx(1.0 - abs(deciding - published))
    assert math.isnan(part("agreement", e3d_anion_ev=0.4))
    assert math.isnan(part("agreement", **row | {"published_e3d_anion_ev": None}))


@pytest.mark.parametrize(
    ("gii", "expected"),
    [(0.0, 1.0), (0.2, 1.0), (0.25, 0.75), (0.4, 0.0), (0.9, 0.0), (None, math.nan)],
)
def test_structure(gii, expected):
    assert part("structure", gii_vu=gii) == pytest.approx(expected, nan_ok=True)


def test_disorder():
    assert part("disorder", flags="") == 1.0
    assert math.isnan(part("disorder", flags="weighted_occupancies"))
    for share in (0.0, 0.5, 1.0):
        found = part("disorder", flags="weighted_occupancies", ensemble_pass_share=share)
        assert found == share


def test_the_chosen_dimensionality_counts():
    row = {f"e{n}d_{ion}_ev": 0.15 * n for n in (1, 2, 3) for ion in ("cation", "anion")}
    row |= {f"ratio_{n}d": 2.0 ** (n / 4) for n in (1, 2, 3)}
    for n in (1, 2, 3):
        found = score_parts(row, dimensionality=n)
        assert found["cation_moves"] == part("cation_moves", e3d_cation_ev=0.15 * n)
        assert found["anion_moves"] == part("anion_moves", e3d_anion_ev=0.15 * n)
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
     (0.0, 0.0), (math.inf, 0.0), (None, math.nan), (math.nan, math.nan), (-1.0, 0.0)],
)  # fmt: skip
def test_ratio(ratio, expected):
    assert part("ratio", ratio_3d=ratio) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert part("ratio", ratio_3d=ratio, flags="ratio_forced_by_symmetry") == 0.0


@pytest.mark.parametrize(
    ("hull", "expected"),
    [(0.0, 1.0), (0.025, 0.75), (0.1, 0.0), (0.3, 0.0), (-0.01, 1.0), (None, math.nan)],
)
def test_stability(hull, expected):
    assert part("stability", energy_above_hull_ev_atom=hull) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("ions", "expected"),
    [("Li+;Cl-;Y3+", 1.0), ("Li+;O2-;P5+;Ti4+", 0.5), ("Li+;O2-;Fe2+", 0.0),
     ("Li+;O2-;Mn3.5+", 0.0),
     ("Li+;O2-;Ti4+;Co3+", 0.0), ("Cu+;I-", 0.5), ("Li+;S2-;Sn4+;P5+", 1.0), (None, math.nan)],
)  # fmt: skip
def test_redox(ions, expected):
    """Two states are common for Ti, Fe, Mn, Co and Cu; Y has one, and Sn is no d-block metal."""
    assert part("redox", oxidation_states=ions) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("gap", "expected"), [(0.0, 0.0), (1.0, 0.25), (4.0, 1.0), (8.0, 1.0), (None, math.nan)]
)
def test_gap(gap, expected):
    assert part("gap", band_gap_ev=gap) == pytest.approx(expected, nan_ok=True)


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


def test_a_score_is_the_product_of_its_parts():
    """Powers 1, 1, 1, then a half, then a quarter; a tenth is the least that most parts count."""
    powers = dict(zip(PARTS, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.5], strict=True))
    ones = dict.fromkeys(PARTS, 1.0)
    for name, power in powers.items():
        assert combined_score(ones | {name: 0.5}, ScoreWeights()) == pytest.approx(0.5**power)
        unknown = combined_score(ones | {name: math.nan}, ScoreWeights())
        assert unknown == pytest.approx(1.0 if name == "potentials" else 0.5**power)
        least = {"cation_moves": 0.0, "anion_moves": 0.0, "free_anion": 0.001}.get(name, 0.1)
        assert combined_score(ones | {name: 0.0}, ScoreWeights()) == pytest.approx(least**power)
    columns = score_columns({}, dimensionality=3, weights=ScoreWeights())
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
    """Cu+ and Ag+ share the pooled calibration."""
    rows = [
        candidate("b", cation="Cu+"), candidate("a", "S2-", cation="Cu+"),
        candidate("a", "I-", cation="Cu+"), candidate("a", "I-", cation="Ag+"),
    ]  # fmt: skip
    ranked = rank_candidates(rows)
    assert [(r["source_id"], r["cation"], r["anion"]) for r in ranked] == [
        ("a", "Ag+", "I-"), ("a", "Cu+", "I-"), ("a", "Cu+", "S2-"), ("b", "Cu+", "I-")
    ]  # fmt: skip


def test_scores_are_compared_as_the_table_shows_them():
    """The score falls by about 2 per eV: 1e-8 eV are not seen, 1e-4 eV are."""
    near = rank_candidates([candidate("b", ev=0.3), candidate("a", ev=0.30000001)])
    assert [row["source_id"] for row in near] == ["a", "b"]
    apart = rank_candidates([candidate("b", ev=0.3), candidate("a", ev=0.3005)])
    assert [row["source_id"] for row in apart] == ["b", "a"]


def test_only_rows_that_pass_are_ranked():
    rows = [candidate("a"), candidate("b", dai=False), candidate("c", dai=None)]
    assert [(row["rank"], row["source_id"]) for row in rank_candidates(rows)] == [(1, "a")]


def test_the_documented_weights_are_those_of_the_code():
    text = (ROOT / "docs" / "ranking.md").read_text(encoding="utf-8")
    told = {name: float(weight) for name, weight in
            re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) \|$", text, flags=re.MULTILINE)}  # fmt: skip
    assert told == {field.name: field.default for field in fields(ScoreWeights)}
