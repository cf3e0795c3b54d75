"""Sites, their symmetry and their surroundings; the map of one ion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from conftest import ionic

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.pathways import map_ion
from dualion.screening.percolation.sites import nearest_atoms, sites_of
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare

LITHIUM = MobileIon(3, 1.0)


def crystal_of(name):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return prepare(record.structure)


def bowls(shape, centres, depths, width=0.08):
    """A flat field with Gaussian bowls, periodic."""
    grid = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1)
    field = np.full(shape, 3.0)
    for centre, depth in zip(centres, depths, strict=True):
        gap = grid - centre
        gap -= np.round(gap)
        field -= depth * np.exp(-(gap**2).sum(axis=-1) / (2 * width**2))
    return field


@pytest.fixture
def simple():
    """One chloride in a cube: m-3m symmetry about the origin."""
    return ionic(np.diag([6.0] * 3), [[0, 0, 0]], [17], [-1])


@pytest.mark.parametrize("origin", [(0, 0, 0), (1 / 8, 5 / 24, 1 / 3)])
def test_symmetric_bowls_are_one_site(origin):
    """Wherever the chloride lies: operations about another point carry any translation."""
    chloride = ionic(np.diag([6.0] * 3), [origin], [17], [-1])
    centres = (np.array([(0.5, 0.5, 0.5), *np.eye(3) * 0.5]) + origin) % 1.0
    field = bowls((24, 24, 24), centres, [2.9, 2.0, 2.0, 2.0])
    sites = sites_of(field, chloride, LITHIUM)
    assert [site.multiplicity for site in sites] == [1, 3]
    assert sites[0].frac == pytest.approx(centres[0])
    assert sites[0].energy_ev == 0.0
    assert sites[1].energy_ev == pytest.approx(0.9, abs=0.01)
    found = sorted(map(tuple, sites[1].positions.round(6).tolist()))
    assert found == sorted(map(tuple, centres[1:].round(6).tolist()))


def test_equal_bowls_without_symmetry_stay_apart(simple):
    field = bowls((24, 24, 24), [(0.5, 0.5, 0.5), (0.25, 0.5, 0.0)], [2.0, 2.0])
    assert len(sites_of(field, simple, LITHIUM)) == 2


def test_ripples_are_no_sites(simple):
    rng = np.random.default_rng(1)
    field = bowls((24, 24, 24), [(0.5, 0.5, 0.5)], [2.0])
    field += rng.uniform(0, 0.015, field.shape)
    sites = sites_of(field, simple, LITHIUM)
    assert sum(site.multiplicity for site in sites) == 1


def test_sites_above_the_limit_are_left_out(simple):
    field = bowls((24, 24, 24), [(0.5, 0.5, 0.5), (0.0, 0.0, 0.5)], [2.9, 1.0])
    assert len(sites_of(field, simple, LITHIUM, up_to_ev=1.5)) == 1
    assert len(sites_of(field, simple, LITHIUM, up_to_ev=2.0)) == 2


def test_nearest_atoms_equal_a_plain_search(triclinic):
    point = np.array([0.9, 0.05, 0.97])
    found = nearest_atoms(triclinic, point, LITHIUM, most=12)
    plain = sorted(
        (np.linalg.norm((triclinic.frac[i] + image - point) @ triclinic.cell), i)
        for image in itertools.product(range(-3, 5), repeat=3)
        for i in range(1, 6)
    )[:12]
    assert [a.distance_angstrom for a in found] == pytest.approx([d for d, _ in plain])
    assert all(a.element != "Li" for a in found)
    assert {a.occupancy for a in found if a.element == "Cl"} <= {0.4}


@pytest.mark.parametrize(("name", "ion"), [("Li3PO4_gamma", "Li+"), ("Li6PS5I", "I-")])
def test_the_map_has_the_barriers_of_the_screening(name, ion):
    crystal, mobile = crystal_of(name), MobileIon.parse(ion)
    found = map_ion(crystal, mobile, BarrierOptions())
    screened = native_barriers(crystal, mobile, BarrierOptions())
    assert found.barriers_ev == screened.barriers_ev
    assert found.refined_ev == pytest.approx(screened.refined_ev)
    for path, top in zip(found.paths, found.bottlenecks, strict=True):
        assert top.energy_ev == pytest.approx(found.barriers_ev[path.dimension - 1], abs=1e-8)


def test_sites_of_known_crystals_are_the_refined_positions():
    """The deepest sites hold the lithium that diffraction finds (bundled CIFs)."""
    for name, count in (("LiFePO4", 4), ("LiCoO2", 3)):
        crystal = crystal_of(name)
        site = map_ion(crystal, LITHIUM, BarrierOptions()).sites[0]
        assert site.multiplicity == count == (crystal.numbers == 3).sum()
        gaps = site.positions[:, None] - crystal.frac[crystal.numbers == 3][None]
        gaps -= np.round(gaps)
        assert (np.linalg.norm(gaps @ crystal.cell, axis=2).min(axis=1) < 0.3).all()
        assert [atom.element for atom in site.neighbours[:6]] == ["O"] * 6


def test_lithium_in_lifepo4_passes_a_tetrahedron():
    """The bottleneck is a triangle of oxygens between octahedron and tetrahedron, and the site
    on the way has four near oxygens (Nishimura et al., 10.1038/nmat2251)."""
    found = map_ion(crystal_of("LiFePO4"), LITHIUM, BarrierOptions())
    top = found.bottlenecks[0]
    nearest = [atom.distance_angstrom for atom in top.neighbours[:3]]
    assert [atom.element for atom in top.neighbours[:3]] == ["O"] * 3
    assert max(nearest) < 2.0 and top.neighbours[3].distance_angstrom > 2.3
    between = found.sites[1].neighbours
    assert sum(a.element == "O" and a.distance_angstrom < 2.4 for a in between) == 4
