"""Refined barriers against analytic saddles, finer grids and invariances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from crystals import reference_crystal

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.barriers import native_barriers
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.pair_potential import kernel_rows
from dualion.screening.bvse.potential import PotentialOptions
from dualion.screening.ions import MobileIon
from dualion.screening.percolation._refinement_kernel import derivatives, energy_at, neighbours
from dualion.screening.percolation.refinement import PASS_WINDOW_EV, refine
from dualion.screening.percolation.thresholds import PassNetwork, percolate_network, percolation

DEFAULT = PotentialOptions()
CUTOFF = DEFAULT.cutoff_angstrom
LI = MobileIon(3, 1.0)


def at_spacing(crystal, ion, spacing):
    shape = tuple(int(2 * np.ceil(length / spacing / 2)) for length in crystal.lengths_angstrom)
    framework = framework_of(crystal, ion, DEFAULT)
    energies = bvse_field(framework, shape, cutoff_angstrom=CUTOFF)
    found = percolation(energies, beyond_ev=PASS_WINDOW_EV)
    return framework, energies, found


@pytest.mark.parametrize(
    ("name", "ion"),
    [
        ("LiCl", LI),
        ("Li2O", LI),
        ("Li3OCl", LI),
        ("Li3OCl", MobileIon(17, -1.0)),
        ("Li3N", MobileIon(7, -3.0)),
        ("LiCoO2", LI),
        ("Li2S", MobileIon(16, -2.0)),
    ],
    ids=str,
)
def test_refined_equals_a_fine_grid(name, ion):
    """0.2 Å refined against 0.05 Å unrefined: within the fine grid's own error.

    For barriers that matter: on the walls of several eV the coarse grid is off by more than the
    window in which passes are looked for.
    """
    crystal = reference_crystal(name)
    coarse = refine(*at_spacing(crystal, ion, 0.2), cutoff_angstrom=CUTOFF)
    _, _, fine = at_spacing(crystal, ion, 0.05)
    for ours, theirs in (
        (coarse.barriers_ev, fine.barriers_ev),
        (coarse.from_region_ev, fine.from_region_ev),
    ):
        low = np.array(fine.barriers_ev) < 3.0
        assert np.array(ours)[low] == pytest.approx(np.array(theirs)[low], abs=0.009)


@pytest.mark.parametrize("name", ["LiCl", "Li3OCl", "LiFePO4"])
def test_refined_barriers_do_not_know_the_grid(name):
    """Any spacing and any origin: the continuous potential is the same."""
    crystal = reference_crystal(name)
    expected = native_barriers(crystal, LI, BarrierOptions()).refined_ev
    for spacing, shift in ((0.2, 0.037), (0.17, 0.0), (0.23, 0.011)):
        moved = dataclasses.replace(crystal, frac=crystal.frac + shift)
        options = BarrierOptions(spacing_angstrom=spacing)
        assert native_barriers(moved, LI, options).refined_ev == pytest.approx(expected, abs=2e-3)


def test_refined_supercell_is_the_same():
    crystal = reference_crystal("Li3OCl")
    names = ("numbers", "charges", "occupancies")
    doubled = dataclasses.replace(
        crystal,
        cell=crystal.cell * np.array([[1.0], [1.0], [2.0]]),
        frac=np.vstack([crystal.frac, crystal.frac + np.array([0, 0, 1])]) / [1, 1, 2],
        **{n: np.tile(getattr(crystal, n), 2) for n in names},
    )
    one = native_barriers(crystal, LI, BarrierOptions()).refined_ev
    assert native_barriers(doubled, LI, BarrierOptions()).refined_ev == pytest.approx(one, abs=1e-3)


def test_refined_rock_salt_sublattices_agree():
    crystal = reference_crystal("LiCl")
    cation = native_barriers(crystal, LI, BarrierOptions()).refined_ev
    anion = native_barriers(crystal, MobileIon(17, -1.0), BarrierOptions()).refined_ev
    assert cation == pytest.approx(anion, abs=1e-6)


@pytest.fixture
def probe(triclinic):
    """Neighbours and parameters at an arbitrary point of a skewed crystal."""
    framework = framework_of(triclinic, LI, DEFAULT)
    inverse = np.linalg.inv(framework.cell)
    point = np.array([0.31, 0.12, 0.44]) @ framework.cell
    vectors, which, inner = neighbours(point, framework.cell, inverse, framework.frac, CUTOFF)
    parameters = kernel_rows(framework.pairs)
    return framework, vectors, which, inner, parameters


def test_energy_equals_the_double_loop(triclinic, probe):
    import reference

    framework, vectors, which, _, parameters = probe
    moved = dataclasses.replace(triclinic, frac=triclinic.frac - np.array([0.31, 0.12, 0.44]))
    slow = reference.field(moved, LI, (1, 1, 1), DEFAULT)[0, 0, 0]
    found = energy_at(
        np.zeros(3), vectors, which, framework.kinds, framework.weights, parameters, CUTOFF
    )
    assert found == pytest.approx(slow, abs=1e-9)


def test_gradient_and_hessian_equal_finite_differences(probe):
    framework, vectors, which, inner, parameters = probe
    near, ions = vectors[:inner], which[:inner]
    gradient, hessian = np.empty(3), np.empty((3, 3))
    fixed = (framework.kinds, framework.weights, parameters)

    def energy(shift):
        return energy_at(np.asarray(shift, float), near, ions, *fixed, 1e9)

    derivatives(np.zeros(3), near, ions, *fixed, gradient, hessian)
    step = 1e-4
    axes = np.eye(3) * step
    for i in range(3):
        assert gradient[i] == pytest.approx(
            (energy(axes[i]) - energy(-axes[i])) / 2 / step, abs=1e-5
        )
        for j in range(3):
            mixed = (
                energy(axes[i] + axes[j])
                - energy(axes[i] - axes[j])
                - energy(axes[j] - axes[i])
                + energy(-axes[i] - axes[j])
            )
            assert hessian[i, j] == pytest.approx(mixed / 4 / step**2, abs=1e-3)


def test_neighbours_are_all_images_within_reach(triclinic):
    framework = framework_of(triclinic, LI, DEFAULT)
    inverse = np.linalg.inv(framework.cell)
    point = np.array([0.9, 0.05, 0.5]) @ framework.cell
    vectors, which, inner = neighbours(point, framework.cell, inverse, framework.frac, 9.0)
    images = np.array(list(np.ndindex(13, 13, 13))) - 6
    every = (framework.frac[:, None] + images[None]) @ framework.cell - point
    lengths = np.linalg.norm(every, axis=2)
    assert len(which) == (lengths <= 9.0).sum()
    found = np.linalg.norm(vectors, axis=1)
    assert np.sort(found) == pytest.approx(np.sort(lengths[lengths <= 9.0]))
    assert found[:inner].max() < found[inner:].min()


def test_network_decides_again_when_energies_change():
    """Two passes in parallel: the one that wins after refinement sets the barrier."""
    network = PassNetwork(
        bottoms=np.array([0, 1]),
        near=np.array([0, 0, 0]),
        far=np.array([1, 1, 1]),
        offsets=np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0]]),
        points=np.zeros((3, 2), int),
    )
    bottoms = np.array([0.0, 0.1])
    tops, bases, critical = percolate_network(network, np.array([0.2, 0.5, 0.52]), bottoms)
    assert (tops, critical[0]) == ((0.5, np.inf, np.inf), 1)
    tops, bases, critical = percolate_network(network, np.array([0.2, 0.5, 0.45]), bottoms)
    assert (tops[0], bases[0], critical[0]) == (0.45, 0.0, 2)


def test_nothing_percolates_stays_infinite(rock_salt):
    framework = framework_of(rock_salt, LI, DEFAULT)
    energies = bvse_field(framework, (26, 26, 26), cutoff_angstrom=CUTOFF)
    found = percolation(energies, cut_ev=0.3)
    assert refine(framework, energies, found, cutoff_angstrom=CUTOFF).barriers_ev == (np.inf,) * 3
