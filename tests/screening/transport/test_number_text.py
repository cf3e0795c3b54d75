"""Numbers as text: two digits of error, and a limit that is never below what it limits."""

from __future__ import annotations

import math

import pytest

from dualion.screening.transport.number_text import (
    diffusion_text,
    interval_text,
    kelvin_text,
    limit_text,
    measured_text,
    number_text,
)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.2345e-4, 1.13e-5, "(1.23 ± 0.11)e-4"),
        (0.30412, 0.0123, "0.304 ± 0.012"),
        (0.5, 0.0996, "0.50 ± 0.10"),
        (12345.0, 678.0, "12340 ± 680"),
        (-2e-7, 3e-6, "(-0.2 ± 3.0)e-6"),
        (1.0, 0.0, "1.00"),
    ],
)
def test_a_value_ends_where_its_error_ends(value: float, error: float, text: str) -> None:
    assert measured_text(value, error) == text


def test_limits_are_rounded_upwards_and_intervals_keep_their_ends_apart() -> None:
    assert limit_text(2.31e-6) == "< 2.4e-6"
    assert limit_text(0.5) == "< 0.50"
    assert limit_text(math.inf) == "no limit"
    assert interval_text(1.0371e-4, 1.0412e-4) == "1.0371e-4 … 1.0412e-4"
    assert interval_text(1.1e-5, 2.94e-5) == "1.10e-5 … 2.94e-5"
    assert number_text(0.0) == "0" and number_text(123456.0) == "1.23e5"
    assert diffusion_text("vibrating", 1e-5, 1e-6, 3e-8) == "D < 3.0e-8 cm²/s"
    assert diffusion_text("ballistic", 1e-5, 1e-6, math.inf) == "D has no limit"
    assert diffusion_text("diffusing", 1e-5, 1e-6, math.nan) == "D = (1.00 ± 0.10)e-5 cm²/s"


def test_a_temperature_has_a_tenth_of_a_kelvin() -> None:
    assert kelvin_text(500.305) == "500.3 K"
    assert kelvin_text(600.0) == "600 K"
    assert kelvin_text(math.nan) == "no known temperature"
