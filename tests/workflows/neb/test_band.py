"""Bands over energies that are known in full: one hump, or a rest between two."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.workflows.doping.relaxation import RelaxOptions, relax
from dualion.workflows.neb.band import BandOptions, relax_band
from dualion.workflows.neb.cell import carried_variants, hop_cell
from dualion.workflows.neb.forces import Potential
from dualion.workflows.neb.images import resampled, start_images
from dualion.workflows.neb.vacancies import relax_shaken

LENGTH = 4.0
SITES = np.array([[0.0, 0.0, 0.0], [3.0, 3.0, 0.0], [5.0, 6.0, 2.0]])


class OneWay(Calculator):
    """An atom on a way along x from 0 to LENGTH with humps, the others on springs.

    Along x: ``high`` sin²(2πx/L) + ``shelf`` sin²(πx/L): two humps with a shelf between them.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, high, shelf):
        super().__init__()
        self.high, self.shelf = high, shelf

    def along_ev(self, x):
        turn = np.pi * x / LENGTH
        return self.high * np.sin(2 * turn) ** 2 + self.shelf * np.sin(turn) ** 2

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        gaps = atoms.positions - SITES
        gaps[0, 0] = 0.0
        forces = -4.0 * gaps
        x = atoms.positions[0, 0]
        turn = np.pi / LENGTH
        forces[0, 0] = -turn * (
            2 * self.high * np.sin(4 * turn * x) + self.shelf * np.sin(2 * turn * x)
        )
        energy = 2.0 * (gaps**2).sum() + self.along_ev(x)
        self.results = {"energy": float(energy), "forces": forces}


def way(calculator, *, images=3, bend=0.0):
    first = Atoms("LiCl2", positions=SITES, cell=np.eye(3) * 9.0, pbc=True)
    last = first.copy()
    last.positions[0, 0] = LENGTH
    start = start_images(first, last, 0, images, np.array([LENGTH / 2, bend, 0.0]))
    return start, Potential(name="way", calculator=calculator)


@pytest.mark.parametrize(("high", "shelf"), [(0.3, 0.1), (0.2, 0.3), (0.15, 0.02)])
@pytest.mark.parametrize("images", [3, 4])
def test_a_way_over_two_humps_is_split_at_the_rest_between_them(high, shelf, images):
    start, potential = way(OneWay(high, shelf), images=images, bend=0.6)
    band = relax_band(start, potential, BandOptions(images=images, force_ev_angstrom=0.01))
    top = potential.calculator.along_ev(np.linspace(0.0, LENGTH, 4001)).max()
    assert band.converged
    assert band.energies_ev.max() == pytest.approx(top, abs=0.002)
    (rest,) = band.rests
    assert band.images[rest].positions[0, 0] == pytest.approx(LENGTH / 2, abs=0.05)
    assert band.energies_ev[rest] == pytest.approx(shelf, abs=0.002)
    assert len(band.images) == 2 * images + 3
    assert 1 <= band.top < len(band.images) - 1


@pytest.mark.parametrize("images", [3, 4, 5])
def test_a_way_over_one_hump_is_not_split(images):
    start, potential = way(OneWay(0.0, 0.4), images=images, bend=0.6)
    band = relax_band(start, potential, BandOptions(images=images, force_ev_angstrom=0.01))
    assert band.rests == ()
    assert band.converged
    assert band.energies_ev.max() == pytest.approx(0.4, abs=0.002)
    assert len(band.images) == images + 2


def test_a_band_that_may_not_step_is_told_not_converged():
    start, potential = way(OneWay(0.3, 0.1), bend=0.6)
    band = relax_band(start, potential, BandOptions(most_steps=1, force_ev_angstrom=0.01))
    assert not band.converged
    assert band.largest_force_ev_angstrom > 0.01


def test_images_lie_evenly_on_a_bent_path():
    first, _ = way(OneWay(0.3, 0.1))
    corner = [first[0], first[0].copy(), first[-1]]
    corner[1].positions[0] = (0.0, 2.0, 0.0)
    corner[2].positions[0] = (3.0, 2.0, 0.0)
    places = np.array([image.positions[0] for image in resampled(corner, 4)])
    expected = [(0, 0, 0), (0, 1, 0), (0, 2, 0), (1, 2, 0), (2, 2, 0), (3, 2, 0)]
    np.testing.assert_allclose(places, expected, atol=1e-9)


