"""D of simulated ions whose transport is known: intervals and verdicts."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from walks import STEP_PS, d_of, gaussian_walk

from dualion.screening.transport.replicas import combine_replicas
from dualion.screening.transport.self_diffusion.coefficient import diffusion
from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.slope import bin_sums
from dualion.screening.transport.self_diffusion.upper_limit import d_of_one_jump, jump_limit
from dualion.screening.transport.self_diffusion.verdict import Verdict
from dualion.screening.transport.self_diffusion.window import choose_window


# Binomial: the true coverage of 0.95 gives fewer than 0.90 of 120 runs once in a hundred.
@pytest.mark.parametrize("ions", [1, 10, 200])
def test_interval_covers_the_truth_of_gaussian_walks(ions: int) -> None:
    rng = np.random.default_rng(11)
    truth = d_of(0.09)
    found = [
        diffusion(gaussian_walk(rng, 300, ions), STEP_PS) for _ in range(120 if ions < 50 else 60)
    ]
    share = np.mean([d.low_cm2_s <= truth <= d.high_cm2_s for d in found])
    assert 0.89 <= share <= 0.995
    assert np.mean([d.d_cm2_s for d in found]) == pytest.approx(truth, rel=0.06)
    scatter = np.std([d.d_cm2_s for d in found])
    assert np.median([d.error_cm2_s for d in found]) == pytest.approx(scatter, rel=0.45)
    # These are independent Gaussian walkers, to which the variance is compared.
    assert np.mean(np.log([d.inflation for d in found])) == pytest.approx(0.0, abs=0.1)


def test_interval_covers_the_truth_of_hopping_vibrating_ions() -> None:
    rng = np.random.default_rng(12)
    rate, length = 0.05, 2.5
    truth = d_of(rate * length**2 / 3.0)
    covered = []
    for _ in range(60):
        hop = rng.random((1000, 10)) < rate
        steps = np.zeros((1000, 10, 3))
        steps[hop] = (
            length
            * rng.choice([-1.0, 1.0], (hop.sum(), 1))
            * np.eye(3)[rng.integers(0, 3, hop.sum())]
        )
        walk = np.cumsum(steps, axis=0) + rng.normal(scale=0.2, size=steps.shape)
        found = diffusion(walk, STEP_PS)
        covered.append(found.low_cm2_s <= truth <= found.high_cm2_s)
    assert 0.85 <= np.mean(covered) <= 1.0


@njit(cache=True)
def _vacancy(
    size: int, steps: NDArray[np.int64], frames: int, per_frame: int, seed: int
) -> NDArray[np.float64]:
    """Single vacancy on the points of an even-sum (fcc) or full (sc) grid."""
    np.random.seed(seed)  # noqa: NPY002  (what compiled code can call)
    occupant = -np.ones((size, size, size), np.int64)
    face_centred = len(steps) == 12
    sites = []
    for x in range(size):
        for y in range(size):
            for z in range(size):
                if not face_centred or (x + y + z) % 2 == 0:
                    occupant[x, y, z] = len(sites) - 1
                    sites.append((x, y, z))
    place = np.zeros((len(sites) - 1, 3))
    for i in range(1, len(sites)):
        for c in range(3):
            place[i - 1, c] = sites[i][c]
    hole = np.zeros(3, np.int64)
    out = np.zeros((frames, len(place), 3))
    for t in range(frames):
        out[t] = place
        for _ in range(per_frame):
            step = steps[np.random.randint(len(steps))]  # noqa: NPY002
            target = (hole + step) % size
            ion = occupant[target[0], target[1], target[2]]
            place[ion] -= step
            occupant[hole[0], hole[1], hole[2]] = ion
            occupant[target[0], target[1], target[2]] = -1
            hole = target
    return out


SIMPLE = np.array([v for v in np.ndindex(3, 3, 3) if np.abs(np.array(v) - 1).sum() == 1]) - 1


FACE = np.array([v for v in np.ndindex(3, 3, 3) if np.abs(np.array(v) - 1).sum() == 2]) - 1


# Correlation factors of a single vacancy: Montet, Phys. Rev. B 7, 650 (1973); the finite cell
# raises them by about 2/N, a third of a percent here.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "size", "factor"), [(SIMPLE, 8, 0.6531), (FACE, 10, 0.7815)], ids=["sc", "fcc"]
)
def test_vacancy_hopping_gives_the_correlation_factor(
    steps: NDArray[np.int64], size: int, factor: float
) -> None:
    found = []
    for seed in range(12):
        walk = _vacancy(size, steps, 600, 60, seed)
        jump2 = float((steps[0] ** 2).sum())
        free = d_of(jump2 * 60 / walk.shape[1] / 3.0)
        result = diffusion(walk, STEP_PS, hop_length_angstrom=np.sqrt(jump2))
        assert result.verdict == "diffusing"
        found.append((result.d_cm2_s / free, result.error_cm2_s / free))
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(factor, abs=0.004 + 3.0 * values.std() / np.sqrt(12))
    assert (np.abs(values - factor) < 2.3 * errors).sum() >= 9


def test_ballistic_caged_and_frozen_ions_are_called_what_they_are() -> None:
    rng = np.random.default_rng(16)
    flight = np.arange(400.0)[:, None, None] * 0.05 * rng.normal(size=(1, 20, 3))
    assert diffusion(flight, STEP_PS).verdict == "ballistic"
    caged = rng.normal(scale=0.3, size=(2000, 20, 3))
    assert diffusion(caged, STEP_PS).verdict == "vibrating"
    frozen = diffusion(np.ones((50, 4, 3)), STEP_PS)
    assert frozen.verdict == "vibrating"
    assert "no_motion" in frozen.flags
    assert frozen.error_cm2_s > 0.0
    walk = diffusion(gaussian_walk(rng, 500, 20), STEP_PS)
    assert walk.verdict == "diffusing"
    assert {walk.verdict, "rotating", "not resolved"} <= set(get_args(Verdict))


def test_diffusion_tensor_finds_the_fast_axis() -> None:
    rng = np.random.default_rng(18)
    axis = np.array([1.0, 2.0, 2.0]) / 3.0
    fast = rng.normal(scale=0.5, size=(1000, 30, 1)) * axis
    walk = np.cumsum(fast + rng.normal(scale=0.1, size=(1000, 30, 3)), axis=0)
    values, axes = diffusion(walk, STEP_PS).principal_axes
    assert abs(axes[0] @ axis) > 0.99
    assert values[0] == pytest.approx(d_of(0.26), rel=0.1)
    assert values[2] == pytest.approx(d_of(0.01), rel=0.2)


def test_ions_in_strings_have_the_error_of_a_fifth_of_them() -> None:
    rng = np.random.default_rng(4)
    truth = 0.09 / 0.2 * 1e-4
    covered = []
    for _ in range(40):
        strings = np.cumsum(rng.normal(scale=0.3, size=(400, 4, 3)), axis=0)
        found = diffusion(np.repeat(strings, 5, axis=1), 0.1)
        covered.append(found.low_cm2_s <= truth <= found.high_cm2_s)
    assert np.mean(covered) >= 0.85


def test_the_limit_of_ions_at_rest_is_that_of_their_own_jumps() -> None:
    still = diffusion(np.zeros((100, 2, 3)), 0.1, hop_length_angstrom=4.0)
    assert still.upper_cm2_s == pytest.approx(3.69 * 16.0 / (6.0 * 2 * 10.0) * 1e-4, rel=0.01)


def test_a_flight_has_an_interval_and_no_limit() -> None:
    speed = np.random.default_rng(6).normal(size=(1, 20, 3))
    found = diffusion(speed * np.arange(400.0)[:, None, None], 0.1)
    assert found.verdict == "ballistic"
    assert found.upper_cm2_s == np.inf


def test_vibration_says_little_of_jumps_that_were_not_seen() -> None:
    caged = np.random.default_rng(5).normal(scale=0.3, size=(2000, 2, 3))
    found = diffusion(caged, 0.05, hop_length_angstrom=4.0)
    assert found.verdict == "vibrating"
    # exp(−3.69) = 0.025: at this D two ions make no jump of 4 Å in 100 ps once in forty runs.
    assert found.upper_cm2_s == pytest.approx(3.69 * 16.0 / (6.0 * 2 * 100.0) * 1e-4, rel=0.02)
    # The interval is that of the slope alone, which says how little the vibration grew.
    assert found.d_cm2_s < found.high_cm2_s < 0.1 * found.upper_cm2_s
    both = combine_replicas([found, found])
    assert both.upper_cm2_s == pytest.approx(found.upper_cm2_s / 2.0, rel=0.02)
    assert both.high_cm2_s < 0.1 * both.upper_cm2_s


def test_every_field_follows_from_the_slope_and_the_msd() -> None:
    """D = slope/2Δt; N_eff = N (largest MSD up to 0.7 of the run − intercept)/a²; the tensor from
    the same weights, its errors calibrated by the trace's."""
    rng = np.random.default_rng(31)
    walk = gaussian_walk(rng, 150, 5) + rng.normal(scale=0.3, size=(150, 5, 3))
    found = diffusion(walk, STEP_PS, species="Li")
    cache = LagCache(walk)
    slope = choose_window(cache.trace, 150, 15, shape=cache.shape).slope
    unit = 1e-4 / (2.0 * STEP_PS)
    msd = np.array([((walk[k:] - walk[: 150 - k]) ** 2).sum(axis=2).mean() for k in range(150)])
    assert (found.species, found.n_ions) == ("Li", 5)
    assert found.d_cm2_s == pytest.approx(slope.value * unit)
    assert found.error_cm2_s == pytest.approx(slope.error * unit)
    assert found.low_cm2_s == pytest.approx(slope.low * unit)
    assert found.intercept_angstrom2 == pytest.approx(3.0 * slope.intercept)
    assert found.window_ps == pytest.approx((slope.start * STEP_PS, slope.lags[-1] * STEP_PS))
    reach = msd[:105].max() - 3.0 * slope.intercept
    assert found.n_eff == pytest.approx(5 * reach / 9.0)
    assert found.relative_error_he_zhu_mo == pytest.approx(3.43 / np.sqrt(found.n_eff) + 0.04)
    assert found.inflation == slope.inflation
    first, last = slope.start, slope.lags[-1]
    assert found.log_slope == pytest.approx(np.log(msd[last] / msd[first]) / np.log(last / first))
    assert found.non_gaussian == pytest.approx(cache.shape(slope.start).non_gaussian)
    assert found.tensor_dof == len(slope.bin_edges) - 2
    assert found.high_cm2_s == pytest.approx(slope.high * unit)
    limit = jump_limit(slope.value * unit, d_of_one_jump(5, 150 * STEP_PS, 3.0))
    assert not found.resolved
    assert found.upper_cm2_s == pytest.approx(max(limit, slope.high * unit))
    sums = {}
    for a, b in [(i, j) for i in range(3) for j in range(3)]:
        parts = [
            ((walk[k:] - walk[:-k])[..., a] * (walk[k:] - walk[:-k])[..., b]).mean(axis=1)
            for k in slope.lags
        ]
        expected = sum(w * p.mean() for w, p in zip(slope.weights, parts, strict=True))
        assert found.tensor_cm2_s[a, b] == pytest.approx(expected * unit)
        sums[a, b] = bin_sums(parts, slope.lags, slope.weights, slope.bin_edges)
    trace = np.linalg.norm((sums[0, 0] + sums[1, 1] + sums[2, 2]) / 3.0)
    for (a, b), part in sums.items():
        error = slope.error / trace * np.linalg.norm(part)
        assert found.tensor_error_cm2_s[a, b] == pytest.approx(error * unit)


