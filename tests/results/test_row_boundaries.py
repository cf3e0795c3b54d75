"""Rows on both sides of every threshold: numbers in their columns, the verdict, each flag.

Barriers are given, not computed, so that each case stands exactly on a boundary.
"""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.results.rejudging import rejudge
from dualion.results.rows import Identity, known_barriers, rejected_row, result_rows
from dualion.screening import barriers as barriers_module
from dualion.screening import screen as screen_module
from dualion.screening.barrier_types import KnownBarriers
from dualion.screening.bvse.pair_parameters import ParameterQuality
from dualion.screening.criterion import DaiCriterion
from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import MissingParametersError

INF, NAN = math.inf, math.nan
BELOW_1 = math.nextafter(1.0, 0.0)
IDENTITY = Identity(source="file", source_id="a", metadata={})
ROCK_SALT = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rock_salt(**changes):
    """LiCl with its charges given; symmetry swaps its sublattices."""
    fields = {
        "cell": 5.14 * np.eye(3),
        "frac": np.vstack([ROCK_SALT, (ROCK_SALT + 0.5) % 1.0]),
        "numbers": np.array([3] * 4 + [17] * 4),
        "charges": np.array([1.0] * 4 + [-1.0] * 4),
        "occupancies": np.ones(8),
        "oxidation_method": "given",
    }
    return IonicCrystal(**(fields | changes))


def fluorite(**changes):
    """Li2O: no symmetry operation swaps cation and anion."""
    cations = np.array(list(np.ndindex(2, 2, 2))) / 2.0 + 0.25
    fields = {
        "cell": 4.6 * np.eye(3),
        "frac": np.vstack([cations, ROCK_SALT]),
        "numbers": np.array([3] * 8 + [8] * 4),
        "charges": np.array([1.0] * 8 + [-2.0] * 4),
        "occupancies": np.ones(12),
        "oxidation_method": "given",
    }
    return IonicCrystal(**(fields | changes))


def known(grid, region=None, refined=None):
    region = region or grid
    refined = refined or grid
    return KnownBarriers(
        barriers_ev=grid, from_region_ev=region, refined_ev=refined, rigid_ev=refined
    )


def row_of(cation, anion, crystal=None, preset="bvlain", deciding=None, **criterion):
    """The row of a crystal whose ions have these barriers, by the published recipe unless told."""
    crystal = crystal or fluorite()
    label = "Cl-" if 17 in crystal.numbers else "O2-"
    options = ScreenOptions.of_preset(preset, criterion=DaiCriterion(**criterion))
    found = screen_crystal(
        crystal,
        options,
        known={"Li+": cation, label: anion, f"{label} vacancy": deciding or anion},
    )
    (row,) = result_rows(IDENTITY, found)
    return row


def flags_of(row):
    return row["flags"].split(";") if row["flags"] else []


def test_every_number_stands_in_its_own_column():
    numbers = np.arange(1, 19) / 10.0
    cation = known(*(tuple(numbers[i : i + 3].tolist()) for i in (0, 3, 6)))
    anion = known(*(tuple(numbers[i : i + 3].tolist()) for i in (9, 12, 15)))
    row = row_of(cation, anion)
    keys = [
        f"e{n}d_{ion}{ending}_ev"
        for ion in ("cation", "anion")
        for ending in ("", "_region", "_refined")
        for n in (1, 2, 3)
    ]
    assert [row[key] for key in keys] == numbers.tolist()
    assert [row[f"ratio_{n}d"] for n in (1, 2, 3)] == [1.0 / 0.1, 1.1 / 0.2, 1.2 / 0.3]
    assert known_barriers(row) == {"Li+": cation, "O2-": anion}


def test_barriers_that_a_row_lacks_are_not_known():
    row = row_of(known((0.1, 0.2, 0.3)), known((0.4, 0.5, 0.6)))
    for key in ("e2d_anion_grid_ev", "e3d_anion_region_ev", "e1d_anion_refined_ev"):
        lacking = row | {key: None, "published_e1d_anion_ev": None}
        assert set(known_barriers(lacking)) == {"Li+"}


