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


def test_the_limit_itself_belongs_to_the_sites(simple):
    """Two single points, at 0 and at exactly 2 eV, which is also the usual limit."""
    for height, up_to, count in ((2.0, 2.0, 2), (2.0, 1.9, 1), (2.1, 2.0, 1)):
        field = np.full((8, 8, 8), 5.0)
        field[2, 2, 2], field[6, 5, 4] = 0.0, height
        assert len(sites_of(field, simple, LITHIUM, up_to_ev=up_to)) == count
        if up_to == 2.0:
            assert len(sites_of(field, simple, LITHIUM)) == count


@pytest.mark.parametrize(("climb", "count"), [(0.019, 1), (0.021, 2)])
def test_a_minimum_needs_a_way_out_of_two_hundredths_of_an_electronvolt(simple, climb, count):
    """Between minima of 0 and 0.5 eV a pass that lies so far above the higher one."""
    field = np.full((8, 8, 8), 5.0)
    field[2, 2, 2], field[2, 2, 3], field[2, 2, 4] = 0.0, 0.5 + climb, 0.5
    assert len(sites_of(field, simple, LITHIUM)) == count


def test_three_minima_in_a_row_end_at_the_pass_to_a_lower_one(simple):
    """The middle one, lowest of all, ends none; each outer one is judged by its own pass."""
    field = np.full((9, 9, 9), 5.0)
    field[2, 2, 1:8] = [0.3, 0.31, 0.2, 0.5, 0.0, 0.19, 0.18]
    found = sites_of(field, simple, LITHIUM)
    assert [site.energy_ev for site in found] == pytest.approx([0.0, 0.2])


@pytest.mark.parametrize(("step", "count"), [(0.48, 1), (0.52, 2)])
def test_images_that_the_grid_moved_by_half_an_angstrom_are_one_site(step, count):
    """The image of point 2 by inversion is point 6; the other minimum is at point 5, a step off."""
    crystal = ionic(8.0 * step * np.eye(3), [[0, 0, 0]], [17], [-1])
    field = np.full((8, 8, 8), 5.0)
    field[2, 0, 0], field[5, 0, 0] = 0.0, 0.1
    assert len(sites_of(field, crystal, LITHIUM)) == count


def screw(x, y, z):
    return [(x, y, z), (-x, -y, z + 4), (-y, x, z + 2), (y, -x, z + 6)]


def test_a_screw_axis_relates_the_minima():
    """P4₁ on a grid of eighths: four minima are one site, and the other hand's are four."""
    crystal = ionic(
        np.diag([7.0, 7.0, 11.0]), np.array(screw(0.9, 2.6, 0.3)) / 8.0, [17] * 4, [-1] * 4
    )
    for turns, multiplicities in ((screw(1, 3, 0), [4]), (screw(1, 3, 1)[::-1], [4])):
        field = np.full((8, 8, 8), 5.0)
        field[tuple(np.array(turns).T % 8)] = [0.0, 0.1, 0.2, 0.3]
        found = sites_of(field, crystal, LITHIUM)
        assert [site.multiplicity for site in found] == multiplicities
        assert found[0].energy_ev == 0.0
    field = np.full((8, 8, 8), 5.0)
    left = [(x, y, -z) for x, y, z in screw(1, 3, 0)]
    field[tuple(np.array(left).T % 8)] = [0.0, 0.1, 0.2, 0.3]
    assert [site.multiplicity for site in sites_of(field, crystal, LITHIUM)] == [2, 2]


def test_species_on_one_site_count_as_one_in_the_symmetry():
    """F and Cl share every site of a chain; with their shares exchanged a site is no image."""
    frac = [[0, 0, 0], [1, 0, -1], [0.5, 0, 0], [-0.5, 0, 1]]  # in whatever cell they are told
    field = np.full((8, 8, 8), 5.0)
    field[1, 2, 2], field[5, 2, 2] = 0.0, 0.1
    for shares, count in (((0.6, 0.4, 0.6, 0.4), 1), ((0.6, 0.4, 0.4, 0.6), 2)):
        crystal = ionic(np.diag([8.0, 5.0, 6.0]), frac, [9, 17, 9, 17], [-1] * 4, shares)
        assert len(sites_of(field, crystal, LITHIUM)) == count


@pytest.mark.parametrize(("edge", "count"), [(11.8, 6), (12.4, 0)])
def test_neighbours_are_told_up_to_six_angstrom(edge, count):
    """From the middle of the edges of a large cube: two at half an edge, then none."""
    crystal = ionic(edge * np.eye(3), [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], [17] * 3, [-1] * 3)
    assert len(nearest_atoms(crystal, np.zeros(3), LITHIUM)) == count


def test_eight_neighbours_are_told_unless_others_are_asked_for():
    crystal = ionic(3.5 * np.eye(3), [[0, 0, 0]], [17], [-1])
    assert len(nearest_atoms(crystal, np.full(3, 0.1), LITHIUM)) == 8
    assert len(nearest_atoms(crystal, np.full(3, 0.1), LITHIUM, most=11)) == 11
