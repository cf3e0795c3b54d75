"""Candidate pages: atoms, fields, paths and sensitivity agree with the screening itself."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.results.guest_rows import is_guest
from dualion.results.report.candidate import (
    DetailOptions,
    _coarser,
    _ion,
    _same,
    candidate_detail,
    candidate_details,
    field_points_for,
    packed_field,
)
from dualion.results.report.scene import _atoms_in_view
from dualion.results.rows import Identity, result_rows
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.criterion import DaiCriterion
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.pathways import map_ion
from dualion.screening.screen import screen_crystal
from dualion.screening.screen_options import ScreenOptions
from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import iter_raw_entries, parse_entry, reference_paths
from dualion.structures.preparation import prepare

OPTIONS = DetailOptions(
    barriers=BarrierOptions(spacing_angstrom=0.3), criterion=DaiCriterion(), sensitivity=True
)


@pytest.fixture(scope="module")
def entry():
    path = next(p for p in reference_paths() if p.stem == "LiGaBr4")
    return next(iter(iter_raw_entries([path])))


@pytest.fixture(scope="module")
def crystal(entry):
    return prepare(parse_entry(entry).structure)


@pytest.fixture(scope="module")
def row(entry, crystal):
    result = screen_crystal(
        crystal, ScreenOptions(barriers=OPTIONS.barriers, deciding_anion=None, judged="grid")
    )
    identity = Identity(source=entry.source, source_id=entry.source_id, metadata={})
    return next(r for r in result_rows(identity, result) if r["anion"] == "Br-")


@pytest.fixture(scope="module")
def detail(row, entry):
    return candidate_detail(row, entry, OPTIONS)


def test_paths_climb_to_the_barriers_of_the_table(detail, row):
    for ion in detail.content["ions"]:
        assert ion["name"] == row[ion["role"]]
        for path in ion["paths"]:
            barrier = row[f"e{path['dimension']}d_{ion['role']}_ev"]
            assert max(path["energies_ev"]) == pytest.approx(barrier, abs=1e-3)
            assert path["energies_ev"][path["bottleneck"]] == max(path["energies_ev"])
            shift = np.subtract(path["frac"][-1], path["frac"][0])
            assert np.abs(shift - np.round(shift)).max() < 1e-3
            assert np.abs(np.round(shift)).max() >= 1
    assert detail.content["notes"] == []


def test_sensitivity_repeats_the_table_and_the_other_conventions(detail, row):
    lines = {line["name"]: line for line in detail.content["sensitivity"]["rows"]}
    for n in (1, 2, 3):
        line = lines[f"{n}D barriers"]
        assert line["cation_ev"] == pytest.approx(row[f"e{n}d_cation_ev"], abs=1e-6)
        assert line["passes"] == (f"{n}D" in row["dai_dimensions"])
    assert lines["3D, ratio read as cation over anion"]["passes"] == row["dai_other_reading"]
    doubled = lines["3D, Morse prefactor D0 instead of D0/2"]
    assert doubled["cation_ev"] > 1.5 * row["e3d_cation_ev"]
    passed = sum(line["passes"] for line in lines.values())
    assert detail.content["sensitivity"]["passed"] == passed


def test_field_is_the_ions_field_on_a_coarser_grid(detail, crystal, row):
    from dualion.screening.ions import MobileIon

    found = map_ion(crystal, MobileIon.parse("Li+"), replace(OPTIONS.barriers, refined=False))
    note, packed = packed_field(found, replace(OPTIONS, field_points=10**9))
    values = np.frombuffer(packed, np.uint8).reshape(note["shape"]) * note["highest_ev"] / 255
    above = np.minimum(found.energies_ev - found.energies_ev.min(), note["highest_ev"])
    assert values.shape == above.shape
    assert np.abs(values - above).max() <= note["highest_ev"] / 255
    small, few = packed_field(found, replace(OPTIONS, field_points=3000))
    assert math.prod(small["shape"]) == len(few) <= 3000
    assert len(few) > 2000  # as fine as the limit allows: each axis loses less than one point
    stored = detail.content["ions"][0]["field"]
    assert len(detail.sections[stored["section"]]) == math.prod(stored["shape"])
    assert stored["level_ev"] == pytest.approx(row["e3d_cation_ev"] + 0.05, abs=1e-6)


def test_atoms_in_view_repeat_those_on_faces(detail, crystal):
    view = detail.content["crystal"]
    atoms = view["atoms"][: view["inside"]]  # ligands that complete a polyhedron lie outside
    assert all(0.0 <= x <= 1.0 + 1e-4 for _, frac in atoms for x in frac)
    assert all(x == round(x, 4) for _, frac in atoms for x in frac)  # digits cost bytes
    inside = [frac for _, frac in atoms if all(x < 1.0 - 1e-6 for x in frac)]
    assert len(inside) == len(crystal.numbers)
    for frac in inside:
        copies = 2 ** sum(x < 1e-3 for x in frac)
        gaps = np.array([f for _, f in atoms]) - frac
        assert (np.abs(gaps - np.round(gaps)).max(axis=1) < 1e-4).sum() == copies


def test_bonds_join_gallium_and_bromide_in_view(detail):
    shown = detail.content["crystal"]
    symbols = [symbol for symbol, _ in shown["atoms"]]
    places = np.array([frac for _, frac in shown["atoms"]]) @ np.array(shown["cell"])
    expected = {
        (i, j)
        for i in range(len(symbols))
        for j in range(i + 1, len(symbols))
        if {symbols[i], symbols[j]} == {"Ga", "Br"}
        and np.linalg.norm(places[i] - places[j]) < 2.6  # Ga–Br in GaBr4-: 2.3 Å; next ones 4 Å
    }
    assert {tuple(bond) for bond in shown["bonds"]} == expected
    assert len(expected) >= 8


def test_coordinates_of_licensed_sources_stay_out(row, entry):
    icsd_row = row | {"source": "icsd"}
    hidden = candidate_detail(icsd_row, entry, replace(OPTIONS, sensitivity=False))
    assert "crystal" not in hidden.content
    assert not hidden.sections
    assert all("frac" not in path for ion in hidden.content["ions"] for path in ion["paths"])
    assert "licensed" in hidden.content["notes"][0]
    shown = replace(OPTIONS, sensitivity=False, include_licensed=True)
    assert "crystal" in candidate_detail(icsd_row, entry, shown).content


def test_a_page_says_that_hops_decide_and_the_map_is_the_recipe(row, entry):
    hops = row | {"mechanism_anion": "vacancy"}
    notes = candidate_detail(hops, entry, replace(OPTIONS, sensitivity=False)).content["notes"]
    assert len(notes) == 1 and "published recipe" in notes[0]


def test_a_changed_input_is_noticed(row, entry):
    moved = row | {"e3d_cation_grid_ev": row["e3d_cation_grid_ev"] + 0.1}
    notes = candidate_detail(moved, entry, replace(OPTIONS, sensitivity=False)).content["notes"]
    assert "changed" in notes[0]


def test_what_cannot_be_shown_is_said(row):
    seen = []
    details = candidate_details({4: row}, {}, OPTIONS, progress=lambda: seen.append(1))
    assert "not found" in details[4].content["notes"][0]
    assert seen == [1]


def test_fields_of_many_candidates_fit_into_the_page():
    assert field_points_for(1) >= field_points_for(50) >= field_points_for(100)
    assert 2 * 50 * field_points_for(50) <= 1_200_000


def test_a_guest_is_shown_in_the_complete_host(entry, crystal):
    """Its field is the host's at rest, the anions of its own element in place."""
    result = screen_crystal(crystal, ScreenOptions(barriers=OPTIONS.barriers, guests=("Br",)))
    identity = Identity(source=entry.source, source_id=entry.source_id, metadata={})
    row = next(r for r in result_rows(identity, result) if is_guest(r))
    detail = candidate_detail(row, entry, OPTIONS)
    assert any("guest" in note for note in detail.content["notes"])
    ion = next(ion for ion in detail.content["ions"] if ion["role"] == "anion")
    assert ion["name"] == "Br-"
    for path in ion["paths"]:
        rigid = row[f"e{path['dimension']}d_anion_rigid_ev"]
        assert max(path["energies_ev"]) == pytest.approx(rigid, abs=0.15)  # the grid's error
    lines = {line["name"]: line for line in detail.content["sensitivity"]["rows"]}
    assert lines["3D, host at rest"]["anion_ev"] == pytest.approx(row["e3d_anion_rigid_ev"])
    removed = row["guest_e3d_no_cations_ev"]
    assert lines["3D, without mobile cations"]["anion_ev"] == pytest.approx(removed)
    assert not any("preset" in name or "radii" in name for name in lines)


