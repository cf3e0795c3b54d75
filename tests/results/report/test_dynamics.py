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
from dualion.results.report import Detail, dynamics, report_html
from dualion.results.report.dynamics import summarise_dynamics
from dualion.results.report.dynamics_tables import MOST_SITES
from dualion.results.run_folder import read_run_folder
from dualion.results.tables import write_table
from dualion.results.transport.files import write_report
from dualion.results.transport.identity import RunOrigin
from dualion.results.transport.tables import SPECIES_COLUMNS
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.combined import combine_runs, fit_arrhenius
from dualion.screening.transport.number_text import interval_text, measured_text, number_text
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.errors import InputError
from dualion.structures.trajectories import Trajectory

ORIGIN = RunOrigin(engine="ASE", potential="CHGNet", compound="Li3PS4", defects="salt_Li6")
CELL = 12.0 * np.eye(3)
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0) * 2.05
CENTRES = np.array([[3.0, 3.0, 3.0], [9.0, 9.0, 3.0], [9.0, 3.0, 9.0], [3.0, 9.0, 9.0]])


def trajectory(seed, temperature_k):
    """Lithium that walks among four PS4 that librate."""
    rng = np.random.default_rng(seed)
    bound = np.concatenate([CENTRES, (CENTRES[:, None] + CORNERS).reshape(-1, 3)])
    still = bound + rng.normal(scale=0.05, size=(800, 20, 3))
    walk = 6.0 + np.cumsum(rng.normal(scale=0.5, size=(800, 6, 3)), axis=0)
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
    """Two analysed temperatures of one system."""
    found = []
    for seed, temperature in enumerate((600.0, 700.0)):
        folder = tmp_path_factory.mktemp("transport")
        options = AnalysisOptions(with_kinisi=False)
        report = analyse(trajectory(seed, temperature), options)
        write_report(report, folder, figures=False, origin=ORIGIN)
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
    from dualion.results.report.dynamics_tables import _species_table

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
    assert [block["title"] for block in blocks] == [
        "600 K, 79.9 ps", "700 K, 79.9 ps", "temperature dependence"
    ]  # fmt: skip
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
        assert_jumps(tables.pop("Jumps between sites")["rows"], content)
        assert_network(tables, folder)
        assert not tables, "a table of the page that no test walks"
        assert f"{content['temperature_k']:g} K" in block["title"]
        assert block["compound"] == "Li3PS4"
        told = {name: formula + text for name, formula, text in block["facts"]}
        assert told["engine"] == "ASE" and told["potential"] == "CHGNet"
        assert told["cell"] == "Li6P4S16, 26 atoms" and told["defects"] == "salt Li6"
        assert told["edges"] == "12.00 × 12.00 × 12.00 Å"
        assert content["source"] not in block["title"] and told["trajectory"] == content["source"]
        assert content["framework"] in block["notes"][0]


def assert_jumps(rows, content):
    """Counts with Poisson's error, and the rate of transport.json."""
    moving = [one for one in content["species"] if one.get("hops")]
    assert [row[0] for row in rows] == [one["species"] for one in moving] and moving
    for row, one in zip(rows, moving, strict=True):
        found = one["hops"]
        assert row[1:4] == [
            str(found["sites"]),
            measured_text(found["count"], np.sqrt(found["count"])),
            measured_text(found["rate_per_ps"], found["rate_error_per_ps"]),
        ]
        assert found["count_error"] == pytest.approx(np.sqrt(found["count"]))


def assert_network(tables, folder):
    """The busiest sites and links are those of the files, the busiest first."""
    sites, links = rows_of(folder, "sites.csv"), rows_of(folder, "links.csv")
    shown = tables.pop("Busiest sites")["rows"]
    counts = [int(row["jumps_out"]) + int(row["jumps_in"]) for row in sites]
    for row, place in zip(shown, np.argsort(np.negative(counts), kind="stable"), strict=False):
        found = sites[place]
        error = float(found["occupancy_error"])
        assert row[:3] == ["Li", found["site"], measured_text(float(found["occupancy"]), error)]
        out = int(found["jumps_out"])
        assert row[3] == measured_text(out, np.sqrt(out))
    shown = tables.pop("Busiest links between sites")["rows"]
    most = max(int(row["jumps"]) for row in links)
    assert shown[0][2] == measured_text(most, np.sqrt(most))
    assert len(shown) == min(len(links), MOST_SITES)


