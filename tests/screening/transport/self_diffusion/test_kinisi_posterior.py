"""kinisi's posterior of a known walk."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.kinisi_posterior import has_kinisi, kinisi_posterior
from dualion.structures.errors import MissingDependencyError


def test_kinisi_agrees_where_it_is_installed_and_is_asked_for_where_not() -> None:
    walk = np.cumsum(np.random.default_rng(6).normal(scale=0.3, size=(300, 50, 3)), axis=0)
    if not has_kinisi():
        with pytest.raises(MissingDependencyError, match=r"dualion\[kinisi\]"):
            kinisi_posterior(walk, 0.1, 0.1)
        return
    posterior = kinisi_posterior(walk, 0.1, 0.1)
    assert posterior.low_cm2_s < 4.5e-5 < posterior.high_cm2_s
