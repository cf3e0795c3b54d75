"""Field and path files, read back by others; the figure and the terminal plot."""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
from functools import cache

import numpy as np
import pytest

from dualion.results.path.field_files import CEILING_EV, write_chgcar, write_cube, write_grd
from dualion.results.path.figure import text_plot, write_path_figure
from dualion.results.path.files import write_path_cif, write_path_csv, write_sites_csv
from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.bvlain_engine import _loaded
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.pathways import map_ion
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
