"""The fit of the calibration against independent ones."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def fit():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("fit_calibration")
    finally:
        sys.path.remove(str(BENCHMARKS))


def barriers(count, seed=1):
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.1, 3.0, count)
    return raw, 0.1 + 0.6 * np.sqrt(raw) + rng.normal(0.0, 0.2, count)


def test_line_and_covariance_are_those_of_scipy(fit):
    raw, known = barriers(300)
    found, line = fit.fit_saturating(raw, known), stats.linregress(np.sqrt(raw), known)
    assert (found.intercept_ev, found.slope) == pytest.approx((line.intercept, line.slope))
    _, covariance = optimize.curve_fit(lambda x, a, b: a + b * np.sqrt(x), raw, known)
    widened = found.covariance[2] / covariance[1, 1]
    assert 1.0 - 1e-6 <= widened < 1.2
    assert found.covariance[0] / covariance[0, 0] == pytest.approx(widened, rel=1e-5)
    assert found.covariance[1] / covariance[0, 1] == pytest.approx(widened, rel=1e-5)


def test_a_shift_is_the_mean_difference(fit):
    raw = np.array([0.2, 0.5, 1.0, 2.0])
    found = fit.fit_shift(raw, raw + np.array([0.1, 0.2, 0.3, 0.4]))
    assert found.intercept_ev == pytest.approx(0.25)
    assert (found.slope, found.power, found.freedom) == (1.0, 1.0, 3)


def test_heavy_tails_widen_the_scatter(fit):
    """Of 15 barriers the largest left-out residual is asked for, whatever the others are."""
    raw = np.linspace(0.1, 2.0, 15)
    errors = np.zeros(15)
    errors[7] = 1.0
    found = fit.fit_shift(raw, raw + errors)
    assert found.scatter_ev > 1.5 * np.std(errors, ddof=1)
    largest = found.barrier(float(raw[7])).high_ev
    assert largest >= raw[7] + 1.0


def test_mobility_is_the_maximum_of_its_penalised_likelihood(fit):
    rng = np.random.default_rng(2)
    roots, bound = rng.uniform(0.0, 2.0, 80), rng.integers(0, 2, 80)
    mobile = rng.uniform(size=80) < 1.0 / (1.0 + np.exp(3.0 * roots - 2.0))
    model = fit.fit_mobility(roots, bound, mobile)
    spread = np.array([roots.std(), bound.std()])

    def score(values):
        logits = values[0] + values[1] * roots + values[2] * bound
        residual = mobile - 1.0 / (1.0 + np.exp(-logits))
        penalty = values[1:] * spread**2
        return [residual.sum(), residual @ roots - penalty[0], residual @ bound - penalty[1]]

    root = optimize.root(score, [0.0, 0.0, 0.0]).x
    found = (model.intercept, model.slope, model.bound_slope)
    assert found == pytest.approx(tuple(root), abs=1e-3)


def test_a_class_of_few_has_no_line_of_its_own(fit):
    raw, known = barriers(60)
    classes = np.array(["Li+"] * 40 + ["K+"] * 20)
    assert set(fit.fit_classes(classes, raw, known)) == {"pooled", "Li+"}
