"""Analyses on a page: which are taken, how much of them, what is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dualion.results.report import dynamics
from dualion.results.report.dynamics import (
    _arrhenius,
    _measured,
    _thinned,
    analyses_below,
    analyses_of,
    summarise_dynamics,
)
from dualion.structures.errors import InputError

NUMBER = {"value": 0.5, "error": 0.1, "low": 0.3, "high": 0.7, "resolved": True}
CONTENT = {
    "schema": "dualion-transport-2", "source": "a.xyz", "n_frames": 101, "frame_step_ps": 0.5,
    "temperature_k": 600.0, "framework": "declared: I", "flags": ["energy_drifts", "molten"],
    "species": [{
        "species": "Li", "verdict": "diffusing", "d_cm2_s": 2e-6, "d_error_cm2_s": 1e-7,
        "d_low_cm2_s": 1.8e-6, "d_high_cm2_s": 2.2e-6, "n_eff": 1234.5, "flags": ["a_b", "c"],
    }, {
        "species": "I", "verdict": "vibrating", "d_cm2_s": None, "d_error_cm2_s": None,
        "d_low_cm2_s": None, "d_high_cm2_s": None, "d_upper_cm2_s": "inf", "n_eff": None,
    }],
    "transport": [{
        "conductivity_s_cm": NUMBER, "nernst_einstein_s_cm": NUMBER | {"resolved": False},
        "haven_ratio": NUMBER | {"value": None, "low": "-inf", "high": "inf", "resolved": False},
        "transport_numbers": {"Li": NUMBER | {"value": 1.0, "error": 0.0}},
    }],
}  # fmt: skip


def analysis(folder: Path, content: object = None, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "transport.json").write_text(json.dumps(CONTENT if content is None else content))
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_analyses_are_found_below_md_by_their_structure(tmp_path: Path) -> None:
    assert analyses_below(tmp_path) == []
    for name in ("0123-x/600", "0123/700/run", "9/800"):
        analysis(tmp_path / "md" / name)
    found = analyses_below(tmp_path)
    assert [way for _, way in found] == [("0123", "700", "run"), ("0123-x", "600"), ("9", "800")]
    assert [path.name for path in analyses_of({"key": "0123-Li+-I-"}, found)] == ["run", "600"]
    assert analyses_of({"key": None}, found) == analyses_of({}, found) == []
    many = [(Path(str(n)), ("ab",)) for n in range(30)]
    assert len(analyses_of({"key": "ab"}, many)) == 20


def test_a_run_is_told_with_frame_flags_and_tables(tmp_path: Path) -> None:
    (block,) = summarise_dynamics([analysis(tmp_path)])
    assert block["title"] == "a.xyz, 600 K, 50 ps"
    assert block["notes"] == [
        "Displacements relative to declared: I.", "Flags: energy drifts, molten.",
    ]  # fmt: skip
    diffusion, charge = block["tables"]
    assert diffusion["rows"] == [
        [
            "Li",
            "diffusing",
            "D = (2.00 ± 0.10)e-6 cm²/s",
            "1.80e-6 … 2.20e-6",
            "1.23e+03",
            "a b, c",
        ],
        ["I", "vibrating", "D has no limit", "", "unknown", ""],
    ]
    assert charge["rows"] == [
        ["conductivity / S/cm", "0.50 ± 0.10"],
        ["Nernst–Einstein / S/cm", "not resolved (|x| < 0.70)"],
        ["Haven ratio", "not resolved"],
        ["t(Li)", "1.00"],
    ]
    assert block["plots"] == []
    plain = {**CONTENT, "temperature_k": None, "flags": [], "transport": []}
    (block,) = summarise_dynamics([analysis(tmp_path / "b", plain)])
    assert block["title"].startswith("a.xyz, unknown temperature")
    assert len(block["notes"]) == len(block["tables"]) == 1


def test_the_fit_of_the_first_run_that_has_one_is_told(tmp_path: Path) -> None:
    fit = {
        "activation_energy_ev": 0.3, "error_ev": 0.02, "d_300k_cm2_s": 1e-9,
        "d_300k_low_cm2_s": 5e-10, "d_300k_high_cm2_s": 2e-9,
        "temperatures_k": [500.0, 0.0, 800.0, 900.0], "d_cm2_s": [1e-6, 1e-6, None, 0.0],
    }  # fmt: skip
    first = analysis(tmp_path / "a", CONTENT | {"arrhenius": {}})
    second = analysis(tmp_path / "b", CONTENT | {"arrhenius": {"Li": fit}})
    block = summarise_dynamics([first, second])[2]
    assert block["tables"][0]["rows"] == [["Li", "0.300 ± 0.020", "1.0e-9", "5.0e-10 … 2.0e-9"]]
    (curve,) = block["plots"][0]["curves"]
    assert (curve["x"], curve["y"]) == ([2.0], [1e-6])
    assert _arrhenius({"Li": fit | {"d_cm2_s": [None] * 4}})["plots"] == []
    assert len(summarise_dynamics([first])) == 1


@pytest.mark.parametrize(("count", "kept"), [(199, 199), (200, 200), (201, 101), (400, 200)])
def test_curves_keep_two_hundred_points_of_four_digits(count: int, kept: int) -> None:
    values = [1.23456 + n for n in range(count)]
    thin = _thinned(values)
    assert len(thin) == kept
    assert thin[0] == 1.235
    assert thin[1] == float(f"{values[-(-count // 200)]:.4g}")


def test_curves_are_read_by_their_columns(tmp_path: Path) -> None:
    msd = "time_ps,msd_total_Li_angstrom2,msd_x_Li_angstrom2\n0,0,0\n0.5,2,9\n"
    rdf = "pair,distance_angstrom,g\nLi-I,1,0\nLi-I,2,3\nI-I,1,4\n"
    (block,) = summarise_dynamics([analysis(tmp_path, msd=msd, rdf=rdf)])
    first, second = block["plots"]
    assert first["curves"] == [{"name": "Li", "x": [0.0, 0.5], "y": [0.0, 2.0]}]
    assert (first["x_label"], first["y_label"]) == ("time / ps", "MSD / Å²")
    assert [curve["name"] for curve in second["curves"]] == ["Li-I", "I-I"]
    assert second["curves"][0]["y"] == [0.0, 3.0]
    (tmp_path / "msd.csv").write_text("time_ps,msd_total_Li_angstrom2\n0,x\n")
    with pytest.raises(InputError, match=r"msd.csv is damaged"):
        summarise_dynamics([tmp_path])


def test_what_is_no_analysis_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"There is no transport.json"):
        summarise_dynamics([tmp_path])
    for wrong in ([1], {"schema": "other"}, {}):
        with pytest.raises(InputError, match="not written by dualion analyze"):
            summarise_dynamics([analysis(tmp_path, wrong)])
    (tmp_path / "transport.json").write_text("{")
    with pytest.raises(InputError, match="no valid JSON"):
        summarise_dynamics([tmp_path])
    size = (analysis(tmp_path) / "transport.json").stat().st_size
    monkeypatch.setattr(dynamics, "LARGEST_FILE_BYTES", size)
    assert summarise_dynamics([tmp_path])
    monkeypatch.setattr(dynamics, "LARGEST_FILE_BYTES", size - 1)
    with pytest.raises(InputError, match="larger than an analysis can be"):
        summarise_dynamics([tmp_path])


def test_a_number_is_told_as_the_analysis_resolved_it() -> None:
    assert _measured(NUMBER) == "0.50 ± 0.10"
    assert _measured(NUMBER | {"resolved": False}) == "not resolved (|x| < 0.70)"
