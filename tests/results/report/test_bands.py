"""Elastic bands on a candidate's page: the numbers of the table, nothing licensed or damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from dualion.results.report.bands import summarise_bands, with_bands
from dualion.results.report.details import Detail
from dualion.results.run_folder import RunFolder

EVIL = "<img src=x onerror=alert(1)>"


def row(**changes: Any) -> dict[str, Any]:
    found = {
        "source": "file", "source_id": "a", "key": "0123-Li+-Cl-", "cation": "Li+", "anion": "Cl-",
        "dai": True, "dai_neb": False, "neb_potential": "chgnet", "neb_flags": "not_converged",
        "neb_problem": EVIL, "ratio_3d": 1.0, "ratio_3d_neb": math.inf,
        "pair_schottky_ev": 0.5163, "dai_neb_doped": False,
    }  # fmt: skip
    for n in (1, 2, 3):
        for ion, value in (("cation", 0.4), ("anion", 0.7)):
            found |= {f"e{n}d_{ion}_ev": value + 0.1 * n, f"e{n}d_{ion}_neb_ev": value}
    return found | changes


def document() -> dict[str, Any]:
    hop = {
        "hop": 3, "length_angstrom": 3.6, "rises_ev": [0.4, 0.25], "energies_ev": [0.0, 0.4, 0.15],
        "distances_angstrom": [0.0, 1.8, 3.7], "largest_force_ev_angstrom": 0.04, "steps": 9,
        "flags": ["not_converged"], "reason": "",
    }  # fmt: skip
    lost = hop | {"hop": 5, "rises_ev": [None, None], "energies_ev": [], "reason": "no force"}
    links = [
        [3, [0.0] * 3, [0.0, 0.5, 0.5]],
        [5, [0.0] * 3, [1.0, 0.0, 0.0]],
        [7, [0.0] * 3, [1.0] * 3],
    ]
    ion = {"hops": [lost, hop], "deciding_hops": [3, 3, -1], "links": links}
    return {
        "pair": {"structure_key": "0123", "cation": "Li+", "anion": "Cl-"},
        "crystal": {
            "cell": [[0.0, 2.6, 2.6], [2.6, 0.0, 2.6], [2.6, 2.6, 0.0]],
            "frac": [[0.0] * 3, [0.5] * 3], "numbers": [3, 17], "charges": [1.0, -1.0],
            "occupancies": [1.0, 1.0],
        },
        "ions": {"Li+": ion, "Cl-": {"hops": [], "deciding_hops": [], "links": []}},
    }  # fmt: skip


def test_both_tiers_stand_side_by_side_with_their_verdicts() -> None:
    tiers = summarise_bands(row(), document(), hidden=False)["tables"][0]
    assert tiers["rows"][2] == ["3D", "0.700", "0.400", "1.000", "0.700", "1.000", "∞"]
    assert tiers["rows"][3][:3] == ["verdict", "passes", "does not pass"]
    assert all(len(line) == len(tiers["head"]) for line in tiers["rows"])


def test_hops_tell_their_barriers_and_which_decides() -> None:
    found = summarise_bands(row(), document(), hidden=False)
    (hops,) = (table for table in found["tables"] if table["title"] == "Hops of Li+")
    assert hops["rows"] == [
        ["5", "3.60", "–", "–", "0.040", "", "not converged, no force"],
        ["3", "3.60", "0.400", "0.250", "0.040", "1D, 2D", "not converged"],
    ]
    (plot,) = found["plots"]
    assert [curve["name"] for curve in plot["curves"]] == ["hop 3"]
    assert plot["curves"][0]["x"] == [0.0, 1.8, 3.7] and plot["curves"][0]["joined"]


def test_the_scene_colours_what_was_computed() -> None:
    scene = summarise_bands(row(), document(), hidden=False)["scene"]
    cation, anion = scene["ions"]
    assert (cation["element"], anion["element"], anion["hops"]) == ("Li", "Cl", [])
    assert [(hop["barrier_ev"], hop["decides"]) for hop in cation["hops"]] == [
        (0.4, True), (None, False), (None, False)
    ]  # fmt: skip
    assert scene["crystal"]["cell"] == document()["crystal"]["cell"]


def test_carriers_are_told_and_what_is_unknown_is_called_so() -> None:
    (carriers,) = (
        table
        for table in summarise_bands(row(), document(), hidden=False)["tables"]
        if table["title"] == "Carriers"
    )
    assert ["Schottky pair", "0.516"] in carriers["rows"]
    assert ["E_a(cation), intrinsic", "–"] in carriers["rows"]
    assert ["DAI by NEB, intrinsic", "unknown"] in carriers["rows"]
    without = summarise_bands(row(pair_schottky_ev=None), document(), hidden=False)
    assert "Carriers" not in [table["title"] for table in without["tables"]]


def run_of(folder: Path, *rows: dict[str, Any]) -> RunFolder:
    return RunFolder(folder=folder, rows=list(rows), candidates=list(rows), sidecar={})


def written(folder: Path, text: str) -> None:
    (folder / "neb" / "a").mkdir(parents=True)
    (folder / "neb" / "a" / "neb.json").write_text(text)


def test_candidates_get_their_bands_and_keep_their_other_details(tmp_path: Path) -> None:
    written(tmp_path, json.dumps(document()))
    run = run_of(tmp_path, row(), row(source_id="b", neb_potential=None))
    made = with_bands(run, {0: Detail(content={"notes": ["kept"]}, sections={"f": b"1"})})
    assert set(made) == {0}
    assert made[0].content["notes"] == ["kept"] and made[0].sections == {"f": b"1"}
    assert made[0].content["bands"]["scene"] is not None


def test_coordinates_of_licensed_sources_are_left_out(tmp_path: Path) -> None:
    written(tmp_path, json.dumps(document()))
    run = run_of(tmp_path, row(source="icsd"))
    assert with_bands(run, {})[0].content["bands"]["scene"] is None
    shown = with_bands(run, {}, include_licensed=True)
    assert shown[0].content["bands"]["scene"] is not None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", json.dumps(document() | {"crystal": {"cell": 1}}),
     json.dumps(document() | {"ions": {"Li+": {"hops": [{}]}}})],
)  # fmt: skip
def test_a_damaged_file_leaves_the_numbers_of_the_table(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    bands = with_bands(run_of(tmp_path, row()), {})[0].content["bands"]
    assert bands["scene"] is None and bands["plots"] == []
    assert bands["tables"][0]["rows"][2][2] == "0.400"
    assert any("gone or damaged" in note for note in bands["notes"])
    assert EVIL in bands["notes"]  # as text: the page makes no HTML of it