def test_every_point_of_the_curves_is_a_row_of_the_csv(folders):
    for folder, block in zip(folders, summarise_dynamics(folders), strict=False):
        plots = {plot["title"]: plot for plot in block["plots"]}
        told, bands = rows_of(folder, "msd.csv"), rows_of(folder, "msd_band.csv")
        for title, scale in (("", False), (", log–log", True)):
            plot = plots.pop(f"Mean squared displacement{title}")
            assert bool(plot.get("log")) is bool(plot.get("log_x")) is scale
            msd = {curve["name"]: curve for curve in plot["curves"] if "kind" not in curve}
            assert set(msd) == {one["species"] for one in content_of(folder)["species"]}
            for name, curve in msd.items():
                points = {(row["time_ps"], row[f"msd_total_{name}_angstrom2"]) for row in told}
                assert_among(curve, points, 50 if scale else 100)
                own = [row for row in bands if row["species"] == name]
                keys = ("time_ps", "low_angstrom2", "high_angstrom2")
                for edge, key in zip(curve["band"], keys, strict=True):
                    assert edge == [float(f"{float(row[key]):.4g}") for row in own]
            assert_fits(plot["curves"], content_of(folder))
            guides = [curve for curve in plot["curves"] if curve.get("kind") == "guide"]
            assert len(guides) == scale
        assert_network_plot(plots.pop("Sites of Li and jumps between them"), folder)
        pairs = {
            curve["name"]: curve for curve in plots.pop("Radial distribution function")["curves"]
        }
        told = rows_of(folder, "rdf.csv")
        assert set(pairs) == {row["pair"] for row in told}
        for name, curve in pairs.items():
            assert_among(
                curve, {(r["distance_angstrom"], r["g"]) for r in told if r["pair"] == name}
            )
        assert not plots, "a plot of the page that no test walks"


def assert_fits(curves, content):
    """A line for each ion that diffuses, from the first lag of its window to the last."""
    fits = [curve for curve in curves if curve.get("kind") == "fit"]
    moving = [one for one in content["species"] if one["verdict"] == "diffusing"]
    assert len(fits) == len(moving) > 0
    for curve, one in zip(fits, moving, strict=True):
        ends = [curve["x"][0], curve["x"][-1]]
        assert ends == pytest.approx([one["window_start_ps"], one["window_end_ps"]], rel=1e-3)
        slope = (curve["y"][-1] - curve["y"][0]) / (ends[1] - ends[0])
        assert slope == pytest.approx(6e4 * one["d_cm2_s"], rel=2e-2)


def assert_network_plot(plot, folder):
    """Every site and all jumps of the files, seen along c."""
    sites, links = rows_of(folder, "sites.csv"), rows_of(folder, "links.csv")
    seen = [[float(row[axis]) % 1.0 * 12.0 for axis in "xy"] for row in sites]
    np.testing.assert_allclose(plot["sites"], seen, atol=1e-3)
    assert plot["occupancy"] == [float(row["occupancy"]) for row in sites]
    assert plot["all_jumps"] == sum(int(row["jumps"]) for row in links)
    assert len(plot["lines"]) == len(plot["jumps"]) and sum(plot["jumps"]) == 2 * plot["all_jumps"]
    assert len(plot["host"]) == len(rows_of(folder, "framework.csv")) == 20


def assert_among(curve, points, least=100):
    known = {(float(f"{float(x):.4g}"), float(f"{float(y):.4g}")) for x, y in points}
    assert len(curve["x"]) > least
    assert set(zip(curve["x"], curve["y"], strict=True)) <= known


