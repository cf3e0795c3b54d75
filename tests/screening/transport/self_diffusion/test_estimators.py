"""Published point estimators against the numbers of their authors."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport.self_diffusion.estimators import point_estimate

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