@pytest.mark.parametrize(
    ("cation", "anion", "passes"),
    [
        (BELOW_1, BELOW_1, True),
        (1.0, 1.0, False),  # E_m(cation) < 1 eV is strict
        (0.4, 0.2, True),  # 0.5 ≤ ratio
        (0.4, math.nextafter(0.2, 0.0), False),
        (0.5, 0.75, True),
        (0.5, math.nextafter(0.75, 1.0), False),
    ],
)
def test_the_criterion_at_its_bounds(cation, anion, passes):
    row = row_of(known((cation,) * 3), known((anion,) * 3))
    assert row["dai"] is passes
    assert row["dai_dimensions"] == ("1D;2D;3D" if passes else "")


@pytest.mark.parametrize(
    ("cation", "anion", "ratio"),
    [(INF, 0.4, NAN), (0.4, INF, INF), (INF, INF, NAN), (0.0, 0.4, INF), (0.5, 0.0, 0.0)],
)
def test_ratios_where_an_ion_does_not_percolate(cation, anion, ratio):
    row = row_of(known((cation,) * 3), known((anion,) * 3))
    assert row["ratio_3d"] == ratio or (math.isnan(ratio) and math.isnan(row["ratio_3d"]))
    assert row["dai"] is False


def test_dimensionalities_and_the_chosen_one():
    low, high = (0.4, 0.4, 0.4), (0.4, 0.5, 0.7)
    for chosen, passes in ((1, True), (2, True), (3, False)):
        row = row_of(known(low), known(high), dimensionality=chosen)
        assert row["dai"] is passes
        assert row["dai_dimensions"] == "1D;2D"
        assert "dimensionality_decides" in flags_of(row)
    assert "dimensionality_decides" not in flags_of(row_of(known(low), known(low)))


@pytest.mark.parametrize(
    ("anion", "dai", "other", "decides"),
    [
        (0.5, True, True, False),
        (0.3, True, False, True),  # 0.3/0.5 = 0.6, 0.5/0.3 = 1.67
        (0.9, False, True, True),  # 0.9/0.5 = 1.8, 0.5/0.9 = 0.56
        (1.1, False, False, False),  # 2.2 and 0.45
    ],
)
def test_the_reading_of_the_ratio(anion, dai, other, decides):
    row = row_of(known((0.5,) * 3), known((anion,) * 3))
    assert (row["dai"], row["dai_other_reading"]) == (dai, other)
    assert ("ratio_reading_decides" in flags_of(row)) is decides


@pytest.mark.parametrize(
    ("grid", "refined", "decides"),
    [(0.55, 0.55, False), (0.55, 0.65, True), (0.65, 0.55, True), (0.65, 0.66, False)],
)
def test_the_error_of_the_grid_decides_where_refined_barriers_judge_otherwise(
    grid, refined, decides
):
    """The ratio to 0.4 eV passes up to 0.6 eV."""
    row = row_of(known((0.4,) * 3), known((grid,) * 3, refined=(refined,) * 3))
    assert ("grid_error_decides" in flags_of(row)) is decides


@pytest.mark.parametrize("place", [0, 1, 2])
def test_without_refined_barriers_the_grid_decides_nothing(place):
    refined = [0.65, 0.65, 0.65]
    refined[place] = NAN
    row = row_of(known((0.4,) * 3), known((0.55,) * 3, refined=tuple(refined)))
    assert "grid_error_decides" not in flags_of(row)


