"""A number that never goes without its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
        """Whether the value exceeds its error."""
        return bool(np.isfinite(self.value) and self.error < abs(self.value))

    def text(self, digits: int = 2) -> str:
        """Print value ± error, or that it is not resolved."""
        if not self.resolved:
            limit = max(abs(self.low), abs(self.high))
            return (
                f"not resolved (|x| < {limit:.{digits}g})" if np.isfinite(limit) else "not resolved"
            )
        return f"{self.value:.{digits + 1}g} ± {self.error:.{digits}g}"


UNKNOWN = Measured(value=np.nan, error=np.inf, low=-np.inf, high=np.inf)
