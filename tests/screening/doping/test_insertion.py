"""Insertion sites: known voids, distances, symmetry, and no dependence on the setting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ase.data import covalent_radii
from pymatgen.core import Element

from dualion.screening.bvse.field import framework_of
from dualion.screening.bvse.potential import PotentialOptions, pair_of
from dualion.screening.doping.insertion import (
    InsertionOptions,
    _find_orbit,
    energy_of,
    insertion_sites,
)
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import shortest_distances, vectors_within
from dualion.screening.percolation.voids import (
    _largest_sphere,
    crystal_radii,
    crystal_radius_angstrom,
    empty_spheres,
)
from dualion.structures.crystal import IonicCrystal
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare
from dualion.structures.symmetry import primitive_crystal

LITHIUM, IODIDE = MobileIon(3, 1.0), MobileIon(53, -1.0)


def bundled(name):
    (path,) = [path for path in reference_paths() if path.stem == name]
    (record,) = read_structures([path])
    return prepare(record.structure)


@pytest.fixture(scope="module")
def thiophosphate():
    return bundled("Li3PS4_gamma")


def summary(sites):
    return [(s.multiplicity, round(s.share, 2), round(s.energy_ev, 2)) for s in sites]


def test_the_void_of_rock_salt_is_its_tetrahedral_site(rock_salt):
    centres, radii = empty_spheres(rock_salt)
    assert np.abs(np.mod(centres[0], 0.5) - 0.25).max() < 1e-3
    nearest = 5.13 * np.sqrt(3) / 4
    assert radii[0] == pytest.approx(nearest - crystal_radius_angstrom(17, -1.0), abs=1e-4)


def test_no_sphere_reaches_into_an_ion(thiophosphate):
    centres, radii = empty_spheres(thiophosphate)
    assert len(centres) > 2
    room = shortest_distances(thiophosphate.cell, centres, thiophosphate.frac)
    assert (room - crystal_radii(thiophosphate)).min(axis=1) == pytest.approx(radii, abs=1e-4)


@pytest.mark.parametrize("away_angstrom", [0.0, 0.4, 1.4])
def test_a_sphere_grows_to_the_middle_of_the_void_from_afar(away_angstrom):
    """One ion on a cubic lattice of 6 Å: the void is its body centre, 3√3 Å from the ion."""
    crystal = IonicCrystal(
        cell=6.0 * np.eye(3), frac=np.zeros((1, 3)), numbers=np.array([53]),
        charges=np.array([-1.0]), occupancies=np.ones(1),
    )  # fmt: skip
    radii = crystal_radii(crystal)
    start = 0.5 - np.array([1.0, 0.8, 0.6]) * away_angstrom / np.sqrt(2.0) / 6.0
    centre, radius = _largest_sphere(crystal, radii, start)
    np.testing.assert_allclose(centre, 0.5, atol=1e-3)
    assert radius == pytest.approx(3.0 * np.sqrt(3.0) - radii[0], abs=1e-5)


@pytest.mark.parametrize("ion", [LITHIUM, IODIDE])
def test_lithium_iodide_has_one_kind_of_interstitial(ion):
    (site,) = insertion_sites(primitive_crystal(bundled("LiI")), ion)
    assert site.multiplicity == 2
    assert site.nearest_angstrom == pytest.approx(6.0 * np.sqrt(3) / 4, abs=0.05)


@pytest.mark.parametrize("ion", [LITHIUM, IODIDE, MobileIon(11, 1.0)])
def test_places_keep_their_distance_to_every_ion_the_own_element_too(thiophosphate, ion):
    options = InsertionOptions()
    sites = insertion_sites(thiophosphate, ion, options)
    assert sites
    own = crystal_radius_angstrom(ion.number, ion.charge)
    sums = crystal_radii(thiophosphate) + own
    for site in sites:
        apart = shortest_distances(thiophosphate.cell, site.positions, thiophosphate.frac)
        shares = (apart / sums).min(axis=1)
        assert shares == pytest.approx([site.share] * site.multiplicity, abs=1e-3)
        assert site.share >= options.smallest_share
    every = np.vstack([site.positions for site in sites])
    apart = shortest_distances(thiophosphate.cell, every, every)
    assert apart[~np.eye(len(every), dtype=bool)].min() > 0.3


@pytest.mark.parametrize("origin", [0.0, 0.25])
def test_without_symmetry_every_void_stands_alone(origin):
    """Lithium iodide whose ions are shaken by 0.03 Å: its eight tetrahedra, one by one.

    About either origin: an ion's, and that of a void.
    """
    whole = bundled("LiI")
    whole = dataclasses.replace(whole, frac=whole.frac - whole.frac[0] + origin)
    shaken = np.random.default_rng(0).normal(scale=0.03, size=whole.frac.shape)
    crystal = dataclasses.replace(whole, frac=whole.frac + shaken @ np.linalg.inv(whole.cell))
    sites = insertion_sites(crystal, LITHIUM)
    assert [site.multiplicity for site in sites] == [1] * 8
    found = np.vstack([site.positions for site in sites])
    corners = np.stack(np.meshgrid(*[[0.25, 0.75]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    gaps = shortest_distances(crystal.cell, found, corners + whole.frac[0])
    assert sorted(gaps.argmin(axis=1).tolist()) == list(range(8))
    assert gaps.min(axis=1).max() < 0.3
    # Asked for the roomiest alone, it is that one that is left.
    (first,) = insertion_sites(crystal, LITHIUM, InsertionOptions(share_of_roomiest=1.0))
    assert first.share == max(site.share for site in sites)


def test_landscape_and_voids_both_contribute(thiophosphate):
    origins = {site.origin for site in insertion_sites(thiophosphate, LITHIUM)}
    assert origins == {"landscape", "void"}


def test_sites_do_not_depend_on_origin_or_setting(thiophosphate):
    change = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    moved = dataclasses.replace(
        thiophosphate,
        cell=change @ thiophosphate.cell,
        frac=(thiophosphate.frac + np.array([0.13, 0.41, 0.27])) @ np.linalg.inv(change),
    )
    for ion in (LITHIUM, IODIDE):
        here, there = insertion_sites(thiophosphate, ion), insertion_sites(moved, ion)
        assert summary(here) == summary(there)


def test_a_crowded_host_has_no_place(rock_salt):
    tight = dataclasses.replace(rock_salt, cell=rock_salt.cell * 0.8)
    assert insertion_sites(tight, IODIDE) == ()


def test_neighbours_equal_a_plain_search(triclinic):
    point = np.array([0.9, 0.05, 0.97])
    which, vectors = vectors_within(triclinic.cell, triclinic.frac, point, 7.0)
    shifts = np.array(list(np.ndindex(9, 9, 9))) - 4
    every = (triclinic.frac[:, None] + shifts - point) @ triclinic.cell
    lengths = np.linalg.norm(every, axis=2)
    assert len(which) == (lengths <= 7.0).sum()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.sort(lengths[lengths <= 7.0]))


def test_radii_are_those_of_the_nearest_state_of_the_same_sign():
    """Shannon's crystal radii as pymatgen ships them; a neutral atom has its covalent radius."""
    iron = Element("Fe").ionic_radii
    assert crystal_radius_angstrom(26, 2.0) == iron[2]
    assert crystal_radius_angstrom(26, 2.4) == iron[2]
    assert crystal_radius_angstrom(26, 2.6) == iron[3]
    assert crystal_radius_angstrom(17, -1.0) == Element("Cl").ionic_radii[-1]
    iodine = Element("I").ionic_radii
    assert crystal_radius_angstrom(53, 6.5) == iodine[7]
    assert crystal_radius_angstrom(53, 1.0) == iodine[5]  # though −1 is nearer
    for number in (26, 53):
        assert crystal_radius_angstrom(number, 0.0) == covalent_radii[number]
    assert crystal_radius_angstrom(26, -1.0) == covalent_radii[26]


