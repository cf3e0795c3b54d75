"""kinisi's posterior of a known walk."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.kinisi_posterior import (
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
