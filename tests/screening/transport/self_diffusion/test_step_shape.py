"""What one lag tells of the error of a slope: known motions."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.step_shape import GAUSSIAN, step_shape


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


def test_the_shape_is_that_of_the_moments_of_a_gaussian_with_the_tensor() -> None:
    """⟨r⁴⟩ = tr² + 2 tr M² of a Gaussian; what is above that is of jumps."""
    tensor = np.array([2.0, 1.0, 0.5, 0.3, 0.2, 0.1])[:, None] * np.linspace(0.5, 1.5, 40)
    square = 4.0 + 1.0 + 0.25 + 2.0 * (0.09 + 0.04 + 0.01)
    gaussian = 3.5**2 + 2.0 * square
    found = step_shape(tensor, 3.5, gaussian + 5.0, 6, 4)
    assert found.non_gaussian == pytest.approx(0.6 * (gaussian + 5.0) / 3.5**2 - 1.0)
    assert found.jumps == pytest.approx(0.6 * 5.0 / 3.5**2)
    assert found.directions == pytest.approx(3.0 * square / 3.5**2)
    assert step_shape(tensor, 3.5, gaussian - 1.0, 6, 4).jumps == 0.0


def test_a_tensor_of_noise_is_no_less_than_isotropic() -> None:
    even = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])[:, None] * np.ones(40)
    assert step_shape(even, 3.0, 15.0, 6, 4).directions == 1.0


def test_ions_together_scatter_more_than_apart_as_far_as_the_run_shows() -> None:
    """Variance of the mean r² over ⟨r⁴⟩ − ⟨r²⟩² of one ion by N, known from 2.5 origins a lag."""
    swing = 1.0 + 0.8 * np.sin(np.arange(80.0))
    tensor = np.zeros((6, 80))
    tensor[0] = swing
    observed = swing.var() * 9 / 0.5
    share = 0.49 / (0.49 + 2.0 * 7 / (2.5 * 80))
    at = {"second": 1.0, "fourth": 1.5, "n_ions": 9}
    assert observed > 2.0
    assert step_shape(tensor, lag=7, **at).together == pytest.approx(observed**share)
    assert step_shape(tensor, lag=40, **at).together > 1.0
    assert step_shape(tensor, lag=41, **at).together == 1.0  # under two lags of origins
    assert step_shape(tensor, lag=7, **(at | {"n_ions": 2})).together > 1.0
    assert step_shape(tensor, lag=7, **(at | {"n_ions": 1})).together == 1.0
    assert step_shape(tensor, lag=7, **(at | {"fourth": 1.0})).together == 1.0
    assert step_shape(tensor, lag=7, **(at | {"fourth": 100.0})).together == 1.0


def test_what_rounds_to_no_motion_is_of_no_shape() -> None:
    """1e-4 Å is rounding: what moves less than that squared has the shape of a plain walk."""
    kick = np.zeros((20, 2, 3))
    kick[1::2, :, 0] = 1.0
    assert LagCache(0.99e-4 * kick).shape(1) is GAUSSIAN
    assert LagCache(1.01e-4 * kick).shape(1) is not GAUSSIAN


@pytest.mark.parametrize(("lag", "stride"), [(3, 1), (7, 1), (8, 2), (12, 3)])
def test_fourth_moments_take_four_origins_a_lag(lag: int, stride: int) -> None:
    walk = np.cumsum(np.random.default_rng(3).normal(size=(60, 5, 3)), axis=0)
    r2 = ((walk[lag:] - walk[:-lag]) ** 2).sum(axis=2)[::stride]
    alpha = 0.6 * (r2**2).mean() / r2.mean() ** 2 - 1.0
    assert LagCache(walk).shape(lag).non_gaussian == pytest.approx(alpha)
