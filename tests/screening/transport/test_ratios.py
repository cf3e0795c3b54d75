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


def ends_of(a: float, reach_a: float, b: float, reach_b: float) -> np.ndarray:
    """Roots ρ of (a − ρb)² = reach_a² + ρ² reach_b²."""
    return np.sort(np.roots([b**2 - reach_b**2, -2.0 * a * b, a**2 - reach_a**2]).real)


@pytest.mark.parametrize("unit", [1.0, 1e-7])
def test_each_end_of_a_ratio_takes_the_facing_ends(unit: float) -> None:
    """MOVER-R: low from top's low and bottom's high, high from the others."""
    top = Measured(value=3.0 * unit, error=0.5 * unit, low=2.2 * unit, high=4.5 * unit)
    bottom = Measured(value=2.0 * unit, error=0.2 * unit, low=1.7 * unit, high=2.6 * unit)
    found = positive_ratio(top, bottom)
    assert found.value == pytest.approx(1.5)
    assert found.error == pytest.approx(1.5 * np.hypot(0.5 / 3.0, 0.2 / 2.0))
    assert found.low == pytest.approx(ends_of(3.0, 0.8, 2.0, 0.6)[0])
    assert found.high == pytest.approx(ends_of(3.0, 1.5, 2.0, 0.3)[1])


def test_a_ratio_without_one_end_of_a_part_has_no_end_there() -> None:
    known = Measured(value=2.0, error=0.2, low=1.6, high=2.4)
    no_low = Measured(value=2.0, error=0.2, low=-np.inf, high=2.4)
    no_high = Measured(value=2.0, error=0.2, low=1.6, high=np.inf)
    assert positive_ratio(no_low, known).low == 0.0
    assert positive_ratio(known, no_high).low == 0.0
    assert np.isfinite(positive_ratio(known, no_high).high)
    assert positive_ratio(no_high, known).high == np.inf
    assert positive_ratio(no_high, known).low > 0.0
    assert positive_ratio(known, Measured(value=2.0, error=1.0, low=0.0, high=3.0)).high == np.inf
    under = Measured(value=2.0, error=1.5, low=-1.0, high=5.0)
    assert positive_ratio(under, known).low == 0.0


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_ratio_of_what_is_no_positive_number_is_unknown(value: float) -> None:
    known, other = normal(2.0, 0.2), Measured(value=value, error=0.1, low=-1.0, high=1.0)
    assert positive_ratio(known, other) is UNKNOWN
    assert positive_ratio(other, known) is UNKNOWN


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_a_share_has_the_roots_of_fieller(unit: float) -> None:
    """(p − ρ(p + r))² = z²((1 − ρ)² σ_p² + ρ² σ_r²), and the error to first order."""
    p, sp, r, sr = 1.0, 0.2, 3.0, 0.5
    found = share(p * unit, sp * unit, r * unit, sr * unit)
    total, variance = p + r, sp**2 + sr**2
    roots = np.roots(
        [total**2 - Z**2 * variance, -2.0 * (p * total - Z**2 * sp**2), p**2 - Z**2 * sp**2]
    )
    assert [found.low, found.high] == pytest.approx(sorted(roots.real))
    assert found.value == pytest.approx(0.25)
    assert found.error == pytest.approx(np.hypot(r * sp, p * sr) / total**2)
    assert share(-1.0, 0.1, -3.0, 0.1) is UNKNOWN
    assert share(np.inf, 0.1, 3.0, 0.1) is UNKNOWN


def test_a_share_of_a_sum_within_its_interval_of_zero_is_unknown() -> None:
    """z σ of the sum is 1.96: a sum of 1.9 may be zero, one of 2.1 may not."""
    assert share(0.95, 1.0, 0.95, 0.0) is UNKNOWN
    assert share(1.05, 1.0, 1.05, 0.0) is not UNKNOWN
    exact = share(1.0, 0.0, 3.0, 0.0)
    assert (exact.low, exact.high) == (0.25, 0.25)
