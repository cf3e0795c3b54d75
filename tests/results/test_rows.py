"""Rows of the tables: each column holds what the result says, and no other number."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dualion.results.columns import BY_KEY, Row
from dualion.results.rejudging import rejudge
from dualion.results.rows import Identity, known_barriers, result_rows
from dualion.results.score import score_parts
from dualion.results.tables import format_value
from dualion.screening.barrier_types import IonBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion, judge_pair
from dualion.screening.ions import MobileIon
from dualion.screening.screen_result import PairResult, ScreenResult
from dualion.structures.crystal import IonicCrystal

CATION = IonBarriers(
    ion=MobileIon(3, 1.0),
    barriers_ev=(0.31, 0.32, 0.33),
    from_region_ev=(0.21, 0.22, 0.23),
    refined_ev=(0.301, 0.302, 0.303),
    quality=ParameterQuality.TABULATED,
    shape=(20, 20, 20),
)
ANION = IonBarriers(
    ion=MobileIon(17, -1.0),
    barriers_ev=(0.41, 0.42, 0.43),
    from_region_ev=(0.11, 0.12, 0.13),
    refined_ev=(0.401, 0.402, 0.403),
    quality=ParameterQuality.TABULATED,
    shape=(20, 20, 20),
)
CRYSTAL = IonicCrystal(
    cell=4.0 * np.eye(3),
    frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
    numbers=np.array([3, 17]),
    charges=np.array([1.0, -1.0]),
    occupancies=np.ones(2),
)


def row_of(cation: IonBarriers = CATION, anion: IonBarriers = ANION, *, bound: float = 0.0) -> Row:
    verdict = judge_pair(cation.barriers_ev, anion.barriers_ev, DaiCriterion())
    pair = PairResult(
        cation=cation,
        anion=anion,
        cation_ev=cation.barriers_ev,
        anion_ev=anion.barriers_ev,
        verdict=verdict,
        published_anion=anion,
        published_verdict=verdict,
        bound_fraction=bound,
        bound_strength=bound,
        flags=verdict.flags,
    )
    identity = Identity(source="here", source_id="one", metadata={})
    return result_rows(identity, ScreenResult(crystal=CRYSTAL, pairs=(pair,)))[0]


def test_each_barrier_stands_in_its_own_column() -> None:
    row = row_of()
    for n in (1, 2, 3):
        for name, ion in (("cation", CATION), ("anion", ANION)):
            assert row[f"e{n}d_{name}_ev"] == ion.barriers_ev[n - 1]
            assert row[f"e{n}d_{name}_region_ev"] == ion.from_region_ev[n - 1]
            assert row[f"e{n}d_{name}_refined_ev"] == ion.refined_ev[n - 1]
        ratio = ANION.barriers_ev[n - 1] / CATION.barriers_ev[n - 1]
        assert row[f"ratio_{n}d"] == pytest.approx(ratio)
    known = known_barriers(row)
    assert known["Li+"].from_region_ev == CATION.from_region_ev
    assert known["Cl-"].refined_ev == ANION.refined_ev
    assert known["Cl-"].barriers_ev == ANION.barriers_ev


@pytest.mark.parametrize(
    ("share", "bound"), [(0.0, False), (0.25, False), (0.499, False), (0.5, True), (0.8, True)]
)
def test_an_anion_is_bound_from_half_of_its_sites_on(share: float, bound: bool) -> None:
    row = row_of(bound=share)
    assert row["anion_bound"] is bound
    assert row["anion_bound_fraction"] == share


def test_a_cation_that_does_not_percolate_has_no_ratio() -> None:
    row = row_of(replace(CATION, barriers_ev=(0.3, math.inf, math.inf)))
    texts = [format_value(row[f"ratio_{n}d"], BY_KEY[f"ratio_{n}d"]) for n in (1, 2, 3)]
    assert texts == ["1.366667", "", ""]
    assert row["dai"] is False
    anew, below = rejudge(row, DaiCriterion())
    assert math.isnan(float(anew["ratio_3d"]))  # type: ignore[arg-type]
    assert not below
    # No credit for a ratio that is not there; an unknown one would get some.
    assert score_parts(row, dimensionality=3)["ratio"] == 0.0
    assert 0.0 < score_parts(row, dimensionality=1)["ratio"] < 1.0


def test_an_anion_that_does_not_percolate_has_an_infinite_ratio() -> None:
    row = row_of(anion=replace(ANION, barriers_ev=(0.4, 0.4, math.inf)))
    assert format_value(row["ratio_3d"], BY_KEY["ratio_3d"]) == "inf"
    assert row["dai_dimensions"] == "1D;2D"


@pytest.mark.parametrize(("refined", "flagged"), [(0.49, False), (0.51, True)])
def test_a_row_judged_anew_says_where_the_grid_decides(refined: float, flagged: bool) -> None:
    """0.33 eV for the cation: 1.5 times that is 0.495 eV."""
    row = row_of(
        replace(CATION, refined_ev=(0.33,) * 3), replace(ANION, refined_ev=(0.4, 0.4, refined))
    )
    anew, below = rejudge(row, DaiCriterion())
    assert ("grid_error_decides" in str(anew["flags"]).split(";")) is flagged
    assert anew["dai"] is True
    assert below


def test_both_readings_of_the_ratio_stand_in_the_row() -> None:
    """0.6 in one reading is 1.67 in the other, beyond 1.5."""
    cation = replace(CATION, barriers_ev=(0.5,) * 3, refined_ev=(0.5,) * 3)
    row = row_of(cation, replace(ANION, barriers_ev=(0.3,) * 3, refined_ev=(0.3,) * 3))
    assert (row["dai"], row["dai_other_reading"]) == (True, False)
    anew, _ = rejudge(row, DaiCriterion(reading="cation_over_anion"))
    assert (anew["dai"], anew["dai_other_reading"]) == (False, True)
    assert anew["flags"] == "ratio_reading_decides"


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_barriers_that_were_not_refined_decide_nothing(unknown: float | None) -> None:
    row = row_of()
    row |= {f"e{n}d_{ion}_refined_ev": unknown for n in (1, 2, 3) for ion in ("cation", "anion")}
    anew, _ = rejudge(row, DaiCriterion())
    assert anew["dai"] is True
    assert "grid_error_decides" not in str(anew["flags"])
