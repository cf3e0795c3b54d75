"""What a candidate's page says of its MD is what ``dualion analyze`` wrote, number by number."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from page_reader import block_of, head_of

from dualion.results.columns import CANDIDATES, SCREENED
from dualion.results.ranking import rank_candidates
from dualion.results.report import Detail, report_html
from dualion.results.report.dynamics import summarise_dynamics
from dualion.results.run_folder import read_run_folder
from dualion.results.tables import write_table
from dualion.results.transport.files import write_report
from dualion.results.transport.tables import SPECIES_COLUMNS
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.number_text import number_text
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import Trajectory

CELL = 12.0 * np.eye(3)
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0) * 2.05
CENTRES = np.array([[3.0, 3.0, 3.0], [9.0, 9.0, 3.0], [9.0, 3.0, 9.0], [3.0, 9.0, 9.0]])


def trajectory(seed, temperature_k):
    """Lithium that walks among four PS4 that librate."""
    rng = np.random.default_rng(seed)
    bound = np.concatenate([CENTRES, (CENTRES[:, None] + CORNERS).reshape(-1, 3)])
    still = bound + rng.normal(scale=0.05, size=(300, 20, 3))
    walk = 6.0 + np.cumsum(rng.normal(scale=0.3, size=(300, 6, 3)), axis=0)
    return Trajectory(
        fractional=np.concatenate([still, walk], axis=1) @ np.linalg.inv(CELL),
        cells=CELL[None],
        symbols=("P",) * 4 + ("S",) * 16 + ("Li",) * 6,
        frame_step_ps=0.1,
        temperature_k=temperature_k,
        source=f"run at {temperature_k:g} K",
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two analysed temperatures, the fit over them in the first."""
    fit = arrhenius([600.0, 700.0, 800.0], [1e-6, 2e-6, 4e-6], [1e-7, 2e-7, 4e-7])
    found = []
    for seed, temperature in enumerate((600.0, 700.0)):
        folder = tmp_path_factory.mktemp("transport")
        options = AnalysisOptions(with_kinisi=False, with_density=False)
        report = analyse(trajectory(seed, temperature), options)
        write_report(report, folder, figures=False, arrhenius={} if seed else {"Li": fit})
        found.append(folder)
    return found


def content_of(folder):
    return json.loads((folder / "transport.json").read_text(encoding="utf-8"))


