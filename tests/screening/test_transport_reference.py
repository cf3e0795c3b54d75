"""Numbers that others published for public trajectories, and brute-force references."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dualion.screening.transport import (
    AnalysisOptions,
    TransportReport,
    analyse,
    collective_positions,
    mean_squared_displacement,
    motion_shape,
    msd_per_ion,
    point_estimate,
)
from dualion.screening.transport.self_diffusion.kinisi_posterior import has_kinisi, kinisi_posterior
from dualion.screening.transport.self_diffusion.slope import fit_slope
from dualion.structures.errors import InputError, MissingDependencyError
from dualion.structures.trajectories import ReadOptions, read_trajectory

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "md"


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


@pytest.fixture(scope="module")
def argyrodites() -> dict[str, TransportReport]:
    if not DATA.is_dir():
        pytest.skip("the public trajectories are not there")
    options = AnalysisOptions(with_structure=False, with_density=False, with_kinisi=False)
    names = ("Li6PS5Cl_0p_run1", "Li6PS5Cl_50p_run1", "Li6PS5I_0p_run1", "Li6PS5I_50p_run1")
    reading = ReadOptions(frame_step_ps=0.1, temperature_k=500.0)
    return {
        name: analyse(read_trajectory(DATA / f"{name}_actual_XDATCAR.gz", reading), options)
        for name in names
    }


@pytest.mark.shared_data
def test_argyrodites_disorder_speeds_lithium_up(argyrodites: dict[str, TransportReport]) -> None:
    d = {name: report.species[0].diffusion for name, report in argyrodites.items()}
    assert d["Li6PS5Cl_50p_run1"].d_cm2_s > d["Li6PS5Cl_0p_run1"].d_cm2_s
    assert d["Li6PS5I_50p_run1"].low_cm2_s > d["Li6PS5I_0p_run1"].high_cm2_s
    assert d["Li6PS5I_0p_run1"].d_cm2_s == pytest.approx(3.5e-6, rel=0.4)
    assert d["Li6PS5Cl_0p_run1"].d_cm2_s == pytest.approx(1e-5, rel=0.4)


@pytest.mark.shared_data
def test_argyrodite_anions_stay(argyrodites: dict[str, TransportReport]) -> None:
    for report in argyrodites.values():
        assert report.framework == "polyanion centres: P"
        assert report.polyanions == "PS4"
        assert report.rotation[0].verdict == "librating"
        verdicts = {s.name: s.diffusion.verdict for s in report.species if s.name != "Li"}
        assert set(verdicts.values()) == {"vibrating"}, verdicts


@pytest.mark.shared_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public trajectories are not there")
def test_solid_salt_has_no_mobile_species() -> None:
    reading = ReadOptions(frame_step_ps=0.05, temperature_k=800.0)
    report = analyse(read_trajectory(DATA / "nacl_800K_XDATCAR", reading))
    assert [s.diffusion.verdict for s in report.species] == ["vibrating", "vibrating"]
    assert "molten" not in report.flags


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


def test_weights_are_those_of_least_squares_with_an_intercept() -> None:
    """Exact on a line: the slope of a + b k is b for any intercept."""
    walk = np.random.default_rng(5).normal(size=200)
    fit = fit_slope(lambda lag: 3.0 + 0.7 * lag + 0.0 * walk[lag:], 2, 200, 3)
    assert fit.value == pytest.approx(0.7)
    assert fit.intercept == pytest.approx(3.0)


def test_kinisi_agrees_where_it_is_installed_and_is_asked_for_where_not() -> None:
    walk = np.cumsum(np.random.default_rng(6).normal(scale=0.3, size=(300, 50, 3)), axis=0)
    if not has_kinisi():
        with pytest.raises(MissingDependencyError, match=r"dualion\[kinisi\]"):
            kinisi_posterior(walk, 0.1, 0.1)
        return
    posterior = kinisi_posterior(walk, 0.1, 0.1)
    assert posterior.low_cm2_s < 4.5e-5 < posterior.high_cm2_s
