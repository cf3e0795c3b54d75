"""kinisi's posterior of a known walk."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion import kinisi_posterior as kinisi
from dualion.screening.transport.self_diffusion.kinisi_posterior import (
    _lags,
    has_kinisi,
    kinisi_posterior,
    supported_lags,
)
from dualion.structures.errors import MissingDependencyError


def test_kinisi_agrees_where_it_is_installed_and_is_asked_for_where_not() -> None:
    walk = np.cumsum(np.random.default_rng(6).normal(scale=0.3, size=(300, 50, 3)), axis=0)
    if not has_kinisi():
        with pytest.raises(MissingDependencyError, match=r"dualion\[kinisi\]"):
            kinisi_posterior(walk, 0.1, 0.1)
        return
    (posterior,) = kinisi_posterior(walk, 0.1, 0.1)
    assert posterior.low_cm2_s < 4.5e-5 < posterior.high_cm2_s


def test_the_covariance_of_the_supported_lags_is_positive_definite() -> None:
    samples = 1000.0 / np.arange(1.0, 21.0)
    steep, flat = np.arange(1.0, 21.0), np.full(20, 3.0)
    for msd, count in ((steep, 20), (flat, 1)):
        variances = 2.0 / 3.0 * msd**2 / samples
        kept = supported_lags(variances, samples)
        assert kept.sum() == count
        n, u = samples[kept], variances[kept] * samples[kept]
        first = np.minimum.outer(np.arange(len(n)), np.arange(len(n)))
        last = np.maximum.outer(np.arange(len(n)), np.arange(len(n)))
        assert np.linalg.eigvalsh(u[first] / n[last])[0] > 0.0


def test_ions_in_cages_are_out_of_range() -> None:
    if not has_kinisi():
        pytest.skip("kinisi is not installed")
    caged = np.random.default_rng(6).normal(scale=0.3, size=(300, 50, 3))
    assert kinisi_posterior(caged, 0.1, 0.1) == ()


def test_lags_go_from_the_start_to_half_the_run() -> None:
    assert _lags(3, 20).tolist() == list(range(3, 11))
    assert _lags(9, 12).tolist() == [9, 10, 11]  # three at least
    many = _lags(5, 2000)
    assert (many[0], many[-1], len(many)) == (5, 1000, 60)


def test_lags_are_supported_while_n_squared_times_the_variance_grows() -> None:
    samples = np.array([8.0, 4.0, 2.0, 1.0])
    growth = np.array([1.0, 3.0, 3.0, 4.0])
    kept = supported_lags(growth / samples**2, samples)
    assert kept.tolist() == [True, True, False, True]
    assert supported_lags(np.zeros(2), np.ones(2)).tolist() == [False, False]


class Regression:
    """Stands for kinisi's regression: so many lags, and draws of the slope."""

    def __init__(self, lags: int) -> None:
        self.dg = {"da": SimpleNamespace(sizes={"time interval": lags})}
        self.gradient = SimpleNamespace(values=np.arange(1.0, 42.0))


@pytest.mark.parametrize(("lags", "taken"), [(30, True), (29, False)])
def test_half_of_the_lags_must_be_supported(
    monkeypatch: pytest.MonkeyPatch, lags: int, taken: bool
) -> None:
    """Of 60; the draws are slopes in Å²/ps: D = slope/6, 1e-4 cm²/s."""
    asked = []
    monkeypatch.setattr(kinisi, "has_kinisi", lambda: True)
    monkeypatch.setattr(
        kinisi, "kinisi_regression", lambda *given: asked.append(given[1:]) or Regression(lags)
    )
    monkeypatch.setattr(kinisi, "_sample", lambda *given: asked.append(given[1:]))
    found = kinisi_posterior(np.zeros((1000, 1, 3)), 0.1, 0.5, seed=3)
    assert asked[0] == (0.1, 5)
    assert bool(found) is taken
    if taken:
        assert asked[1] == (pytest.approx(0.5), 3)
        assert found[0].d_cm2_s == pytest.approx(21.0 / 6.0 * 1e-4)
        assert found[0].low_cm2_s == pytest.approx(2.0 / 6.0 * 1e-4)
        assert found[0].high_cm2_s == pytest.approx(40.0 / 6.0 * 1e-4)
        assert found[0].error_cm2_s == pytest.approx(np.arange(1.0, 42.0).std() / 6.0 * 1e-4)


@pytest.mark.parametrize(("lags", "taken"), [(3, True), (2, False)])
def test_a_short_run_has_three_supported_lags_at_least(
    monkeypatch: pytest.MonkeyPatch, lags: int, taken: bool
) -> None:
    monkeypatch.setattr(kinisi, "has_kinisi", lambda: True)
    monkeypatch.setattr(kinisi, "kinisi_regression", lambda *_: Regression(lags))
    monkeypatch.setattr(kinisi, "_sample", lambda *_: None)
    assert bool(kinisi_posterior(np.zeros((8, 1, 3)), 0.1, 0.01)) is taken
