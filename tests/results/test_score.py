"""The score: its parts, its weights, and that meaning comes before numbers."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest

from dualion.results.columns import SCORE_PARTS
from dualion.results.ranking import rank_candidates
from dualion.results.score import (
    NEEDED,
    PARTS,
    ScoreWeights,
    combined_score,
    score_columns,
    score_parts,
)
from dualion.screening.potential_error import potential_error
from dualion.structures.errors import InputError

GOOD = {
    "oxidation_states": "Li+;I-",
    "dai": True,
    "source_id": "good",
    "cation": "Li+",
    "anion": "I-",
    "mechanism_cation": "empty_lattice",
    "mechanism_anion": "vacancy",
    "flags": "",
    "anion_bound_fraction": 0.0,
    "e3d_cation_ev": 0.3,
    "e3d_anion_ev": 0.3,
    "published_e3d_anion_ev": 0.3,
    "ratio_3d": 1.0,
    "gii_vu": 0.1,
    "energy_above_hull_ev_atom": 0.0,
    "band_gap_ev": 5.0,
}


def score(**changes):
    return score_columns(GOOD | changes, dimensionality=3, weights=ScoreWeights())["score"]


def order(*rows):
    return [row["source_id"] for row in rank_candidates(rows)]


def test_probabilities_alone_are_the_probability_that_both_move():
    columns = score_columns(GOOD, dimensionality=3, weights=ScoreWeights())
    both = columns["score_cation_moves"] * columns["score_anion_moves"]
    assert columns["score"] == pytest.approx(both * columns["score_agreement"] ** 0.5)
    only = dict.fromkeys(PARTS, 0.0) | {"cation_moves": 1.0, "anion_moves": 1.0}
    alone = score_columns(GOOD, dimensionality=3, weights=ScoreWeights(**only))
    assert alone["score"] == pytest.approx(both)


@pytest.mark.parametrize("ion", ["cation", "anion"])
def test_higher_barriers_lower_the_score(ion):
    scores = [score(**{f"e3d_{ion}_ev": ev, "published_e3d_anion_ev": None})
              for ev in (0.15, 0.3, 0.6, 1.2, math.inf)]  # fmt: skip
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"anion_bound_fraction": 1.0},
        {"bound_strength": 0.7},  # continuous where it is known, before the share of sites
        {"anion_bound_fraction": None, "anion_bound": True},
        {"published_e3d_anion_ev": 2.0},
        {"flags": "dimensionality_decides"},
        {"flags": "ratio_forced_by_symmetry"},
        {"flags": "weighted_occupancies"},
        {"gii_vu": 0.25},
        {"energy_above_hull_ev_atom": 0.05},
        {"energy_above_hull_ev_atom": None},
        {"ratio_3d": 1.5},
        {"band_gap_ev": 0.5},
    ],
)
def test_what_speaks_against_a_candidate_lowers_it(change):
    assert score(**change) < score()
    assert order(GOOD | change | {"source_id": "a"}, GOOD) == ["good", "a"]


def test_a_bound_anion_follows_a_free_one_of_twice_the_barrier():
    free = GOOD | {"source_id": "free", "e3d_anion_ev": 0.6, "published_e3d_anion_ev": 0.6}
    assert order(GOOD | {"anion_bound_fraction": 1.0}, free) == ["free", "good"]


def test_the_empty_lattice_alone_never_comes_before_better_evidence():
    """However low its barrier and however poor the other."""
    alone = GOOD | {"source_id": "alone", "mechanism_anion": "empty_lattice", "e3d_anion_ev": 0.1}
    older = {key: value for key, value in alone.items() if key != "mechanism_anion"}
    poor = GOOD | {"e3d_anion_ev": 0.9, "energy_above_hull_ev_atom": 0.2, "gii_vu": 0.5}
    assert order(alone, poor) == ["good", "alone"]
    assert order(older, poor) == ["good", "alone"]


def test_unknown_counts_one_half_and_is_shown_as_unknown():
    unknown = GOOD | {"energy_above_hull_ev_atom": None}
    columns = score_columns(unknown, dimensionality=3, weights=ScoreWeights())
    assert columns["score_stability"] is None
    assert columns["score"] == pytest.approx(score(energy_above_hull_ev_atom=0.05))
    unstable = GOOD | {"source_id": "unstable", "energy_above_hull_ev_atom": 0.09}
    assert order(unstable, unknown | {"source_id": "unknown"}, GOOD) == [
        "good", "unknown", "unstable"
    ]  # fmt: skip


def test_refined_barriers_count_where_they_are():
    refined = GOOD | {"e3d_anion_refined_ev": 1.5}
    assert score_parts(refined, dimensionality=3)["anion_moves"] == pytest.approx(
        score_parts(GOOD | {"e3d_anion_ev": 1.5}, dimensionality=3)["anion_moves"]
    )


def test_weights_are_powers_and_none_leaves_a_part_out():
    parts = dict.fromkeys(PARTS, 1.0) | {"stability": 0.5}
    assert combined_score(parts, ScoreWeights(stability=2.0)) == pytest.approx(0.25)
    assert combined_score(parts, ScoreWeights(stability=0.0)) == 1.0
    stable = GOOD | {"source_id": "stable", "e3d_anion_ev": 0.5, "published_e3d_anion_ev": 0.5}
    quick = GOOD | {"source_id": "quick", "energy_above_hull_ev_atom": 0.04}
    for weights, first in (({"stability": 0.1}, "quick"), ({"stability": 4.0}, "stable")):
        ranked = rank_candidates([stable, quick], weights=ScoreWeights.of(weights))
        assert ranked[0]["source_id"] == first


@pytest.mark.parametrize(
    ("given", "says"),
    [({"robustnes": 1.0}, "robustness"), ({"gap": -1.0}, "gap"), ({"gap": math.nan}, "gap")],
)
def test_senseless_weights_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        ScoreWeights.of(given)


def test_score_is_made_of_the_named_columns_alone():
    complete = GOOD | {key: GOOD.get(key) for key in NEEDED}
    only = {key: complete[key] for key in NEEDED}
    assert score_parts(only, dimensionality=3) == score_parts(complete, dimensionality=3)
    assert [column.key for column in SCORE_PARTS] == [f"score_{part}" for part in PARTS]
    assert tuple(asdict(ScoreWeights())) == PARTS


BANDS = {f"e{n}d_{ion}_neb_ev": 0.3 for n in (1, 2, 3) for ion in ("cation", "anion")} | {
    "ratio_3d_neb": 1.0,
    "neb_potential": "mace",
}


def parts(**changes):
    return score_parts(GOOD | changes, dimensionality=3)


def test_elastic_bands_replace_bond_valence_with_the_error_of_the_potential():
    """Low bands lift an ion that bond valence holds back, high ones sink one that it favours."""
    expected = potential_error("mace")
    for role in ("cation", "anion"):
        name = f"{role}_moves"
        for bond_valence, bands in ((1.5, 0.3), (0.2, 1.3)):
            found = parts(
                **{f"e3d_{role}_ev": bond_valence}, **BANDS | {f"e3d_{role}_neb_ev": bands}
            )
            assert found[name] == expected.probability_below(bands)
            alone = parts(**{f"e3d_{role}_ev": bond_valence})
            assert (found[name] > alone[name]) is (bands < bond_valence)
    assert parts(**BANDS | {"e3d_anion_neb_ev": math.inf})["anion_moves"] == 0.0


def test_a_band_that_is_not_known_leaves_the_sieve_in_force():
    for role in ("cation", "anion"):
        found = parts(**BANDS | {f"e3d_{role}_neb_ev": None, "ratio_3d_neb": None})
        assert found[f"{role}_moves"] == parts()[f"{role}_moves"]
        assert found["ratio"] == parts()["ratio"]


def test_agreement_compares_both_tiers_where_there_are_two():
    sieve = parts()["anion_moves"]
    found = parts(**BANDS | {"e3d_anion_neb_ev": 1.5}, published_e3d_anion_ev=9.0)
    assert found["agreement"] == pytest.approx(1.0 - abs(sieve - found["anion_moves"]))
    assert (
        parts(**BANDS, published_e3d_anion_ev=9.0)["agreement"]
        > parts(published_e3d_anion_ev=9.0)["agreement"]
    )


def test_the_ratio_of_bands_is_not_forced_by_symmetry():
    forced = {"flags": "ratio_forced_by_symmetry", "ratio_3d": 1.0}
    assert (parts(**forced)["ratio"], parts(**forced)["robustness"]) == (0.0, 0.0)
    freed = parts(**forced, **BANDS | {"e3d_anion_neb_ev": 0.3 * 2**0.25, "ratio_3d_neb": 2**0.25})
    assert freed["ratio"] == pytest.approx(0.75)
    assert freed["robustness"] == 1.0
    assert parts(**BANDS | {"e3d_cation_neb_ev": math.inf, "ratio_3d_neb": None})["ratio"] == 0.0


def test_an_anion_known_by_bands_is_not_known_by_the_empty_lattice_alone():
    alone = GOOD | {"source_id": "alone", "mechanism_anion": "empty_lattice", "e3d_anion_ev": 0.1}
    poor = GOOD | {"e3d_anion_ev": 0.9, "energy_above_hull_ev_atom": 0.2, "gii_vu": 0.5}
    assert order(alone, poor) == ["good", "alone"]
    assert order(alone | BANDS, poor) == ["alone", "good"]
    assert order(alone | BANDS | {"e3d_anion_neb_ev": None}, poor) == ["good", "alone"]
