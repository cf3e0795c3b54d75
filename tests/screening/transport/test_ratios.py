"""Intervals of ratios, against draws and against Fieller's own formula."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.measured import UNKNOWN, Measured
from dualion.screening.transport.ratios import positive_ratio, share

Z = 1.959963985


def normal(value: float, error: float) -> Measured:
    return Measured(value=value, error=error, low=value - Z * error, high=value + Z * error)


@pytest.mark.parametrize(("a", "b"), [((3.0, 0.4), (2.0, 0.3)), ((1.0, 0.05), (5.0, 1.2))])
def test_symmetric_intervals_give_the_roots_of_fieller(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    """The ends solve (a − ρb)² = z²(σ_a² + ρ²σ_b²)."""
    square = [
        b[0] ** 2 - Z**2 * b[1] ** 2,
        -2.0 * a[0] * b[0],
        a[0] ** 2 - Z**2 * a[1] ** 2,
    ]
    found = positive_ratio(normal(*a), normal(*b))
    assert [found.low, found.high] == pytest.approx(sorted(np.roots(square).real))


def test_the_interval_of_a_ratio_holds_the_truth_in_95_of_100() -> None:
    """Also where the lower number is hardly known, where first-order errors fail."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(4000):
        top, bottom = rng.normal(2.0, 0.2), rng.normal(1.0, 0.35)
        found = positive_ratio(normal(top, 0.2), normal(bottom, 0.35))
        held.append(found is UNKNOWN or found.low <= 2.0 <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_a_ratio_to_what_may_be_nothing_has_no_upper_limit() -> None:
    found = positive_ratio(normal(2.0, 0.1), normal(1.0, 0.6))
    assert 0.0 < found.low < 2.0
    assert found.high == np.inf
    assert positive_ratio(normal(2.0, 0.1), normal(-1.0, 0.1)) is UNKNOWN


def test_a_ratio_of_skewed_numbers_follows_their_ends() -> None:
    """A variance of ten normal draws over the truth: interval by χ², as a slope's is."""
    from scipy import stats

    rng = np.random.default_rng(2)
    high, low = (10.0 / stats.chi2.ppf([0.025, 0.975], 10)).tolist()
    held = []
    for _ in range(4000):
        measured = rng.chisquare(10, 2) / 10.0
        one, other = (
            Measured(value=v, error=v * np.sqrt(0.2), low=v * low, high=v * high) for v in measured
        )
        found = positive_ratio(one, other)
        held.append(found.low <= 1.0 <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_a_share_holds_the_truth_in_95_of_100() -> None:
    rng = np.random.default_rng(3)
    held, widths = [], []
    for _ in range(4000):
        part, rest = rng.normal(1.0, 0.3), rng.normal(3.0, 0.6)
        found = share(part, 0.3, rest, 0.6)
        held.append(found.low <= 0.25 <= found.high)
        widths.append(found.error)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    assert share(0.1, 1.0, 0.1, 1.0) is UNKNOWN
