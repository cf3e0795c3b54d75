"""Published point estimators against the numbers of their authors."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion.estimators import point_estimate
from dualion.structures.errors import InputError

DATA = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "md"


def lgps() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    content = json.loads(gzip.decompress((DATA / "lgps_600K_displacements.json.gz").read_bytes()))
    displacements = np.array(content["displacements"]).transpose(1, 0, 2)
    sites = content["structure"]["sites"]
    lithium = np.array([s["species"][0]["element"] == "Li" for s in sites])
    return displacements - displacements[:, ~lithium].mean(axis=1, keepdims=True), lithium


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public trajectories are not there")
def test_lgps_as_pymatgen_analysis_diffusion_gives_it() -> None:
    displacements, lithium = lgps()
    plain = point_estimate("first_frame_line", displacements[:, lithium], 0.02)
    assert plain.d_cm2_s == pytest.approx(4.25976905e-7, rel=1e-8)
    windowed = point_estimate("windowed_line", displacements[:, lithium], 0.02)
    assert windowed.d_cm2_s == pytest.approx(1.16e-6, rel=2e-3)
    assert windowed.haven_ratio == pytest.approx(0.3185, abs=5e-5)


@pytest.mark.parametrize("step_ps", [0.02, 0.5, 1.0])
def test_every_estimator_gives_the_slope_of_an_exact_line(step_ps: float) -> None:
    """Ions on an alternating path whose squared displacement from the first frame is 6 D t."""
    times = np.arange(200) * step_ps
    path = np.zeros((200, 4, 3))
    path[:, :, 0] = np.sqrt(6.0 * 0.01 * times)[:, None] * [1.0, -1.0, 1.0, -1.0]
    for name in ("end_point", "first_frame_line"):
        found = point_estimate(name, path, step_ps)  # type: ignore[arg-type]
        assert found.d_cm2_s == pytest.approx(0.01e-4)
        # The paths cancel in pairs, so nothing moves together.
        assert found.d_collective_cm2_s == pytest.approx(0.0, abs=1e-12)


def test_the_windowed_line_starts_at_one_ps_and_needs_a_run_beyond_it() -> None:
    rng = np.random.default_rng(6)
    walk = np.cumsum(rng.normal(scale=0.3, size=(300, 40, 3)), axis=0)
    found = point_estimate("windowed_line", walk, 1.0)  # a frame is 1 ps: the first lag
    assert found.d_cm2_s == pytest.approx(0.09 / 2.0 * 1e-4, rel=0.15)
    with pytest.raises(InputError, match="too short"):
        point_estimate("windowed_line", walk, 1.01)
    with pytest.raises(InputError, match="too short"):
        point_estimate("windowed_line", walk[:10, :3], 1.0)


def test_the_first_frame_line_is_that_of_plain_least_squares() -> None:
    rng = np.random.default_rng(7)
    walk = np.cumsum(rng.normal(scale=0.3, size=(50, 6, 3)), axis=0)
    times = 0.5 * np.arange(50)
    own = ((walk - walk[0]) ** 2).sum(axis=2).mean(axis=1)
    summed = (((walk - walk[0]).sum(axis=1)) ** 2).sum(axis=1) / 6.0
    found = point_estimate("first_frame_line", walk, 0.5)
    slopes = [np.polyfit(times, values, 1)[0] for values in (own, summed)]
    assert found.d_cm2_s == pytest.approx(slopes[0] / 6.0 * 1e-4)
    assert found.d_collective_cm2_s == pytest.approx(slopes[1] / 6.0 * 1e-4)
    assert found.haven_ratio == pytest.approx(slopes[0] / slopes[1])
    end = point_estimate("end_point", walk, 0.5)
    assert end.d_cm2_s == pytest.approx(own[-1] / (6.0 * 24.5) * 1e-4)
    assert end.d_collective_cm2_s == pytest.approx(summed[-1] / (6.0 * 24.5) * 1e-4)


@pytest.mark.parametrize(("frames", "ions", "most"), [(60, 10, 20), (60, 90, 60), (700, 40, 700)])
def test_the_windowed_line_is_weighted_by_one_over_time(frames: int, ions: int, most: int) -> None:
    """From 1 ps to where 30 observations are left, about 200 lags."""
    rng = np.random.default_rng(8)
    walk = np.cumsum(rng.normal(scale=0.3, size=(frames, ions, 3)), axis=0)
    lags = np.arange(2, most, max((most - 2) // 200, 1))
    msd = np.array([((walk[k:] - walk[:-k]) ** 2).sum(axis=2).mean() for k in lags])
    # np.polyfit's weights multiply the residuals: √(1/t).
    slope = np.polyfit(0.5 * lags, msd, 1, w=np.sqrt(1.0 / (0.5 * lags)))[0]
    found = point_estimate("windowed_line", walk, 0.5)
    assert found.d_cm2_s == pytest.approx(slope / 6.0 * 1e-4)


def test_ions_that_cancel_have_no_haven_ratio() -> None:
    path = np.zeros((10, 2, 3))
    path[:, :, 0] = np.arange(10.0)[:, None] * [1.0, -1.0]
    assert np.isnan(point_estimate("end_point", path, 1.0).haven_ratio)
