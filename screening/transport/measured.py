"""A number that never goes without its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dualion.screening.transport.number_text import measured_text, number_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its error.

    Attributes:
        value: the estimate.
        error: standard error; ``inf`` where nothing is known.
        low: lower end of the 95 % interval.
        high: upper end.
    """

    value: float
    error: float
    low: float
    high: float

    @property
    def resolved(self) -> bool:
        """Whether the value exceeds its error, and is not negative within its interval of zero."""
        known = bool(np.isfinite(self.value)) and self.error < abs(self.value)
        return known and (self.value > 0.0 or self.high < 0.0)

    @property
    def fixed(self) -> bool:
        """Whether the number follows from the choice of the frame, without error."""
        return bool(np.isfinite(self.value)) and self.error == 0.0

    def text(self) -> str:
        """Print value ± error, or that it is not resolved."""
        if self.fixed:
            return number_text(self.value)
        if self.resolved:
            return measured_text(self.value, self.error)
        limit = max(abs(self.low), abs(self.high))
        return (
            f"not resolved (|x| < {number_text(limit, 2)})"
            if 0.0 < limit < np.inf
            else "not resolved"
        )


UNKNOWN = Measured(value=np.nan, error=np.inf, low=-np.inf, high=np.inf)