def test_the_window_starts_no_earlier_than_it_is_told() -> None:
    walk = gaussian_walk(np.random.default_rng(32), 400, 10)
    assert diffusion(walk, STEP_PS).window_ps[0] < 1.0
    assert diffusion(walk, STEP_PS, earliest_ps=1.0).window_ps[0] >= 1.0
    assert diffusion(walk, STEP_PS, earliest_ps=1.0).window_ps[0] <= 1.6


def test_ten_frames_give_an_estimate_and_nine_do_not() -> None:
    walk = gaussian_walk(np.random.default_rng(33), 10, 4)
    assert np.isfinite(diffusion(walk, STEP_PS).d_cm2_s)
    short = diffusion(walk[:9], STEP_PS)
    assert (short.verdict, short.flags) == ("not resolved", ("too_few_frames",))
    assert (short.n_ions, short.n_eff, short.tensor_dof) == (4, 0.0, 0.0)
    assert (short.low_cm2_s, short.high_cm2_s, short.error_cm2_s) == (-np.inf, np.inf, np.inf)
    assert short.relative_error_he_zhu_mo == np.inf
    unknown = (short.d_cm2_s, short.intercept_angstrom2, short.log_slope, short.non_gaussian)
    assert np.isnan([*unknown, short.inflation, *short.window_ps]).all()
    assert np.isnan(short.tensor_cm2_s).all() and short.tensor_cm2_s.shape == (3, 3)
    assert np.isinf(short.tensor_error_cm2_s).all() and short.tensor_error_cm2_s.shape == (3, 3)
    values, axes = short.principal_axes
    assert np.isnan(values).all() and values.shape == (3,)
    np.testing.assert_array_equal(axes, np.eye(3))