@pytest.mark.parametrize(("off", "count"), [(0.14, 1), (0.16, 2)])
def test_a_place_within_three_tenths_of_its_image_is_a_special_position(off, count):
    """The inversion moves a place x Å from the centre by 2x."""
    rotations = np.array([np.eye(3), -np.eye(3)])
    orbit = _find_orbit(
        np.array([off / 10.0, 0.0, 0.5]), 10.0 * np.eye(3), rotations, np.zeros((2, 3))
    )
    assert len(orbit) == count
    if count == 1:
        np.testing.assert_allclose(orbit, [[0.0, 0.0, 0.5]], atol=1e-12)
    else:
        assert orbit.min() >= 0.0 and orbit.max() < 1.0


def test_a_place_on_an_axis_has_its_shift_for_an_image():
    rotations = np.array([np.eye(3), np.diag([-1.0, -1.0, 1.0])])
    shifts = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    orbit = _find_orbit(np.array([0.9, 0.2, 0.7]), 10.0 * np.eye(3), rotations, shifts)
    np.testing.assert_allclose(orbit, [[0.9, 0.2, 0.7], [0.1, 0.8, 0.2]], atol=1e-12)


def test_the_energy_of_a_place_is_the_plain_sum_of_its_pairs(rock_salt):
    options = PotentialOptions()
    framework = framework_of(rock_salt, LITHIUM, options, own_element_stays=True)
    place = np.array([0.21, 0.34, 0.27])
    shifts = np.array(list(np.ndindex(9, 9, 9))) - 4
    total = 0.0
    for number, charge, frac in zip(
        rock_salt.numbers.tolist(), rock_salt.charges.tolist(), rock_salt.frac, strict=True
    ):
        apart = np.linalg.norm((frac - place + shifts) @ rock_salt.cell, axis=1)
        pair, _ = pair_of(LITHIUM, number, charge, options)
        total += float(pair.energy_ev(apart[apart <= 8.0]).sum())
    assert energy_of(framework, place, cutoff_angstrom=8.0) == pytest.approx(total)
    assert np.isfinite(energy_of(framework, rock_salt.frac[0], cutoff_angstrom=8.0))


