"""Radial distributions, sites, jumps, densities, drifts and Arrhenius fits of known systems."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport import arrhenius, density, density_path_ev, density_sites, hops
from dualion.screening.transport.drift import CENTRE_OF_MASS, choose_framework, remove_drift
from dualion.screening.transport.motion.bonding import find_polyanions
from dualion.screening.transport.motion.structure import drifts, lindemann, radial_distribution
from dualion.screening.transport.motion.van_hove import van_hove
from dualion.structures.errors import InputError

SKEWED = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])


def test_rdf_counts_the_neighbours_of_a_lattice() -> None:
    fractional = np.stack(np.meshgrid(*[np.arange(3) / 3] * 3, indexing="ij"), -1).reshape(1, -1, 3)
    fractional = np.repeat(fractional, 2, axis=0)
    rdf = radial_distribution(
        fractional, fractional, 9.0 * np.eye(3)[None], ("Na", "Na"), longest_angstrom=6.0, bins=600
    )
    shells = {3.5: 6, 4.5: 18, 5.5: 26}  # simple cubic, a = 3 Å: 6, 12 and 8 neighbours
    for distance, count in shells.items():
        at = int(np.searchsorted(rdf.distances_angstrom, distance))
        assert rdf.coordination[at] == pytest.approx(count)
    assert rdf.change == 0.0


def test_rdf_of_a_skewed_cell_is_that_of_brute_force_over_images() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 5, 3)), rng.random((2, 7, 3))
    longest, bins = 11.0, 55
    rdf = radial_distribution(
        one, other, SKEWED[None], ("Li", "S"), longest_angstrom=longest, bins=bins
    )
    images = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    apart = (other[:, None, :, None] - one[:, :, None, None] + images) @ SKEWED
    lengths = np.linalg.norm(apart, axis=-1)
    counts = np.histogram(lengths, np.linspace(0.0, longest, bins + 1))[0]
    np.testing.assert_allclose(rdf.coordination, np.cumsum(counts) / (2 * 5))


def test_rdf_of_an_ideal_gas_is_one() -> None:
    rng = np.random.default_rng(1)
    gas = rng.random((100, 40, 3))
    rdf = radial_distribution(gas, gas, 12.0 * np.eye(3)[None], ("Ar", "Ar"), longest_angstrom=6.0)
    assert rdf.g[60:].mean() == pytest.approx(1.0, abs=0.01)


def test_van_hove_is_normalised_and_maxwellian() -> None:
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.normal(scale=0.2, size=(400, 50, 3)), axis=0)
    found = van_hove(walk, 12.0 * np.eye(3), 0.1)
    width = found.distances_angstrom[1] - found.distances_angstrom[0]
    np.testing.assert_allclose(found.self_part.sum(axis=1) * width, 1.0, atol=0.02)
    # Most probable step of a Maxwell distribution: √2 σ.
    early = found.distances_angstrom[found.self_part[0].argmax()]
    assert early == pytest.approx(np.sqrt(2.0) * 0.2, abs=0.06)


def jumping_ion(rng: np.random.Generator, jumps: int) -> tuple[np.ndarray, np.ndarray]:
    """One ion that walks round four sites of a square in a 10 Å cell, 40 frames on each."""
    sites = np.array([[0.2, 0.2, 0.5], [0.5, 0.2, 0.5], [0.5, 0.5, 0.5], [0.2, 0.5, 0.5]])
    order = np.repeat(np.arange(jumps + 1) % 4, 40)
    path = sites[order] + rng.normal(scale=0.025, size=(len(order), 3))
    return path[:, None], sites


def test_hops_are_counted_without_flicker() -> None:
    path, sites = jumping_ion(np.random.default_rng(3), 12)
    # Rattle at the edge between two sites, which is no jump.
    path[100:104, 0] = 0.5 * (sites[2] + sites[1]) + np.array([[0.01], [-0.01], [0.01], [-0.01]])
    found = hops(path, 10.0 * np.eye(3), 0.1)
    assert len(found.sites) == 4
    assert len(found.frames) == 12
    np.testing.assert_allclose(found.lengths_angstrom, 3.0, atol=0.3)
    np.testing.assert_allclose(found.residence_ps, 4.0, atol=0.4)
    assert found.per_ion.tolist() == [12]
    assert found.collective_share == 0.0
    assert found.return_share == 0.0
    assert found.occupancy.sum() == pytest.approx(1.0)


def test_two_ions_that_jump_together_are_collective() -> None:
    path, _ = jumping_ion(np.random.default_rng(4), 8)
    both = np.concatenate([path, path + np.array([0.0, 0.0, 0.3])], axis=1)
    found = hops(both, 10.0 * np.eye(3), 0.1)
    assert found.collective_share == 1.0
    assert found.per_ion.tolist() == [8, 8]


def test_density_integrates_to_the_ions_and_shows_the_sites() -> None:
    path, sites = jumping_ion(np.random.default_rng(5), 11)
    map_ = density(path @ np.eye(3), SKEWED)
    per_point = abs(np.linalg.det(SKEWED)) / map_.values.size
    assert map_.values.sum() * per_point == pytest.approx(1.0)
    found = density_sites(map_)
    apart = found[:, None] - sites[None]
    lengths = np.linalg.norm((apart - np.rint(apart)) @ SKEWED, axis=2)
    assert len(found) == 4
    assert lengths.min(axis=0).max() < 0.4


def test_density_percolates_along_a_channel_only() -> None:
    rng = np.random.default_rng(6)
    path = np.full((4000, 1, 3), 0.5) + rng.normal(scale=0.02, size=(4000, 1, 3))
    path[:, 0, 0] = rng.random(4000)
    barriers = density_path_ev(density(path, 10.0 * np.eye(3)), 600.0)
    assert barriers[0] < 0.15
    assert barriers[1] == np.inf
    assert barriers[2] == np.inf


def test_lindemann_of_a_cage_and_of_a_melt() -> None:
    rng = np.random.default_rng(7)
    cage = rng.normal(scale=0.2, size=(400, 30, 3))
    assert lindemann(cage, 3.0) == pytest.approx(0.2 * np.sqrt(3.0) / 3.0, rel=0.03)
    assert lindemann(np.cumsum(cage, axis=0), 3.0) > 0.5


def test_drift_of_a_quantity_is_a_trend_beyond_chance() -> None:
    rng = np.random.default_rng(8)
    noise = rng.normal(scale=0.001, size=1000)
    assert not drifts(noise, 0.002)
    assert drifts(noise + np.linspace(0.0, 0.02, 1000), 0.002)
    assert not drifts(np.full(1000, np.nan), 0.002)


def test_arrhenius_recovers_a_barrier_and_its_interval() -> None:
    rng = np.random.default_rng(9)
    temperatures = np.array([500.0, 600.0, 700.0, 800.0, 1000.0])
    kt = 8.617333e-5 * temperatures
    truth = 2e-3 * np.exp(-0.35 / kt)
    inside_energy, inside_room = 0, 0
    for _ in range(300):
        d = truth * np.exp(0.1 * rng.normal(size=5))
        fit = arrhenius(temperatures.tolist(), d.tolist(), (0.1 * d).tolist())
        inside_energy += fit.low_ev <= 0.35 <= fit.high_ev
        _, low, high = fit.predict(300.0)
        inside_room += low[0] <= 2e-3 * np.exp(-0.35 / (8.617333e-5 * 300.0)) <= high[0]
    assert inside_energy / 300 > 0.92
    assert inside_room / 300 > 0.92


def test_arrhenius_leaves_out_what_is_not_resolved() -> None:
    fit = arrhenius([400.0, 600.0, 800.0], [1e-8, 1e-6, 1e-5], [2e-8, 1e-7, 1e-6])
    assert fit.left_out_k == (400.0,)
    assert "two_temperatures" in fit.flags
    with pytest.raises(InputError, match="two temperatures"):
        arrhenius([400.0, 600.0], [1e-8, 1e-6], [2e-8, 1e-7])


def test_framework_is_declared_or_bonded_never_all_others() -> None:
    cell = 10.0 * np.eye(3)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 2.05 / np.sqrt(3.0)
    positions = np.concatenate([[[5.0, 5.0, 5.0]], 5.0 + corners, [[0.5, 0.5, 0.5]]])[None]
    symbols = ("P", "S", "S", "S", "S", "Li")
    frames = np.repeat(positions, 5, axis=0) + 0.3 * np.arange(5)[:, None, None]
    polyanions = find_polyanions(frames @ np.linalg.inv(cell), cell, symbols)
    assert polyanions.formula == "PS4"
    assert polyanions.ligands.tolist() == [1, 2, 3, 4]
    framework = choose_framework(symbols, polyanions)
    assert framework.name == "polyanion centres: P"
    still = remove_drift(frames, framework)
    np.testing.assert_allclose(still, np.repeat(positions, 5, axis=0), atol=1e-12)
    declared = choose_framework(symbols, polyanions, ("S",))
    assert declared.indices.tolist() == [1, 2, 3, 4]
    with pytest.raises(InputError, match="not in the trajectory"):
        choose_framework(symbols, polyanions, ("Ge",))
    salt = find_polyanions(np.random.default_rng(0).random((3, 2, 3)), cell, ("Na", "Cl"))
    assert choose_framework(("Na", "Cl"), salt).name == CENTRE_OF_MASS
    assert len(choose_framework(("Na", "Cl"), salt, ("none",)).indices) == 0


def test_without_polyanions_the_quiet_sublattice_is_the_frame() -> None:
    rng = np.random.default_rng(10)
    symbols = ("Li",) * 6 + ("Br",) * 6
    walk = np.cumsum(rng.normal(scale=0.3, size=(300, 6, 3)), axis=0)
    host = rng.random((1, 6, 3)) * 8.0 + rng.normal(scale=0.1, size=(300, 6, 3))
    drift = 0.02 * np.arange(300.0)[:, None, None]
    positions = np.concatenate([walk, host], axis=1) + drift
    nothing = find_polyanions(positions / 80.0, 80.0 * np.eye(3), symbols)
    framework = choose_framework(symbols, nothing, (), positions)
    assert framework.name == "quietest sublattice: Br"
    assert np.ptp(remove_drift(positions, framework)[:, 6:], axis=0).max() < 1.5
    melt = np.cumsum(rng.normal(scale=0.3, size=(300, 12, 3)), axis=0)
    assert choose_framework(symbols, nothing, (), melt).name == CENTRE_OF_MASS
    assert len(choose_framework(("Li",) * 12, nothing, (), melt).indices) == 0
