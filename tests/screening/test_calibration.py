"""Calibrated barriers: against scipy's fit, their coverage, their order; the stored table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dualion.screening.calibration import (
    COVERAGE,
    MOVES_BELOW_EV,
    BarrierCalibration,
    MobilityModel,
    barrier_calibration,
    capped_root,
    ion_class,
    mobility_model,
)
from dualion.screening.calibration_table import BARRIERS, MOBILITY

STORED = [(key, name) for key, fits in BARRIERS.items() for name in fits]


def fitted(raw, known):
    """A calibration from scipy's own regression and its standard errors."""
    root = np.sqrt(raw)
    line = stats.linregress(root, known)
    freedom = len(raw) - 2
    residuals = known - line.intercept - line.slope * root
    return line, BarrierCalibration(
        intercept_ev=line.intercept,
        slope=line.slope,
        power=0.5,
        covariance=(line.intercept_stderr**2, -root.mean() * line.stderr**2, line.stderr**2),
        scatter_ev=math.sqrt(residuals @ residuals / freedom),
        count=len(raw),
        freedom=freedom,
        lowest_ev=float(raw.min()),
        highest_ev=float(raw.max()),
    )


def drawn(count, seed):
    """Barriers of a world in which the line holds, with a scatter of 0.2 eV."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.1, 3.0, count)
    return raw, 1.0 + 0.5 * np.sqrt(raw) + rng.normal(0.0, 0.2, count)


def test_the_interval_is_that_of_a_textbook_prediction():
    """Centre ± t s sqrt(1 + 1/n + (x - mean)²/Sxx), the other way of writing the covariance."""
    raw, known = drawn(20, 3)
    line, calibration = fitted(raw, known)
    root, x = np.sqrt(raw), math.sqrt(1.7)
    spread = ((root - root.mean()) ** 2).sum()
    error = calibration.scatter_ev * math.sqrt(1 + 1 / 20 + (x - root.mean()) ** 2 / spread)
    low, high = stats.t.interval(COVERAGE, 18, line.intercept + line.slope * x, error)
    found = calibration.barrier(1.7)
    assert (found.low_ev, found.high_ev) == pytest.approx((low, high), rel=1e-9)
    chance = stats.t.cdf((1.5 - line.intercept - line.slope * x) / error, 18)
    assert calibration.probability_below(1.7, 1.5) == pytest.approx(chance, rel=1e-9)


def test_intervals_hold_nine_tenths_of_new_barriers():
    inside = []
    for seed in range(200):
        _, calibration = fitted(*drawn(25, seed))
        new_raw, new_known = drawn(20, 10_000 + seed)
        for raw, known in zip(new_raw, new_known, strict=True):
            if found := calibration.barrier(raw):
                inside.append(found.low_ev <= known <= found.high_ev)
    assert np.mean(inside) == pytest.approx(COVERAGE, abs=0.02)


@pytest.mark.parametrize(("key", "name"), STORED)
def test_stored_lines_rise_and_hold_their_range(key, name):
    calibration = BarrierCalibration(**BARRIERS[key][name])
    raw = np.linspace(calibration.lowest_ev, calibration.highest_ev, 30)
    found = [calibration.barrier(float(value)) for value in raw]
    assert all(f.low_ev <= f.value_ev <= f.high_ev for f in found)
    assert np.all(np.diff([f.value_ev for f in found]) >= 0.0)
    chances = [calibration.probability_below(float(value)) for value in raw]
    assert np.all(np.diff(chances) <= 0.0)
    for outside in (
        calibration.highest_ev * 1.01,
        calibration.lowest_ev - 0.01,
        math.inf,
        math.nan,
    ):
        assert calibration.barrier(outside) is None
    assert calibration.probability_below(math.inf) == 0.0
    assert calibration.probability_below(50.0) == pytest.approx(chances[-1])
    assert math.isnan(calibration.probability_below(math.nan))


@pytest.mark.parametrize("mechanism", MOBILITY)
def test_higher_barriers_and_bonds_make_an_anion_less_mobile(mechanism):
    model = mobility_model(mechanism)
    chances = [model.probability(ev, 0.0) for ev in (0.0, 0.3, 1.0, 3.9, math.inf)]
    assert chances == sorted(chances, reverse=True)
    assert len(set(chances)) == 5
    assert model.probability(0.3, 1.0) < model.probability(0.3, 0.5) < model.probability(0.3, 0.0)
    assert math.isnan(model.probability(math.nan, 0.0))


def test_the_mobility_model_by_hand():
    """logit = 2 - 3·0.5 - 1 = -0.5 at 0.25 eV, bound."""
    model = MobilityModel(intercept=2.0, slope=-3.0, bound_slope=-1.0)
    assert model.probability(0.25, 1.0) == pytest.approx(1 / (1 + math.exp(0.5)))


@pytest.mark.parametrize(
    ("ion", "expected"),
    [("Li+", "Li+"), ("Na+", "Na+"), ("Mg2+", "multivalent cation"), ("F-", "halide"),
     ("S2-", "chalcogenide"), ("N3-", "other anion"), ("Mn3.5+", "multivalent cation")],
)  # fmt: skip
def test_classes_of_ions(ion, expected):
    assert ion_class(ion) == expected


def test_a_class_with_little_data_takes_the_pooled_line():
    pooled = BarrierCalibration(**BARRIERS["cation empty_lattice"]["pooled"])
    assert barrier_calibration("empty_lattice", "Cu+", "cation") == pooled
    assert barrier_calibration("empty_lattice", "Li+", "cation") != pooled
    assert barrier_calibration("interstitial", "I-", "anion") is None
    assert barrier_calibration("empty_lattice", "I-", "anion") is None
    assert MOVES_BELOW_EV == 0.8


def test_no_calibrated_barrier_is_below_zero():
    """Centre, and the ends of 90 %: ±1.671 standard deviations of a Student's t at 60 degrees."""
    line = BarrierCalibration(
        intercept_ev=-0.2, slope=1.0, power=1.0, covariance=(0.0, 0.0, 0.0), scatter_ev=0.1,
        count=62, freedom=60, lowest_ev=0.0, highest_ev=2.0,
    )  # fmt: skip
    reach = 0.1 * 1.6706  # tables of Student's t
    found = line.barrier(0.1)
    assert (found.value_ev, found.low_ev) == (0.0, 0.0)
    assert found.high_ev == pytest.approx(-0.1 + reach, abs=1e-4)
    assert line.barrier(0.0).high_ev == 0.0
    found = line.barrier(0.25)
    assert found.value_ev == pytest.approx(0.05)
    assert (found.low_ev, found.high_ev) == pytest.approx((0.0, 0.05 + reach), abs=1e-4)


def test_both_ends_of_the_range_belong_to_it():
    line = BarrierCalibration(**BARRIERS["cation empty_lattice"]["pooled"])
    for raw in (line.lowest_ev, line.highest_ev):
        assert line.applies(raw)
    assert not line.applies(line.lowest_ev * 0.999)
    assert not line.applies(line.highest_ev * 1.001)


def test_roots_of_barriers_tell_no_more_from_four_electronvolts_on():
    assert capped_root(-0.1) == 0.0
    assert capped_root(0.25) == 0.5
    assert capped_root(3.99) == pytest.approx(1.9975, abs=1e-4)
    assert capped_root(4.41) == capped_root(math.inf) == 2.0
