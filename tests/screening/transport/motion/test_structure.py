"""Radial distributions, the Lindemann ratio and drifts of known systems."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.motion.structure import (
    _change,
    _first_peak,
    drifts,
    lattice_images,
    lindemann,
    radial_distribution,
)

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


ALTERNATING = np.array([1, -1, 1, -1, 0, 0, -1, 1, -1, 1])
"""Block means without a step or a trend, of variance 1 in each half and about a line."""


@pytest.mark.parametrize(("step", "drift"), [(2.50, False), (2.56, True)])
def test_halves_drift_apart_beyond_four_errors_of_their_difference(
    step: float, drift: bool
) -> None:
    """Five blocks of variance 1 in each half: the error of the difference is √(2/5)."""
    blocks = ALTERNATING + step * (np.arange(10) >= 5)
    assert drifts(np.repeat(blocks, 2), 0.1) is drift
    assert drifts(np.repeat(blocks, 2), 1.01 * step) is False


@pytest.mark.parametrize(("scatter", "drift"), [(1.95, True), (2.0, False)])
def test_a_trend_drifts_beyond_four_errors_of_its_own_scatter(scatter: float, drift: bool) -> None:
    """A line that rises by 5 from half to half against √(2/5) of the scatter about it."""
    blocks = scatter * ALTERNATING + np.arange(10)
    halves = np.sqrt((blocks[:5].var(ddof=1) + blocks[5:].var(ddof=1)) / 5.0)
    assert 4.0 * halves > 5.0  # the halves alone do not tell
    assert drifts(np.repeat(blocks, 2), 0.1) is drift
    assert drifts(np.repeat(blocks, 2)[::-1], 0.1) is drift
    assert drifts(np.repeat(blocks, 2), 4.9) is drift
    assert drifts(np.repeat(blocks, 2), 5.1) is False


def test_the_first_peak_is_the_centre_of_the_smoothed_first_maximum_above_one() -> None:
    at = np.arange(8.0)
    assert _first_peak(at, np.array([0, 0, 0, 4, 2, 0, 0, 0.0])) == pytest.approx(20.0 / 6.0)
    assert _first_peak(at, np.array([0, 0, 4, 4, 0, 0, 0, 0.0])) == pytest.approx(2.5)
    assert _first_peak(at, np.array([0, 4, 0, 0, 0, 0, 0, 0.0])) == pytest.approx(1.0)
    assert _first_peak(at, np.array([0, 0, 0, 2.1, 0, 0, 0, 0])) == pytest.approx(3.0)
    assert np.isnan(_first_peak(at, np.array([0, 0, 0, 2.0, 0, 0, 0, 0])))
    assert np.isnan(_first_peak(at, np.zeros(8)))
    # Two bins each side of the maximum count: 0 to 4 of the smoothed 1.25, 3.75, 5.5, 5, 2.75, 1 …
    wide = np.array([0, 5, 5, 7, 1, 2, 0, 0.0])
    smooth = np.convolve(wide, [0.25, 0.5, 0.25], mode="same")
    assert smooth.argmax() == 2
    assert _first_peak(at, wide) == pytest.approx((at[:5] @ smooth[:5]) / smooth[:5].sum())


def test_the_change_of_halves_counts_up_to_one_and_a_half_peaks() -> None:
    at = np.arange(9.0)
    g = np.array([0, 0, 0, 0, 4, 0, 0, 0, 0.0])  # its peak is at 4: to 6, which counts
    halves = np.array([[0, 0, 0, 0, 4, 0, 0, 3, 0], [0, 0, 0, 1, 3, 0, 2, 9, 0.0]])
    changed = 1 * 9 + 1 * 16 + 2 * 36
    whole = 0.5 * (1 * 9 + 7 * 16 + 2 * 36)
    assert _change(at, halves, g) == pytest.approx(changed / whole)
    none = np.zeros(9)  # without a peak all distances count
    both = np.array([[0, 0, 0, 0, 0, 0, 0, 0, 1.0], [0, 0, 0, 0, 0, 0, 0, 0, 2.0]])
    assert _change(at, both, none) == pytest.approx(1.0 / 1.5)


def test_images_are_those_that_a_folded_pair_can_reach() -> None:
    assert len(lattice_images(8.0 * np.eye(3), 3.9)) == 1
    assert len(lattice_images(8.0 * np.eye(3), 4.1)) == 27
    assert len(lattice_images(np.diag([8.0, 3.0, 20.0]), 7.6)) == 3 * 7
    lean = np.array([[4.0, 0.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 50.0]])
    # Heights 4/√2·… : 2.4 Å along the first vector, 3 along the second.
    heights = 1.0 / np.linalg.norm(np.linalg.inv(lean), axis=0)
    counts = 2 * np.floor(5.0 / heights + 0.5) + 1
    assert len(lattice_images(lean, 5.0)) == counts.prod() == 5 * 5


def test_one_ion_has_its_own_images_for_neighbours() -> None:
    """Simple cubic, a = 3 Å: 6 at 3 Å; g is over the density of one ion in the cell."""
    still = np.full((4, 1, 3), 0.3)
    rdf = radial_distribution(still, still, 3.0 * np.eye(3)[None], ("Na", "Na"), bins=16)
    assert rdf.distances_angstrom == pytest.approx(0.25 + 0.5 * np.arange(16))
    assert rdf.coordination[[5, 6, 8]] == pytest.approx([0.0, 6.0, 18.0])
    shell = 4.0 / 3.0 * np.pi * (3.5**3 - 3.0**3)
    assert rdf.g[6] == pytest.approx(6.0 / (shell / 27.0))
    np.testing.assert_allclose(rdf.g_halves, np.stack([rdf.g, rdf.g]))


def test_a_long_run_is_sampled_at_two_hundred_even_frames() -> None:
    """A pair in reach in every third of 1,000 frames: the mean over 200 of them is k/200."""
    pair = np.zeros((1000, 1, 3))
    pair[::3] = [0.2, 0.0, 0.0]
    pair[pair[:, 0, 0] == 0] = [0.5, 0.0, 0.0]
    rdf = radial_distribution(np.zeros((1000, 1, 3)), pair, 20.0 * np.eye(3)[None], ("Li", "I"))
    met = 200.0 * rdf.coordination[-1]
    assert met == pytest.approx(round(met), abs=1e-9)
    assert met / 200.0 == pytest.approx(1.0 / 3.0, abs=0.02)


def test_a_g_of_a_breathing_cell_takes_the_mean_volume() -> None:
    rng = np.random.default_rng(16)
    gas = rng.random((4, 3, 3)), rng.random((4, 5, 3))
    cells = np.stack([side * np.eye(3) for side in (9.0, 10.0, 11.0, 12.0)])
    rdf = radial_distribution(*gas, cells, ("Li", "S"), longest_angstrom=6.0, bins=6)
    volume = np.mean([9.0**3, 10.0**3, 11.0**3, 12.0**3])
    shells = 4.0 / 3.0 * np.pi * np.diff(np.arange(7.0) ** 3)
    images = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), -1).reshape(-1, 3)
    counts = []
    for one, other, side in zip(*gas, (9.0, 10.0, 11.0, 12.0), strict=True):
        apart = (other[None, :, None] - one[:, None, None] + images) * side
        counts.append(np.histogram(np.linalg.norm(apart, axis=-1), np.arange(7.0))[0])
    ideal = 3 * 5 / volume * shells
    np.testing.assert_allclose(rdf.g, np.sum(counts, axis=0) / (4 * ideal))
    np.testing.assert_allclose(rdf.g_halves[0], np.sum(counts[:2], axis=0) / (2 * ideal))
    np.testing.assert_allclose(rdf.g_halves[1], np.sum(counts[2:], axis=0) / (2 * ideal))
    np.testing.assert_allclose(rdf.coordination, np.cumsum(np.sum(counts, axis=0)) / (4 * 3))
