"""Van Hove functions against brute force over images."""

from __future__ import annotations

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.motion.structure import radial_distribution
from dualion.screening.transport.motion.van_hove import van_hove

SKEWED = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])


def test_distinct_van_hove_is_that_of_brute_force_over_images() -> None:
    rng = np.random.default_rng(0)
    walk = rng.random((1, 4, 3)) @ SKEWED + gaussian_walk(rng, 30, 4, 1.0)
    found = van_hove(walk, SKEWED, 0.1, longest_angstrom=9.0, bins=45)
    lags = np.rint(found.times_ps / 0.1).astype(int)
    images = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    edges = np.linspace(0.0, 9.0, 46)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    for number, lag in enumerate(lags):
        counts = np.zeros(45)
        for t in range(30 - lag):
            for i in range(4):
                for j in range(4):
                    # An ion's copies are other ions; the ion itself, as unwrapped, is not.
                    apart = walk[t + lag, j] - walk[t, i] + images @ SKEWED
                    kept = (images != 0).any(axis=1) if i == j else slice(None)
                    counts += np.histogram(np.linalg.norm(apart[kept], axis=1), edges)[0]
        expected = counts / ((30 - lag) * 4)
        relative = expected / (shells * 3 / abs(np.linalg.det(SKEWED)))
        np.testing.assert_allclose(found.distinct_part[number], relative, rtol=1e-9, atol=1e-12)
        assert found.refilled[number] == pytest.approx(expected[:5].sum())


def test_distinct_van_hove_starts_as_the_radial_distribution() -> None:
    rng = np.random.default_rng(1)
    still = np.repeat(rng.random((1, 12, 3)), 20, axis=0)
    found = van_hove(still @ SKEWED, SKEWED, 1.0, longest_angstrom=8.0, bins=160)
    rdf = radial_distribution(still, still, SKEWED[None], ("Li", "Li"))
    np.testing.assert_allclose(found.distinct_part[0], rdf.g, atol=1e-9)


def test_ions_that_change_places_refill_their_sites() -> None:
    rng = np.random.default_rng(2)
    places = np.array([[2.0, 5.0, 5.0], [5.0, 5.0, 5.0]])
    order = np.where(np.arange(400) % 2 == 0, 0, 1)
    swapping = np.stack([places[order], places[1 - order]], axis=1)
    swapping = swapping + rng.normal(scale=0.05, size=swapping.shape)
    found = van_hove(swapping, 20.0 * np.eye(3), 1.0)
    assert found.refilled[0] == pytest.approx(1.0)
    single = van_hove(swapping[:, :1], 20.0 * np.eye(3), 1.0)
    assert np.isnan(single.distinct_part).all()


def test_van_hove_is_normalised_and_maxwellian() -> None:
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.normal(scale=0.2, size=(400, 50, 3)), axis=0)
    found = van_hove(walk, 12.0 * np.eye(3), 0.1)
    width = found.distances_angstrom[1] - found.distances_angstrom[0]
    np.testing.assert_allclose(found.self_part.sum(axis=1) * width, 1.0, atol=0.02)
    # Most probable step of a Maxwell distribution: √2 σ.
    early = found.distances_angstrom[found.self_part[0].argmax()]
    assert early == pytest.approx(np.sqrt(2.0) * 0.2, abs=0.06)


def test_times_go_from_one_frame_to_half_the_run_and_distances_to_ten_angstrom() -> None:
    walk = gaussian_walk(np.random.default_rng(3), 41, 3)
    found = van_hove(walk, 30.0 * np.eye(3), 0.5)
    assert found.times_ps.tolist() == [0.5, 1.0, 3.5, 10.0]  # 1, 2.7, 7.4 and 20 frames
    assert found.distances_angstrom == pytest.approx(0.025 + 0.05 * np.arange(200))
    assert van_hove(walk[:3], 30.0 * np.eye(3), 0.5).times_ps.tolist() == [0.5]


def test_the_self_part_is_the_histogram_of_steps() -> None:
    walk = gaussian_walk(np.random.default_rng(4), 20, 3)
    found = van_hove(walk, 30.0 * np.eye(3), 1.0, longest_angstrom=3.0, bins=15, count=2)
    for row, lag in zip(found.self_part, (1, 10), strict=True):
        steps = np.linalg.norm(walk[lag:] - walk[:-lag], axis=2).ravel()
        counts = np.histogram(steps, np.linspace(0.0, 3.0, 16))[0]
        np.testing.assert_allclose(row, counts / (len(steps) * 0.2))


def test_a_long_run_is_sampled_at_even_origins() -> None:
    """Of 1,300 frames 500 origins for the steps of an ion, 200 for the place of another."""
    rng = np.random.default_rng(5)
    walk = gaussian_walk(rng, 1300, 2, 0.5)
    found = van_hove(walk, 12.0 * np.eye(3), 1.0, longest_angstrom=5.0, bins=10, count=1)
    steps = found.self_part[0] * 0.5 * 500 * 2
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-8)
    shells = 4.0 / 3.0 * np.pi * np.diff(np.linspace(0.0, 5.0, 11) ** 3)
    met = found.distinct_part[0] * shells / 12.0**3 * 200 * 2
    np.testing.assert_allclose(met, np.rint(met), atol=1e-8)
    assert met.sum() > 20
    assert steps.sum() > 900