@pytest.mark.parametrize(
    ("bound", "flag", "is_bound"),
    [
        (0.0, None, False),
        (math.nextafter(0.0, 1.0), "anion_partly_bound", False),
        (math.nextafter(0.5, 0.0), "anion_partly_bound", False),
        (0.5, "anion_bound", True),
        (1.0, "anion_bound", True),
    ],
)
def test_an_anion_is_bound_from_one_half_on(monkeypatch, bound, flag, is_bound):
    monkeypatch.setattr(screen_module, "bound_fraction", lambda *_: bound)
    row = row_of(known((0.4,) * 3), known((0.4,) * 3))
    assert [name for name in flags_of(row) if "bound" in name] == ([flag] if flag else [])
    assert (row["anion_bound"], row["anion_bound_fraction"]) == (is_bound, bound)


def test_symmetry_forces_the_ratio_of_rock_salt_alone():
    barriers = known((0.4,) * 3)
    assert flags_of(row_of(barriers, barriers, rock_salt())) == ["ratio_forced_by_symmetry"]
    assert flags_of(row_of(barriers, barriers, fluorite())) == []


@pytest.mark.parametrize("of_cation", list(ParameterQuality))
@pytest.mark.parametrize("of_anion", list(ParameterQuality))
def test_the_worse_parameters_are_named(monkeypatch, of_cation, of_anion):
    """``recalled_barriers`` asks the framework of each ion for the quality of its parameters."""
    quality = {3: of_cation, 8: of_anion}
    monkeypatch.setattr(
        barriers_module,
        "framework_of",
        lambda _, ion, *__, **___: SimpleNamespace(quality=quality[ion.number]),
    )
    row = row_of(known((0.4,) * 3), known((0.4,) * 3))
    worse = max(of_cation, of_anion)
    assert row["parameters"] == worse.label
    named = [flag for flag in flags_of(row) if flag.endswith("_parameters")]
    assert named == ([] if worse is ParameterQuality.TABULATED else [f"{worse.label}_parameters"])


@pytest.mark.parametrize(
    ("method", "guessed"),
    [
        ("given", False),
        ("user", False),
        ("bond_valence", False),
        ("composition", True),
        ("composition_mixed", True),
        ("composition_forced", True),
    ],
)
def test_states_from_the_composition_are_guessed(method, guessed):
    row = row_of(known((0.4,) * 3), known((0.4,) * 3), fluorite(oxidation_method=method))
    assert row["oxidation_method"] == method
    assert ("oxidation_states_guessed" in flags_of(row)) is guessed


def test_partial_occupancies_are_named():
    partly = fluorite(occupancies=np.r_[np.full(8, 0.5), np.full(4, 0.5)])
    for crystal, disordered in ((fluorite(), False), (partly, True)):
        row = row_of(known((0.4,) * 3), known((0.4,) * 3), crystal)
        assert row["disordered"] is disordered is crystal.is_disordered
        assert ("weighted_occupancies" in flags_of(row)) is disordered


def test_an_anion_that_is_also_a_cation_is_named():
    mixed = fluorite(charges=np.array([1.0] * 8 + [-4.0] * 3 + [4.0]))
    row = row_of(known((0.4,) * 3), known((0.4,) * 3), mixed)
    assert "anion_element_also_cation" in flags_of(row)
    row = row_of(known((0.4,) * 3), known((0.4,) * 3))
    assert "anion_element_also_cation" not in flags_of(row)


def test_flags_and_note_of_the_crystal_reach_the_row_in_order():
    crystal = fluorite(flags=("cations_missing", "split_sites"), note="Neutral by force only.")
    row = row_of(known((0.4, 0.4, 0.4)), known((0.4, 0.5, 0.9)), crystal)
    assert flags_of(row) == ["split_sites", "cations_missing", "dimensionality_decides"]
    assert row["message"] == "Neutral by force only."
    assert row_of(known((0.4,) * 3), known((0.4,) * 3))["message"] is None


