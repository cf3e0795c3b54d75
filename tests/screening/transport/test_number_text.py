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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001234, "0.00123"),
        (0.00099, "9.90e-4"),
        (12345.0, "12300"),
        (99999.0, "1.00e5"),
        (99.95, "100"),
        (1234.0, "1230"),
        (12.34, "12.3"),
        (-0.5, "-0.500"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_three_digits_without_an_exponent_from_a_thousandth_to_ten_thousands(
    value: float, text: str
) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.0, math.inf, "1.00"),
        (math.nan, 1.0, "nan"),
        (1.0, -0.1, "1.00"),
        (0.0, 0.02, "0.000 ± 0.020"),
        (2.0e5, 1.0e4, "(2.00 ± 0.10)e5"),
        (99999.0, 1.0, "(0.999990 ± 0.000010)e5"),
        (0.0123, 0.0011, "0.0123 ± 0.0011"),
        (0.00123, 0.00011, "0.00123 ± 0.00011"),
        (1.2e-5, 3.0, "0.0 ± 3.0"),
    ],
)
def test_unknown_errors_are_left_out_and_the_larger_sets_the_power(
    value: float, error: float, text: str
) -> None:
    assert measured_text(value, error) == text


def test_ends_of_intervals_and_limits() -> None:
    assert interval_text(-math.inf, 2.0) == "-inf … 2.00"
    assert interval_text(2.0, 2.0) == "2.00 … 2.00"
    assert interval_text(0.0, 2.0) == "0 … 2.0"
    assert interval_text(0.001, 20.0) == "0.001 … 20"
    assert limit_text(0.0) == "< 0"
    assert limit_text(2.3e-6) in ("< 2.3e-6", "< 2.4e-6")  # never below its own decimal
    assert limit_text(9.95) == "< 10"
    assert limit_text(101.0) == "< 110"


def test_a_limit_reads_the_same_from_the_table_that_holds_six_digits_of_it() -> None:
    for value in (2.3000004e-6, 2.3e-6, 2.2999996e-6, 9.9999999e-8, 1.0000001e-8, 4.56789123e-7):
        assert limit_text(value) == limit_text(float(f"{value:.6g}"))
    assert limit_text(2.3000004e-6) == "< 2.3e-6"
    assert limit_text(2.30001e-6) == "< 2.4e-6"
