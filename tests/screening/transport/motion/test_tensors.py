"""Direction of motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from walks import gaussian_walk

from dualion.screening.transport.motion.tensors import (
    anisotropy,
    fractional_anisotropy,
    ion_tensors,
)
from dualion.screening.transport.self_diffusion.coefficient import diffusion
from dualion.structures.errors import InputError

SKEWED = np.array([[8.0, 0.0, 0.0], [3.5, 7.0, 0.0], [-2.0, 1.0, 9.0]])


def test_direction_is_called_only_where_it_is_there() -> None:
    rng = np.random.default_rng(6)
    chances = [
        anisotropy(diffusion(gaussian_walk(rng, 300, 10), 0.1)).isotropic_chance for _ in range(60)
    ]
    # 0.05 of 60 is 3; eight or more come once in a hundred.
    assert sum(chance < 0.05 for chance in chances) < 8
    plane = gaussian_walk(rng, 600, 10) * np.array([1.0, 1.0, 0.2])
    found = anisotropy(diffusion(plane, 0.1))
    assert found.isotropic_chance < 1e-3
    expected = fractional_anisotropy(np.diag([1.0, 1.0, 0.04]))
    assert found.fractional == pytest.approx(float(expected), abs=0.05)
    assert abs(found.axes[2] @ [0.0, 0.0, 1.0]) > 0.99
    truth = np.array([4.5e-5, 4.5e-5, 1.8e-6])
    assert (np.abs(found.principal_cm2_s - truth) < 4.0 * found.errors_cm2_s).all()


def test_fractional_anisotropy_of_a_ball_a_disc_and_a_line() -> None:
    tensors = np.stack([np.eye(3), np.diag([1.0, 1.0, 0.0]), np.diag([1.0, 0.0, 0.0]), 0 * SKEWED])
    np.testing.assert_allclose(
        fractional_anisotropy(tensors), [0.0, np.sqrt(0.5), 1.0, 0.0], atol=1e-12
    )


def test_tensors_of_single_ions_are_the_double_loop() -> None:
    walk = gaussian_walk(np.random.default_rng(7), 25, 3)
    expected = np.zeros((3, 3, 3))
    for t in range(19):
        for ion in range(3):
            step = walk[t + 6, ion] - walk[t, ion]
            expected[ion] += np.outer(step, step) / 19
    np.testing.assert_allclose(ion_tensors(walk, 6), expected)
    with pytest.raises(InputError, match="does not fit"):
        ion_tensors(walk, 25)


@pytest.mark.parametrize("entry", [(0, 1), (0, 2), (1, 2)])
def test_an_off_diagonal_entry_alone_tells_a_direction(entry: tuple[int, int]) -> None:
    """D_xy = 6 of its errors: F = 6²/5 with five and 50 degrees of freedom."""
    tensor, error = np.eye(3) * 1e-5, np.full((3, 3), 1e-6)
    tensor[entry] = tensor[entry[::-1]] = 6e-6
    walk = diffusion(gaussian_walk(np.random.default_rng(8), 100, 4), 0.1)
    found = anisotropy(
        replace(walk, tensor_cm2_s=tensor, tensor_error_cm2_s=error, tensor_dof=50.0)
    )
    assert found.isotropic_chance == pytest.approx(stats.f.sf(36.0 / 5.0, 5, 50))
    np.testing.assert_allclose(found.principal_cm2_s, [1.6e-5, 1e-5, 4e-6], rtol=1e-9)
    # Along (x ± y)/√2 D is (D_xx + D_yy)/2 ± D_xy.
    both = 1e-6 * np.sqrt(0.25 + 0.25 + 1.0)
    np.testing.assert_allclose(found.errors_cm2_s, [both, 1e-6, both], rtol=1e-9)


def test_a_tensor_without_errors_has_no_chance_to_tell() -> None:
    walk = diffusion(gaussian_walk(np.random.default_rng(8), 100, 4), 0.1)
    found = anisotropy(replace(walk, tensor_error_cm2_s=np.zeros((3, 3))))
    assert np.isnan([found.fractional, found.isotropic_chance]).all()
    assert np.isinf(found.errors_cm2_s).all()


def test_noise_alone_gives_an_isotropic_tensor_this_anisotropy() -> None:
    """|T − tr T/3|² of entries drawn with their errors, on average, over |T|²."""
    rng = np.random.default_rng(9)
    error = np.array([[2.0, 0.5, 1.0], [0.5, 1.0, 1.5], [1.0, 1.5, 3.0]]) * 1e-7
    tensor = 1e-5 * np.diag([1.0, 1.2, 0.8])
    drawn = rng.normal(size=(20_000, 3, 3)) * error
    drawn = np.triu(drawn) + np.triu(drawn, 1).transpose(0, 2, 1)
    drawn -= np.trace(drawn, axis1=1, axis2=2)[:, None, None] / 3.0 * np.eye(3)
    mean = (drawn**2).sum(axis=(1, 2)).mean() / (tensor**2).sum()
    walk = diffusion(gaussian_walk(np.random.default_rng(8), 100, 4), 0.1)
    at = {"tensor_cm2_s": tensor, "tensor_error_cm2_s": error}
    found = anisotropy(replace(walk, tensor_dof=8.0, **at))
    assert found.fractional_from_noise == pytest.approx(np.sqrt(1.5 * mean), rel=0.02)
    assert found.fractional == pytest.approx(float(fractional_anisotropy(tensor)))
    weights = 1.0 / np.diag(error) ** 2
    middle = weights @ np.diag(tensor) / weights.sum()
    squares = ((np.diag(tensor) - middle) ** 2 * weights).sum()
    assert found.isotropic_chance == pytest.approx(stats.f.sf(squares / 5.0, 5, 8))
    few = anisotropy(replace(walk, tensor_dof=0.2, **at))
    assert few.isotropic_chance == pytest.approx(stats.f.sf(squares / 5.0, 5, 1))
    wild = anisotropy(replace(walk, tensor_cm2_s=tensor, tensor_error_cm2_s=1e3 * error))
    assert wild.fractional_from_noise == 1.0


@pytest.mark.parametrize("lag", [-1, 0, 5])
def test_a_lag_lies_within_the_run(lag: int) -> None:
    walk = gaussian_walk(np.random.default_rng(10), 5, 2)
    with pytest.raises(InputError, match="does not fit"):
        ion_tensors(walk, lag)
    assert ion_tensors(walk, 1).shape == ion_tensors(walk, 4).shape == (2, 3, 3)


@pytest.mark.parametrize("field", ["tensor_cm2_s", "tensor_error_cm2_s"])
def test_one_entry_that_is_no_number_leaves_the_direction_open(field: str) -> None:
    walk = diffusion(gaussian_walk(np.random.default_rng(8), 100, 4), 0.1)
    broken = getattr(walk, field).copy()
    broken[0, 1] = broken[1, 0] = np.nan
    found = anisotropy(replace(walk, **{field: broken}))
    assert np.isnan([found.fractional, found.fractional_from_noise, found.isotropic_chance]).all()
    assert found.errors_cm2_s.tolist() == [np.inf] * 3
    zero = walk.tensor_error_cm2_s.copy()
    zero[2, 2] = 0.0
    assert np.isnan(anisotropy(replace(walk, tensor_error_cm2_s=zero)).isotropic_chance)
