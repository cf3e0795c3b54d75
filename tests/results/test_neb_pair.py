"""Columns of barriers with a potential: what is unknown stays empty, verdicts by one criterion."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from dualion.results.columns import NEB
from dualion.results.neb.pair import NebPair, activation_ev, by_key, neb_columns, neb_columns_of
from dualion.results.store import Store, read_neb_pairs, write_neb_pairs
from dualion.screening.criterion import DaiCriterion
from dualion.screening.triple import Triple

CRITERION = DaiCriterion()
PAIR = NebPair(
    structure_key="0123",
    cation="Li+",
    anion="Cl-",
    potential="chgnet",
    cation_ev=Triple(0.3, 0.4, 0.5),
    anion_ev=Triple(0.45, 0.6, 0.7),
    hops=3,
    hops_left=1,
    flags=("not_converged", "other_ion_along"),
    pairs_ev={"schottky": 0.8, "anion_frenkel": 2.0},
)


def test_columns_hold_barriers_ratios_and_verdict() -> None:
    row = neb_columns(PAIR, CRITERION)
    assert set(row) == {column.key for column in NEB}
    assert [row[f"e{n}d_cation_neb_ev"] for n in (1, 2, 3)] == [0.3, 0.4, 0.5]
    assert [row[f"ratio_{n}d_neb"] for n in (1, 2, 3)] == [1.5, 1.5, 1.4]
    assert row["dai_neb"] is True
    assert (row["neb_hops"], row["neb_hops_left"], row["neb_potential"]) == (3, 1, "chgnet")
    assert row["neb_flags"] == "other_ion_along;not_converged"  # as the vocabulary orders them


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({"cation_ev": (0.3, 0.4, 0.999), "anion_ev": (0.3, 0.4, 1.4985)}, True),
        ({"cation_ev": (0.3, 0.4, 1.0), "anion_ev": (0.3, 0.4, 1.0)}, False),
        ({"anion_ev": (0.3, 0.4, 0.25)}, True),
        ({"anion_ev": (0.3, 0.4, 0.2499)}, False),
        ({"anion_ev": (0.3, 0.4, 0.7501)}, False),
        ({"anion_ev": (0.3, 0.4, math.inf)}, False),
    ],
)
def test_the_verdict_turns_at_the_thresholds_of_the_run(changes, passes) -> None:
    assert neb_columns(replace(PAIR, **changes), CRITERION)["dai_neb"] is passes


def test_the_verdict_is_that_of_the_chosen_dimensionality_and_thresholds() -> None:
    pair = replace(PAIR, anion_ev=(0.3, 0.6, 5.0))
    assert neb_columns(pair, CRITERION)["dai_neb"] is False
    assert neb_columns(pair, DaiCriterion(dimensionality=1))["dai_neb"] is True
    assert neb_columns(pair, DaiCriterion(max_ratio=12.0))["dai_neb"] is True


def test_what_is_not_known_is_empty_and_gives_no_verdict() -> None:
    row = neb_columns(replace(PAIR, anion_ev=(0.4, 0.5, math.nan)), CRITERION)
    assert row["e3d_anion_neb_ev"] is None and row["e2d_anion_neb_ev"] == 0.5
    unknown = ("ratio_1d_neb", "dai_neb", "dai_neb_intrinsic", "dai_neb_doped")
    assert [row[key] for key in unknown] == [None] * 4


def test_carriers_raise_the_barrier_by_half_a_pair() -> None:
    """Li: 0.5 + 0.8 / 2; Cl: the Schottky pair is the cheaper of both that leave its vacancy."""
    row = neb_columns(PAIR, CRITERION)
    assert (row["e_activation_cation_ev"], row["e_activation_anion_ev"]) == (0.9, 1.1)
    assert (row["dai_neb_doped"], row["dai_neb_intrinsic"]) == (True, True)
    dear = replace(PAIR, pairs_ev={"schottky": 1.0})
    row = neb_columns(dear, CRITERION)  # the cation's 1.0 is not below 1
    assert (row["dai_neb_doped"], row["dai_neb_intrinsic"]) == (True, False)
    without = neb_columns(replace(PAIR, pairs_ev={"insertion": 0.1}), CRITERION)
    keys = ("e_activation_cation_ev", "dai_neb_intrinsic", "pair_schottky_ev")
    assert [without[key] for key in keys] == [None] * 3
    assert without["dai_neb_doped"] is True and without["pair_insertion_ev"] == 0.1
    assert neb_columns(replace(PAIR, pairs_ev={}), CRITERION)["dai_neb_doped"] is None


def test_a_potential_whose_pairs_are_known_to_fail_gives_no_activation_energy() -> None:
    row = neb_columns(replace(PAIR, flags=("pairs_too_low",)), CRITERION)
    keys = ("e_activation_cation_ev", "e_activation_anion_ev", "dai_neb_intrinsic")
    assert [row[key] for key in keys] == [None] * 3
    assert (row["pair_schottky_ev"], row["dai_neb_doped"], row["dai_neb"]) == (0.8, True, True)


def test_the_cheapest_pair_makes_the_vacancies_and_none_costs_less_than_nothing() -> None:
    barriers = Triple(0.1, 0.2, math.inf)
    both = {"schottky": 2.0, "anion_frenkel": 1.0, "insertion": 0.0, "schottky_associated": 0.0}
    assert activation_ev(barriers, "cation", both) == (1.1, 1.2, math.inf)
    assert activation_ev(barriers, "anion", both) == (0.6, 0.7, math.inf)
    assert activation_ev(barriers, "anion", {"schottky": -0.5}) == barriers


def test_a_row_finds_its_pair_by_structure_and_ions() -> None:
    pairs = by_key([PAIR])
    row = {"key": "0123-Li+-Cl-", "cation": "Li+", "anion": "Cl-"}
    assert neb_columns_of(row, pairs, CRITERION)["dai_neb"] is True
    for change in ({"key": "9-Li+-Cl-"}, {"cation": "Na+"}, {"anion": "S2-"}, {"key": None}):
        assert neb_columns_of(row | change, pairs, CRITERION) == {}


@pytest.mark.parametrize(
    "pair",
    [
        PAIR,
        replace(PAIR, anion_ev=(0.1, math.inf, math.inf), problem="Li+: no hop", pairs_ev={}),
        replace(PAIR, cation_ev=(math.nan,) * 3, flags=()),
    ],
)
def test_a_pair_comes_back_from_json_and_from_the_store(pair: NebPair, tmp_path: Path) -> None:
    found = NebPair.from_plain(json.loads(json.dumps(pair.plain(), allow_nan=False)))
    assert neb_columns(found, CRITERION) == neb_columns(pair, CRITERION)
    store, _ = Store.open(tmp_path / "campaign.db")
    write_neb_pairs(store, [])
    write_neb_pairs(store, [replace(pair, potential="before"), replace(pair, anion="S2-")])
    write_neb_pairs(store, [pair])
    kept = read_neb_pairs(store)
    assert [one.key for one in kept] == [("0123", "Li+", "Cl-"), ("0123", "Li+", "S2-")]
    assert neb_columns(kept[0], CRITERION) == neb_columns(pair, CRITERION)
    store.close()
