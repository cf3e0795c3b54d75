"""The verdict by dimensionality, reading and refinement, from the row alone."""

from __future__ import annotations

import math
from dataclasses import replace

from dualion.results.report.sensitivity import _by_choice, _of_guest
from dualion.screening.criterion import DaiCriterion

CRITERION = DaiCriterion(dimensionality=2)


def row_of(**changes: object) -> dict[str, object]:
    base = {f"e{n}d_{ion}_ev": 0.1 * n + 0.08 * (ion == "anion") for n in (1, 2, 3)
            for ion in ("cation", "anion")}  # fmt: skip
    return base | changes


def triple(key: str, *values: float) -> dict[str, float]:
    return {key.format(n=n): value for n, value in zip((1, 2, 3), values, strict=True)}


def test_a_row_is_judged_by_each_dimensionality_and_reading() -> None:
    lines = {line["name"]: line for line in _by_choice(row_of(), CRITERION)}
    other = CRITERION.other_reading.replace("_", " ")
    assert list(lines) == [
        "1D barriers",
        "2D barriers",
        "3D barriers",
        f"2D, ratio read as {other}",
    ]
    for n in (1, 2, 3):
        line = lines[f"{n}D barriers"]
        assert (line["cation_ev"], line["anion_ev"]) == (
            round(0.1 * n, 6),
            round(0.1 * n + 0.08, 6),
        )
        assert line["ratio"] == round((0.1 * n + 0.08) / (0.1 * n), 6)
        assert line["passes"] is (n > 1)  # 1.8, 1.4 and 1.27
    turned = lines[f"2D, ratio read as {other}"]
    assert turned["ratio"] == round(0.2 / 0.28, 6)


def test_refined_barriers_and_the_recipe_are_judged_where_all_are_known() -> None:
    full = row_of(
        **triple("e{n}d_cation_grid_ev", 0.2, 0.4, 0.6),
        **triple("published_e{n}d_anion_ev", 0.2, 0.8, math.inf),
        **triple("e{n}d_cation_refined_ev", 0.1, 0.3, 0.5),
        **triple("e{n}d_anion_refined_ev", 0.1, 0.3, 0.5),
        **triple("e{n}d_cation_region_ev", 0.1, 0.2, 0.5),
        **triple("e{n}d_anion_region_ev", 0.1, 0.25, 0.5),
    )
    names = ["2D, published recipe", "2D, refined", "2D, above the region's minimum"]
    lines = {line["name"]: line for line in _by_choice(full, CRITERION)[4:]}
    assert list(lines) == names
    assert [lines[name]["ratio"] for name in names] == [2.0, 1.0, 1.25]
    assert [lines[name]["passes"] for name in names] == [False, True, True]
    flat = {line["name"]: line for line in _by_choice(full, replace(CRITERION, dimensionality=3))}
    recipe = flat["3D, published recipe"]
    assert (recipe["anion_ev"], recipe["ratio"], recipe["passes"]) == (None, None, False)
    for key in ("published_e1d_anion_ev", "e3d_anion_refined_ev", "e2d_cation_region_ev"):
        assert len(_by_choice({**full, key: None}, CRITERION)) == 6


def test_a_guest_is_judged_with_its_host_at_rest_and_without_cations() -> None:
    guest = row_of(
        **triple("e{n}d_anion_rigid_ev", 0.1, 0.3, 0.9),
        **triple("guest_e{n}d_no_cations_ev", 0.1, 0.2, 0.4),
    )
    rest, bare = _of_guest(guest, CRITERION)
    assert (rest["name"], rest["cation_ev"], rest["anion_ev"], rest["ratio"]) == (
        "2D, host at rest", 0.2, 0.3, 1.5,
    )  # fmt: skip
    assert (bare["name"], bare["ratio"]) == ("2D, without mobile cations", 1.0)
    assert [
        line["name"] for line in _of_guest({**guest, "e2d_anion_rigid_ev": None}, CRITERION)
    ] == ["2D, without mobile cations"]
