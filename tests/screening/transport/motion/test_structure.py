"""Radial distributions, the Lindemann ratio and drifts of known systems."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.motion.structure import drifts, lindemann, radial_distribution

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


def test_first_peak_is_the_middle_of_the_first_shell() -> None:
    """5,000 neighbours at 3.00 ± 0.15 Å: g ∝ count/r² has its maximum 2σ²/r nearer, at 2.985 Å."""
    rng = np.random.default_rng(2)
    shell = rng.normal(size=(1, 5000, 3))
    shell *= (rng.normal(3.0, 0.15, (1, 5000, 1))) / np.linalg.norm(shell, axis=2, keepdims=True)
    middle = np.full((1, 1, 3), 0.5)
    rdf = radial_distribution(middle, middle + shell / 40.0, 40.0 * np.eye(3)[None], ("P", "S"))
    assert rdf.first_peak_angstrom == pytest.approx(2.985, abs=0.02)
    assert rdf.coordination[-1] == 5000.0
    assert np.isnan(rdf.change)  # one frame has no halves


def test_halves_without_a_pair_in_reach_tell_no_change() -> None:
    apart = np.array([[[0.0, 0.0, 0.0]], [[0.5, 0.5, 0.5]]])
    far = radial_distribution(
        apart[:1].repeat(4, axis=0),
        apart[1:].repeat(4, axis=0),
        20.0 * np.eye(3)[None],
        ("Li", "I"),
    )
    assert not far.g.any()
    assert np.isnan(far.change)
    assert np.isnan(far.first_peak_angstrom)


def test_change_of_halves_is_two_where_a_shell_is_replaced() -> None:
    """∫|g₂ − g₁| r² dr over the mean: each half alone is 1 of 2, and both differ everywhere."""
    near = np.array([0.0, 0.0, 3.0]) / 12.0
    partner = np.array([[0.0, 0.0, 0.0]] * 4)[:, None] + near
    partner[2:, 0, 2] = 4.0 / 12.0
    rdf = radial_distribution(np.zeros((4, 1, 3)), partner, 12.0 * np.eye(3)[None], ("Li", "I"))
    assert rdf.change == pytest.approx(2.0)
    assert rdf.peak_shift_angstrom == pytest.approx(1.0, abs=0.05)


def test_a_difference_within_chance_is_no_drift_however_large() -> None:
    """The halves of noise of spread 1 differ by about 0.06: over the least change, not over chance.

    A difference beyond chance that is smaller than the least change is none either.
    """
    noise = np.random.default_rng(10).normal(size=1000)
    assert abs(noise[500:].mean() - noise[:500].mean()) > 0.002
    assert not drifts(noise, 0.002)
    step = np.repeat([0.0, 1e-3], 500) + 1e-5 * noise
    assert not drifts(step, 0.002)
    assert drifts(step, 0.0005)
    assert drifts(-step, 0.0005)


def test_twenty_known_values_tell_a_drift_and_nineteen_do_not() -> None:
    step = np.repeat([0.0, 1.0], 10) + 1e-3 * np.random.default_rng(11).normal(size=20)
    assert drifts(step, 0.1)
    assert not drifts(step[1:], 0.1)
    assert not drifts(np.r_[step[1:], np.nan], 0.1)


def test_an_ion_is_judged_by_the_second_half_of_the_run() -> None:
    """One that changes its site at 45 % of the run rattles on one site in the second half."""
    rng = np.random.default_rng(13)
    cage = rng.normal(scale=0.1, size=(400, 20, 3))
    cage[:180] += 3.0
    assert lindemann(cage, 3.0) == pytest.approx(0.1 * np.sqrt(3.0) / 3.0, rel=0.05)


def test_a_slow_trend_beyond_its_own_scatter_is_a_drift() -> None:
    """A straight line scatters within its halves as it does between them."""
    line = np.linspace(0.0, 1.0, 1000)
    noise = np.random.default_rng(14).normal(scale=0.05, size=1000)
    assert drifts(line + noise, 0.1)
    assert drifts(1e-3 * (line + noise), 1e-4)  # in any unit
    wide = np.random.default_rng(15).normal(scale=30.0, size=1000)
    assert not drifts(line + wide, 0.1)
    assert not drifts(1e-3 * (line + wide), 1e-4)
