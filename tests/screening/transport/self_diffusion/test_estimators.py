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
