"""Tables, figures and volumetric files say what the analysis found, with errors and units."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Chgcar

from dualion.results.md.finished_runs import diffusion_of
from dualion.results.transport import files
from dualion.results.transport.files import TABLES, write_report
from dualion.results.transport.headline import headline
from dualion.results.transport.identity import RunOrigin, read_identity
from dualion.results.transport.json_document import _clean, report_json
from dualion.results.transport.overview import choose_pairs, split_at_faces
from dualion.results.transport.summary import summary_lines
from dualion.results.transport.tables import (
    SPECIES_COLUMNS,
    msd_csv,
    rdf_csv,
    species_csv,
    species_rows,
)
from dualion.results.transport.volumes import chgcar_text, cube_text
from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.arrhenius import arrhenius
from dualion.screening.transport.combined import combine_runs, fit_arrhenius
from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.report import TransportReport
from dualion.structures.errors import InputError
from dualion.structures.trajectories import Trajectory


@pytest.fixture(scope="module")
def report() -> TransportReport:
    """Lithium that walks between caged sulfide ions in a skewed cell."""
    rng = np.random.default_rng(0)
    cell = np.array([[9.0, 0.0, 0.0], [2.0, 8.5, 0.0], [0.5, -1.0, 10.0]])
    start = rng.random((1, 20, 3)) @ cell
    moved = rng.normal(scale=0.1, size=(300, 20, 3))
    moved[:, :10] = np.cumsum(rng.normal(scale=0.5, size=(300, 10, 3)), axis=0)
    trajectory = Trajectory(
        fractional=(start + moved) @ np.linalg.inv(cell),
        cells=cell[None],
        symbols=("Li",) * 10 + ("S",) * 10,
        frame_step_ps=0.1,
        temperature_k=700.0,
        source="made",
    )
    return analyse(trajectory, AnalysisOptions(framework=("S",), with_kinisi=False))


def test_species_table_has_every_column_and_an_error_beside_each_d(
    report: TransportReport,
) -> None:
    rows = list(csv.DictReader(io.StringIO(species_csv([report, report]))))
    assert len(rows) == 4
    assert list(rows[0]) == list(SPECIES_COLUMNS)
    assert rows[0]["verdict"] == "diffusing"
    assert rows[1]["verdict"] == "vibrating"
    moving, caged = rows[0], rows[1]
    assert float(moving["d_error_cm2_s"]) > 0.0
    assert float(moving["d_low_cm2_s"]) < float(moving["d_cm2_s"]) < float(moving["d_high_cm2_s"])
    assert moving["d_upper_cm2_s"] == "" and float(caged["d_upper_cm2_s"]) > 0.0
    numbers = {key for key in caged if re.match(r"d_.*cm2_s", key)} - {"d_upper_cm2_s"}
    assert all(caged[key] == "" for key in numbers)


def test_json_is_strict_and_keeps_units_and_unknowns(report: TransportReport) -> None:
    fit = arrhenius([600.0, 700.0, 800.0], [1e-6, 2e-6, 4e-6], [1e-7, 2e-7, 4e-7])
    content = json.loads(report_json(report, {"Li": fit}))
    assert content["schema"] == "dualion-transport-2"
    assert content["framework"] == "declared: S"
    lithium = content["species"][0]
    assert lithium["d_cm2_s"] == pytest.approx(report.species[0].diffusion.d_cm2_s)
    assert lithium["d_kinisi_cm2_s"] is None
    assert np.shape(lithium["d_tensor_cm2_s"]) == (3, 3)
    numbers = content["transport"][0]["transport_numbers"]
    assert set(numbers) == {"Li", "S"}
    assert set(numbers["Li"]) == {"value", "error", "low", "high", "resolved", "text"}
    room = content["arrhenius"]["Li"]
    assert room["d_300k_low_cm2_s"] < room["d_300k_cm2_s"] < room["d_300k_high_cm2_s"]


def test_curves_are_those_of_the_report(report: TransportReport) -> None:
    rows = list(csv.DictReader(io.StringIO(msd_csv(report))))
    assert len(rows) == 300
    assert float(rows[50]["msd_total_Li_angstrom2"]) == pytest.approx(
        report.species[0].msd.total[50], rel=1e-6
    )
    pairs = {row["pair"] for row in csv.DictReader(io.StringIO(rdf_csv(report)))}
    assert pairs == {"Li-Li", "Li-S", "S-S"}


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text(encoding="utf-8"))))


def test_tables_of_motion_are_those_of_the_report(report: TransportReport, tmp_path: Path) -> None:
    write_report(report, tmp_path, figures=False)
    lithium, jumps = report.species[0], report.species[0].hops[0]
    ions = rows_of(tmp_path, "ions.csv")
    assert [int(row["atom"]) for row in ions] == list(range(1, 21))
    parts = [float(ions[3][f"msd_{n}_angstrom2"]) for n in (1, 2, 3)]
    assert sum(parts) == pytest.approx(float(ions[3]["msd_angstrom2"]))
    assert parts == sorted(parts, reverse=True)
    assert int(ions[3]["jumps"]) == jumps.per_ion[3]
    assert len(rows_of(tmp_path, "jumps.csv")) == len(jumps.frames)
    sites = rows_of(tmp_path, "sites.csv")
    assert sum(int(row["jumps_out"]) for row in sites) == len(jumps.frames)
    assert sum(int(row["jumps"]) for row in rows_of(tmp_path, "links.csv")) == len(jumps.frames)
    hove = [row for row in rows_of(tmp_path, "van_hove.csv") if row["species"] == "Li"]
    assert len(hove) == lithium.van_hove.distinct_part.size
    assert float(hove[-1]["distinct_part"]) == pytest.approx(
        lithium.van_hove.distinct_part[-1, -1], rel=1e-6
    )
    points = [row for row in rows_of(tmp_path, "density_paths.csv") if row["dimension"] == "1"]
    path = lithium.paths[0]
    assert max(float(row["free_energy_ev"]) for row in points) == pytest.approx(path.barrier_ev)
    ends = [[float(points[end][axis]) for axis in "xyz"] for end in (0, -1)]
    np.testing.assert_allclose(np.diff(ends, axis=0)[0], path.winding, atol=1e-6)
    content = json.loads((tmp_path / "transport.json").read_text(encoding="utf-8"))
    first = content["species"][0]
    assert first["blocks"][0]["error_cm2_s"] > 0.0
    assert first["density_paths"][0]["barrier_ev"] == pytest.approx(path.barrier_ev)
    assert content["transport"][0]["frame"] == "declared: S"


def test_a_pair_counts_its_second_element_around_its_first(report: TransportReport) -> None:
    forth, back = choose_pairs(report, (("Li", "S"), ("S", "Li")))
    np.testing.assert_allclose(forth.coordination, back.coordination)  # ten of each
    assert [named.pair for named in choose_pairs(report, ())] == [("Li", "S")]
    with pytest.raises(InputError, match="no pair Li-Br"):
        choose_pairs(report, (("Li", "Br"),))


def test_a_way_is_cut_where_it_leaves_the_cell() -> None:
    way = np.array([[0.8, 0.5, 0.5], [0.9, 0.5, 0.5], [1.1, 0.5, 0.5], [1.2, 0.5, 0.5]])
    pieces = split_at_faces(way)
    assert [len(piece) for piece in pieces] == [2, 2]
    assert pieces[1][:, 0] == pytest.approx([0.1, 0.2])


def test_summary_prints_no_number_without_its_error(report: TransportReport) -> None:
    lines = summary_lines(report)
    for line in lines:
        assert "D =" not in line or "±" in line
        assert "σ" not in line or "±" in line or "not resolved" in line
    assert any("relative to declared: S" in line for line in lines)


def test_figures_are_written_as_png_svg_and_pdf(report: TransportReport, tmp_path: Path) -> None:
    colder = replace(report, temperature_k=600.0)
    combined = combine_runs([report, colder])
    fits = fit_arrhenius(combined)
    paths = write_report(
        report, tmp_path, arrhenius=fits, combined=combined, pairs=(("S", "Li"),),
        origin=RunOrigin(engine="VASP", potential="PBE"),
    )  # fmt: skip
    names = {path.name for path in paths}
    for stem in (
        "overview",
        "msd",
        "network_Li",
        "rdf_Li_S",
        "density_Li",
        "van_hove_Li",
        "arrhenius",
    ):
        assert {f"{stem}.png", f"{stem}.svg", f"{stem}.pdf"} <= names
    begins = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    for path in paths:
        if path.suffix in begins:
            assert path.read_bytes()[:8].startswith(begins[path.suffix])
            assert {path.with_suffix(kind).name for kind in begins} <= names
    text = (tmp_path / "msd.svg").read_text()
    assert "MSD (Å²)" in text
    assert "Li: diffusing" in text
    assert "VASP · PBE · 20" in text.replace("\u00a0", " ")
    overview = (tmp_path / "overview.svg").read_text()
    for words in ("MSD (Å²)", "g(r)", "S–Li", "viewed along c"):
        assert words in overview
    assert set(TABLES) - names == {"rotation.csv"}  # nothing is bound here


def test_the_identity_is_read_back_from_the_json(report: TransportReport, tmp_path: Path) -> None:
    origin = RunOrigin(engine="ASE", potential="CHGNet", defects="schottky_Li1_S1", replica=2)
    write_report(report, tmp_path, origin=origin, figures=False)
    content = json.loads((tmp_path / "transport.json").read_text(encoding="utf-8"))
    found = read_identity(content)
    assert found.origin == origin
    assert found.defects_text() == "schottky Li1 S1"
    assert (found.cell_formula, found.n_atoms) == ("Li10S10", 20)
    assert found.conditions() == "700 K, 29.9 ps"
    # |b| = √(2² + 8.5²), |c| = √(0.5² + 1 + 10²), γ between a and b
    assert found.edges_text() == "9.00 × 8.73 × 10.06 Å, 94.9°, 87.2°, 76.8°"
    older = {key: value for key, value in content.items() if key != "run"}
    assert read_identity(older).compound == "LiS"
    assert read_identity(older).edges_text() == ""


def test_volumes_hold_the_density(report: TransportReport, tmp_path: Path) -> None:
    density = report.species[0].density[0]
    path = tmp_path / "CHGCAR"
    path.write_text(chgcar_text(density, ("Li",), np.zeros((1, 3))))
    read = Chgcar.from_file(str(path))
    volume = abs(np.linalg.det(density.cell))
    np.testing.assert_allclose(read.data["total"], density.values * volume, rtol=2e-5, atol=1e-9)
    np.testing.assert_allclose(read.structure.lattice.matrix, density.cell, atol=1e-5)
    cube = cube_text(density, np.array([3]), np.zeros((1, 3))).splitlines()
    assert cube[2].split()[0] == "1"
    assert [int(line.split()[0]) for line in cube[3:6]] == list(density.values.shape)
    values = np.array(" ".join(cube[7:]).split(), dtype=float)
    np.testing.assert_allclose(values, density.values.ravel(), rtol=1e-5, atol=1e-12)


def test_jumps_that_were_not_looked_for_are_not_counted(report: TransportReport) -> None:
    lithium, sulfur = species_rows(report)
    assert lithium["jumps"] == len(report.species[0].hops[0].frames) > 0
    assert not report.species[1].hops
    assert np.isnan(sulfur["jumps"])
    assert json.loads(report_json(report))["species"][1]["jumps"] is None


def test_infinities_of_either_sign_and_unknowns_stay_apart_in_json() -> None:
    assert _clean({"a": [np.inf, -np.inf, np.nan, np.float32(0.5)], "b": (np.int64(3), "x")}) == {
        "a": ["inf", "-inf", None, 0.5],
        "b": [3, "x"],
    }


def test_a_table_without_a_row_is_not_written(
    report: TransportReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {"none.csv": lambda _: "a,b\n", "one.csv": lambda _: "a,b\n1,2\n"}
    monkeypatch.setattr(files, "TABLES", tables)
    written = write_report(report, tmp_path, figures=False)
    assert {path.name for path in written} == {"species.csv", "transport.json", "one.csv"}
    assert not (tmp_path / "none.csv").exists()


def test_the_summary_tells_how_polyanions_turn(report: TransportReport) -> None:
    turning = Rotation(
        formula="PS4", n_bonds=4, bond_length_angstrom=2.05, times_ps=np.arange(3.0),
        correlation=np.array([1.0, 0.7, 0.42]), correlation_error=np.zeros(3),
        relative_msd=np.zeros(3), ceiling_angstrom2=8.4, relaxation_ps=np.inf, broken_bonds=0,
        exchanges=1, verdict="breaking",
    )  # fmt: skip
    lines = summary_lines(replace(report, rotation=(turning,)))
    told = [line for line in lines if line.startswith("  PS4")]
    assert told == ["  PS4: breaking, R = 2.05 Å, C₁ down to 0.42, 0 broken, 1 exchanged"]


def test_a_stored_ion_has_the_interval_and_the_limit_of_the_analysis(
    report: TransportReport,
) -> None:
    stored = {s["species"]: s for s in json.loads(report_json(report))["species"]}
    for species in report.species:
        found, back = species.diffusion, diffusion_of(stored[species.name])
        for name in ("d", "error", "low", "high", "one_jump", "upper"):
            expected = getattr(found, f"{name}_cm2_s")
            assert getattr(back, f"{name}_cm2_s") == pytest.approx(expected, nan_ok=True)
    caged = report.species[1].diffusion
    assert caged.high_cm2_s < 0.5 * caged.upper_cm2_s  # jumps that were not seen
    both = combine_replicas([diffusion_of(stored["S"])] * 2)
    assert both.upper_cm2_s == pytest.approx(0.5 * caged.upper_cm2_s, rel=0.05)


def test_the_summary_names_no_transport_number_that_the_frame_alone_makes(
    report: TransportReport,
) -> None:
    (found,) = report.transport
    held = Measured(value=0.0, error=0.0, low=0.0, high=0.0)
    sulfur_alone = replace(report, transport=(replace(found, numbers=(UNKNOWN, held)),))
    lines = headline([sulfur_alone], [], {})
    assert any("transport numbers not resolved" in line for line in lines)
    measured = Measured(value=0.9, error=0.1, low=0.7, high=1.1)
    known = replace(report, transport=(replace(found, numbers=(measured, held)),))
    assert any("t(Li) 0.90 ± 0.10, t(S) 0" in line for line in headline([known], [], {}))
