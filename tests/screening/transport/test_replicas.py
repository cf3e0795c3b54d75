"""Replicas put together."""

from __future__ import annotations

import numpy as np
from walks import STEP_PS, d_of, gaussian_walk

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import diffusion


def test_replicas_combine_to_a_smaller_error() -> None:
    rng = np.random.default_rng(17)
    runs = [diffusion(gaussian_walk(rng, 400, 4), STEP_PS) for _ in range(8)]
    together = combine_replicas(runs)
    assert together.n_ions == 32
    assert together.error_cm2_s < 0.6 * np.mean([r.error_cm2_s for r in runs])
    assert abs(together.d_cm2_s - d_of(0.09)) < 3.0 * together.error_cm2_s
