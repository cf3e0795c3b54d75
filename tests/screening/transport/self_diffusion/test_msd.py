"""Mean squared displacements against the double loop over origins, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport.motion.tensors import ion_tensors
from dualion.screening.transport.self_diffusion import msd as msd_module
from dualion.screening.transport.self_diffusion.estimators import point_estimate
from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.msd import (
    PAIRS,
    collective_positions,
    mean_squared_displacement,
    motion_shape,
    msd_per_ion,
)
from dualion.structures.errors import InputError

DATA = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "md"


def brute_msd(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The double loop that the Fourier transform replaces, shape (frames, 3, 3)."""
    frames = len(positions)
    out = np.zeros((frames, 3, 3))
    for lag in range(1, frames):
        step = positions[lag:] - positions[:-lag]
        out[lag] = np.einsum("tia,tib->ab", step, step) / (step.shape[0] * step.shape[1])
    return out


def test_fourier_msd_is_the_double_loop() -> None:
    rng = np.random.default_rng(0)
    positions = 50.0 + np.cumsum(rng.normal(size=(37, 4, 3)), axis=0)
    msd = mean_squared_displacement(positions, 0.5)
    expected = brute_msd(positions)
    np.testing.assert_allclose(msd.tensor, expected, rtol=1e-9, atol=1e-9)
    times, per_ion = msd_per_ion(positions, 0.5)
    np.testing.assert_allclose(per_ion.mean(axis=1), msd.total, atol=1e-9)
    np.testing.assert_allclose(times, msd.times_ps)
    np.testing.assert_allclose(msd.directions.sum(axis=1), msd.total)
    for ion in range(4):
        alone = np.trace(brute_msd(positions[:, ion : ion + 1]), axis1=1, axis2=2)
        np.testing.assert_allclose(per_ion[:, ion], alone, rtol=1e-9, atol=1e-9)


