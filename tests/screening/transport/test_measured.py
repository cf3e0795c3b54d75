"""Numbers are told with their errors, or are not told."""

from __future__ import annotations

import numpy as np
import pytest

from dualion.screening.transport.measured import UNKNOWN, Measured


@pytest.mark.parametrize(
    ("value", "error", "resolved"),
    [
        (1.0, 0.99, True),
        (1.0, 1.0, False),
        (-1.0, 0.99, False),  # negative within its interval of zero
        (-1.0, 1.0, False),
        (0.0, 0.0, False),
    ],
)
def test_a_number_is_resolved_where_it_exceeds_its_error(
    value: float, error: float, resolved: bool
) -> None:
    assert Measured(value=value, error=error, low=-3.0, high=2.0).resolved is resolved


def test_what_is_not_resolved_is_told_as_a_limit() -> None:
    known = Measured(value=0.1234, error=0.0123, low=0.1, high=0.15)
    assert known.text() == "0.123 ± 0.012"
    vague = Measured(value=0.1, error=0.2, low=-0.35, high=0.5)
    assert vague.text() == "not resolved (|x| < 0.50)"
    assert (
        Measured(value=-0.1, error=0.2, low=-0.55, high=0.3).text() == "not resolved (|x| < 0.55)"
    )
    assert UNKNOWN.text() == "not resolved"
    assert Measured(value=np.nan, error=np.inf, low=0.0, high=0.0).text() == "not resolved"
    assert not Measured(value=np.inf, error=1.0, low=0.0, high=np.inf).resolved


@pytest.mark.parametrize(("high", "resolved"), [(-0.01, True), (0.0, False)])
def test_a_negative_number_is_resolved_where_its_interval_is_below_zero(
    high: float, resolved: bool
) -> None:
    assert Measured(value=-1.0, error=0.4, low=-2.0, high=high).resolved is resolved
    assert Measured(value=-1.0, error=1.0, low=-3.0, high=high).resolved is False


def test_a_number_without_error_is_fixed_and_told_alone() -> None:
    fixed = Measured(value=0.5, error=0.0, low=0.5, high=0.5)
    assert fixed.fixed
    assert fixed.text() == "0.500"
    assert Measured(value=0.0, error=0.0, low=0.0, high=0.0).text() == "0"
    assert not Measured(value=np.nan, error=0.0, low=0.0, high=0.0).fixed
    assert not Measured(value=0.5, error=1e-9, low=0.5, high=0.5).fixed
    half = Measured(value=0.1, error=0.2, low=-np.inf, high=0.5)
    assert half.text() == "not resolved"
