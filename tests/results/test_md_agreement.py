"""When two potentials agree on an ion, both sides of each threshold; what it does to the score."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from dualion.results.md.agreement import (
    COLUMNS,
    agreement_share,
    compare_potentials,
    comparison_text,
    comparisons_csv,
    judge_agreement,
)
from dualion.results.ranking import rank_again
from dualion.results.score import rescored
from dualion.screening.transport.self_diffusion.coefficient import Diffusion

EMPTY = np.full((3, 3), np.nan)


def diffusion(verdict: str, d: float = math.nan, error: float = math.nan, high: float = math.inf):
    return Diffusion(
        species="Li",
        n_ions=32,
        d_cm2_s=d,
        error_cm2_s=error,
        low_cm2_s=math.nan,
        high_cm2_s=high,
        tensor_cm2_s=EMPTY,
        tensor_error_cm2_s=EMPTY,
        tensor_dof=math.nan,
        intercept_angstrom2=math.nan,
        window_ps=(math.nan, math.nan),
        n_eff=math.nan,
        relative_error_he_zhu_mo=math.nan,
        log_slope=math.nan,
        non_gaussian=math.nan,
        inflation=math.nan,
        verdict=verdict,  # type: ignore[arg-type]
        flags=(),
    )


MOVING = diffusion("diffusing", 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (diffusion("diffusing", 2.99e-5, 1e-8), True),
        (diffusion("diffusing", 3.01e-5, 1e-8), False),
        (diffusion("diffusing", 3.4e-6, 1e-8), True),
        (diffusion("diffusing", 3.2e-6, 1e-8), False),
        (diffusion("diffusing", 4e-5, 1.5e-5), True),  # 3e-5 apart, joint error 1.503e-5
        (diffusion("diffusing", 4e-5, 1.49e-5), False),
        (diffusion("vibrating", high=7.9e-6), False),
        (diffusion("vibrating", high=8.1e-6), None),  # D less two errors
        (diffusion("rotating", high=1e-7), False),
        (diffusion("not resolved", high=7.9e-6), False),
        (diffusion("not resolved", high=8.1e-6), None),
        (diffusion("not resolved"), None),
        (diffusion("vibrating", high=math.nan), None),
    ],
)
def test_a_diffusing_ion_against_another_potential(other: Diffusion, expected: bool | None) -> None:
    assert judge_agreement(MOVING, other) is expected
    assert judge_agreement(other, MOVING) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("vibrating", "vibrating", True),
        ("vibrating", "rotating", True),
        ("vibrating", "not resolved", None),
        ("not resolved", "not resolved", None),
    ],
)
def test_ions_that_are_not_seen_to_diffuse(one: str, other: str, expected: bool | None) -> None:
    pair = diffusion(one, high=1e-7), diffusion(other, high=1e-7)
    assert judge_agreement(*pair) is expected


def groups():
    slow = replace(MOVING, d_cm2_s=1e-6, error_cm2_s=1e-7)
    still = diffusion("vibrating", high=1e-7)
    return {
        ("7net-0", "perfect", "mlip"): {"Li+": {600.0: slow, 800.0: MOVING}, "I-": {600.0: still}},
        ("chgnet", "perfect", "mlip"): {"Li+": {600.0: MOVING}, "I-": {600.0: still}},
        ("chgnet", "schottky", "mlip"): {"Li+": {600.0: MOVING}, "I-": {600.0: MOVING}},
        ("mace", "perfect", "mlip"): {"Li+": {800.0: diffusion("not resolved")}, "I-": {}},
    }


def test_every_two_potentials_are_compared_where_both_were_run() -> None:
    found = compare_potentials(groups())
    told = [(*one.potentials, one.cell, one.temperature_k, one.ion, one.agree) for one in found]
    assert told == [
        ("7net-0", "chgnet", "perfect", 600.0, "Li+", False),
        ("7net-0", "chgnet", "perfect", 600.0, "I-", True),
        ("7net-0", "mace", "perfect", 800.0, "Li+", None),
    ]
    assert agreement_share(found) == 0.5
    assert agreement_share(found[2:]) is None
    said = comparison_text(found[0])
    assert "7net-0 diffusing, D = 1.00(10) × 10⁻⁶" in said or "7net-0 diffusing, D = " in said
    assert said.endswith("they DISAGREE") and "perfect 600 K Li+" in said


def test_the_table_has_d_where_it_is_resolved_and_a_limit_elsewhere() -> None:
    facts = {"source_id": "x", "formula": "LiI"}
    text = comparisons_csv((facts, one) for one in compare_potentials(groups()))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [row["agree"] for row in rows] == ["false", "true", ""]
    first, second, third = rows
    assert (first["d_cm2_s"], first["other_d_cm2_s"], first["d_ratio"]) == ("1e-06", "1e-05", "0.1")
    assert (second["d_cm2_s"], second["d_upper_cm2_s"], second["d_ratio"]) == ("", "1e-07", "")
    assert (third["other_verdict"], third["other_d_upper_cm2_s"]) == ("not resolved", "")


def test_disagreement_lowers_the_score_once_and_is_taken_back() -> None:
    row = {"score": 0.8, "score_potentials": None, "md_agreement": 0.25}
    changed = rescored(row, 0.5)
    assert changed == {"score": pytest.approx(0.4), "score_potentials": 0.25}
    assert rescored(row | changed, 0.5) == {}
    none = rescored(row | changed | {"md_agreement": None}, 0.5)
    assert none == {"score": pytest.approx(0.8), "score_potentials": None}
    assert rescored(row | {"md_agreement": 1.0}, 0.5)["score"] == pytest.approx(0.8)
    least = rescored(row | {"md_agreement": 0.0}, 0.5)  # no choice decides alone
    assert least["score"] == pytest.approx(0.8 * math.sqrt(0.1))
    assert rescored({"score": 0.8, "md_agreement": None}, 0.5) == {}


def test_a_lower_score_changes_the_rank_and_the_place_in_the_compound() -> None:
    ions = {"cation": "Li+", "anion": "I-", "reduced_formula": "LiI", "mechanism_anion": "vacancy"}
    first = ions | {"rank": 1, "score": 0.4, "source_id": "a", "compound_place": 1}
    second = ions | {"rank": 2, "score": 0.6, "source_id": "b", "compound_place": 2}
    again = rank_again([first, second], dimensionality=3)
    assert [(row["source_id"], row["rank"], row["compound_place"]) for row in again] == [
        ("b", 1, 1),
        ("a", 2, 2),
    ]
