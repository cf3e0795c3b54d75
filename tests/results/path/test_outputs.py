"""Field and path files, read back by others; the figure and the terminal plot."""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from dualion.results.path.field_files import CEILING_EV, write_chgcar, write_cube, write_grd
from dualion.results.path.figure import text_plot, write_path_figure
from dualion.results.path.files import write_path_cif, write_path_csv, write_sites_csv
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.bvlain_engine import _loaded
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.pathways import map_ion
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import symbol
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare


@cache
def mapped(name, ion="Li+"):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    coarse = BarrierOptions(spacing_angstrom=0.3)
    return map_ion(prepare(record.structure), MobileIon.parse(ion), coarse)


@pytest.fixture(scope="module")
def olivine():
    return mapped("LiFePO4")


@pytest.fixture(scope="module")
def expected(olivine):
    return np.minimum(olivine.energies_ev - olivine.energies_ev.min(), CEILING_EV)


def test_cube_read_by_ase(tmp_path, olivine, expected):
    from ase.io.cube import read_cube

    write_cube(tmp_path / "field.cube", olivine.energies_ev, olivine.crystal)
    with (tmp_path / "field.cube").open() as handle:
        content = read_cube(handle)
    assert content["data"] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    atoms = content["atoms"]
    assert atoms.cell.array == pytest.approx(olivine.crystal.cell, abs=1e-4)
    assert sorted(atoms.numbers) == sorted(olivine.crystal.numbers)