def test_sites_fall_in_room_and_are_told_by_the_ion_that_limits_them(thiophosphate):
    sites = insertion_sites(thiophosphate, LITHIUM)
    shares = [site.share for site in sites]
    assert shares == sorted(shares, reverse=True)
    assert min(shares) >= 0.85 * max(shares)
    own = crystal_radius_angstrom(3, 1.0)
    for site in sites:
        apart = shortest_distances(thiophosphate.cell, site.positions[:1], thiophosphate.frac)[0]
        ratios = apart / (crystal_radii(thiophosphate) + own)
        tightest = int(ratios.argmin())
        assert site.share == pytest.approx(ratios[tightest])
        assert site.nearest_angstrom == pytest.approx(apart[tightest])
        assert site.nearest_element == Element.from_Z(thiophosphate.numbers[tightest]).symbol
    least = 0.95 * shares[0]
    chosen = insertion_sites(thiophosphate, LITHIUM, InsertionOptions(share_of_roomiest=0.95))
    assert [site.share for site in chosen] == [share for share in shares if share >= least]


def test_low_minima_alone_are_looked_at(thiophosphate):
    """Minima of the landscape up to so many eV above the lowest; voids whatever their energy."""

    def of_landscape(up_to_ev):
        sites = insertion_sites(
            thiophosphate,
            LITHIUM,
            InsertionOptions(
                up_to_ev=up_to_ev, spacing_angstrom=0.4, share_of_roomiest=0.0, smallest_share=0.0
            ),
        )
        return [site.energy_ev for site in sites if site.origin == "landscape"]

    few, many = of_landscape(0.2), of_landscape(2.0)
    assert len(few) < len(many)
    assert max(few) < min(many) + 0.25
    assert max(many) < min(many) + 2.05