def test_a_direction_that_opened_or_closed_since_the_run_is_noticed(row, entry):
    """An infinite barrier equals an infinite one and no other."""
    closed = row | {"e3d_cation_grid_ev": math.inf}
    (note,) = candidate_detail(closed, entry, replace(OPTIONS, sensitivity=False)).content["notes"]
    assert "not the inf eV of the table" in note
    assert _same(math.inf, math.inf)
    assert not _same(math.inf, 0.3)
    assert not _same(0.3, math.inf)


def test_a_shared_site_is_drawn_once_by_its_main_species():
    """Chloride and fluoride on one site, and one atom on a corner of the cell: eight corners."""
    shared = IonicCrystal(
        cell=6.0 * np.eye(3),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]),
        numbers=np.array([3, 17, 9]),
        charges=np.array([1.0, -1.0, -1.0]),
        occupancies=np.array([1.0, 0.3, 0.7]),
    )
    numbers, places = _atoms_in_view(shared)
    assert sorted(numbers.tolist()) == [*[3] * 8, 9]
    assert np.unique(places, axis=0).shape == (9, 3)


def test_both_fields_of_all_candidates_share_a_page():
    """1.2 MB of one byte a point, two fields each; 24,000 points at most, 2,000 at least."""
    told = {count: field_points_for(count) for count in (0, 1, 25, 50, 300, 1000)}
    assert told == {0: 24_000, 1: 24_000, 25: 24_000, 50: 12_000, 300: 2_000, 1000: 2_000}