def rows_of(folder, name):
    with (folder / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def rounded(value, digits=3):
    return f"{value:.{digits}g}"


def measured(value):
    return value["text"]


def test_a_ligand_that_rotates_has_no_d_on_the_page():
    from dualion.results.report.dynamics import _species_table

    rotor = {
        "species": "S", "verdict": "rotating", "n_eff": 14.0, "flags": ["bound_ligand"],
        "d_cm2_s": None, "d_error_cm2_s": None, "d_low_cm2_s": None, "d_high_cm2_s": None,
        "d_upper_cm2_s": 2.31e-6,
    }  # fmt: skip
    row = _species_table({"species": [rotor]})["rows"][0]
    assert row == ["S", "rotating", "D < 2.4e-6 cm²/s", "", "14", "bound ligand"]


def test_json_holds_every_column_of_the_species_table(folders):
    for folder in folders:
        species = content_of(folder)["species"]
        told = rows_of(folder, "species.csv")
        assert [row["species"] for row in told] == [one["species"] for one in species]
        for row, one in zip(told, species, strict=True):
            assert list(row) == list(SPECIES_COLUMNS)
            for key, text in row.items():
                value = one[key]["fractional"] if key == "anisotropy" else one[key]
                if key == "flags":
                    assert text.split(";")[: len(value)] == value or (not text and not value)
                elif isinstance(value, str) and value not in ("inf", "-inf"):
                    assert text == value, key
                elif value is None:
                    assert text in ("", "nan"), key
                else:
                    assert float(text) == pytest.approx(float(value), rel=1e-5), key


def test_every_cell_of_the_tables_is_a_number_of_the_json(folders):
    blocks = summarise_dynamics(folders)
    assert len(blocks) == len(folders) + 1
    for folder, block in zip(folders, blocks, strict=False):
        content = content_of(folder)
        tables = {table["title"]: table for table in block["tables"]}
        assert tables.pop("Diffusion")["rows"] == [
            [
                one["species"],
                one["verdict"],
                one["d_text"],
                one["d_interval_text"],
                rounded(one["n_eff"]),
                ", ".join(flag.replace("_", " ") for flag in one["flags"]),
            ]
            for one in content["species"]
        ]
        assert tables.pop("Polyanion rotation")["rows"] == [
            [
                one["polyanion"],
                one["verdict"],
                rounded(one["lowest_correlation"]),
                f"{rounded(one['largest_relative_msd_angstrom2'])} of "
                f"{rounded(one['ceiling_angstrom2'])}",
                str(one["broken_bonds"]),
            ]
            for one in content["rotation"]
        ]
        for title, key in (
            ("Charge transport, all ions", "transport"),
            ("Charge transport without polyanions", "transport_without_rotors"),
        ):
            (one,) = content[key]
            expected = {
                "conductivity / S/cm": one["conductivity_s_cm"],
                "Nernst–Einstein / S/cm": one["nernst_einstein_s_cm"],
                "Haven ratio": one["haven_ratio"],
                **{f"t({name})": value for name, value in one["transport_numbers"].items()},
            }
            rows = tables.pop(title)["rows"]
            assert rows == [[name, measured(value)] for name, value in expected.items()]
        assert not tables, "a table of the page that no test walks"
        assert f"{content['temperature_k']:g} K" in block["title"]
        assert content["framework"] in block["notes"][0]


def test_every_point_of_the_curves_is_a_row_of_the_csv(folders):
    for folder, block in zip(folders, summarise_dynamics(folders), strict=False):
        plots = {plot["y_label"]: plot["curves"] for plot in block["plots"]}
        told = rows_of(folder, "msd.csv")
        msd = {curve["name"]: curve for curve in plots.pop("MSD / Å²")}
        assert set(msd) == {one["species"] for one in content_of(folder)["species"]}
        for name, curve in msd.items():
            points = {(row["time_ps"], row[f"msd_total_{name}_angstrom2"]) for row in told}
            assert_among(curve, points)
        pairs = {curve["name"]: curve for curve in plots.pop("g(r)")}
        told = rows_of(folder, "rdf.csv")
        assert set(pairs) == {row["pair"] for row in told}
        for name, curve in pairs.items():
            assert_among(
                curve, {(r["distance_angstrom"], r["g"]) for r in told if r["pair"] == name}
            )
        assert not plots, "a plot of the page that no test walks"


def assert_among(curve, points):
    known = {(float(f"{float(x):.4g}"), float(f"{float(y):.4g}")) for x, y in points}
    assert len(curve["x"]) > 100
    assert set(zip(curve["x"], curve["y"], strict=True)) <= known


def test_the_fit_over_temperatures_is_that_of_the_json(folders):
    fit = content_of(folders[0])["arrhenius"]["Li"]
    block = summarise_dynamics(folders)[-1]
    (table,), (plot,) = block["tables"], block["plots"]
    assert table["rows"] == [
        [
            "Li",
            fit["activation_energy_text"],
            number_text(fit["d_300k_cm2_s"], 2),
            f"{number_text(fit['d_300k_low_cm2_s'], 2)} … "
            f"{number_text(fit['d_300k_high_cm2_s'], 2)}",
        ]
    ]
    (curve,) = plot["curves"]
    assert curve["y"] == fit["d_cm2_s"]
    assert curve["x"] == pytest.approx([1000.0 / t for t in fit["temperatures_k"]])


def test_the_page_holds_all_of_it(folders, tmp_path):
    row = {"source": "file", "source_id": "a", "status": "ok", "dai": True, "e3d_cation_ev": 0.3,
           "e3d_anion_ev": 0.4, "ratio_3d": 4 / 3, "cation": "Li+", "anion": "S2-"}  # fmt: skip
    write_table(tmp_path / "screened.csv", [row], SCREENED)
    write_table(tmp_path / "candidates.csv", rank_candidates([row]), CANDIDATES)
    (tmp_path / "run.json").write_text('{"schema_version": 1}')
    blocks = summarise_dynamics(folders)
    detail = Detail(content={"dynamics": blocks})
    page = report_html(read_run_folder(tmp_path), title="t", details={0: detail})
    assert head_of(block_of(page, "detail-0"))["dynamics"] == blocks
    assert re.search(r"± \d", json.dumps(blocks, ensure_ascii=False))