def test_what_does_not_move_has_the_limit_of_no_jump() -> None:
    """3.69 jumps of 3 Å, of four ions in 5 ps; an MSD under 1e-8 Å² is rounding."""
    still = diffusion(np.ones((50, 4, 3)), STEP_PS)
    limit = 3.6889 * 9.0 / (6.0 * 4 * 5.0) * 1e-4
    assert (still.d_cm2_s, still.low_cm2_s) == (0.0, 0.0)
    assert still.upper_cm2_s == pytest.approx(limit, rel=1e-4)
    kick = np.zeros((50, 4, 3))
    kick[1::2, :, 0] = 1.0
    assert diffusion(0.99e-4 * kick, STEP_PS).flags == ("no_motion",)
    assert "no_motion" not in diffusion(1.01e-4 * kick, STEP_PS).flags


def test_what_is_back_every_second_frame_vibrates() -> None:
    """Its MSD at even lags is exactly nothing, so these know no error either."""
    kick = np.zeros((200, 4, 3))
    kick[1::2, :, 0] = 0.2
    found = diffusion(kick, STEP_PS)
    assert found.verdict == "vibrating"
    assert found.d_cm2_s == pytest.approx(0.0, abs=1e-12)
    assert np.isfinite(found.upper_cm2_s)


def test_free_flight_has_no_limit_and_principal_axes_fall() -> None:
    rng = np.random.default_rng(34)
    flight = np.arange(400.0)[:, None, None] * 0.05 * rng.normal(size=(1, 20, 3))
    found = diffusion(flight, STEP_PS)
    assert (found.verdict, found.upper_cm2_s) == ("ballistic", np.inf)
    values, axes = found.principal_axes
    assert values[0] > values[1] > values[2]
    for value, axis in zip(values, axes, strict=True):
        np.testing.assert_allclose(found.tensor_cm2_s @ axis, value * axis, atol=1e-12)
    walk = diffusion(gaussian_walk(rng, 500, 20), STEP_PS)
    assert walk.resolved and np.isnan(walk.upper_cm2_s)
