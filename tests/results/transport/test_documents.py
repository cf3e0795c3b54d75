"""JSON, densities and files of a finished analysis, key by key."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.results.transport import files
from dualion.results.transport.files import write_figures, write_report
from dualion.results.transport.json_document import report_json
from dualion.results.transport.motion_tables import (
    density_paths_csv,
    ions_csv,
    jumps_csv,
    rotation_csv,
    sites_csv,
    van_hove_csv,
)
from dualion.results.transport.volumes import BOHR_ANGSTROM, chgcar_text, cube_text
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.combined import combine_runs
from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.motion.density import Density
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.structures.trajectories import Trajectory

CELL = np.array([[9.0, 0.0, 0.0], [1.5, 8.0, 0.0], [0.5, -1.0, 10.0]])


def made() -> TransportReport:
    rng = np.random.default_rng(5)
    moved = rng.normal(scale=0.05, size=(120, 8, 3))
    moved[:, :4] += np.cumsum(rng.normal(scale=0.5, size=(120, 4, 3)), axis=0)
    held = np.array([[0, 0, 0], [2, 2, 0], [2, 0, 2], [0, 2, 2]]) / 4.0
    start = np.concatenate([rng.random((4, 3)), held]) @ CELL
    trajectory = Trajectory(
        fractional=(start + moved) @ np.linalg.inv(CELL),
        cells=CELL[None],
        symbols=("Li",) * 4 + ("I",) * 4,
        frame_step_ps=0.1,
        temperature_k=700.0,
        source="run.xyz",
    )
    return analyse(trajectory, AnalysisOptions(framework=("I",), with_kinisi=False))


REPORT = made()
LITHIUM, IODIDE = REPORT.species
TURNING = Rotation(
    formula="PS4", n_bonds=4, bond_length_angstrom=2.05, times_ps=np.array([0.0, 0.1]),
    correlation=np.array([1.0, 0.4]), correlation_error=np.array([0.0, 0.1]),
    relative_msd=np.array([0.0, 5.0]), ceiling_angstrom2=8.4, relaxation_ps=np.inf,
    broken_bonds=1, exchanges=2, verdict="breaking",
)  # fmt: skip


def content(report: TransportReport = REPORT) -> dict[str, object]:
    return json.loads(report_json(report))


def test_the_head_is_that_of_the_run() -> None:
    found = content()
    head = dict(list(found.items())[1:10])
    run = head.pop("run")
    assert (run["formula"], run["cell_formula"], run["n_atoms"]) == ("LiI", "Li4I4", 8)
    np.testing.assert_allclose(run["cell_angstrom"], REPORT.pathlines.cell)
    assert (run["engine"], run["potential"], run["length_ps"]) == ("", "", pytest.approx(11.9))
    assert head == {
        "source": "run.xyz", "n_frames": 120, "frame_step_ps": 0.1, "temperature_k": 700.0,
        "volume_angstrom3": pytest.approx(720.0), "framework": "declared: I", "polyanions": "",
        "flags": list(REPORT.flags),
    }  # fmt: skip
    assert [rdf["pair"] for rdf in found["rdf"]] == [["Li", "Li"], ["Li", "I"], ["I", "I"]]
    rdf = REPORT.rdfs[2]
    told = found["rdf"][2]
    assert told["first_peak_angstrom"] == pytest.approx(rdf.first_peak_angstrom)
    assert told["peak_shift_angstrom"] == pytest.approx(rdf.peak_shift_angstrom)
    assert told["change_between_halves"] == pytest.approx(rdf.change)
    assert found["arrhenius"] == {}


def test_an_ion_is_told_with_its_fit_its_jumps_and_its_paths() -> None:
    lithium, iodide = content()["species"]
    d = LITHIUM.diffusion
    assert lithium["msd_fit"] == {
        "slope_angstrom2_ps": pytest.approx(6e4 * d.d_cm2_s),
        "error_angstrom2_ps": pytest.approx(6e4 * d.error_cm2_s),
        "low_angstrom2_ps": pytest.approx(6e4 * d.low_cm2_s),
        "high_angstrom2_ps": pytest.approx(6e4 * d.high_cm2_s),
        "one_jump_angstrom2_ps": pytest.approx(6e4 * d.one_jump_cm2_s),
    }
    assert lithium["intercept_angstrom2"] == pytest.approx(d.intercept_angstrom2)
    (jumps,) = LITHIUM.hops
    told = lithium["hops"]
    assert (told["count"], told["sites"]) == (len(jumps.frames), len(jumps.sites))
    assert told["mean_length_angstrom"] == pytest.approx(jumps.lengths_angstrom.mean())
    assert told["mean_residence_ps"] == pytest.approx(jumps.residence_ps.mean())
    assert told["per_ion"] == jumps.per_ion.tolist()
    assert lithium["van_hove"]["refilled"] == pytest.approx(LITHIUM.van_hove.refilled.tolist())
    assert "hops" not in iodide and iodide["density_paths"] == []
    assert iodide["density_barriers_ev"] == [None] * 3
    assert "d_tensor_cm2_s" not in iodide and iodide["blocks"] == []
    assert (iodide["d_interval_text"], iodide["d_text"].startswith("D < ")) == ("", True)
    if LITHIUM.paths:
        path, told = LITHIUM.paths[0], lithium["density_paths"][0]
        assert told["bottleneck"] == pytest.approx((path.frac[path.bottleneck] % 1.0).tolist())
        assert told["length_angstrom"] == pytest.approx(path.distance_angstrom[-1])
    never = replace(jumps, lengths_angstrom=np.empty(0), residence_ps=np.empty(0))
    (told, _) = content(replace(REPORT, species=(replace(LITHIUM, hops=(never,)), IODIDE)))[
        "species"
    ]
    assert told["hops"]["mean_length_angstrom"] is None


def test_what_diffuses_is_told_with_interval_tensor_and_blocks() -> None:
    moving = replace(LITHIUM, diffusion=replace(LITHIUM.diffusion, verdict="diffusing"))
    told = content(replace(REPORT, species=(moving, IODIDE)))["species"][0]
    (block,) = LITHIUM.blocks
    assert told["blocks"] == [{
        "block_ps": block.block_ps, "d_cm2_s": block.d_cm2_s.tolist(),
        "mean_cm2_s": block.mean_cm2_s, "error_cm2_s": block.error_cm2_s,
        "low_cm2_s": block.low_cm2_s, "high_cm2_s": block.high_cm2_s,
    }]  # fmt: skip
    assert told["d_tensor_cm2_s"] == LITHIUM.diffusion.tensor_cm2_s.tolist()
    assert told["d_principal_cm2_s"] == LITHIUM.anisotropy.principal_cm2_s.tolist()
    assert " … " in told["d_interval_text"]
    assert set(told["anisotropy"]) == {"fractional", "fractional_from_noise", "isotropic_chance"}


def test_numbers_that_are_not_resolved_are_limits_in_json() -> None:
    fixed = Measured(value=1.0, error=0.0, low=1.0, high=1.0)
    vague = Measured(value=0.1, error=0.2, low=-0.3, high=0.5)
    found = replace(
        REPORT.transport[0], numbers=(fixed, vague), cation_number=fixed, anion_number=UNKNOWN
    )
    told = content(replace(REPORT, transport=(found,)))["transport"][0]
    assert told["transport_numbers"]["Li"] == {
        "value": 1.0, "error": 0.0, "low": 1.0, "high": 1.0, "resolved": True, "text": "1.00",
    }  # fmt: skip
    assert told["transport_numbers"]["I"] == {
        "value": None, "error": None, "low": -0.3, "high": 0.5, "resolved": False,
        "text": "not resolved (|x| < 0.50)",
    }  # fmt: skip
    assert told["anion_number"]["high"] == "inf" and told["anion_number"]["low"] == "-inf"
    assert np.shape(told["onsager_s_cm"]) == (2, 2)


def test_rotation_and_fits_are_told() -> None:
    report = replace(REPORT, rotation=(TURNING,))
    assert content(report)["rotation"] == [{
        "polyanion": "PS4", "verdict": "breaking", "bonds": 4, "bond_length_angstrom": 2.05,
        "relaxation_ps": "inf", "lowest_correlation": 0.4, "largest_relative_msd_angstrom2": 5.0,
        "ceiling_angstrom2": 8.4, "broken_bonds": 1, "exchanges": 2,
    }]  # fmt: skip
    fit = arrhenius([500.0, 600.0, 800.0], [1e-9, 1e-6, 5e-6], [2e-9, 1e-7, 5e-7])
    told = json.loads(report_json(REPORT, {"Li": fit}))["arrhenius"]["Li"]
    assert told["left_out_k"] == [500.0] and told["reduced_chi2"] is None
    middle, low, high = fit.predict([300.0])
    assert told["d_300k_cm2_s"] == pytest.approx(middle[0])
    assert (told["d_300k_low_cm2_s"], told["d_300k_high_cm2_s"]) == (
        pytest.approx(low[0]), pytest.approx(high[0]),
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(rotation_csv(report))))
    assert [float(row["c1"]) for row in rows] == [1.0, 0.4]
    assert [float(row["relative_msd_angstrom2"]) for row in rows] == [0.0, 5.0]
    assert {row["ceiling_angstrom2"] for row in rows} == {"8.4"}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_of_motion_have_a_row_for_each_atom_jump_and_site() -> None:
    (jumps,) = LITHIUM.hops
    atoms = rows_of(ions_csv(REPORT))
    assert [row["atom"] for row in atoms] == [str(n) for n in range(1, 9)]
    tensor = LITHIUM.ion_tensors[2]
    assert float(atoms[2]["msd_angstrom2"]) == pytest.approx(np.trace(tensor), rel=1e-6)
    assert float(atoms[2]["msd_yz_angstrom2"]) == pytest.approx(tensor[1, 2], rel=1e-6)
    values, vectors = np.linalg.eigh(tensor)
    assert float(atoms[2]["msd_1_angstrom2"]) == pytest.approx(values[2], rel=1e-6)
    assert float(atoms[2]["msd_3_angstrom2"]) == pytest.approx(values[0], rel=1e-6)
    axis = [float(atoms[2][f"axis_1_{a}"]) for a in "xyz"]
    assert abs(np.dot(axis, vectors[:, 2])) == pytest.approx(1.0, abs=1e-6)
    assert atoms[5]["jumps"] == "" and atoms[0]["jumps"] == str(jumps.per_ion[0])
    assert float(atoms[0]["lag_ps"]) == pytest.approx(LITHIUM.ion_lag_ps)
    for row, frame, ion in zip(rows_of(jumps_csv(REPORT)), jumps.frames, jumps.ions, strict=True):
        assert float(row["time_ps"]) == pytest.approx(frame * 0.1)
        assert int(row["atom"]) == ion + 1
    sites = rows_of(sites_csv(REPORT))
    assert len(sites) == len(jumps.sites)
    assert [int(row["jumps_out"]) for row in sites] == [
        int((jumps.origins == n).sum()) for n in range(len(sites))
    ]
    assert [int(row["jumps_in"]) for row in sites] == [
        int((jumps.targets == n).sum()) for n in range(len(sites))
    ]
    assert [row["site"] for row in sites] == [str(n) for n in range(len(sites))]
    hove = rows_of(van_hove_csv(REPORT))
    bins = len(LITHIUM.van_hove.distances_angstrom)
    assert float(hove[bins]["time_ps"]) == pytest.approx(LITHIUM.van_hove.times_ps[1])
    assert float(hove[bins + 3]["self_part_per_angstrom"]) == pytest.approx(
        LITHIUM.van_hove.self_part[1, 3], rel=1e-6
    )
    assert len(rows_of(density_paths_csv(REPORT))) == sum(len(p.frac) for p in LITHIUM.paths)


DENSITY = Density(species="Li", values=np.arange(1.0, 25.0).reshape(2, 3, 4), cell=CELL, n_frames=5)


def test_a_cube_file_is_in_bohr_line_by_line() -> None:
    lines = cube_text(
        DENSITY, np.array([3, 53]), np.array([[0.0] * 3, [0.5, 0.5, 0.5]])
    ).splitlines()
    assert lines[:2] == ["probability density of Li, 1/Angstrom^3", "made by dualion"]
    assert lines[2].split() == ["2", "0.000000", "0.000000", "0.000000"]
    for line, count, axis in zip(lines[3:6], (2, 3, 4), CELL, strict=True):
        numbers = [float(x) for x in line.split()]
        assert numbers[0] == count
        np.testing.assert_allclose(numbers[1:], axis / count / 0.529177, atol=2e-5)
    place = [float(x) for x in lines[7].split()]
    assert place[:2] == [53.0, 53.0]
    np.testing.assert_allclose(place[2:], CELL.sum(axis=0) / 2.0 / BOHR_ANGSTROM, atol=1e-5)
    body = lines[8:]
    assert len(body) == 6  # a column of four a line
    assert [float(x) for x in body[1].split()] == [5.0, 6.0, 7.0, 8.0]
    long = replace(DENSITY, values=np.arange(14.0).reshape(1, 1, 14))
    counts = [
        len(line.split()) for line in cube_text(long, np.empty(0), np.empty((0, 3))).splitlines()
    ]
    assert counts[6:] == [6, 6, 2]


def test_a_chgcar_groups_its_atoms_and_runs_along_x_first() -> None:
    places = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    lines = chgcar_text(DENSITY, ("Li", "I", "Li"), places).splitlines()
    assert lines[0] == "probability density of Li" and lines[1] == "1.0"
    assert lines[5:8] == ["Li I", "2 1", "Direct"]
    assert [float(line.split()[0]) for line in lines[8:11]] == [0.1, 0.7, 0.4]
    assert (lines[11], lines[12]) == ("", "2 3 4")
    values = " ".join(lines[13:]).split()
    assert len(lines[13].split()) == 5 and len(values) == 24
    np.testing.assert_allclose(
        [float(x) for x in values[:3]], np.array([1.0, 13.0, 5.0]) * 720.0, rtol=1e-4
    )


def test_files_of_densities_are_named_by_their_group(tmp_path: Path) -> None:
    bound = replace(LITHIUM, name="Li(free)")
    report = replace(REPORT, species=(bound, IODIDE))
    names = {p.name for p in write_report(report, tmp_path, figures=False, volumes=True)}
    assert {"density_Li_free.cube", "CHGCAR_Li_free"} <= names
    assert not any("_I" in name for name in names)
    lines = (tmp_path / "CHGCAR_Li_free").read_text().splitlines()
    assert (lines[5], lines[6], lines[8].split()) == ("Li", "1", ["0.000000"] * 3)
    assert (tmp_path / "density_Li_free.cube").read_text().splitlines()[2].split()[0] == "0"
    plain = {p.name for p in write_report(REPORT, tmp_path, figures=False)}
    assert not any(name.startswith(("density_L", "CHGCAR")) for name in plain)


def test_each_figure_is_written_where_there_is_something_to_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, object] = {}

    def keep(figure: object, paths: list[Path], *, dpi: int) -> None:
        assert [path.suffix for path in paths] == [".png", ".svg", ".pdf"]
        drawn[paths[0].stem] = figure

    monkeypatch.setattr(files, "save_figure", keep)
    hotter = replace(REPORT, temperature_k=900.0)
    path = SimpleNamespace(
        dimension=1, winding=(1, 0, 0), distance_angstrom=np.array([0.0, 1.0]),
        energies_ev=np.array([0.0, 0.1]), bottleneck=1, barrier_ev=0.1, sampled=True, species="Li",
        least_error_ev=0.01,
    )  # fmt: skip
    full = replace(REPORT, rotation=(TURNING,), species=(replace(LITHIUM, paths=(path,)), IODIDE))
    written = write_figures(full, tmp_path, combined=combine_runs([REPORT, hotter]))
    names = ["overview", "msd", "rdf_Li_Li", "rdf_Li_I", "rdf_I_I", "density_Li", "van_hove_Li",
             "network_Li", "density_path_Li", "rotation", "arrhenius"]  # fmt: skip
    assert list(drawn) == names
    assert [p.name for p in written] == [f"{n}.{kind}" for n in names for kind in files.FORMATS]
    drawn.clear()
    bare = replace(LITHIUM, density=(), hops=(), paths=())
    still = replace(REPORT, species=(bare, IODIDE), rdfs=REPORT.rdfs[:2])
    write_figures(still, tmp_path, pairs=(("Li", "I"),))
    assert list(drawn) == ["overview", "msd", "rdf_Li_Li", "rdf_Li_I"]