def test_the_fit_over_temperatures_is_that_of_what_both_runs_resolve(folders):
    contents = [content_of(folder) for folder in folders]
    block = summarise_dynamics(folders)[-1]
    by_title = {table["title"]: table for table in block["tables"]}
    lithium = [next(s for s in content["species"] if s["species"] == "Li") for content in contents]
    assert [one["verdict"] for one in lithium] == ["diffusing"] * 2
    fit = arrhenius(
        [600.0, 700.0], [s["d_cm2_s"] for s in lithium], [s["d_error_cm2_s"] for s in lithium]
    )
    middle, low, high = (float(ends[0]) for ends in fit.predict([300.0]))
    assert by_title["Activation energies"]["rows"] == [
        [
            "Li",
            measured_text(fit.activation_energy_ev, fit.error_ev),
            interval_text(fit.low_ev, fit.high_ev),
            "600, 700",
            number_text(middle, 2),
            f"{number_text(low, 2)} … {number_text(high, 2)}",
        ]
    ]
    rows = by_title["Runs of one temperature together"]["rows"]
    for content in contents:
        for one in content["species"]:
            row = [one["species"], f"{content['temperature_k']:g}", "1", one["verdict"]]
            assert [*row, one["d_text"]] in rows
    (plot,) = block["plots"]
    curves = {curve["name"]: curve for curve in plot["curves"]}
    assert curves["Li"]["kind"] == "points"
    assert curves["Li"]["y"] == pytest.approx([s["d_cm2_s"] for s in lithium])
    assert curves["Li"]["error"] == pytest.approx([s["d_error_cm2_s"] for s in lithium])
    assert curves["Li"]["x"] == pytest.approx([1000.0 / 600.0, 1000.0 / 700.0])
    assert curves["P: upper limit"]["kind"] == "limits" and "P" not in curves
    still = [next(s for s in c["species"] if s["species"] == "P") for c in contents]
    assert curves["P: upper limit"]["y"] == pytest.approx([s["d_upper_cm2_s"] for s in still])


def test_runs_of_other_cells_or_engines_are_never_mixed(folders, tmp_path):
    """A second potential at the second temperature: no temperature dependence of either."""
    other = tmp_path / "other"
    other.mkdir()
    content = content_of(folders[1])
    content["run"]["potential"] = "MACE"
    (other / "transport.json").write_text(json.dumps(content))
    titles = [block["title"] for block in summarise_dynamics([folders[0], other])]
    assert titles == ["600 K, 79.9 ps", "700 K, 79.9 ps"]


def test_what_an_analysis_found_of_all_its_runs_is_shown_whichever_runs_are_named(tmp_path):
    options = AnalysisOptions(with_kinisi=False, with_density=False, with_structure=False)
    reports = [analyse(trajectory(seed, 600.0 + 100.0 * seed), options) for seed in (0, 1)]
    combined = combine_runs(reports)
    fits = fit_arrhenius(combined)
    write_report(reports[0], tmp_path, figures=False, arrhenius=fits, combined=combined)
    both = summarise_dynamics([tmp_path])[-1]
    text = measured_text(fits["Li"].activation_energy_ev, fits["Li"].error_ev)
    assert (
        next(t for t in both["tables"] if t["title"] == "Activation energies")["rows"][0][1] == text
    )
    content = content_of(tmp_path)
    del content["temperatures"]  # as older versions wrote it
    (tmp_path / "transport.json").write_text(json.dumps(content))
    older = summarise_dynamics([tmp_path])[-1]
    assert [t["rows"] for t in older["tables"] if t["title"] == "Activation energies"] == [
        t["rows"] for t in both["tables"] if t["title"] == "Activation energies"
    ]


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


def test_all_runs_enter_the_fit_and_the_first_twenty_are_shown_one_by_one(folders, monkeypatch):
    monkeypatch.setattr(dynamics, "MOST_RUNS", 1)
    first, together = summarise_dynamics(folders)
    assert first["title"] == "600 K, 79.9 ps"
    assert first["notes"][-1] == "1 further runs stand below together."
    table = next(t for t in together["tables"] if t["title"] == "Activation energies")
    assert table["rows"][0][3] == "600, 700"


@pytest.mark.parametrize("missing", ["species", "n_frames"])
def test_an_analysis_that_lacks_what_it_must_hold_is_damaged(folders, tmp_path, missing):
    content = content_of(folders[0])
    del content[missing]
    (tmp_path / "transport.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"is damaged .*analyse the run again"):
        summarise_dynamics([tmp_path])