def test_chgcar_read_by_ase_and_pymatgen(tmp_path, olivine, expected):
    from ase.calculators.vasp import VaspChargeDensity
    from pymatgen.io.vasp import Chgcar

    path = tmp_path / "CHGCAR"
    write_chgcar(path, olivine.energies_ev, olivine.crystal)
    read = VaspChargeDensity(str(path))
    assert read.chg[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert read.atoms[0].get_chemical_formula() == "Fe4Li4O16P4"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = Chgcar.from_file(str(path))
    volume = density.structure.volume
    assert density.data["total"] / volume == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_grd_has_the_layout_of_bvlain(tmp_path, olivine, expected):
    """The peer's own file, on its own grid: same lines, same order of the values."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        lain = _loaded(olivine.crystal)
        lain.bvse_distribution(mobile_ion="Li1+", r_cut=6.0, resolution=0.5)
        lain.write_grd(str(tmp_path / "peer"), task="bvse")
    write_grd(tmp_path / "ours.grd", lain.data[:-1, :-1, :-1], olivine.crystal)
    peer = (tmp_path / "peer.grd").read_text().splitlines()
    ours = (tmp_path / "ours.grd").read_text().splitlines()
    assert len(ours) == len(peer)
    assert np.fromstring(ours[1], sep=" ") == pytest.approx(np.fromstring(peer[1], sep=" "))
    assert ours[2].split() == peer[2].split()
    values = np.array(peer[3:], float)
    raised = np.minimum(values - values.min(), CEILING_EV)
    assert np.array(ours[3:], float) == pytest.approx(raised, abs=1e-6)


def test_disordered_sites_are_written_once(tmp_path):
    from ase.io.cube import read_cube

    found = mapped("Li6PS5Cl0.25Br0.75")
    write_cube(tmp_path / "field.cube", found.energies_ev, found.crystal)
    with (tmp_path / "field.cube").open() as handle:
        atoms = read_cube(handle)["atoms"]
    assert len(atoms) == len(np.unique(np.round(found.crystal.frac, 4), axis=0))
    assert 35 in atoms.numbers and 17 not in atoms.numbers  # Br is there three times in four


def test_path_csv(tmp_path, olivine):
    write_path_csv(tmp_path / "path.csv", olivine.paths)
    with (tmp_path / "path.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == sum(len(path.points) for path in olivine.paths)
    for path in olivine.paths:
        mine = [row for row in rows if row["dimension"] == str(path.dimension)]
        (top,) = [row for row in mine if row["mark"] == "bottleneck"]
        assert float(top["energy_ev"]) == max(float(row["energy_ev"]) for row in mine)
        assert float(top["energy_ev"]) == pytest.approx(path.barrier_ev, abs=1e-6)
        turn = [float(mine[-1][axis]) - float(mine[0][axis]) for axis in "abc"]
        assert turn == pytest.approx(path.winding)


def test_sites_csv(tmp_path, olivine):
    write_sites_csv(tmp_path / "sites.csv", olivine.sites)
    with (tmp_path / "sites.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == sum(site.multiplicity for site in olivine.sites)
    assert float(rows[0]["energy_ev"]) == 0.0


@pytest.mark.parametrize("name", ["LiFePO4", "Li6PS5Cl0.25Br0.75"])
def test_path_cif_read_by_pymatgen_and_ase(tmp_path, name):
    import ase.io
    from pymatgen.core import DummySpecies
    from pymatgen.io.cif import CifParser

    found = mapped(name)
    write_path_cif(tmp_path / "path.cif", found.crystal, found.paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (structure,) = CifParser(tmp_path / "path.cif").parse_structures(primitive=False)
        atoms = ase.io.read(tmp_path / "path.cif")
    dummies = [site for site in structure if isinstance(next(iter(site.species)), DummySpecies)]
    assert len(dummies) == (atoms.numbers == 0).sum() > 20
    amounts = structure.composition.get_el_amt_dict()
    for number in set(found.crystal.numbers.tolist()):
        expected = found.crystal.occupancies[found.crystal.numbers == number].sum()
        assert amounts[symbol(number)] == pytest.approx(expected, abs=1e-3)
    # every point of every path has an atom or a dummy atom at its place
    there = np.array([site.frac_coords for site in structure])
    for path in found.paths:
        gaps = path.frac[:, None] - there[None]
        gaps -= np.round(gaps)
        assert np.linalg.norm(gaps @ found.crystal.cell, axis=2).min(axis=1).max() < 0.03


def test_the_figure_is_written_in_each_format(tmp_path, olivine):
    files = [tmp_path / "path.png", tmp_path / "path.svg"]
    write_path_figure(files, olivine.paths, title="Li+ in LiFePO4")
    assert files[0].read_bytes().startswith(b"\x89PNG")
    svg = files[1].read_text()
    assert svg.count('id="axes_') == 3
    assert "<svg" in svg


@pytest.mark.parametrize("width", [8, 64])
def test_the_terminal_plot_shows_the_bottleneck(olivine, width):
    path = olivine.paths[0]
    lines = text_plot(path, width=width, height=5)
    assert len(lines) == 5 and {len(line) for line in lines} == {width}
    at = int(path.distance_angstrom[path.bottleneck] / path.distance_angstrom[-1] * width)
    assert lines[0][min(at, width - 1)] == "█"
    if width == 64:
        assert lines[0][0] == " "  # the path starts at its lowest site


def path_of(**changes):
    base = {
        "dimension": 1, "winding": (1, 0, 0), "minima": (0, 3), "bottleneck": 2,
        "distance_angstrom": np.array([0.0, 1.23456, 2.0, 3.0]),
        "energies_ev": np.array([0.0, 0.1, 0.25, 0.0]),
        "frac": np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.6, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    }  # fmt: skip
    return SimpleNamespace(**(base | changes))


def small(*places):
    count = len(places)
    return IonicCrystal(
        cell=10.0 * np.eye(3), frac=np.array(places), numbers=np.full(count, 53),
        charges=-np.ones(count), occupancies=np.linspace(1.0, 0.25, count),
    )  # fmt: skip


def test_a_path_is_written_point_by_point_with_its_marks(tmp_path):
    write_path_csv(tmp_path / "p.csv", [path_of()])
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "dimension,point,distance_angstrom,energy_ev,a,b,c,mark",
        "1,0,0.0000,0.000000,0.000000,0.000000,0.000000,minimum",
        "1,1,1.2346,0.100000,0.300000,0.000000,0.000000,",
        "1,2,2.0000,0.250000,0.600000,0.000000,0.000000,bottleneck",
        "1,3,3.0000,0.000000,1.000000,0.000000,0.000000,minimum",
    ]


def test_sites_are_numbered_from_one_and_written_for_each_position(tmp_path):
    sites = [
        SimpleNamespace(
            energy_ev=0.0, multiplicity=2, positions=np.array([[0, 0, 0], [0.5, 0, 0]])
        ),
        SimpleNamespace(energy_ev=0.3, multiplicity=1, positions=np.array([[0.25, 0, 0]])),
    ]
    write_sites_csv(tmp_path / "s.csv", sites)
    assert (tmp_path / "s.csv").read_text().splitlines() == [
        "site,energy_ev,multiplicity,a,b,c",
        "1,0.000000,2,0.000000,0.000000,0.000000",
        "1,0.000000,2,0.500000,0.000000,0.000000",
        "2,0.300000,1,0.250000,0.000000,0.000000",
    ]


def test_dummies_stand_where_nothing_is_yet(tmp_path):
    """The last point is the image of the first; a point within 0.02 Å of an atom has none."""
    frac = np.array([[0.0, 0, 0], [0.3019, 0, 0], [0.5, 0, 0], [0.5015, 0, 0], [1.0, 0, 0]])
    found = path_of(frac=frac, minima=(0, 4), bottleneck=2)
    write_path_cif(tmp_path / "p.cif", small([0.3, 0.0, 0.0], [0.7, 0.0, 0.0]), [found])
    lines = (tmp_path / "p.cif").read_text().splitlines()
    assert lines[0] == "data_path"
    assert "_cell_length_a 10.000000" in lines and "_cell_angle_gamma 90.000000" in lines
    atoms = lines[lines.index("_atom_site_occupancy") + 1 :]
    assert atoms == [
        "I1 I 0.300000 0.000000 0.000000 1.0000",
        "I2 I 0.700000 0.000000 0.000000 0.2500",
        "X1_0_min X 0.000000 0.000000 0.000000 1.0000",
        "X1_2_top X 0.500000 0.000000 0.000000 1.0000",
    ]
    nearer = path_of(frac=np.array([[0.3021, 0, 0], [0.9, 0, 0]]), minima=(), bottleneck=9)
    write_path_cif(tmp_path / "q.cif", small([0.3, 0.0, 0.0]), [nearer])
    assert (tmp_path / "q.cif").read_text().splitlines()[-1].startswith("X1_0 X 0.302100")


def test_fields_are_cut_at_a_ceiling_above_their_minimum(tmp_path):
    energies = np.array([-3.0, 0.0, 16.9, 17.1, 500.0, 1.0, 2.0]).reshape(1, 1, 7)
    write_grd(tmp_path / "f.grd", energies, small([0.0, 0.0, 0.0]))
    title, cell, counts, *values = (tmp_path / "f.grd").read_text().splitlines()
    assert title == "I bond valence site energy in eV, dualion"
    assert cell == "10.000000 10.000000 10.000000 90.000000 90.000000 90.000000"
    assert counts == "1 1 7"
    assert [float(x) for x in values] == [0.0, 3.0, 19.9, 20.0, 20.0, 4.0, 5.0]
    write_chgcar(tmp_path / "CHGCAR", energies, small([0.0, 0.0, 0.0]))
    lines = (tmp_path / "CHGCAR").read_text().splitlines()
    assert [len(line.split()) for line in lines[-2:]] == [5, 2]  # five values a line
    assert float(lines[-2].split()[1]) == pytest.approx(3000.0)
    whole = np.zeros((1, 2, 5))
    write_chgcar(tmp_path / "CHGCAR", whole, small([0.0, 0.0, 0.0]))
    assert [len(line.split()) for line in (tmp_path / "CHGCAR").read_text().splitlines()[-2:]] == [
        5,
        5,
    ]
