"""Why candidates of two runs differ, in words; the settings that differ."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dualion.results.comparison import compare_runs
from dualion.results.run_folder import RunFolder


def row(name: str, **changes: object) -> dict[str, object]:
    base = {
        "source": "file", "source_id": name, "reduced_formula": f"F{name}", "cation": "Li+",
        "anion": "I-", "status": "ok", "dai": True,
    }  # fmt: skip
    barriers = {f"e{n}d_{ion}_ev": 0.3 for n in (1, 2, 3) for ion in ("cation", "anion")}
    return base | barriers | changes


def run(*rows: dict[str, object], ranked: str = "", **sidecar: object) -> RunFolder:
    """A run whose candidates are the rows named, in that order."""
    by_name = {str(one["source_id"]): one for one in rows}
    candidates = [by_name[name] | {"rank": rank} for rank, name in enumerate(ranked, start=1)]
    return RunFolder(folder=Path(), rows=list(rows), candidates=candidates, sidecar=dict(sidecar))


def why(first: RunFolder, second: RunFolder) -> dict[str, str]:
    return {change.pair[1]: change.why for change in compare_runs(first, second).changes}


def test_a_pair_that_moved_is_told_by_barriers_then_by_parts_of_its_score() -> None:
    first = run(
        row("a"), row("b", score_gap=0.5, score_ratio=0.5, score_anion_moves=0.9), ranked="ab"
    )
    second = run(
        row("a"),
        row("b", score_gap=0.506, score_ratio=0.504, score_anion_moves=0.1),
        ranked="ba",
    )
    assert why(first, second) == {"b": "gap 0.50 → 0.51", "a": "others entered, left or moved"}
    both = run(
        row("a"),
        row("b", e1d_cation_ev=0.5, e2d_cation_ev=0.6, e3d_cation_ev=0.7, score_free_anion=0.4),
        ranked="ba",
    )
    start = run(row("a"), row("b", score_free_anion=0.8), ranked="ab")
    assert why(start, both)["b"] == (
        "E(cation) 1D 0.300 → 0.500; E(cation) 2D 0.300 → 0.600; free anion 0.80 → 0.40"
    )


def test_a_pair_that_entered_is_told_by_the_barriers_that_decide() -> None:
    """Those of the dimensionality of the second run, two at most, and the criterion."""
    failing = {"e3d_cation_ev": math.inf, "e3d_anion_ev": None, "e1d_anion_ev": 2.0, "dai": False}
    first = run(row("a", **failing))
    second = run(row("a"), ranked="a")
    assert why(first, second)["a"] == "E(cation) 3D ∞ → 0.300; E(anion) 3D unknown → 0.300"
    flat = run(row("a"), ranked="a", options={"criterion": {"dimensionality": 1}})
    assert why(first, flat)["a"] == "E(anion) 1D 2.000 → 0.300; the criterion differs"
    same = run(row("a", dai=False))
    assert why(same, second)["a"] == "the verdict differs though the barriers do not"
    strict = run(row("a"), ranked="a", options={"criterion": {"max_ratio": 2.0}})
    assert why(same, strict)["a"] == "the criterion differs"
    broken = run(row("a", status="rejected", reason="no_cation", dai=None))
    assert why(broken, second)["a"] == "rejected there: no cation"
    left = compare_runs(second, broken).changes[0]
    assert (left.kind, left.why, left.before, left.after) == (
        "left", "rejected there: no cation", 1, None,
    )  # fmt: skip
    assert left.formula == "Fa"


def test_settings_that_differ_are_named_by_their_path() -> None:
    first = run(
        options={"engine": "own", "list": [1, 2], "deep": {"x": 1}}, versions={"numpy": "2.0"},
        schema_version=1, inputs=[], machine="one",
    )  # fmt: skip
    second = run(
        options={"engine": "own", "list": [1, 3], "deep": {"x": 1, "y": 2}},
        versions={"numpy": "2.1"}, schema_version=1, inputs=["a"], machine="two",
    )  # fmt: skip
    assert compare_runs(first, second).settings == (
        ("options.list", "1, 2", "1, 3"),
        ("versions.numpy", "2.0", "2.1"),
        ("inputs", "all", "a"),
        ("options.deep.y", "–", "2"),
    )
    other = run(row("a"), row("b"), row("c"))
    found = compare_runs(other, run(row("b"), row("d")))
    assert (found.shared, found.only_first, found.only_second) == (1, 2, 1)


@pytest.mark.parametrize(("after", "told"), [(0.3006, True), (0.3004, False)])
def test_barriers_of_the_chosen_dimensionality_count_from_half_a_milli_ev(
    after: float, told: bool
) -> None:
    first = run(row("a", dai=False))
    second = run(row("a", e3d_anion_ev=after), ranked="a")
    expected = (
        "E(anion) 3D 0.300 → 0.301" if told else "the verdict differs though the barriers do not"
    )
    assert why(first, second)["a"] == expected
    assert compare_runs(first, second).changed_barriers == int(told)