def test_msd_does_not_depend_on_how_many_ions_are_transformed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    positions = np.cumsum(np.random.default_rng(3).normal(size=(20, 7, 3)), axis=0)
    whole = mean_squared_displacement(positions, 1.0).tensor, msd_per_ion(positions, 1.0)[1]
    for numbers in (1, 120):  # one ion at a time; two, and one is left
        monkeypatch.setattr(msd_module, "CHUNK_NUMBERS", numbers)
        parts = mean_squared_displacement(positions, 1.0).tensor, msd_per_ion(positions, 1.0)[1]
        np.testing.assert_allclose(parts[0], whole[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(parts[1], whole[1], rtol=1e-9, atol=1e-9)


def test_sums_at_one_lag_agree_with_the_fourier_transform() -> None:
    positions = np.cumsum(np.random.default_rng(4).normal(size=(40, 5, 3)), axis=0)
    msd = mean_squared_displacement(positions, 1.0)
    for lag in (1, 7, 39):
        per_origin = LagCache(positions).tensor(lag)
        expected = [msd.tensor[lag][pair] for pair in PAIRS]
        np.testing.assert_allclose(per_origin.mean(axis=1), expected, rtol=1e-9, atol=1e-9)
        per_ion = ion_tensors(positions, lag)
        np.testing.assert_allclose(per_ion.mean(axis=0), msd.tensor[lag], rtol=1e-9, atol=1e-9)


def test_msd_does_not_depend_on_origin_order_or_axes() -> None:
    rng = np.random.default_rng(1)
    positions = np.cumsum(rng.normal(size=(30, 5, 3)), axis=0)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    base = mean_squared_displacement(positions, 1.0)
    moved = mean_squared_displacement(positions[:, ::-1] @ rotation.T + 100.0, 1.0)
    np.testing.assert_allclose(moved.total, base.total, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(moved.tensor, rotation @ base.tensor @ rotation.T, atol=1e-8)


def test_collective_msd_of_ions_that_move_together_is_n_squared() -> None:
    rng = np.random.default_rng(2)
    one = np.cumsum(rng.normal(size=(40, 1, 3)), axis=0)
    together = np.repeat(one, 3, axis=1)
    single = mean_squared_displacement(one, 1.0).total
    charged = mean_squared_displacement(collective_positions(together, [2.0] * 3), 1.0).total
    np.testing.assert_allclose(charged, 36.0 * single, rtol=1e-8)


def test_motion_shape_of_free_flight_and_of_single_jumps() -> None:
    frames = np.arange(200.0)[:, None, None]
    flight = frames * np.random.default_rng(3).normal(size=(1, 50, 3))
    shape = motion_shape(flight, mean_squared_displacement(flight, 1.0))
    np.testing.assert_allclose(shape.log_slope, 2.0, atol=1e-3)
    rng = np.random.default_rng(4)
    jumps = np.zeros((2000, 100, 3))
    when = rng.random((2000, 100)) < 0.01
    jumps[when] = (
        3.0 * rng.choice([-1.0, 1.0], (when.sum(), 1)) * np.eye(3)[rng.integers(0, 3, when.sum())]
    )
    walk = np.cumsum(jumps, axis=0)
    shape = motion_shape(walk, mean_squared_displacement(walk, 1.0))
    # ⟨n⟩ = 0.01 a frame: α₂ = 3/(5⟨n⟩) = 60 at one frame.
    assert shape.non_gaussian[0] == pytest.approx(60.0, rel=0.1)


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public trajectories are not there")
def test_lips_msd_as_kinisi_gives_it() -> None:
    with np.load(DATA / "lips_200frames.npz", allow_pickle=False) as data:
        positions, species = data["positions"].astype(np.float64), data["species"]
        reference = data["ref_msd"]
    lithium = species == "Li"
    relative = positions - positions[:, ~lithium].mean(axis=1, keepdims=True)
    total = mean_squared_displacement(relative[:, lithium], 0.02).total
    # float32 positions: seven digits. The reference subsamples the origins of other lags.
    assert total[199] == pytest.approx(1.3971975, abs=2e-7)
    assert np.abs(total[1:] - reference[:199]).max() < 0.0064


def test_nonsense_is_refused() -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=(20, 2, 3)), axis=0)
    with pytest.raises(InputError, match="at least two frames"):
        mean_squared_displacement(walk[:1], 1.0)
    with pytest.raises(InputError, match="time between frames"):
        mean_squared_displacement(walk, 0.0)
    walk[7, 1, 2] = np.nan
    with pytest.raises(InputError, match="Frame 8"):
        mean_squared_displacement(walk, 1.0)
    with pytest.raises(InputError, match="shape"):
        mean_squared_displacement(np.zeros((5, 2, 2)), 1.0)
    with pytest.raises(InputError, match="choose from"):
        point_estimate("best", np.zeros((5, 2, 3)), 1.0)  # type: ignore[arg-type]


def test_positions_far_from_the_origin_lose_no_digits() -> None:
    """A run unwrapped over kilometres of images is one near the origin: only steps count."""
    walk = np.cumsum(np.random.default_rng(5).normal(size=(50, 3, 3)), axis=0)
    far = walk + 1e6
    near = mean_squared_displacement(walk, 1.0).total
    np.testing.assert_allclose(mean_squared_displacement(far, 1.0).total, near, atol=1e-6)
    np.testing.assert_allclose(msd_per_ion(far, 1.0)[1].mean(axis=1), near, atol=1e-6)
    path = collective_positions(walk)
    np.testing.assert_allclose(collective_positions(far), path, atol=1e-6)
    np.testing.assert_allclose(path[0], 0.0)


def test_the_shape_of_motion_is_that_of_each_lag() -> None:
    """α₂ by its definition at log-spaced lags, every second origin where that is asked."""
    walk = np.cumsum(np.random.default_rng(6).normal(size=(60, 4, 3)), axis=0)
    msd = mean_squared_displacement(walk, 0.5)
    for stride in (1, 2):
        found = motion_shape(walk, msd, stride)
        lags = np.rint(found.times_ps / 0.5).astype(int)
        assert (lags[0], lags[-1]) == (1, 59)
        assert 20 <= len(lags) <= 40
        for lag, alpha in zip(lags, found.non_gaussian, strict=True):
            r2 = ((walk[lag:] - walk[:-lag]) ** 2).sum(axis=2)[::stride]
            assert alpha == pytest.approx(0.6 * (r2**2).mean() / r2.mean() ** 2 - 1.0)
        slope = np.gradient(np.log(msd.total[lags]), np.log(found.times_ps))
        np.testing.assert_allclose(found.log_slope, slope)
    two = motion_shape(walk[:2], mean_squared_displacement(walk[:2], 0.5))
    assert len(two.times_ps) == 1 and np.isnan(two.log_slope).all()
    still = np.zeros((5, 2, 3))
    assert (
        motion_shape(still, mean_squared_displacement(still, 1.0)).non_gaussian.tolist()
        == [0.0] * 4
    )


def test_ions_of_different_charge_add_as_a_dipole() -> None:
    walk = np.cumsum(np.random.default_rng(7).normal(size=(20, 2, 3)), axis=0)
    path = collective_positions(walk, [2.0, -0.5])[:, 0]
    moved = walk - walk[0]
    np.testing.assert_allclose(path, 2.0 * moved[:, 0] - 0.5 * moved[:, 1])
    np.testing.assert_allclose(collective_positions(walk)[:, 0], moved.sum(axis=1))
    msd = mean_squared_displacement(walk, 1.0)
    assert (msd.n_ions, msd.n_frames) == (2, 20)
    np.testing.assert_allclose(msd.directions, np.diagonal(msd.tensor, axis1=1, axis2=2))
    assert msd.tensor[0].tolist() == [[0.0] * 3] * 3


def test_one_ion_may_be_given_without_its_own_axis() -> None:
    walk = np.cumsum(np.random.default_rng(8).normal(size=(10, 3)), axis=0)
    found = mean_squared_displacement(walk, 1.0)
    np.testing.assert_allclose(found.total, mean_squared_displacement(walk[:, None], 1.0).total)
    for wrong in (np.zeros((5, 0, 3)), np.zeros(5), np.zeros((5, 2))):
        with pytest.raises(InputError, match="shape"):
            mean_squared_displacement(wrong, 1.0)
    for step in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="time between frames"):
            mean_squared_displacement(walk, step)
    assert mean_squared_displacement(walk[:2], 1.0).total[1] > 0.0
    walk[0] = np.nan
    with pytest.raises(InputError, match="Frame 1 "):
        mean_squared_displacement(walk, 1.0)
