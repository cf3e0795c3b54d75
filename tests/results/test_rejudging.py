"""Rows judged anew: calibrations, the recipe, guests and configurations."""

from __future__ import annotations

import math

import numpy as np

from dualion.results.calibrated import as_number, fitted_mechanism, mechanism_of, raw_barrier
from dualion.results.ensemble_columns import ensemble_columns
from dualion.results.ranking import rank_candidates
from dualion.results.rejudging import rejudge
from dualion.results.row_chemistry import elements_of, has_neutral_atoms
from dualion.screening.criterion import DaiCriterion
from dualion.screening.disorder_ensemble import DisorderEnsemble


def row_of(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {"cation": "Li+", "anion": "Br-", "status": "ok", "flags": ""}
    for n in (1, 2, 3):
        for ion, ev in (("cation", 0.3), ("anion", 0.36)):
            base[f"e{n}d_{ion}_ev"] = base[f"e{n}d_{ion}_refined_ev"] = ev + 0.01 * n
            base[f"e{n}d_{ion}_grid_ev"] = ev + 0.01 * n
        base[f"published_e{n}d_anion_ev"] = 0.6 + 0.01 * n
    return base | changes


def test_a_row_has_its_verdict_its_ratios_and_that_of_the_recipe() -> None:
    fresh, below = rejudge(row_of(), DaiCriterion())
    assert below and fresh["dai"] is True
    for n in (1, 2, 3):
        assert fresh[f"ratio_{n}d"] == (0.36 + 0.01 * n) / (0.3 + 0.01 * n)
        assert fresh[f"published_ratio_{n}d"] == (0.6 + 0.01 * n) / (0.3 + 0.01 * n)
    assert fresh["published_dai"] is False
    assert "mechanism_decides" in str(fresh["flags"]).split(";")
    assert fresh["e_calibrated_cation_ev"] is not None
    plain, _ = rejudge(row_of(), DaiCriterion(), calibrated=False)
    assert "e_calibrated_cation_ev" not in plain
    old, _ = rejudge(row_of(flags="mechanism_decides;high_gii"), DaiCriterion(max_ratio=3.0))
    assert old["flags"] == "high_gii"  # flags of the verdict are made anew
    blocked, below = rejudge(row_of(e3d_cation_ev=math.inf), DaiCriterion())
    assert not below and blocked["dai"] is False
    missing, _ = rejudge(row_of(e3d_cation_ev=None), DaiCriterion())
    assert missing["dai"] is False
    flat, _ = rejudge(row_of(e3d_anion_ev=9.0), DaiCriterion(dimensionality=2))
    assert (flat["dai"], flat["dai_dimensions"]) == (True, "1D;2D")


def test_configurations_are_judged_with_the_row() -> None:
    cation, anion = np.full((4, 3), 0.3), np.full((4, 3), 0.36)
    anion[:3, 2] = [0.9, 1.0, math.inf]
    ensemble = DisorderEnsemble(cation_ev=cation, anion_ev=anion)
    fresh, _ = rejudge(row_of(**ensemble_columns(ensemble)), DaiCriterion())
    assert fresh["ensemble_pass_share"] == 0.25
    assert fresh["ensemble_anion_median_ev"] == 0.95
    assert (fresh["ensemble_anion_lowest_ev"], fresh["ensemble_anion_highest_ev"]) == (
        0.36,
        math.inf,
    )
    assert "disorder_decides" in str(fresh["flags"]).split(";")
    half = DisorderEnsemble(cation_ev=cation[:2], anion_ev=anion[[0, 2]])
    fresh, _ = rejudge(row_of(**ensemble_columns(half)), DaiCriterion())
    assert fresh["ensemble_anion_median_ev"] == math.inf
    flat, _ = rejudge(row_of(**ensemble_columns(ensemble)), DaiCriterion(dimensionality=2))
    assert flat["ensemble_pass_share"] == 1.0


def test_a_guest_is_judged_by_its_room_and_its_insertion() -> None:
    guest = row_of(
        mechanism_anion="interstitial guest", guest_room_share=0.8, guest_insertion_ev=0.1,
        **{f"guest_e{n}d_no_cations_ev": 0.36 + 0.01 * n for n in (1, 2, 3)},
    )  # fmt: skip
    fits, _ = rejudge(guest, DaiCriterion())
    assert fits["dai"] is True
    assert "published_dai" not in fits
    tight, _ = rejudge(guest | {"guest_room_share": 0.1}, DaiCriterion())
    assert tight["dai"] is False
    removed = {f"guest_e{n}d_no_cations_ev": 5.0 for n in (1, 2, 3)}
    decided, _ = rejudge(guest | removed, DaiCriterion())
    assert decided["flags"] != fits["flags"]


def test_barriers_that_decide_are_refined_ones_where_there_are_any() -> None:
    assert raw_barrier({"e2d_anion_refined_ev": 0.2, "e2d_anion_ev": 0.3}, "anion", 2) == 0.2
    assert raw_barrier({"e2d_anion_refined_ev": math.nan, "e2d_anion_ev": 0.3}, "anion", 2) == 0.3
    assert math.isnan(raw_barrier({}, "anion", 2))
    assert as_number(True) == 1.0 and math.isnan(as_number("0.3"))
    assert mechanism_of({}, "anion") == "empty_lattice"
    hops = {"mechanism_anion": "vacancy"}
    same = {f"e{n}d_anion_{kind}_ev": 0.1 * n for n in (1, 2, 3) for kind in ("refined", "rigid")}
    assert fitted_mechanism(hops, "anion") == "vacancy"
    assert fitted_mechanism(hops | same, "anion") is None
    assert fitted_mechanism(hops | same | {"e3d_anion_refined_ev": 9.0}, "anion") == "vacancy"
    only = {"e1d_anion_rigid_ev": 0.1, "e1d_anion_refined_ev": 0.1}
    assert fitted_mechanism(hops | only, "anion") is None


def test_elements_and_neutral_atoms_are_read_from_the_row() -> None:
    assert elements_of({"reduced_formula": "Li3PS4", "anion": "I-"}) == {"Li", "P", "S", "I"}
    assert elements_of({"reduced_formula": None, "anion": None}) == frozenset()
    assert has_neutral_atoms({"oxidation_states": "Li+;C0"})
    assert not has_neutral_atoms({"oxidation_states": "Li+;S2-"})
    assert not has_neutral_atoms({})


def test_candidates_are_those_that_nothing_sets_aside() -> None:
    rows = [
        row_of(dai=True, source_id="a", reduced_formula="LiBr"),
        row_of(dai=True, source_id="b", reduced_formula="LiBr", set_aside="costly"),
        row_of(dai=False, source_id="c"),
        row_of(dai=True, source_id="d", reduced_formula="LiBr"),
    ]
    ranked = rank_candidates(rows)
    assert [(row["rank"], row["source_id"]) for row in ranked] == [(1, "a"), (2, "d")]
    assert [row["compound_place"] for row in ranked] == [1, 2]
    assert {row["compound_structures"] for row in ranked} == {2}
