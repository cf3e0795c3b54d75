"""What one lag tells of the error of a slope, and where the fit starts: known motions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import LagCache, diffusion
from dualion.screening.transport.self_diffusion.slope import Variance
from dualion.screening.transport.self_diffusion.window import candidate_starts, choose_window


def test_strings_of_ions_and_single_axes_are_counted() -> None:
    rng = np.random.default_rng(0)
    free = LagCache(np.cumsum(rng.normal(size=(3000, 40, 3)), axis=0)).shape(4)
    assert free.together == pytest.approx(1.0, abs=0.15)
    assert free.directions == pytest.approx(1.0, abs=0.01)
    assert free.jumps == pytest.approx(0.0, abs=0.03)
    strings = np.repeat(np.cumsum(rng.normal(size=(3000, 8, 3)), axis=0), 5, axis=1)
    assert LagCache(strings).shape(4).together == pytest.approx(5.0, rel=0.25)
    axis = np.cumsum(rng.normal(size=(3000, 40, 1)), axis=0) * np.array([0.6, 0.0, 0.8])
    along = LagCache(axis).shape(4)
    assert along.directions == pytest.approx(3.0, rel=0.01)
    # ⟨x⁴⟩ = 3⟨x²⟩²: α₂ = 0.8 comes from the direction alone.
    assert along.non_gaussian == pytest.approx(0.8, abs=0.1)
    assert along.jumps == pytest.approx(0.0, abs=0.1)


def test_jumps_give_their_number() -> None:
    rng = np.random.default_rng(1)
    steps = np.zeros((4000, 40, 3))
    hop = rng.random((4000, 40)) < 0.02
    steps[hop] = 2.0 * rng.choice([-1.0, 1.0], (hop.sum(), 3)) / np.sqrt(3.0)
    found = LagCache(np.cumsum(steps, axis=0)).shape(10)
    assert found.jumps == pytest.approx(0.6 / (0.02 * 10), rel=0.1)


def test_one_ion_goes_with_no_other() -> None:
    walk = np.cumsum(np.random.default_rng(2).normal(size=(500, 1, 3)), axis=0)
    assert LagCache(walk).shape(5).together == 1.0


def test_starts_hold_the_least_one_and_earlier_ones_in_even_ratios() -> None:
    starts = candidate_starts(1000, 20)
    assert starts[0] == 1
    assert 20 in starts
    assert starts[-1] <= 250
    assert all(a < b <= max(a + 1, 1.6 * a) for a, b in pairwise(starts))
    assert candidate_starts(12) == [1, 2, 3]


def test_a_memory_moves_the_start_to_where_it_has_faded() -> None:
    rng = np.random.default_rng(3)
    kicks, place = rng.normal(size=(2000, 30, 3)), np.zeros((30, 3))
    rattle = np.zeros_like(kicks)
    for t in range(2000):
        place = 0.9 * place + np.sqrt(1.0 - 0.81) * kicks[t]
        rattle[t] = 0.4 * place
    walk = np.cumsum(rng.normal(scale=0.05, size=kicks.shape), axis=0)
    clean = choose_window(LagCache(walk).trace, 2000, 90)
    found = choose_window(LagCache(walk + rattle).trace, 2000, 90)
    assert clean.slope.start <= 2
    assert found.slope.start >= 20  # two lifetimes of the rattling, 9.5 frames each
    assert found.slope.low < 0.0025 < found.slope.high


def test_ions_in_strings_have_the_error_of_a_fifth_of_them() -> None:
    rng = np.random.default_rng(4)
    truth = 0.09 / 0.2 * 1e-4
    covered = []
    for _ in range(40):
        strings = np.cumsum(rng.normal(scale=0.3, size=(400, 4, 3)), axis=0)
        found = diffusion(np.repeat(strings, 5, axis=1), 0.1)
        covered.append(found.low_cm2_s <= truth <= found.high_cm2_s)
    assert np.mean(covered) >= 0.85


def test_variance_of_a_count_grows_like_the_count() -> None:
    counted = Variance(constant=0.0, linear=0.0, quadratic=0.0, jumps=0.5)
    assert counted.at(2.0) == 1.0
    # A Poisson number of mean g/j, each worth j: variance g·j, third moment g·j².
    assert counted.third_moment(2.0) == pytest.approx(2.0 * 0.5**2)
    assert counted.scaled(3.0).at(2.0) == 3.0


def test_vibration_says_little_of_jumps_that_were_not_seen() -> None:
    caged = np.random.default_rng(5).normal(scale=0.3, size=(2000, 2, 3))
    found = diffusion(caged, 0.05, hop_length_angstrom=4.0)
    assert found.verdict == "vibrating"
    # exp(−3.69) = 0.025: at this D two ions make no jump of 4 Å in 100 ps once in forty runs.
    assert found.high_cm2_s == pytest.approx(3.69 * 16.0 / (6.0 * 2 * 100.0) * 1e-4)
    both = combine_replicas([found, found])
    assert both.high_cm2_s == pytest.approx(found.high_cm2_s / 2.0)
    assert both.d_cm2_s < both.high_cm2_s
