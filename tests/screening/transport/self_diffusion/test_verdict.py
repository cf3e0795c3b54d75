"""What ions are said to do, on both sides of every threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.self_diffusion.lag_cache import LagCache
from dualion.screening.transport.self_diffusion.msd import Msd
from dualion.screening.transport.self_diffusion.verdict import (
    choose_verdict,
    he_zhu_mo_error,
    window_log_slope,
)
from dualion.screening.transport.self_diffusion.window import WindowedSlope, choose_window

FRAMES = 160
WALK = choose_window(
    LagCache(gaussian_walk(np.random.default_rng(1), FRAMES, 10)).trace, FRAMES, 30
)
"""A clean walk; its numbers are replaced below."""


def msd_growing_like(power: float) -> Msd:
    times = np.arange(FRAMES, dtype=float)
    tensor = (times**power)[:, None, None] * np.eye(3) / 3.0
    return Msd(times_ps=times, tensor=tensor, n_ions=10, n_frames=FRAMES)


USUAL = {
    "n_eff": 56.0, "reach": 2.0, "log_slope": 1.0, "low": 0.1, "high": 0.2,
    "confirmed": True, "merged": True, "power": 1.0,
}  # fmt: skip


def verdict_of(**changes):
    given = USUAL | changes
    windowed = WindowedSlope(
        slope=replace(WALK.slope, low=given["low"], high=given["high"]),
        confirmed=given["confirmed"],
        merged=given["merged"],
    )
    msd = given.get("msd") or msd_growing_like(given["power"])
    return choose_verdict(windowed, msd, given["n_eff"], given["reach"], 2.0, given["log_slope"])


def test_the_error_of_he_zhu_and_mo() -> None:
    assert he_zhu_mo_error(100.0) == pytest.approx(0.383)
    assert he_zhu_mo_error(0.0) == np.inf


def test_at_every_threshold_the_ions_still_diffuse() -> None:
    """56 jumps, an MSD of half a jump of 2 Å squared, growing faster than t^0.3."""
    assert verdict_of() == ("diffusing", ())


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"n_eff": 55.9}, ("n_eff_below_56",)),
        ({"reach": 1.99}, ("msd_below_half_hop",)),
        ({"log_slope": 0.3}, ()),
        ({"low": 0.0}, ()),
        ({"confirmed": False}, ("window_unconfirmed",)),
        ({"reach": 1.99, "low": 0.0}, ()),
        ({"n_eff": 0.0}, ()),
    ],
)
def test_one_lack_alone_leaves_it_unresolved(changes, flags) -> None:
    assert verdict_of(**changes) == ("not resolved", flags)


def test_unlike_ions_are_flagged_and_still_diffuse() -> None:
    assert verdict_of(merged=False) == ("diffusing", ("few_jumps_or_unlike_ions",))


def test_what_surely_moves_less_than_a_tenth_of_a_jump_vibrates() -> None:
    """3 · slope · 160 frames against 0.1 · 4 Å²: the limit is 1/1200 Å² a frame."""
    assert verdict_of(low=0.0, high=0.99 / 1200.0)[0] == "vibrating"
    assert verdict_of(low=0.0, high=1.01 / 1200.0)[0] == "not resolved"


@pytest.mark.parametrize(("power", "verdict"), [(1.65, "diffusing"), (1.75, "ballistic")])
def test_free_flight_grows_faster_than_any_walk(power, verdict) -> None:
    assert verdict_of(power=power)[0] == verdict


def test_the_log_slope_is_the_power_of_the_msd_over_the_window() -> None:
    slope = replace(WALK.slope, lags=np.array([4, 8, 32]))
    assert window_log_slope(msd_growing_like(0.7), slope) == pytest.approx(0.7)
    assert np.isnan(window_log_slope(msd_growing_like(0.7), replace(slope, lags=np.array([4]))))
    assert np.isnan(window_log_slope(msd_growing_like(0.7), replace(slope, lags=np.array([0, 8]))))


def test_the_time_at_which_flight_is_told_is_a_quarter_of_the_run() -> None:
    """Flight over the first sixteenth alone is no flight; a run of 15 frames tells none."""
    assert he_zhu_mo_error(56.0) == pytest.approx(3.43 / np.sqrt(56.0) + 0.04)
    assert he_zhu_mo_error(-1.0) == np.inf
    times = np.arange(FRAMES, dtype=float)
    for growth, verdict in (
        (np.where(times <= 10, times**2, 10.0 * times), "diffusing"),
        (np.where((times > 10) & (times < 40), 1.0, times**2), "ballistic"),
    ):
        tensor = growth[:, None, None] * np.eye(3) / 3.0
        msd = Msd(times_ps=times, tensor=tensor, n_ions=10, n_frames=FRAMES)
        assert verdict_of(msd=msd)[0] == verdict
    flight = (times**2)[:, None, None] * np.eye(3)
    for frames, verdict in ((16, "ballistic"), (15, "diffusing")):
        short = Msd(times_ps=times[:frames], tensor=flight[:frames], n_ions=10, n_frames=frames)
        assert verdict_of(msd=short)[0] == verdict
    still = Msd(times_ps=times, tensor=0.0 * flight, n_ions=10, n_frames=FRAMES)
    assert verdict_of(msd=still)[0] == "diffusing"


@pytest.mark.parametrize("where", [4, 32])
def test_an_msd_of_nothing_has_no_log_slope(where: int) -> None:
    slope = replace(WALK.slope, lags=np.array([4, 32]))
    msd = msd_growing_like(1.0)
    msd.tensor[where] = 0.0
    assert np.isnan(window_log_slope(msd, slope))