def test_a_path_longer_than_half_the_cell_is_not_cut_short():
    """Ions that come too close: the image-dependent pair potential must keep to the given way."""
    first = Atoms("LiCl", positions=[(0, 0, 0), (2.6, 0.1, 0)], cell=np.eye(3) * 8.0, pbc=True)
    last = first.copy()
    last.positions[0, 0] = 5.2
    images = start_images(first, last, 0, 3, None)
    assert images[2].positions[0, 0] == pytest.approx(2.6, abs=0.3)
    assert np.linalg.norm(images[2].positions[0] - images[2].positions[1]) > 0.5


class DoubleWells(Calculator):
    """Each atom at the top between two wells along x, of 0.05 eV at ±0.5 Å, and on springs."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, sites):
        super().__init__()
        self.sites = sites

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        gaps = atoms.positions - self.sites
        gaps -= np.round(gaps / 6.0) * 6.0
        x, rest = gaps[:, 0], gaps[:, 1:]
        forces = np.empty_like(gaps)
        forces[:, 0] = -0.8 * x * (4 * x**2 - 1)
        forces[:, 1:] = -4.0 * rest
        energy = (0.05 * (4 * x**2 - 1) ** 2).sum() + 2.0 * (rest**2).sum()
        self.results = {"energy": float(energy), "forces": forces, "stress": np.zeros(6)}


def test_what_symmetry_holds_on_a_saddle_falls_when_shaken():
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    crystal = IonicCrystal(
        cell=np.eye(3) * 6.0, frac=frac, numbers=np.array([3, 17]),
        charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
    )  # fmt: skip
    potential = Potential(name="wells", calculator=DoubleWells(frac * 6.0))
    options = RelaxOptions(force_ev_angstrom=0.01, cell=False)
    assert relax(crystal, potential.calculator, options).energy_ev == pytest.approx(0.1)
    shaken = relax_shaken(crystal, potential, options)
    assert shaken.energy_ev == pytest.approx(0.0, abs=1e-3)
    moved = (shaken.crystal.frac - frac) @ crystal.cell
    np.testing.assert_allclose(np.abs(moved[:, 0]), 0.5, atol=0.02)


def test_displacements_that_break_the_symmetry_have_several_variants():
    """Rock salt: a neighbour that moves towards a vacancy is one of twelve of its own kind."""
    crystal = IonicCrystal(
        cell=np.array([[0.0, 3.0, 3.0], [3.0, 0.0, 3.0], [3.0, 3.0, 0.0]]),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), numbers=np.array([3, 17]),
        charges=np.array([1.0, -1.0]), occupancies=np.ones(2),
    )  # fmt: skip
    cell = hop_cell(crystal, MobileIon(3, 1.0), smallest_width_angstrom=11.5)
    site, other = 0, 5
    gaps = cell.large_sites.frac - cell.large_sites.frac[site]
    gaps = (gaps - np.round(gaps)) @ cell.large.cell
    lengths = np.linalg.norm(gaps, axis=1)
    neighbour = int(np.flatnonzero(np.abs(lengths - 3.0 * np.sqrt(2.0)) < 1e-6)[0])
    displacements = np.zeros((len(cell.large.numbers), 3))
    displacements[cell.own[neighbour]] = -0.4 * gaps[neighbour] / lengths[neighbour]
    variants = carried_variants(cell, displacements, site, other)
    assert len(variants) == 12
    assert len(carried_variants(cell, np.zeros_like(displacements), site, other)) == 1
    for variant in variants:
        (atom,) = np.flatnonzero(np.linalg.norm(variant, axis=1) > 0.1)
        gap = cell.large.frac[atom] - cell.large_sites.frac[other]
        gap = (gap - np.round(gap)) @ cell.large.cell
        np.testing.assert_allclose(variant[atom], -0.4 * gap / np.linalg.norm(gap), atol=1e-6)