@pytest.mark.parametrize("lost", ["Li+", "O2-"])
def test_a_pair_without_an_ion_keeps_what_is_known_of_the_cation(monkeypatch, lost):
    def attempt(crystal, ion, *_):
        if str(ion) == lost:
            raise MissingParametersError("No parameters.")
        return dataclasses.replace(sound, ion=ion)

    sound = (
        screen_crystal(
            fluorite(),
            ScreenOptions.of_preset("bvlain"),
            known={ion: known((0.4, 0.5, 0.6)) for ion in ("Li+", "O2-")},
        )
        .pairs[0]
        .cation
    )
    monkeypatch.setattr(screen_module, "mechanism_barriers", attempt)
    (row,) = result_rows(IDENTITY, screen_crystal(fluorite(), ScreenOptions.of_preset("bvlain")))
    assert (row["status"], row["reason"]) == ("rejected", "missing_parameters")
    assert (row["cation"], row["anion"], row["message"]) == ("Li+", "O2-", "No parameters.")
    found = [row.get(f"e{n}d_cation_ev") for n in (1, 2, 3)]
    assert found == ([None] * 3 if lost == "Li+" else [0.4, 0.5, 0.6])
    assert "e1d_anion_ev" not in row


def test_a_rejected_row_says_what_and_why():
    identity = dataclasses.replace(
        IDENTITY, formula="Li2O", reduced_formula="Li2O", space_group="Fm-3m", n_sites=12,
        metadata={
            "energy_above_hull_ev_atom": 0.01, "band_gap_ev": 5.0, "source_file": "li2o.cif"
        },
    )  # fmt: skip
    row = rejected_row(
        identity, cation="Li;Na", status="failed", reason="time_limit", message="Too long."
    )
    assert row == {
        "source": "file", "source_id": "a", "formula": "Li2O", "reduced_formula": "Li2O",
        "source_file": "li2o.cif", "space_group": "Fm-3m", "n_sites": 12,
        "energy_above_hull_ev_atom": 0.01,
        "band_gap_ev": 5.0, "cation": "Li;Na", "status": "failed", "reason": "time_limit",
        "message": "Too long.",
    }  # fmt: skip


CRITERIA = [
    {},
    {"dimensionality": 1},
    {"dimensionality": 2, "reading": "cation_over_anion"},
    {"max_cation_barrier_ev": 0.4},
    {"min_ratio": 0.9, "max_ratio": 1.1},
]


@pytest.mark.parametrize("before", CRITERIA)
@pytest.mark.parametrize("after", CRITERIA)
def test_a_row_judged_anew_is_the_row_of_a_new_screening(before, after):
    """Whatever criterion a stored row was judged by, and whatever flags stand around it."""
    cation = known((0.4, 0.45, 0.5), refined=(0.38, 0.44, 0.52))
    anion = known((0.42, 0.7, 0.76), refined=(0.40, 0.66, 0.70))
    crystal = fluorite(flags=("split_sites",), oxidation_method="composition")
    old, new = (row_of(cation, anion, crystal, **criterion) for criterion in (before, after))
    fresh, below = rejudge(old, DaiCriterion(**after), calibrated=False)
    assert fresh == new
    chosen = (0.4, 0.45, 0.5)[after.get("dimensionality", 3) - 1]
    assert below is (chosen < after.get("max_cation_barrier_ev", 1.0))


HOPS = KnownBarriers(
    barriers_ev=(0.6, 0.7, 0.8),
    from_region_ev=(0.6, 0.65, 0.75),
    refined_ev=(0.6, 0.7, 0.8),
    rigid_ev=(0.9, 1.0, 1.1),
)


