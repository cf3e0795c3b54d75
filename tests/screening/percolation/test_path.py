"""Paths on hand-made fields, random fields and real crystals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dualion.screening.barrier_types import BarrierOptions
from dualion.screening.bvse.field import bvse_field, framework_of
from dualion.screening.bvse.grid import grid_shape
from dualion.screening.ions import MobileIon
from dualion.screening.percolation.basins import basins_of
from dualion.screening.percolation.path import MigrationPath, minimum_energy_paths
from dualion.screening.percolation.thresholds import percolation
from dualion.structures.errors import InputError
from dualion.structures.files import read_structures, reference_paths
from dualion.structures.preparation import prepare

SKEWED = np.array([[4.1, 0.3, -0.2], [-1.1, 5.3, 0.4], [0.7, 1.2, 6.2]])
CUBE = np.diag([3.0] * 3)


def check(field: np.ndarray, cell: np.ndarray) -> tuple[MigrationPath, ...]:
    """Paths of a field, after everything that must hold for any field."""
    barriers = percolation(field).barriers_ev
    paths = minimum_energy_paths(field, cell)
    assert len(paths) == sum(np.isfinite(barriers))
    for path, barrier in zip(paths, barriers, strict=False):
        steps = np.abs(np.diff(path.points, axis=0)).max(axis=1)
        assert (steps == 1).all()
        moved = path.points[-1] - path.points[0]
        assert (moved == np.array(path.winding) * field.shape).all()
        assert next(n for n in path.winding if n) > 0
        along = field[tuple((path.points % field.shape).T)] - field.min()
        assert np.array_equal(path.energies_ev, along)
        assert path.barrier_ev == pytest.approx(barrier, abs=1e-8)
        assert path.energies_ev[0] == path.energies_ev.min()
        assert path.minima[0] == 0 and path.minima[-1] == len(path.points) - 1
        assert len(path.distance_angstrom) == len(path.frac) == len(path.points)
        assert path.distance_angstrom[0] == 0.0
        assert (np.diff(path.distance_angstrom) >= 0).all()
        winding_length = np.linalg.norm(np.array(path.winding) @ cell)
        assert path.distance_angstrom[-1] > winding_length - 1e-9
    return paths


def smooth_random(shape, seed):
    rng = np.random.default_rng(seed)
    waves = np.array([w for w in itertools.product((-2, -1, 0, 1, 2), repeat=3) if any(w)])
    spectrum = np.zeros(shape, complex)
    for wave in rng.choice(waves, 8):
        spectrum[tuple(wave % np.array(shape))] += rng.normal() * np.exp(2j * np.pi * rng.random())
    return np.fft.ifftn(spectrum).real * np.prod(shape) + 0.2 * rng.normal(size=shape)


@pytest.mark.parametrize("shape", [(5, 6, 7), (4, 9, 5), (8, 7, 6)])
@pytest.mark.parametrize("seed", range(8))
def test_the_highest_point_is_the_percolation_barrier(shape, seed):
    field = smooth_random(shape, seed)
    paths = check(field, SKEWED)
    assert [p.barrier_ev for p in paths] == pytest.approx(reference.barriers(field), abs=1e-12)


@given(
    arrays(np.float64, st.tuples(*[st.integers(4, 6)] * 3), elements=st.integers(0, 4).map(float))
)
@settings(max_examples=40, deadline=None)
def test_plateaus_and_ties(field):
    check(field, SKEWED)


@pytest.mark.parametrize("seed", range(4))
def test_below_the_bottleneck_the_direction_is_closed(seed):
    """Without the points at E_dD and above, the crystal conducts in fewer dimensions."""
    field = smooth_random((6, 5, 7), seed)
    for path in minimum_energy_paths(field, CUBE):
        top = field.min() + path.barrier_ev
        assert reference.winding_rank(field < top - 1e-12) < path.dimension


def test_a_bent_channel_with_two_sites():
    field = np.full((12, 12, 12), 50.0)
    channel = [(3, 3, 0), (3, 3, 1), (4, 4, 2), (5, 4, 3), (5, 5, 4), (5, 5, 5),
               (5, 5, 6), (5, 4, 7), (4, 4, 8), (3, 3, 9), (3, 3, 10), (3, 3, 11)]  # fmt: skip
    heights = [0.0, 0.1, 0.3, 0.2, 0.15, 0.1, 0.25, 0.3, 0.45, 0.3, 0.2, 0.1]
    for point, height in zip(channel, heights, strict=True):
        field[point] = height
    (path,) = check(field, CUBE)
    assert path.winding == (0, 0, 1)
    assert path.points[:-1].tolist() == [list(point) for point in channel]
    assert path.energies_ev[:-1] == pytest.approx(heights)
    assert path.minima == (0, 5, 12)
    assert path.bottleneck == 8
    assert path.bottleneck_frac == pytest.approx([4 / 12, 4 / 12, 8 / 12])
    assert path.climb_ev == pytest.approx(0.45)


def test_crossing_channels_wind_along_each_axis():
    field = np.full((6, 7, 8), 50.0)
    field[2, 3, :] = 0.1
    field[2, :, 4] = 0.2
    field[:, 3, 4] = 0.3
    field[2, 3, 4] = 0.0
    paths = check(field, CUBE)
    assert [path.winding for path in paths] == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    assert [path.barrier_ev for path in paths] == pytest.approx([0.1, 0.2, 0.3])


def test_two_channels_joined_by_a_bridge():
    """Neither channel adds a direction alone; the 2D path goes over the bridge and back."""
    field = np.full((8, 8, 8), 50.0)
    field[1, 1, :] = 0.0
    field[5, :, 5] = 0.1
    field[1:6, 1, 5] = 0.7
    field[1, 1, 5], field[5, 1, 5] = 0.0, 0.1
    paths = check(field, CUBE)
    assert [path.barrier_ev for path in paths] == pytest.approx([0.0, 0.7])
    assert paths[1].winding == (0, 1, 0)
    assert [3, 1, 5] in (paths[1].points % 8).tolist()


def test_a_deep_pocket_off_the_channel_is_no_part_of_the_path():
    field = np.full((8, 8, 8), 50.0)
    field[2, 2, :] = [0.5, 0.6, 0.9, 0.6, 0.5, 0.6, 0.8, 0.6]
    field[6, 6, 6] = 0.0
    (path,) = check(field, CUBE)
    assert path.barrier_ev == pytest.approx(0.9)
    assert path.climb_ev == pytest.approx(0.4)
    assert len(path.points) == 9


def test_the_lower_of_two_detours_is_taken():
    """Both ways around lie below the 0.8 eV pass further on."""
    field = np.full((10, 10, 10), 50.0)
    field[5, 5, :] = 0.0
    field[5, 5, 8] = 0.8
    field[5, 5, 3] = 0.7
    field[6, 5, 3] = 50.0
    field[3, 5, 2:5] = 0.1
    field[4, 5, 2], field[4, 5, 4] = 0.1, 0.1
    (path,) = check(field, CUBE)
    assert path.barrier_ev == pytest.approx(0.8)
    assert [3, 5, 3] in path.points.tolist()
    assert [5, 5, 3] not in path.points.tolist()


def test_no_path_where_nothing_percolates():
    field = np.full((6, 6, 6), 50.0)
    field[1:3, 1:3, 1:3] = 0.0
    assert minimum_energy_paths(field, CUBE) == ()


def test_a_shifted_field_has_the_shifted_path():
    field = smooth_random((8, 7, 6), 3)
    shift = (3, 5, 2)
    before = minimum_energy_paths(field, SKEWED)
    after = minimum_energy_paths(np.roll(field, shift, axis=(0, 1, 2)), SKEWED)
    for a, b in zip(before, after, strict=True):
        assert a.winding == b.winding
        assert np.array_equal(a.energies_ev, b.energies_ev)
        assert a.distance_angstrom == pytest.approx(b.distance_angstrom)
        difference = (b.points - a.points - shift) % field.shape
        assert not difference.any()


def test_a_supercell_has_the_same_barriers():
    field = smooth_random((6, 5, 7), 5)
    small = minimum_energy_paths(field, SKEWED)
    large = minimum_energy_paths(np.tile(field, (1, 2, 1)), SKEWED * [[1], [2], [1]])
    assert [p.barrier_ev for p in large] == pytest.approx([p.barrier_ev for p in small])


def test_basins_cover_the_field_and_passes_join_them():
    field = smooth_random((8, 9, 7), 1)
    basins = basins_of(field, SKEWED, level_ev=np.inf)
    at_minima = field[tuple(basins.minima.T)]
    assert np.array_equal(at_minima, basins.minima_ev)
    for point, energy in zip(basins.minima, at_minima, strict=True):
        around = [tuple((point + np.array(s) - 1) % field.shape) for s in np.ndindex(3, 3, 3)]
        assert energy == min(field[neighbour] for neighbour in around)
    for link in range(len(basins.passes_ev)):
        crossing = np.array(basins.crossing(link))
        goal = basins.minima[basins.second[link]] + basins.cells[link] * field.shape
        assert (crossing[0] == basins.minima[basins.first[link]]).all()
        assert (crossing[-1] == goal).all()
        heights = field[tuple((crossing % field.shape).T)]
        assert heights.max() == basins.passes_ev[link]
        top = int(heights.argmax())
        assert (np.diff(heights[: top + 1]) >= 0).all() and (np.diff(heights[top:]) <= 0).all()


def test_a_thin_grid_is_refused():
    with pytest.raises(InputError, match="too small"):
        basins_of(np.zeros((2, 5, 5)), CUBE, level_ev=1.0)


def _crystal(name):
    (path,) = [p for p in reference_paths() if p.name == name]
    (record,) = read_structures([path])
    return prepare(record.structure)


def _field(crystal, ion, spacing=0.2):
    options = BarrierOptions().potential
    framework = framework_of(crystal, MobileIon.parse(ion), options)
    shape = grid_shape(crystal.cell, spacing)
    return bvse_field(framework, shape, cutoff_angstrom=options.cutoff_angstrom)


@pytest.mark.parametrize(
    ("name", "ion"),
    [
        ("Li3PS4_beta.cif", "Li+"),
        ("Li10GeP2S12.cif", "Li+"),
        ("Li7P3S11.cif", "Li+"),
        ("Li6PS5Cl.cif", "Cl-"),
        ("LiCoO2.cif", "Li+"),
        ("Li3PO4_gamma.cif", "O2-"),
        ("LiF.cif", "F-"),
    ],
)
def test_real_crystals(name, ion):
    crystal = _crystal(name)
    paths = check(_field(crystal, ion), crystal.cell)
    if name == "LiCoO2.cif":
        assert len(paths) == 2
        assert all(path.winding[2] == 0 for path in paths)  # within the layers
    if name == "LiF.cif":  # cubic: all at one level, and the directions still differ
        assert np.linalg.matrix_rank([path.winding for path in paths]) == 3


def test_lithium_in_lifepo4_hops_along_b_on_a_curved_path():
    """Curved between octahedral sites b/2 apart, through tetrahedra, in the ac plane.

    Nishimura et al., Nat. Mater. 7, 707 (2008), 10.1038/nmat2251; Pnma.
    """
    crystal = _crystal("LiFePO4.cif")
    path = minimum_energy_paths(_field(crystal, "Li+"), crystal.cell)[0]
    assert path.winding == (0, 1, 0)
    lithium = crystal.frac[crystal.numbers == 3]
    sites = [i for i in path.minima[:-1] if path.energies_ev[i] < 0.1]
    assert len(sites) == 2
    for index in sites:
        gaps = lithium - path.frac[index]
        gaps -= np.round(gaps)
        assert np.linalg.norm(gaps @ crystal.cell, axis=1).min() < 0.4
    straight = path.frac[sites[0]] + np.outer(np.linspace(0, 1, 50), [0, 1, 0])
    away = [np.linalg.norm((f - straight) @ crystal.cell, axis=1).min() for f in path.frac]
    assert 0.3 < max(away) < 1.2  # it bends; the tetrahedra lie off the line of the sites


def test_a_straight_path_is_as_long_as_the_cell_and_even():
    field = np.full((6, 6, 12), 50.0)
    field[2, 3, :] = 0.1 * np.cos(2.0 * np.pi * np.arange(12) / 12)
    (path,) = check(field, SKEWED)
    length = np.linalg.norm(SKEWED[2])
    np.testing.assert_allclose(path.distance_angstrom, np.linspace(0.0, length, 13), atol=1e-9)