@pytest.mark.parametrize(("apart", "same"), [(0.0109, True), (0.0111, False)])
def test_a_barrier_differs_beyond_the_step_of_the_other_engine(apart, same):
    """bvlain bisects to 0.01 eV."""
    assert _same(0.4, 0.4 + apart) is same
    assert _same(0.4 + apart, 0.4) is same


def field_of(values, barriers):
    return SimpleNamespace(energies_ev=np.asarray(values, float), barriers_ev=barriers)


@pytest.mark.parametrize(
    ("dimension", "barriers", "level"),
    [
        (3, (0.2, 0.3, 0.4), 0.45), (2, (0.2, 0.3, 0.4), 0.35), (1, (0.2, 0.3, 0.4), 0.25),
        (3, (0.2, 0.3, math.inf), 0.25), (3, (math.inf,) * 3, 1.0),
    ],
)  # fmt: skip
def test_the_surface_is_drawn_a_little_above_the_pass(dimension, barriers, level):
    """… and the field is flat from 0.8 eV above it on, a byte a point."""
    options = replace(OPTIONS, criterion=DaiCriterion(dimensionality=dimension))
    values = np.linspace(-3.0, 0.0, 64).reshape(4, 4, 4)
    note, packed = packed_field(field_of(values, barriers), options)
    assert note == {
        "shape": [4, 4, 4], "highest_ev": pytest.approx(level + 0.8),
        "level_ev": pytest.approx(level),
    }  # fmt: skip
    expected = np.rint(255.0 * np.minimum((values + 3.0) / (level + 0.8), 1.0))
    assert np.frombuffer(packed, np.uint8).tolist() == expected.ravel().tolist()


def test_a_coarser_grid_is_interpolated_between_points():
    grid = np.arange(6.0)[:, None, None] + 10.0 * np.arange(6.0)[:, None] + 100.0 * np.arange(6.0)
    at = np.array([0.0, 1.5, 3.0, 4.5])
    expected = at[:, None, None] + 10.0 * at[:, None] + 100.0 * at
    np.testing.assert_allclose(_coarser(grid, 64), expected)  # 216 points by 1.5³
    np.testing.assert_allclose(_coarser(grid, 8), expected)  # four along an axis at least
    np.testing.assert_array_equal(_coarser(grid, 216), grid)
    np.testing.assert_array_equal(_coarser(grid, 10_000), grid)
    thin = np.arange(24.0).reshape(2, 12, 1)
    assert _coarser(thin, 3).shape == (2, 6, 1)


def ion_map(count=400):
    rng = np.random.default_rng(0)
    path = SimpleNamespace(
        dimension=2, frac=rng.random((count, 3)), distance_angstrom=np.linspace(0.0, 7.0, count),
        energies_ev=rng.random(count), bottleneck=37, minima=(0, 201, count - 1),
    )  # fmt: skip
    near = [SimpleNamespace(element="Br", charge=-1.0, distance_angstrom=2.34567),
            SimpleNamespace(element="Ga", charge=2.5, distance_angstrom=3.0),
            SimpleNamespace(element="X", charge=0.0, distance_angstrom=4.0)]  # fmt: skip
    neck = SimpleNamespace(neighbours=near)
    return SimpleNamespace(paths=[path], bottlenecks=[neck], ion=MobileIon(3, 1.0)), path


def test_a_path_keeps_its_bottleneck_and_minima_when_it_is_thinned():
    found, path = ion_map()
    told = _ion("cation", found)
    (one,) = told["paths"]
    assert (told["role"], told["name"], told["element"]) == ("cation", "Li+", "Li")
    assert 160 <= len(one["energies_ev"]) <= 163
    assert one["energies_ev"][one["bottleneck"]] == round(path.energies_ev[37], 4)
    for place, old in zip(one["minima"], path.minima, strict=True):
        assert one["distance_angstrom"][place] == round(path.distance_angstrom[old], 3)
        assert one["frac"][place] == np.round(path.frac[old], 4).tolist()
    assert one["distance_angstrom"] == sorted(one["distance_angstrom"])
    assert one["neighbours"] == [["Br (1−)", 2.346], ["Ga (2.5+)", 3.0], ["X", 4.0]]
    assert one["dimension"] == 2
    assert "frac" not in _ion("cation", found, hidden=True)["paths"][0]
    short, path = ion_map(120)
    path.minima = (0, 119)
    path.bottleneck = 60
    np.testing.assert_allclose(
        _ion("anion", short)["paths"][0]["energies_ev"], path.energies_ev, atol=5e-5
    )
