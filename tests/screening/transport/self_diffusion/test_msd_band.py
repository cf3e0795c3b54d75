"""The band of the MSD against walks whose MSD is known."""

from __future__ import annotations

import numpy as np
import pytest
from walks import gaussian_walk

from dualion.screening.transport.self_diffusion._walk_kernel import walk_covariance
from dualion.screening.transport.self_diffusion.msd import mean_squared_displacement
from dualion.screening.transport.self_diffusion.msd_band import msd_band, overlap_share


@pytest.mark.parametrize(("lag", "frames"), [(1, 50), (7, 50), (30, 50), (49, 50)])
def test_the_overlap_is_that_of_the_exact_covariance(lag: int, frames: int) -> None:
    full, _ = walk_covariance(np.array([lag]), frames, 0.3, 0.0, 10.0)
    of_one = 2.0 * (0.3 * lag) ** 2
    assert overlap_share(lag, frames - lag) == pytest.approx(full[0, 0] / of_one, rel=1e-9)


@pytest.mark.parametrize("ions", [1, 3, 40])
def test_the_band_holds_the_msd_of_an_endless_walk_in_95_of_100_runs(ions: int) -> None:
    rng = np.random.default_rng(ions)
    inside = []
    for _ in range(150):
        band = msd_band(gaussian_walk(rng, 200, ions), 0.1)
        truth = 3.0 * 0.3**2 * band.times_ps / 0.1
        inside.append((band.low_angstrom2 < truth) & (truth < band.high_angstrom2))
    shares = np.mean(inside, axis=0)
    # 150 runs tell a share of 0.95 to 0.018; the scatter of ions that few runs have costs some.
    assert (shares > 0.95 - 4 * 0.018).all(), shares
    assert shares.mean() < 0.99


def test_the_band_lies_about_the_msd_and_is_wide_where_few_ions_jump() -> None:
    rng = np.random.default_rng(2)
    walk = gaussian_walk(rng, 300, 20, 0.05)
    even, uneven = walk.copy(), walk.copy()
    uneven[:, :2] += gaussian_walk(rng, 300, 2, 0.8)
    bands = [msd_band(places, 0.1) for places in (even, uneven)]
    for places, band in zip((even, uneven), bands, strict=True):
        exact = mean_squared_displacement(places, 0.1)
        at = np.searchsorted(exact.times_ps, band.times_ps - 0.05)
        np.testing.assert_allclose(band.msd_angstrom2, exact.total[at], rtol=1e-9)
        assert (band.low_angstrom2 < band.msd_angstrom2).all()
        assert (band.msd_angstrom2 < band.high_angstrom2).all()
        assert band.times_ps[-1] == pytest.approx(0.1 * 209)
    widths = [(b.high_angstrom2 - b.low_angstrom2) / b.msd_angstrom2 for b in bands]
    assert (widths[1] > 3.0 * widths[0]).all()


def test_what_stands_still_has_a_band_without_width() -> None:
    band = msd_band(np.zeros((30, 2, 3)), 0.1)
    assert (band.msd_angstrom2 == 0.0).all() and (band.high_angstrom2 == 0.0).all()