def test_hops_decide_and_the_published_recipe_stands_beside_them():
    cation = known((0.5, 0.5, 0.5), refined=(0.48, 0.49, 0.51))
    row = row_of(cation, known((0.2, 0.21, 0.22)), preset="dualion", deciding=HOPS)
    assert [row[f"mechanism_{ion}"] for ion in ("cation", "anion")] == ["empty_lattice", "vacancy"]
    assert [row[f"e{n}d_anion_ev"] for n in (1, 2, 3)] == [0.6, 0.7, 0.8]
    assert [row[f"e{n}d_anion_rigid_ev"] for n in (1, 2, 3)] == [0.9, 1.0, 1.1]
    assert [row[f"e{n}d_cation_ev"] for n in (1, 2, 3)] == [0.48, 0.49, 0.51]
    assert [row[f"e{n}d_cation_grid_ev"] for n in (1, 2, 3)] == [0.5, 0.5, 0.5]
    assert row["ratio_3d"] == 0.8 / 0.51  # refined barriers are judged
    assert row["dai"] is False
    assert [row[f"published_e{n}d_anion_ev"] for n in (1, 2, 3)] == [0.2, 0.21, 0.22]
    assert row["published_ratio_3d"] == 0.22 / 0.5  # those on the grid
    assert row["published_dai"] is False
    assert known_barriers(row) == {
        "Li+": cation,
        "O2- vacancy": HOPS,
        "O2-": known_barriers(row)["O2-"],
    }
    assert known_barriers(row)["O2-"].barriers_ev == (0.2, 0.21, 0.22)


@pytest.mark.parametrize("recipe", [0.6, 0.22])
def test_the_mechanism_decides_where_the_published_recipe_judges_otherwise(recipe):
    """0.6 of 0.5 eV passes, 0.8 and 0.22 do not."""
    cation = known((0.5,) * 3)
    row = row_of(cation, known((recipe,) * 3), preset="dualion", deciding=HOPS)
    assert (row["dai"], row["published_dai"]) == (False, recipe == 0.6)
    assert ("mechanism_decides" in flags_of(row)) is (recipe == 0.6)
    fresh, _ = rejudge(row, DaiCriterion(max_ratio=2.0))
    assert (fresh["dai"], fresh["published_dai"]) == (True, recipe == 0.6)
    assert ("mechanism_decides" in flags_of(fresh)) is (recipe != 0.6)


def test_the_grid_alone_passes_no_pair():
    """The ratio to 0.4 eV passes up to 0.6 eV."""
    anion = known((0.6,) * 3)
    for refined, passes in ((0.4, True), (0.39, False)):
        cation = known((0.4,) * 3, refined=(refined,) * 3)
        row = row_of(cation, anion, preset="dualion")
        assert (row["dai"], row["published_dai"]) == (passes, True)


def test_published_numbers_are_those_of_the_published_preset():
    cation = known((0.5,) * 3, refined=(0.48,) * 3)
    anion = known((0.6, 0.7, 0.8), refined=(0.5, 0.6, 0.7))
    ours = row_of(cation, anion, preset="dualion", deciding=HOPS)
    theirs = row_of(cation, anion)
    for n in (1, 2, 3):
        assert ours[f"published_e{n}d_anion_ev"] == theirs[f"e{n}d_anion_ev"]
        assert ours[f"published_ratio_{n}d"] == theirs[f"ratio_{n}d"]
    assert ours["published_dai"] == theirs["dai"] == theirs["published_dai"]


@pytest.mark.parametrize("dimensionality", [1, 2, 3])
def test_calibrated_barriers_follow_the_dimensionality_that_counts(dimensionality):
    """A calibration is one line for each ion, so the order of barriers stays."""
    row = row_of(known((0.3, 0.4, 0.6)), known((0.4, 0.5, 0.7)), preset="dualion", deciding=HOPS)
    fresh, _ = rejudge(row, DaiCriterion(dimensionality=dimensionality))
    in_1d, _ = rejudge(row, DaiCriterion(dimensionality=1))
    for ion in ("cation", "anion"):
        low, value, high = (fresh[f"e_calibrated_{ion}{end}_ev"] for end in ("_low", "", "_high"))
        assert low < value < high
        assert (value > in_1d[f"e_calibrated_{ion}_ev"]) is (dimensionality > 1)
    assert "e_calibrated_cation_ev" not in rejudge(row, DaiCriterion(), calibrated=False)[0]
