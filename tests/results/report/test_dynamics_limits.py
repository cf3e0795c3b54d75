"""Analyses on a page: which are taken, how much of them, what is damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dualion.results.report import dynamics
from dualion.results.report.dynamics import analyses_below, analyses_of, summarise_dynamics
from dualion.results.report.dynamics_plots import _thinned
from dualion.results.report.dynamics_tables import _measured
from dualion.structures.errors import InputError

NUMBER = {"value": 0.5, "error": 0.1, "low": 0.3, "high": 0.7, "resolved": True}
CONTENT = {
    "schema": "dualion-transport-2", "source": "a.xyz", "n_frames": 101, "frame_step_ps": 0.5,
    "temperature_k": 600.0, "framework": "declared: I", "flags": ["energy_drifts", "molten"],
    "species": [{
        "species": "Li", "n_ions": 8, "verdict": "diffusing", "d_cm2_s": 2e-6,
        "d_error_cm2_s": 1e-7,
        "d_low_cm2_s": 1.8e-6, "d_high_cm2_s": 2.2e-6, "n_eff": 1234.5, "flags": ["a_b", "c"],
    }, {
        "species": "I", "n_ions": 8, "verdict": "vibrating", "d_cm2_s": None, "d_error_cm2_s": None,
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
    assert len(analyses_of({"key": "ab"}, many)) == 30  # the fit takes all


def test_a_run_is_told_with_frame_flags_and_tables(tmp_path: Path) -> None:
    (block,) = summarise_dynamics([analysis(tmp_path)])
    assert (block["compound"], block["title"]) == ("LiI", "600 K, 50 ps")
    assert block["facts"] == [
        ["cell", "Li8I8", ", 16 atoms"],
        ["temperature and length", "", "600 K, 50 ps"],
        ["time between frames", "", "0.5 ps"],
        ["trajectory", "", "a.xyz"],
    ]
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
    assert block["title"].startswith("unknown temperature")
    assert len(block["notes"]) == len(block["tables"]) == 1


def test_the_fit_of_the_first_run_that_has_one_is_told(tmp_path: Path) -> None:
    """An analysis of an older version: the points of its fit give the fit again."""
    fit = {
        "temperatures_k": [500.0, 650.0, 800.0, 900.0], "d_cm2_s": [1e-6, 2e-6, None, 0.0],
        "error_cm2_s": [1e-7, 2e-7, None, 0.0],
    }  # fmt: skip
    first = analysis(tmp_path / "a", CONTENT | {"arrhenius": {}})
    second = analysis(tmp_path / "b", CONTENT | {"arrhenius": {"Li": fit}})
    block = summarise_dynamics([first, second])[2]
    tables = {table["title"]: table["rows"] for table in block["tables"]}
    # E_a = k ln 2 / (1/500 − 1/650), its relative error √2 · 0.1 / ln 2
    energy = 8.617333e-5 * math.log(2.0) / (1 / 500 - 1 / 650)
    assert energy == pytest.approx(0.1294, abs=1e-4)
    assert tables["Activation energies"][0][:2] == ["Li", "0.129 ± 0.026"]
    curves = {curve["name"]: curve for curve in block["plots"][0]["curves"]}
    assert (curves["Li"]["x"], curves["Li"]["y"]) == ([2.0, 1000 / 650], [1e-6, 2e-6])
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
    first, log, second = block["plots"]
    assert [curve["x"] for curve in log["curves"]] == [[0.5]]  # no zero on a logarithmic axis
    (curve,) = first["curves"]
    assert (curve["name"], curve["x"], curve["y"]) == ("Li", [0.0, 0.5], [0.0, 2.0])
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
