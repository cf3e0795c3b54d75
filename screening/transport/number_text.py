"""Numbers as text: an error has two digits, and its value ends where the error ends."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

FIXED = range(-3, 5)
"""Powers of ten that are written without an exponent."""

TABLE_DIGITS = 6
"""Digits of a number in the tables of MD runs."""

NO_LIMIT = "no limit"


def number_text(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits.

    Args:
        value: the number.
        digits: significant digits, 1 at least.
    """
    if not math.isfinite(value) or value == 0.0:
        return f"{value:g}"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if int(power) not in FIXED:
        return f"{mantissa}e{int(power)}"
    last = digits - 1 - int(power)
    return f"{round(value, last):.{max(last, 0)}f}"


def measured_text(value: float, error: float) -> str:
    """Write a value with its error, both to the second digit of the error.

    Args:
        value: the number.
        error: its standard error; one of 0 or unknown is not written.
    """
    if not math.isfinite(error) or not math.isfinite(value) or error <= 0.0:
        return number_text(value)
    last = _last_power(error)
    power = max(_power(value), _power(error))
    if power in FIXED:
        decimals = max(-last, 0)
        return f"{round(value, -last):.{decimals}f} ± {round(error, -last):.{decimals}f}"
    decimals, unit = max(power - last, 0), 10.0**power
    return f"({value / unit:.{decimals}f} ± {error / unit:.{decimals}f})e{power}"


def interval_text(low: float, high: float) -> str:
    """Write an interval with two digits of half its width.

    Args:
        low: lower end; minus infinity where there is none.
        high: upper end; infinity where there is none.
    """
    width = 0.5 * (high - low)
    if not math.isfinite(width) or width <= 0.0:
        return f"{number_text(low)} … {number_text(high)}"
    last = _last_power(width)
    return " … ".join(number_text(end, max(_power(end) - last + 1, 1)) for end in (low, high))


def limit_text(upper: float) -> str:
    """Write an upper limit with two digits, rounded upwards; or that there is none."""
    return f"< {rounded_up(upper)}" if math.isfinite(upper) else NO_LIMIT


def rounded_up(upper: float) -> str:
    """Write a finite number with two digits, rounded upwards."""
    exact = Decimal(f"{upper:.{TABLE_DIGITS - 1}e}")  # as tables hold it, so that all agree
    if not exact:
        return "0"
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    return number_text(float(exact.quantize(step, rounding=ROUND_CEILING)), 2)


def kelvin_text(temperature_k: float) -> str:
    """Write a temperature with a tenth of a kelvin where it has one."""
    if not math.isfinite(temperature_k):
        return "no known temperature"
    return f"{round(temperature_k, 1):g} K"


def diffusion_text(verdict: str, d_cm2_s: float, error_cm2_s: float, upper_cm2_s: float) -> str:
    """Write D of an ion, with its error where it diffuses, else its upper limit.

    Args:
        verdict: what the ion does.
        d_cm2_s: D, cm²/s.
        error_cm2_s: its standard error, cm²/s.
        upper_cm2_s: the upper limit of an ion that does not diffuse, cm²/s.
    """
    if verdict == "diffusing":
        return f"D = {measured_text(d_cm2_s, error_cm2_s)} cm²/s"
    limit = limit_text(upper_cm2_s)
    return f"D {limit} cm²/s" if limit != NO_LIMIT else "D has no limit"


def _power(value: float) -> int:
    return int(f"{value:.1e}".split("e")[1]) if value else 0


def _last_power(error: float) -> int:
    """Power of ten of the second digit of an error."""
    return _power(error) - 1
